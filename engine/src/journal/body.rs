//! What a commit says, as bytes: sections, each a letter, a length and its content; small ones as JSON, payloads as their own text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use statewright_interpreter::execution::{FrameId, StoredPayload};
use statewright_interpreter::payload::PayloadId;

use crate::store::{Birth, Ledger, StoreError};

/// What a commit says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Body {
    /// The execution's head, JSON.
    pub(super) head: String,
    /// The frames that changed, JSON.
    pub(super) frames: BTreeMap<FrameId, String>,
    /// Results of children that came.
    pub(super) results: BTreeMap<(FrameId, u32), PayloadId>,
    /// Payloads that came, but for those that stand apart.
    pub(super) payloads: BTreeMap<PayloadId, StoredPayload>,
    /// The events, as the interpreter stores them; empty if there are none.
    pub(super) events: String,
    /// Everything else.
    pub(super) notes: Notes,
}

/// What a commit says about itself and the commits before it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Notes {
    /// In the first commit: what never changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) birth: Option<Birth>,
    /// What the driver noted.
    pub(super) ledger: Ledger,
    /// The live frames.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) live: Vec<FrameId>,
    /// The earlier commits that hold something which is still needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) needs: Vec<u32>,
    /// From which commit on the results of a frame's children count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) since: Vec<(FrameId, u32)>,
    /// Payloads of this commit that stand apart in the execution's own partition, each with the number of its parts. Only read: now they
    /// are spread.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) apart: Vec<(PayloadId, usize)>,
    /// Payloads of this commit that stand apart, spread over partitions, each with the number of its parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) spread: Vec<(PayloadId, usize)>,
    /// Payloads that the events, frames and arrays of this commit name, and the earlier commits that hold them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) refs: Vec<(PayloadId, u32)>,
    /// Keys of the inbox that are dealt with and not known to be deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) consumed: Vec<std::sync::Arc<str>>,
}

const HEAD: u8 = b'H';
const FRAME: u8 = b'F';
const RESULT: u8 = b'R';
const TEXT: u8 = b'T';
const ARRAY: u8 = b'A';
const EVENTS: u8 = b'E';
const NOTES: u8 = b'N';

impl Body {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // What changes most stands last, so that the beginning is like the one before.
        section(&mut out, HEAD, &[], self.head.as_bytes());
        for (id, frame) in &self.frames {
            section(&mut out, FRAME, &[id.0], frame.as_bytes());
        }
        for ((frame, slot), payload) in &self.results {
            section(&mut out, RESULT, &[frame.0, *slot, payload.0], &[]);
        }
        if !self.events.is_empty() {
            section(&mut out, EVENTS, &[], self.events.as_bytes());
        }
        section(&mut out, NOTES, &[], &serde_json::to_vec(&self.notes).expect("notes have text keys and no infinite numbers"));
        for (id, payload) in &self.payloads {
            match payload {
                StoredPayload::Text(text) => section(&mut out, TEXT, &[id.0], text.as_bytes()),
                StoredPayload::Array(parts) => {
                    let mut numbers = vec![id.0];
                    numbers.extend(parts.iter().map(|part| part.0));
                    section(&mut out, ARRAY, &numbers, &[]);
                }
            }
        }
        out
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut body = Self::default();
        let mut rest = bytes;
        while let Some((&letter, after)) = rest.split_first() {
            rest = after;
            let count = number(&mut rest)?;
            let mut numbers = Vec::new();
            for _ in 0..count {
                numbers.push(number(&mut rest)?);
            }
            let length = number(&mut rest)? as usize;
            let content = rest.get(..length).ok_or_else(damaged)?;
            rest = rest.get(length..).unwrap_or_default();
            let text = || std::str::from_utf8(content).map(str::to_owned).map_err(|_| damaged());
            match (letter, numbers.as_slice()) {
                (HEAD, []) => body.head = text()?,
                (FRAME, &[id]) => {
                    body.frames.insert(FrameId(id), text()?);
                }
                (RESULT, &[frame, slot, payload]) => {
                    body.results.insert((FrameId(frame), slot), PayloadId(payload));
                }
                (EVENTS, []) => body.events = text()?,
                (NOTES, []) => body.notes = serde_json::from_slice(content).map_err(|_| damaged())?,
                (TEXT, &[id]) => {
                    body.payloads.insert(PayloadId(id), StoredPayload::Text(text()?));
                }
                (ARRAY, [id, parts @ ..]) => {
                    let parts = parts.iter().map(|&part| PayloadId(part)).collect();
                    body.payloads.insert(PayloadId(*id), StoredPayload::Array(parts));
                }
                _ => return Err(damaged()),
            }
        }
        Ok(body)
    }
}

fn damaged() -> StoreError {
    StoreError::Unreadable("a commit is damaged".to_owned())
}

/// A letter, how many numbers, the numbers, how many bytes, the bytes.
fn section(out: &mut Vec<u8>, letter: u8, numbers: &[u32], content: &[u8]) {
    out.push(letter);
    put_number(out, numbers.len());
    for &number in numbers {
        put_number(out, number as usize);
    }
    put_number(out, content.len());
    out.extend_from_slice(content);
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put_number(out: &mut Vec<u8>, number: usize) {
    let mut number = number;
    while number > 0x7f {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

fn number(bytes: &mut &[u8]) -> Result<u32, StoreError> {
    let mut number = 0_u64;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or_else(damaged)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(number).map_err(|_| damaged());
        }
    }
    Err(damaged())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Body {
        Body {
            head: r#"{"format":1}"#.to_owned(),
            frames: [(FrameId(0), "{}".to_owned()), (FrameId(300), r#"{"a":1}"#.to_owned())].into(),
            results: [((FrameId(1), 70_000), PayloadId(5))].into(),
            payloads: [
                (PayloadId(1), StoredPayload::Text(" [1, 2]\n".to_owned())),
                (PayloadId(4_000_000_000), StoredPayload::Array(vec![PayloadId(1), PayloadId(128)])),
                (PayloadId(7), StoredPayload::Array(vec![])),
            ]
            .into(),
            events: r#"{"first":1,"events":[]}"#.to_owned(),
            notes: Notes { needs: vec![1, 2], live: vec![FrameId(0)], ..Notes::default() },
        }
    }

    #[test]
    fn a_body_comes_back() {
        assert_eq!(Body::from_bytes(&body().to_bytes()), Ok(body()));
        assert_eq!(Body::from_bytes(&Body::default().to_bytes()), Ok(Body::default()));
    }

    #[test]
    fn a_damaged_body_is_told() {
        let bytes = body().to_bytes();
        for end in 1..bytes.len() {
            // A body that ends between two sections is a body; anything else is refused.
            let _ = Body::from_bytes(&bytes[..end]);
            let mut damaged = bytes.clone();
            damaged[end] ^= 0x55;
            let _ = Body::from_bytes(&damaged);
        }
        assert!(Body::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Body::from_bytes(b"Z").is_err());
    }
}
