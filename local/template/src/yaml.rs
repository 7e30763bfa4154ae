//! YAML with tags and positions.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::{DEPTH_MAX, Kind, Member, Node, SyntaxError};

/// How many nodes the aliases of a text may stand for altogether, so that a short text cannot mean a huge tree.
const ALIASED_NODES_MAX: usize = 100_000;

pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let before = text.len() - body.len();
    let starts = body.char_indices().map(|(at, _)| before + at).chain([text.len()]).collect();
    let mut reader = Reader { text, events: Parser::new_from_str(body), starts, anchors: Vec::new(), aliased: 0, depth: 0 };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event if root.is_none() => root = Some(reader.node(event, span)?),
            _ => return Err(reader.error("the text holds more than one document", span)),
        }
    }
    root.ok_or_else(|| SyntaxError::at(text, 0, "the text holds nothing"))
}

struct Reader<'t> {
    text: &'t str,
    events: Parser<'t, StrInput<'t>>,
    /// The byte each character begins at: the parser counts characters.
    starts: Vec<usize>,
    anchors: Vec<(usize, Node)>,
    aliased: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), SyntaxError> {
        match self.events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(SyntaxError::at(self.text, self.byte(error.marker().index()), error.info())),
            None => Err(SyntaxError::at(self.text, self.text.len(), "the text ends too early")),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span) -> Result<Node, SyntaxError> {
        let (kind, tag, anchor, span) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                let kind = Kind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                (kind, tag.as_deref().and_then(short_name), anchor, self.bytes(span))
            }
            Event::SequenceStart(anchor, tag) => {
                let (items, end) = self.collection(span, Self::node)?;
                (Kind::Array(items), tag.as_deref().and_then(short_name), anchor, self.bytes(span).start..end)
            }
            Event::MappingStart(anchor, tag) => {
                let (members, end) = self.collection(span, Self::member)?;
                (Kind::Object(members), tag.as_deref().and_then(short_name), anchor, self.bytes(span).start..end)
            }
            _ => return Err(self.error("a value is missing", span)),
        };
        let node = Node { kind, tag, span, anchored: anchor > 0 };
        if anchor > 0 {
            self.anchors.push((anchor, node.clone()));
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, SyntaxError> {
        let Some((_, node)) = self.anchors.iter().rev().find(|known| known.0 == anchor) else {
            return Err(self.error("an alias of a value that holds the alias, or of none", span));
        };
        let mut node = node.clone();
        node.for_each(&mut |_| self.aliased += 1);
        if self.aliased > ALIASED_NODES_MAX {
            return Err(self.error("the aliases stand for too many values", span));
        }
        node.span = self.bytes(span);
        node.anchored = false;
        Ok(node)
    }

    /// What stands in a list or an object, and where that ends.
    fn collection<N>(
        &mut self,
        start: Span,
        read: fn(&mut Self, Event<'t>, Span) -> Result<N, SyntaxError>,
    ) -> Result<(Vec<N>, usize), SyntaxError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("arrays and objects are nested too deeply", start));
        }
        let mut nodes = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd | Event::MappingEnd) {
                self.depth -= 1;
                return Ok((nodes, self.bytes(span).end));
            }
            nodes.push(read(self, event, span)?);
        }
    }

    fn member(&mut self, event: Event<'t>, span: Span) -> Result<Member, SyntaxError> {
        let key_span = self.bytes(span);
        let key = self.node(event, span)?;
        let Some(key) = key.as_text().map(str::to_owned) else { return Err(self.error("a key must be text", span)) };
        let (event, span) = self.next()?;
        Ok(Member { key, key_span, value: self.node(event, span)? })
    }

    fn error(&self, message: &str, span: Span) -> SyntaxError {
        SyntaxError::at(self.text, self.bytes(span).start, message)
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        self.byte(span.start.index())..self.byte(span.end.index())
    }

    fn byte(&self, character: usize) -> usize {
        self.starts.get(character).copied().unwrap_or(self.text.len())
    }
}

/// The name of a tag that is not YAML's own: `Sub` of `!Sub`.
fn short_name(tag: &Tag) -> Option<String> {
    (!tag.is_yaml_core_schema() && !tag.suffix.is_empty()).then(|| tag.suffix.clone())
}
