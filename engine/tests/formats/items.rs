//! Items as text, a line each.

use std::fmt::Write as _;

use statewright_engine::table::{Attribute, Item, Key};
use statewright_interpreter::time::Timestamp;

pub(super) fn to_text(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        let _ = write!(text, "{}\t{}\t{}", item.key.partition, item.key.sort, item.expires.map_or(0, |expires| expires.0));
        for (name, attribute) in &item.attributes {
            let _ = match attribute {
                Attribute::Text(value) => write!(text, "\t{name}=S{value}"),
                Attribute::Number(value) => write!(text, "\t{name}=N{value}"),
                Attribute::Bytes(bytes) => {
                    let hex = bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
                    write!(text, "\t{name}=B{hex}")
                }
            };
        }
        text.push('\n');
    }
    text
}

pub(super) fn from_text(text: &str) -> Vec<Item> {
    let item = |line: &str| {
        let mut parts = line.split('\t');
        let mut next = || parts.next().unwrap().to_owned();
        let (partition, sort, expires) = (next(), next(), next().parse::<i64>().unwrap());
        let mut item = Item::new(Key::new(partition, sort));
        item.expires = (expires != 0).then_some(Timestamp(expires));
        for part in parts {
            let (name, value) = part.split_once('=').unwrap();
            let (kind, value) = value.split_at(1);
            let bytes = |hex: &str| {
                hex.as_bytes().chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
            };
            let attribute = match kind {
                "S" => Attribute::Text(value.to_owned()),
                "N" => Attribute::Number(value.parse().unwrap()),
                _ => Attribute::Bytes(bytes(value)),
            };
            item.attributes.insert(name.to_owned().into(), attribute);
        }
        item
    };
    text.lines().map(item).collect()
}
