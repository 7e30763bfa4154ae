//! Reading files and JSON, with messages that say what is wrong and where.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use statewright_interpreter::Value;

use crate::refusal::Refusal;

/// No file is read beyond this: 64 MiB.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A text that was read.
#[derive(Debug)]
pub(crate) struct Text {
    /// The text, without byte order mark.
    pub(crate) text: String,
    /// Something worth telling about it.
    pub(crate) note: Option<String>,
}

/// Reads a file that holds text in UTF-8. `what` it is goes into the messages.
///
/// # Errors
/// When it is not there, a directory, empty, too large, or not UTF-8.
pub(crate) fn read_text(path: &Path, what: &str) -> Result<Text, Refusal> {
    let shown = path.display();
    let cannot = |error: io::Error| {
        let message = match error.kind() {
            io::ErrorKind::NotFound => format!("{what} `{shown}` does not exist"),
            io::ErrorKind::PermissionDenied => format!("{what} `{shown}` may not be read: permission denied"),
            _ => format!("{what} `{shown}` cannot be read: {error}"),
        };
        let refusal = Refusal::new(message);
        if path.as_os_str() == "-" { refusal.help("standard input is called `/dev/stdin` here") } else { refusal }
    };
    if path.is_dir() {
        return Err(Refusal::new(format!("{what} `{shown}` is a directory")).help("name a file in it"));
    }
    let file = File::open(path).map_err(cannot)?;
    decode(&read_all(file).map_err(cannot)?, &format!("{what} `{shown}`"))
}

/// Reads text in UTF-8 from standard input.
///
/// # Errors
/// As [`read_text`].
pub(crate) fn read_stdin(what: &str) -> Result<Text, Refusal> {
    let bytes = read_all(io::stdin().lock())
        .map_err(|error| Refusal::new(format!("{what} cannot be read from standard input: {error}")))?;
    decode(&bytes, &format!("{what} on standard input"))
}

fn read_all(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn decode(bytes: &[u8], whose: &str) -> Result<Text, Refusal> {
    let save = "save it as UTF-8";
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Refusal::new(format!("{whose} is larger than {} MiB", FILE_BYTES_MAX >> 20)));
    }
    if let [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] = bytes {
        return Err(Refusal::new(format!("{whose} is UTF-32 text, not UTF-8")).help(save));
    }
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, 0, _, ..] | [_, 0, _, 0, ..] = bytes {
        return Err(Refusal::new(format!("{whose} is UTF-16 text, not UTF-8")).help(save));
    }
    let (bytes, note) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => (rest, Some(format!("{whose} starts with a byte order mark, which is ignored"))),
        bytes => (bytes, None),
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        Refusal::new(format!("{whose} is not UTF-8 text: line {line} holds a byte that cannot be there")).help(save)
    })?;
    if text.trim().is_empty() {
        return Err(Refusal::new(format!("{whose} is empty")));
    }
    Ok(Text { text: text.to_owned(), note })
}

/// Reads JSON in which no object has a member twice. `whose` it is goes into the messages, which name line and column.
///
/// # Errors
/// When it is no such JSON.
pub(crate) fn parse_json(text: &str, whose: &str) -> Result<Value, Refusal> {
    let value = Value::parse(text).map_err(|error| Refusal::new(format!("{whose} is not valid JSON: {error}")))?;
    if let Some(twice) = member_twice(text) {
        return Err(Refusal::new(format!("{whose} has {twice}")));
    }
    Ok(value)
}

/// The first member that its object has twice, and where: `` `a` twice in one object: at line 2 column 3 ``.
fn member_twice(text: &str) -> Option<String> {
    let found = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    let error = Unique(&found).deserialize(&mut reader).err()?;
    let (path, name) = found.into_inner()?;
    let within = if path.is_empty() { String::new() } else { format!(" (in `{path}`)") };
    // The reader stands behind the name.
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let behind = error.column().min(line.len());
    let column = line.get(..behind).and_then(start_of_string).unwrap_or(behind) + 1;
    let line = error.line();
    Some(format!("the member `{name}` twice in one object{within}, the second time at line {line} column {column}"))
}

/// Where the string begins whose closing quote `text` ends with.
fn start_of_string(text: &str) -> Option<usize> {
    let is_open = |&(at, _): &(usize, &str)| {
        let backslashes = text.bytes().take(at).collect::<Vec<_>>();
        backslashes.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 0
    };
    text.strip_suffix('"')?.rmatch_indices('"').find(is_open).map(|(at, _)| at)
}

/// Where a member stood that was there before, and its name.
type Twice = RefCell<Option<(String, String)>>;

/// Goes through JSON and stops at a member that was there before.
#[derive(Clone, Copy)]
struct Unique<'a>(&'a Twice);

impl Unique<'_> {
    /// Puts `segment` before the place that was found, on the way out.
    fn within<E>(self, segment: &str, result: Result<(), E>) -> Result<(), E> {
        if let Some((path, _)) = self.0.borrow_mut().as_mut().filter(|_| result.is_err()) {
            *path = format!("/{segment}{path}");
        }
        result
    }
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        loop {
            match items.next_element_seed(self) {
                Ok(None) => return Ok(()),
                Ok(Some(())) => index += 1,
                Err(error) => return self.within(&format!("{index}"), Err(error)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                *self.0.borrow_mut() = Some((String::new(), name));
                return Err(A::Error::custom("twice"));
            }
            self.within(&name, members.next_value_seed(self))?;
            names.insert(name);
        }
        Ok(())
    }
}

/// A JSON argument: the text itself, `@FILE`, or `-` for standard input.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn read_argument(argument: &str, what: &str) -> Result<(Text, String), Refusal> {
    if argument == "-" {
        return Ok((read_stdin(what)?, format!("{what} on standard input")));
    }
    if let Some(path) = argument.strip_prefix('@') {
        if path.is_empty() {
            return Err(Refusal::new(format!("{what} is `@` without a file")).help("write `@FILE`, or `-` for standard input"));
        }
        let text = read_text(Path::new(path), what)?;
        return Ok((text, format!("{what} `{path}`")));
    }
    if argument.trim().is_empty() {
        return Err(Refusal::new(format!("{what} is empty")));
    }
    Ok((Text { text: argument.to_owned(), note: None }, what.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_stands_twice_is_found() {
        assert_eq!(member_twice(r#"{"a":{"a":[1,{"b":null}]},"b":1}"#), None);
        let twice = member_twice("{\"x\":[0,{\"a\":1,\n\"a\":2}]}").unwrap();
        assert_eq!(twice, "the member `a` twice in one object (in `/x/1`), the second time at line 2 column 1");
        let escaped = member_twice(r#"{"a\"ü\\":1, "a\"\u00fc\\":2}"#).unwrap();
        assert!(escaped.ends_with("the second time at line 1 column 15"), "{escaped}");
    }
}
