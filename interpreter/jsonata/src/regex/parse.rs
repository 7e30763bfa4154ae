//! From a pattern to a tree.

/// Part of a pattern.
#[derive(Debug)]
pub(super) enum Tree {
    Empty,
    One(One),
    Start,
    End,
    /// `\b`, or `\B` if false.
    WordBoundary(bool),
    /// A group with its number, from 1.
    Group(usize, Box<Tree>),
    Look {
        ahead: bool,
        positive: bool,
        inner: Box<Tree>,
    },
    BackReference(usize),
    Concat(Vec<Tree>),
    Either(Vec<Tree>),
    /// `groups` are the numbers of the groups inside, which each round starts without.
    Repeat {
        inner: Box<Tree>,
        min: u32,
        max: u32,
        greedy: bool,
        groups: (usize, usize),
    },
}

/// What matches one character.
#[derive(Clone, Debug)]
pub(super) enum One {
    Char(char),
    /// `.`: all but the ends of lines.
    Any,
    Class {
        parts: Vec<Part>,
        negated: bool,
    },
}

/// Part of a class of characters.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Range(char, char),
    Digit(bool),
    Word(bool),
    Space(bool),
    Property(Property, bool),
}

/// A property of characters, as Java names them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Property {
    Letter,
    Upper,
    Lower,
    Number,
    Alphanumeric,
    Punctuation,
    Space,
}

/// How deep groups may be nested.
const DEPTH_MAX: usize = 100;

/// No upper bound.
pub(super) const UNBOUNDED: u32 = u32::MAX;

pub(super) fn parse(pattern: &str) -> Result<Tree, String> {
    let names = group_names(pattern);
    let mut parser = Parser { rest: pattern.chars().peekable(), groups: 0, depth: 0, names, pattern_groups: count_groups(pattern) };
    let tree = parser.either()?;
    match parser.rest.next() {
        None => Ok(tree),
        Some(c) => Err(format!("unexpected `{c}`")),
    }
}

struct Parser<'p> {
    rest: std::iter::Peekable<std::str::Chars<'p>>,
    groups: usize,
    depth: usize,
    /// Names of groups with their numbers.
    names: Vec<(String, usize)>,
    pattern_groups: usize,
}

/// The number of groups, which tells a back-reference from an octal escape.
fn count_groups(pattern: &str) -> usize {
    let mut count = 0;
    walk_groups(pattern, |_| count += 1);
    count
}

fn group_names(pattern: &str) -> Vec<(String, usize)> {
    let (mut names, mut number) = (Vec::new(), 0);
    walk_groups(pattern, |name| {
        number += 1;
        if let Some(name) = name {
            names.push((name.to_owned(), number));
        }
    });
    names
}

/// Calls `found` for each group that captures, with its name.
fn walk_groups(pattern: &str, mut found: impl FnMut(Option<&str>)) {
    let (mut in_class, mut escaped) = (false, false);
    for (at, c) in pattern.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match c {
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => {
                let after = pattern.get(at + 1..).unwrap_or("");
                match after.strip_prefix('?') {
                    None => found(None),
                    Some(special) => {
                        let name = special.strip_prefix('<').filter(|name| !name.starts_with(['=', '!']));
                        if let Some((name, _)) = name.and_then(|name| name.split_once('>')) {
                            found(Some(name));
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

impl Parser<'_> {
    fn eat(&mut self, c: char) -> bool {
        self.rest.next_if_eq(&c).is_some()
    }

    fn either(&mut self) -> Result<Tree, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("nested too deep".into());
        }
        let mut choices = vec![self.concat()?];
        while self.eat('|') {
            choices.push(self.concat()?);
        }
        self.depth -= 1;
        Ok(if choices.len() == 1 { choices.pop().unwrap_or(Tree::Empty) } else { Tree::Either(choices) })
    }

    fn concat(&mut self) -> Result<Tree, String> {
        let mut parts = Vec::new();
        while self.rest.peek().is_some_and(|c| !matches!(c, '|' | ')')) {
            let before = self.groups;
            let atom = self.atom()?;
            parts.push(self.repeat(atom, before)?);
        }
        Ok(match parts.len() {
            0 => Tree::Empty,
            1 => parts.pop().unwrap_or(Tree::Empty),
            _ => Tree::Concat(parts),
        })
    }

    fn repeat(&mut self, atom: Tree, groups_before: usize) -> Result<Tree, String> {
        let (min, max) = match self.rest.peek() {
            Some('*') => (0, UNBOUNDED),
            Some('+') => (1, UNBOUNDED),
            Some('?') => (0, 1),
            Some('{') => match self.braces() {
                Some(bounds) => bounds,
                None => return Ok(atom),
            },
            _ => return Ok(atom),
        };
        self.rest.next();
        if matches!(atom, Tree::Start | Tree::End | Tree::WordBoundary(_)) {
            return Err("nothing to repeat".into());
        }
        if max < min {
            return Err("numbers out of order in {} quantifier".into());
        }
        let greedy = !self.eat('?');
        if self.rest.peek().is_some_and(|c| matches!(c, '*' | '+' | '?')) {
            return Err("nothing to repeat".into());
        }
        Ok(Tree::Repeat { inner: Box::new(atom), min, max, greedy, groups: (groups_before + 1, self.groups + 1) })
    }

    /// `{2}`, `{2,}` or `{2,3}`; anything else in braces stands for itself. The last character is left to be passed over.
    fn braces(&mut self) -> Option<(u32, u32)> {
        let mut ahead = self.rest.clone();
        ahead.next();
        let number = |ahead: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut value = None;
            while let Some(digit) = ahead.peek().and_then(|c| c.to_digit(10)) {
                ahead.next();
                value = Some(value.unwrap_or(0_u32).saturating_mul(10).saturating_add(digit));
            }
            value
        };
        let min = number(&mut ahead)?;
        let max = if ahead.next_if_eq(&',').is_some() { number(&mut ahead).unwrap_or(UNBOUNDED) } else { min };
        // The brace is the quantifier's last character, which the caller passes over.
        (ahead.peek() == Some(&'}')).then_some(())?;
        self.rest = ahead;
        Some((min, max))
    }

    fn atom(&mut self) -> Result<Tree, String> {
        Ok(match self.rest.next() {
            None => Tree::Empty,
            Some('^') => Tree::Start,
            Some('$') => Tree::End,
            Some('.') => Tree::One(One::Any),
            Some('(') => return self.group(),
            Some('[') => return self.class(),
            Some('\\') => return self.escape(),
            Some('*' | '+' | '?') => return Err("nothing to repeat".into()),
            Some('{') if self.looks_like_quantifier() => return Err("nothing to repeat".into()),
            Some(c) => Tree::One(One::Char(c)),
        })
    }

    fn looks_like_quantifier(&self) -> bool {
        let mut parser = Parser { rest: self.rest.clone(), groups: 0, depth: 0, names: Vec::new(), pattern_groups: 0 };
        let mut digits = false;
        while parser.rest.next_if(char::is_ascii_digit).is_some() {
            digits = true;
        }
        if parser.eat(',') {
            while parser.rest.next_if(char::is_ascii_digit).is_some() {}
        }
        digits && parser.eat('}')
    }

    fn group(&mut self) -> Result<Tree, String> {
        let mut look = None;
        let mut number = None;
        if self.eat('?') {
            match self.rest.next() {
                Some(':') => {}
                Some('=') => look = Some((true, true)),
                Some('!') => look = Some((true, false)),
                Some('<') if self.eat('=') => look = Some((false, true)),
                Some('<') if self.eat('!') => look = Some((false, false)),
                Some('<') => {
                    let name = self.name()?;
                    if self.names.iter().filter(|(known, _)| *known == name).count() > 1 {
                        return Err("duplicate capture group name".into());
                    }
                    self.groups += 1;
                    number = Some(self.groups);
                }
                _ => return Err("invalid group".into()),
            }
        } else {
            self.groups += 1;
            number = Some(self.groups);
        }
        let inner = self.either()?;
        if !self.eat(')') {
            return Err("unterminated group".into());
        }
        Ok(match (look, number) {
            (Some((ahead, positive)), _) => Tree::Look { ahead, positive, inner: Box::new(inner) },
            (None, Some(number)) => Tree::Group(number, Box::new(inner)),
            (None, None) => inner,
        })
    }

    fn name(&mut self) -> Result<String, String> {
        let mut name = String::new();
        loop {
            match self.rest.next() {
                Some('>') if !name.is_empty() => return Ok(name),
                Some(c) if c.is_alphanumeric() || c == '_' || c == '$' => name.push(c),
                _ => return Err("invalid capture group name".into()),
            }
        }
    }

    fn escape(&mut self) -> Result<Tree, String> {
        let Some(&c) = self.rest.peek() else { return Err("\\ at end of pattern".into()) };
        match c {
            'b' | 'B' => {
                self.rest.next();
                return Ok(Tree::WordBoundary(c == 'b'));
            }
            'k' if !self.names.is_empty() => {
                self.rest.next();
                if !self.eat('<') {
                    return Err("invalid named reference".into());
                }
                let name = self.name()?;
                let found = self.names.iter().find(|(known, _)| *known == name);
                return found.map(|(_, number)| Tree::BackReference(*number)).ok_or_else(|| "invalid named reference".into());
            }
            '1'..='9' => {
                let mut ahead = self.rest.clone();
                let mut number = 0_usize;
                while let Some(digit) = ahead.peek().and_then(|c| c.to_digit(10)) {
                    number = number.saturating_mul(10).saturating_add(digit as usize);
                    ahead.next();
                }
                if number <= self.pattern_groups {
                    self.rest = ahead;
                    return Ok(Tree::BackReference(number));
                }
            }
            _ => {}
        }
        Ok(Tree::One(match self.escaped()? {
            Part::Range(c, _) => One::Char(c),
            part => One::Class { parts: vec![part], negated: false },
        }))
    }

    /// What an escape stands for that means the same inside and outside of a class.
    fn escaped(&mut self) -> Result<Part, String> {
        let c = self.rest.next().ok_or("\\ at end of pattern")?;
        let c = match c {
            'd' | 'D' => return Ok(Part::Digit(c == 'd')),
            'w' | 'W' => return Ok(Part::Word(c == 'w')),
            's' | 'S' => return Ok(Part::Space(c == 's')),
            'p' | 'P' if self.rest.peek() == Some(&'{') => return self.property(c == 'p'),
            't' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            '0' => '\0',
            'x' => self.hex(2).unwrap_or('x'),
            'u' => self.hex(4).unwrap_or('u'),
            'c' => match self.rest.next_if(char::is_ascii_alphabetic) {
                Some(letter) => char::from(letter as u8 % 32),
                None => 'c',
            },
            c => c,
        };
        Ok(Part::Range(c, c))
    }

    fn hex(&mut self, digits: usize) -> Option<char> {
        let mut ahead = self.rest.clone();
        let unit = |ahead: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            (0..digits).try_fold(0, |sum, _| Some(sum * 16 + ahead.next()?.to_digit(16)?))
        };
        let mut value = unit(&mut ahead)?;
        self.rest = ahead.clone();
        if (0xd800..0xdc00).contains(&value) && ahead.next() == Some('\\') && ahead.next() == Some('u') {
            let low = unit(&mut ahead).filter(|low| (0xdc00..0xe000).contains(low));
            if let Some(low) = low {
                self.rest = ahead;
                value = 0x1_0000 + ((value - 0xd800) << 10) + (low - 0xdc00);
            }
        }
        Some(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn property(&mut self, positive: bool) -> Result<Part, String> {
        self.rest.next();
        let mut name = String::new();
        loop {
            match self.rest.next() {
                Some('}') => break,
                Some(c) => name.push(c),
                None => return Err("invalid property name".into()),
            }
        }
        let property = match name.strip_prefix("Is").unwrap_or(&name) {
            "L" | "Alpha" | "Alphabetic" | "Letter" => Property::Letter,
            "Lu" | "Upper" | "Uppercase" => Property::Upper,
            "Ll" | "Lower" | "Lowercase" => Property::Lower,
            "N" | "Nd" | "Digit" => Property::Number,
            "Alnum" => Property::Alphanumeric,
            "P" | "Punct" | "Punctuation" => Property::Punctuation,
            "Z" | "Zs" | "Space" | "White_Space" => Property::Space,
            _ => return Err("invalid property name".into()),
        };
        Ok(Part::Property(property, positive))
    }

    fn class(&mut self) -> Result<Tree, String> {
        let negated = self.eat('^');
        let mut parts = Vec::new();
        loop {
            let low = match self.rest.next() {
                None => return Err("unterminated character class".into()),
                Some(']') => break,
                Some('\\') => self.class_escape()?,
                Some(c) => Part::Range(c, c),
            };
            let mut ahead = self.rest.clone();
            if ahead.next() != Some('-') || matches!(ahead.peek(), None | Some(']')) {
                parts.push(low);
                continue;
            }
            self.rest = ahead;
            let high = match self.rest.next() {
                None => return Err("unterminated character class".into()),
                Some('\\') => self.class_escape()?,
                Some(c) => Part::Range(c, c),
            };
            match (low, high) {
                (Part::Range(low, _), Part::Range(high, _)) if low <= high => parts.push(Part::Range(low, high)),
                (Part::Range(..), Part::Range(..)) => return Err("range out of order in character class".into()),
                (low, high) => parts.extend([low, Part::Range('-', '-'), high]),
            }
        }
        Ok(Tree::One(One::Class { parts, negated }))
    }

    fn class_escape(&mut self) -> Result<Part, String> {
        if self.eat('b') { Ok(Part::Range('\u{8}', '\u{8}')) } else { self.escaped() }
    }
}
