//! YAML 1.2 with positions, in the core schema: of plain scalars only `null`, `true`, `false` and numbers are not text. A key is
//! always text, whatever it looks like.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use statewright_value::DEPTH_MAX;

use super::substitution::Substitutions;
use super::{Bytes, Kind, Member, Node, Refusal, Style, Text, json};

/// How many nodes the aliases of a text may stand for altogether, so that a short text cannot mean a huge tree.
const ALIASED_NODES_MAX: usize = 100_000;

/// What the parser says of a quoted scalar whose further lines are not indented more than its key.
const NOT_INDENTED: &str = "invalid indentation in quoted scalar";
/// How many such scalars are put up with.
const NOT_INDENTED_MAX: usize = 64;

/// Reads the one document of a YAML text. A byte order mark before it is skipped.
///
/// The further lines of a quoted scalar may be indented as little as one likes. YAML forbids it, but the parsers that most tools
/// read definitions with (libyaml, js-yaml) do not mind.
pub(super) fn parse(text: &str, substitutions: &mut Substitutions<'_>) -> Result<Node, Refusal> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let offsets = Offsets::of(body, text.len() - body.len());
    let mut refusal = match read(body, offsets, substitutions) {
        Err(Refusal::Syntax { message, span, noticed_at }) if message == NOT_INDENTED => {
            Refusal::Syntax { message, span, noticed_at }
        }
        read => return read,
    };
    let mut indented = Indented::of(body, text.len() - body.len());
    for _ in 0..NOT_INDENTED_MAX {
        let Refusal::Syntax { noticed_at, .. } = refusal else { break };
        indented.indent_scalar(noticed_at);
        let (body, offsets) = indented.text();
        match read(&body, offsets, substitutions) {
            Err(Refusal::Syntax { message, span, noticed_at }) if message == NOT_INDENTED => {
                refusal = Refusal::Syntax { message, span, noticed_at };
            }
            read => return read,
        }
    }
    Err(refusal)
}

/// A text to which blanks are added, with the bytes that its characters had at first.
struct Indented {
    characters: Vec<(char, usize)>,
    end: usize,
}

impl Indented {
    fn of(body: &str, before: usize) -> Self {
        Self { characters: body.char_indices().map(|(at, c)| (c, before + at)).collect(), end: before + body.len() }
    }

    /// Moves the further lines of the quoted scalar that begins at byte `start` behind its opening quote. Blanks at the beginning
    /// of such lines are not part of the scalar.
    fn indent_scalar(&mut self, start: usize) {
        let Some(start) = self.characters.iter().position(|&(c, at)| at == start && c != ' ') else { return };
        let Some(&(quote, _)) = self.characters.get(start) else { return };
        let column = self.characters.iter().take(start).rev().take_while(|&&(c, _)| c != '\n').count();
        let mut indented: Vec<(char, usize)> = self.characters.drain(..=start).collect();
        let mut rest = std::mem::take(&mut self.characters).into_iter().peekable();
        while let Some((c, at)) = rest.next() {
            indented.push((c, at));
            match c {
                '\n' => indented.extend(std::iter::repeat_n((' ', at + 1), column + 1)),
                '\\' if quote == '"' => indented.extend(rest.next()),
                // In single quotes two of them stand for one.
                '\'' if quote == c && rest.peek().is_some_and(|&(next, _)| next == quote) => indented.extend(rest.next()),
                _ if c == quote => break,
                _ => {}
            }
        }
        indented.extend(rest);
        self.characters = indented;
    }

    fn text(&self) -> (String, Offsets) {
        let text = self.characters.iter().map(|&(c, _)| c).collect();
        let starts = self.characters.iter().map(|&(_, at)| at).chain([self.end]).collect();
        (text, Offsets { before: 0, starts })
    }
}

fn read(body: &str, offsets: Offsets, substitutions: &mut Substitutions<'_>) -> Result<Node, Refusal> {
    let mut reader =
        Reader { events: Parser::new_from_str(body), offsets, anchors: Vec::new(), aliased: 0, depth: 0, substitutions };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event if root.is_none() => root = Some(reader.node(event, span)?.0),
            _ => return Err(reader.refusal("the text holds more than one document", span)),
        }
    }
    root.ok_or_else(|| Refusal::Syntax { message: "the text holds no document".to_owned(), span: Bytes::default(), noticed_at: 0 })
}

struct Reader<'t, 's, 'o> {
    events: Parser<'t, StrInput<'t>>,
    offsets: Offsets,
    /// What anchors stand for, and of how many nodes it consists.
    anchors: Vec<Option<(Node, usize)>>,
    aliased: usize,
    depth: usize,
    substitutions: &'s mut Substitutions<'o>,
}

/// A node and the number of nodes in it.
type Counted = (Node, usize);

impl<'t> Reader<'t, '_, '_> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Refusal> {
        match self.events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(self.scan_error(&error)),
            None => Err(Refusal::Syntax { message: "the text ends too early".to_owned(), span: Bytes::default(), noticed_at: 0 }),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span) -> Result<Counted, Refusal> {
        let (node, anchor) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                let kind = self.scalar(&text, style, tag.as_deref());
                ((Node { kind, span: self.bytes(span) }, 1), anchor)
            }
            Event::SequenceStart(anchor, tag) => (self.collection(span, tag, false)?, anchor),
            Event::MappingStart(anchor, tag) => (self.collection(span, tag, true)?, anchor),
            _ => return Err(self.refusal("a value is missing", span)),
        };
        if anchor > 0 {
            if self.anchors.len() <= anchor {
                self.anchors.resize_with(anchor + 1, || None);
            }
            if let Some(slot) = self.anchors.get_mut(anchor) {
                *slot = Some(node.clone());
            }
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Counted, Refusal> {
        let Some(Some((node, size))) = self.anchors.get(anchor) else {
            return Err(self.refusal("an alias of a value that holds the alias, or of none", span));
        };
        self.aliased += size;
        let depth = self.depth + nesting(node);
        if self.aliased > ALIASED_NODES_MAX {
            return Err(self.refusal("the aliases stand for too many values", span));
        }
        if depth > DEPTH_MAX {
            return Err(Refusal::TooDeep(self.bytes(span)));
        }
        Ok((node.clone(), *size))
    }

    fn collection(&mut self, start: Span, tag: Option<Cow<'t, Tag>>, is_mapping: bool) -> Result<Counted, Refusal> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Refusal::TooDeep(self.bytes(start)));
        }
        let (mut members, mut items, mut size) = (Vec::new(), Vec::new(), 1);
        let end = loop {
            let (event, span) = self.next()?;
            match event {
                Event::SequenceEnd | Event::MappingEnd => break span,
                event if is_mapping => {
                    let (key, key_span) = self.key(event, span)?;
                    let (event, span) = self.next()?;
                    let (value, nodes) = self.node(event, span)?;
                    size += nodes;
                    members.push(Member { key: key.text, key_span, value });
                }
                event => {
                    let (item, nodes) = self.node(event, span)?;
                    size += nodes;
                    items.push(item);
                }
            }
        };
        self.depth -= 1;
        let span = Bytes::new(self.bytes(start).start, self.bytes(end).end);
        let kind = match tag.as_deref().and_then(short_name) {
            // A function of CloudFormation, whose value is not known here.
            Some(name) => {
                self.substitutions.value(&format!("!{name}"));
                Kind::Text(Text { text: format!("${{!{name}}}").into(), unresolved: true, style: Style::Plain })
            }
            None if is_mapping => Kind::Object(members),
            None => Kind::Array(items),
        };
        Ok((Node { kind, span }, size))
    }

    fn key(&mut self, event: Event<'t>, span: Span) -> Result<(Text, Bytes), Refusal> {
        match event {
            Event::Scalar(text, style, ..) => {
                let (text, unresolved) = self.substitutions.replace(&text);
                Ok((Text { text: text.as_ref().into(), unresolved, style: style_of(style) }, self.bytes(span)))
            }
            Event::Alias(anchor) => match self.anchors.get(anchor) {
                Some(Some((Node { kind: Kind::Text(text), .. }, _))) => Ok((text.clone(), self.bytes(span))),
                _ => Err(self.refusal("a key must be text", span)),
            },
            _ => Err(self.refusal("a key must be text", span)),
        }
    }

    fn scalar(&mut self, written: &str, scalar_style: ScalarStyle, tag: Option<&Tag>) -> Kind {
        let style = style_of(scalar_style);
        let cloud_formation = match tag.and_then(short_name) {
            Some("Ref" | "GetAtt") => Some(format!("${{{written}}}")),
            Some("Sub") => Some(written.to_owned()),
            Some(name) => {
                self.substitutions.value(&format!("!{name}"));
                return Kind::Text(Text { text: format!("${{!{name} {written}}}").into(), unresolved: true, style });
            }
            None => None,
        };
        let (text, unresolved) = self.substitutions.replace(cloud_formation.as_deref().unwrap_or(written));
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        if style == Style::Plain
            && !is_text
            && !unresolved
            && let Some(kind) = plain(&text)
        {
            return kind;
        }
        Kind::Text(Text { text: text.as_ref().into(), unresolved, style })
    }

    fn bytes(&self, span: Span) -> Bytes {
        Bytes::new(self.offsets.byte(span.start.index()), self.offsets.byte(span.end.index()))
    }

    fn refusal(&self, message: &str, span: Span) -> Refusal {
        let span = self.bytes(span);
        Refusal::Syntax { message: message.to_owned(), span, noticed_at: span.start }
    }

    fn scan_error(&self, error: &ScanError) -> Refusal {
        let at = self.offsets.byte(error.marker().index());
        Refusal::Syntax { message: error.info().to_owned(), span: Bytes::new(at, at), noticed_at: at }
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

/// The name of a tag that is not YAML's own: `Sub` of `!Sub`.
fn short_name(tag: &Tag) -> Option<&str> {
    (!tag.is_yaml_core_schema() && !tag.suffix.is_empty()).then_some(&*tag.suffix)
}

/// How deeply arrays and objects are nested in a node.
fn nesting(node: &Node) -> usize {
    match &node.kind {
        Kind::Array(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        Kind::Object(members) => 1 + members.iter().map(|member| nesting(&member.value)).max().unwrap_or(0),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => 0,
    }
}

/// A plain scalar that is not text. Source: YAML 1.2.2, "Core Schema".
fn plain(text: &str) -> Option<Kind> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Kind::Null),
        "true" | "True" | "TRUE" => return Some(Kind::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Kind::Bool(false)),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let radix = |prefix, radix| Some(i64::from_str_radix(text.strip_prefix(prefix)?, radix).ok()?.into());
    let number = if let Some(number) = radix("0o", 8).or_else(|| radix("0x", 16)) {
        Some(number)
    } else if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        json::number(text.trim_start_matches('+'), true)
    } else if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.bytes().all(|byte| b"0123456789.eE+-".contains(&byte))
    {
        json::number(text, false)
    } else {
        None
    };
    number.map(Kind::Number)
}

/// From characters, in which the parser counts, to bytes.
struct Offsets {
    before: usize,
    /// The byte each character begins at; empty when all characters are one byte long.
    starts: Vec<usize>,
}

impl Offsets {
    fn of(text: &str, before: usize) -> Self {
        let starts = if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).chain([text.len()]).collect() };
        Self { before, starts }
    }

    fn byte(&self, character: usize) -> usize {
        let at = if self.starts.is_empty() { Some(character) } else { self.starts.get(character).or(self.starts.last()).copied() };
        self.before + at.unwrap_or(0)
    }
}
