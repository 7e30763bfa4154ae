//! The contract of a [`Table`] as checks. An implementation's tests call [`check`] with an empty table, or one nobody else uses
//! partitions of that begin with `prefix`.

use statewright_interpreter::time::Timestamp;

use super::{Attribute, Condition, Item, Key, Query, Table, WriteError, query_all};

/// Panics where `table` does not keep the contract.
///
/// # Panics
/// When `table` does not keep the contract.
pub async fn check(table: &impl Table, prefix: &str) {
    puts_and_conditions(table, &format!("{prefix}puts")).await;
    queries(table, &format!("{prefix}queries")).await;
    deletes(table, &format!("{prefix}deletes")).await;
    large_items(table, &format!("{prefix}large")).await;
}

fn item(partition: &str, sort: &str) -> Item {
    Item::new(Key::new(partition, sort))
}

async fn puts_and_conditions(table: &impl Table, partition: &str) {
    let now = Timestamp(1_000_000);
    let absent = || Condition::Absent(now);
    let first = item(partition, "a").text("status", "one").number("version", -1).bytes("body", vec![0, 255]);
    let key = first.key.clone();
    assert_eq!(table.get(&key).await, Ok(None));
    assert_eq!(table.put(first.clone(), absent()).await, Ok(()));
    assert_eq!(table.get(&key).await, Ok(Some(first.clone())), "all kinds of attributes come back");
    let second = item(partition, "a").text("status", "two").expiring(Timestamp(2_000_000));
    let refused = table.put(second.clone(), absent()).await;
    assert_eq!(refused, Err(WriteError::Refused(Some(Box::new(first.clone())))), "what stands there is told");
    let says_two = Condition::Says("status", Attribute::Text("two".to_owned()));
    let refused = table.put(second.clone(), says_two.clone()).await;
    assert_eq!(refused, Err(WriteError::Refused(Some(Box::new(first)))));
    let says_one = Condition::Says("status", Attribute::Text("one".to_owned()));
    assert_eq!(table.put(second.clone(), says_one).await, Ok(()));
    assert_eq!(table.get(&key).await, Ok(Some(second.clone())), "a put replaces the whole item");
    let before = table.put(item(partition, "a"), Condition::Absent(Timestamp(1_999_000))).await;
    assert_eq!(before, Err(WriteError::Refused(Some(Box::new(second)))));
    let third = item(partition, "a").text("status", "three");
    assert_eq!(table.put(third, Condition::Absent(Timestamp(2_000_000))).await, Ok(()), "expired is absent");
    let nothing = table.put(item(partition, "none"), says_two).await;
    assert_eq!(nothing, Err(WriteError::Refused(None)), "nothing says nothing");
    assert_eq!(table.put(item(partition, "a"), Condition::None).await, Ok(()));
}

async fn queries(table: &impl Table, partition: &str) {
    let sorts = ["0", "i#a", "i#b", "j#1", "j#2", "j#3", "é"];
    for sort in sorts.iter().rev() {
        assert_eq!(table.put(item(partition, sort).text("name", *sort), Condition::None).await, Ok(()));
    }
    table.put(item(&format!("{partition}2"), "j#0"), Condition::None).await.expect("a put without condition");
    let sorts_of = |items: Vec<Item>| items.into_iter().map(|item| item.key.sort).collect::<Vec<_>>();
    let all = Query::prefix(partition, "");
    assert_eq!(sorts_of(query_all(table, all.clone()).await.expect("a query")), sorts);
    let mut reversed = sorts.to_vec();
    reversed.reverse();
    assert_eq!(sorts_of(query_all(table, all.clone().backwards().limit(2)).await.expect("a query")), reversed, "in pages of two");
    assert_eq!(sorts_of(query_all(table, Query::prefix(partition, "j#").limit(1)).await.expect("a query")), ["j#1", "j#2", "j#3"]);
    let after = Query::prefix(partition, "j#").after(Some("j#1".to_owned()));
    assert_eq!(sorts_of(query_all(table, after).await.expect("a query")), ["j#2", "j#3"]);
    let before = Query::prefix(partition, "j#").backwards().after(Some("j#3".to_owned()));
    assert_eq!(sorts_of(query_all(table, before).await.expect("a query")), ["j#2", "j#1"]);
    let keys = [Key::new(partition, "j#2"), Key::new(partition, "none"), Key::new(partition, "0"), Key::new(partition, "0")];
    let mut found = sorts_of(table.get_all(&keys).await.expect("a read"));
    found.sort();
    assert_eq!(found, ["0", "j#2"], "each once");
    assert_eq!(table.get_all(&[]).await, Ok(vec![]));
    assert_eq!(query_all(table, Query::prefix(format!("{partition}none"), "")).await, Ok(vec![]));
}

async fn deletes(table: &impl Table, partition: &str) {
    let one = item(partition, "a").number("version", 1);
    let key = one.key.clone();
    table.put(one.clone(), Condition::None).await.expect("a put without condition");
    let refused = table.delete(&key, Condition::Says("version", Attribute::Number(2))).await;
    assert_eq!(refused, Err(WriteError::Refused(Some(Box::new(one)))));
    assert_eq!(table.delete(&key, Condition::Says("version", Attribute::Number(1))).await, Ok(()));
    assert_eq!(table.get(&key).await, Ok(None));
    assert_eq!(table.delete(&key, Condition::None).await, Ok(()), "what is not there is deleted");
}

/// Pages end where their bytes grow too many, and nothing gets lost there.
async fn large_items(table: &impl Table, partition: &str) {
    let count = 150_usize;
    for number in 0..count {
        let large = item(partition, &format!("{number:03}")).bytes("body", vec![u8::try_from(number).unwrap_or(0); 20_000]);
        table.put(large, Condition::None).await.expect("a put without condition");
    }
    let items = query_all(table, Query::prefix(partition, "")).await.expect("a query");
    assert_eq!(items.len(), count);
    let keys: Vec<Key> = items.into_iter().map(|item| item.key).collect();
    assert_eq!(table.get_all(&keys).await.map(|items| items.len()), Ok(count), "more than one batch");
}

#[cfg(test)]
mod tests {
    use super::super::MemoryTable;

    #[test]
    fn memory_keeps_the_contract() {
        pollster::block_on(super::check(&MemoryTable::default(), ""));
    }
}
