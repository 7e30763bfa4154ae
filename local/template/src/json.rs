//! JSON with positions.

use super::{DEPTH_MAX, Kind, Member, Node, SyntaxError};

pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let start = text.strip_prefix('\u{feff}').map_or(0, |rest| text.len() - rest.len());
    let mut reader = Reader { text, at: start, depth: 0 };
    let node = reader.value()?;
    reader.blanks();
    if reader.at < text.len() { Err(reader.error("something follows the value")) } else { Ok(node) }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, message: &str) -> SyntaxError {
        SyntaxError::at(self.text, self.at, message)
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    /// Takes `expected`, if that is what follows.
    fn takes(&mut self, expected: char) -> bool {
        self.blanks();
        let follows = self.rest().starts_with(expected);
        self.at += if follows { expected.len_utf8() } else { 0 };
        follows
    }

    fn value(&mut self) -> Result<Node, SyntaxError> {
        self.blanks();
        let start = self.at;
        let kind = match self.rest().chars().next() {
            Some('{') => self.nested(Self::object)?,
            Some('[') => self.nested(Self::array)?,
            Some('"') => Kind::Scalar { text: self.string()?, plain: false },
            Some(_) => Kind::Scalar { text: self.literal()?, plain: true },
            None => return Err(self.error("a value is missing")),
        };
        Ok(Node { kind, tag: None, span: start..self.at, anchored: false })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Kind, SyntaxError>) -> Result<Kind, SyntaxError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("arrays and objects are nested too deeply"));
        }
        self.at += 1;
        let kind = read(self)?;
        self.depth -= 1;
        Ok(kind)
    }

    fn object(&mut self) -> Result<Kind, SyntaxError> {
        let mut members: Vec<Member> = Vec::new();
        if self.takes('}') {
            return Ok(Kind::Object(members));
        }
        loop {
            self.blanks();
            let start = self.at;
            if !self.rest().starts_with('"') {
                return Err(self.error("the name of a member is missing"));
            }
            let key = self.string()?;
            let key_span = start..self.at;
            if !self.takes(':') {
                return Err(self.error("a `:` is missing"));
            }
            members.push(Member { key, key_span, value: self.value()? });
            if self.takes('}') {
                return Ok(Kind::Object(members));
            }
            if !self.takes(',') {
                return Err(self.error("a `,` or `}` is missing"));
            }
        }
    }

    fn array(&mut self) -> Result<Kind, SyntaxError> {
        let mut items = Vec::new();
        if self.takes(']') {
            return Ok(Kind::Array(items));
        }
        loop {
            items.push(self.value()?);
            if self.takes(']') {
                return Ok(Kind::Array(items));
            }
            if !self.takes(',') {
                return Err(self.error("a `,` or `]` is missing"));
            }
        }
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        let mut escaped = false;
        let end = self.rest().char_indices().skip(1).find(|&(_, character)| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        });
        let Some((end, _)) = end else { return Err(self.error("a text does not end")) };
        let written = self.rest().get(..=end).unwrap_or_default();
        let text = serde_json::from_str(written).map_err(|error| self.error(&error.to_string()))?;
        self.at += end + 1;
        Ok(text)
    }

    /// A number, `true`, `false` or `null`.
    fn literal(&mut self) -> Result<String, SyntaxError> {
        let end = self.rest().find(|character: char| !(character.is_ascii_alphanumeric() || "+-.".contains(character)));
        let written = self.rest().get(..end.unwrap_or(self.rest().len())).unwrap_or_default().to_owned();
        match serde_json::from_str::<serde_json::Value>(&written) {
            Ok(_) => {
                self.at += written.len();
                Ok(written)
            }
            Err(_) => Err(self.error("this is no value of JSON")),
        }
    }
}
