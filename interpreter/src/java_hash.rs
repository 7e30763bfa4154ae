//! The order in which a Java `HashMap` with string keys is iterated. The service shows it in three places: `States.JsonMerge`,
//! the members of payload templates whose names end in `.$`, and what services answer its integrations.

/// The slots of a new table (`DEFAULT_INITIAL_CAPACITY`).
const CAPACITY: usize = 16;
/// A slot with so many keys grows when one more comes (`TREEIFY_THRESHOLD`) …
const CHAIN_MAX: usize = 8;
/// … by doubling a table smaller than this (`MIN_TREEIFY_CAPACITY`), else by becoming a tree.
const TREE_CAPACITY: usize = 64;

/// The positions of `keys` in the order in which a `HashMap` is iterated that they were put into one after the other. A key that
/// occurs twice is listed twice; callers have distinct keys.
///
/// A slot is chosen by the low bits of the spread hash, keys in one slot stay in the order in which they came, and the table doubles
/// when more than three quarters of its slots' number are keys, or when a slot of a small table holds more than eight. Not
/// emulated: in a table of 64 slots and more, nine keys in one slot become a tree, whose root Java moves to the front of the slot.
/// It takes nine names with the same low six bits of the hash, in a table that large, which only names made for it have.
///
/// Source: OpenJDK `java.util.HashMap` (`hash`, `putVal`, `resize`, `treeifyBin`); that the service iterates one is inferred from the
/// order of members in recorded outputs.
#[must_use]
pub fn iteration_order<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<usize> {
    let mut table = Table { slots: vec![Vec::new(); CAPACITY], len: 0 };
    for key in keys {
        table.put(spread(string_hash(key)));
    }
    table.slots.iter().flatten().map(|&(_, position)| position).collect()
}

/// Java's `String.hashCode`: over UTF-16 code units, wrapping at 32 bits.
fn string_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash: u32, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)))
}

/// What `HashMap` makes of a hash code, because it takes the slot from the low bits only.
fn spread(hash: u32) -> u32 {
    hash ^ (hash >> 16)
}

struct Table {
    /// Each slot's keys: spread hash and position.
    slots: Vec<Vec<(u32, usize)>>,
    len: usize,
}

impl Table {
    fn put(&mut self, hash: u32) {
        let (position, capacity) = (self.len, self.slots.len());
        let Some(slot) = self.slots.get_mut(hash as usize & (capacity - 1)) else { return };
        slot.push((hash, position));
        let crowded = slot.len() > CHAIN_MAX;
        self.len += 1;
        if crowded && capacity < TREE_CAPACITY {
            self.double();
        }
        if self.len * 4 > self.slots.len() * 3 {
            self.double();
        }
    }

    fn double(&mut self) {
        let capacity = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![Vec::new(); capacity]);
        for key in old.into_iter().flatten() {
            if let Some(slot) = self.slots.get_mut(key.0 as usize & (capacity - 1)) {
                slot.push(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order<'a>(keys: &[&'a str]) -> Vec<&'a str> {
        iteration_order(keys.iter().copied()).into_iter().map(|at| keys[at]).collect()
    }

    #[test]
    fn hashes_are_those_of_java_strings() {
        assert_eq!(string_hash(""), 0);
        assert_eq!(string_hash("Aa"), 2112);
        assert_eq!(string_hash("BB"), 2112);
        assert_eq!(string_hash("hello"), 99_162_322);
        assert_eq!(string_hash("polygenelubricants"), i32::MIN.cast_unsigned());
        assert_eq!(string_hash("\u{1f600}"), 0xd83d * 31 + 0xde00);
    }

    #[test]
    fn keys_come_by_slot_and_within_a_slot_as_they_were_put() {
        assert_eq!(order(&[]), [""; 0]);
        assert_eq!(order(&["c", "b", "a"]), ["a", "b", "c"]);
        // 'p' is 112, slot 0 of 16; 'a' is 97, slot 1.
        assert_eq!(order(&["a", "p"]), ["p", "a"]);
        assert_eq!(order(&["BB", "Aa"]), ["BB", "Aa"]);
        assert_eq!(order(&["Aa", "BB"]), ["Aa", "BB"]);
    }

    #[test]
    fn orders_are_those_that_openjdk_gives() {
        let put = "k5ma5 k7oa8 kbt7 kiuil khf75 k7wuc ka2md kfuhh kdhk3 k94qm kbum3 k7boy k7ubk kenq7 k96uh";
        let iterated = "ka2md k7oa8 kdhk3 k96uh k7wuc kbt7 kfuhh kenq7 k5ma5 k7ubk kiuil khf75 kbum3 k94qm k7boy";
        assert_eq!(order(&put.split(' ').collect::<Vec<_>>()).join(" "), iterated);
    }

    #[test]
    fn the_table_doubles_with_the_thirteenth_key() {
        let twelve = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "p"];
        assert_eq!(order(&twelve)[..2], ["p", "a"]);
        let thirteen = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "p", "l"];
        assert_eq!(order(&thirteen)[..2], ["a", "b"], "'p' has slot 16 of 32");
    }

    #[test]
    fn a_crowded_slot_doubles_a_small_table() {
        // 'p' comes before 'a' in 16 slots and after it in 32.
        let p_is_first = |count: usize| {
            let same = (0..count).map(|n| [8, 4, 2, 1].map(|bit| if n & bit == 0 { "Aa" } else { "BB" }).concat());
            let keys: Vec<String> = same.chain(["a".to_owned(), "p".to_owned()]).collect();
            let order = iteration_order(keys.iter().map(String::as_str));
            order.iter().position(|at| *at == count + 1) < order.iter().position(|at| *at == count)
        };
        assert!(p_is_first(8));
        assert!(!p_is_first(9));
    }

    #[test]
    fn a_crowded_slot_does_not_double_a_table_of_64_slots() {
        // Ten keys in one slot make a table of 64; 'B' comes before '0' in it, and behind in 128 slots.
        let same = (0..12).map(|n| [8, 4, 2, 1].map(|bit| if n & bit == 0 { "Aa" } else { "BB" }).concat());
        let keys: Vec<String> = same.chain(["0".to_owned(), "B".to_owned()]).collect();
        let order = order(&keys.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(order.iter().filter(|key| key.len() == 1).copied().collect::<String>(), "B0");
    }
}
