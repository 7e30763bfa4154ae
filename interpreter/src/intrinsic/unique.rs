//! `States.UUID`.

use statewright_value::Value;

use crate::inputs::Draws;

/// `States.UUID()`: a version 4 UUID, as RFC 9562 lays it out, in lower case.
///
/// Source: developer guide, "Intrinsic for unique identifier generation".
pub(super) fn uuid(draws: &Draws) -> Value {
    const VERSION: u64 = 0x4 << 12;
    const VARIANT: u64 = 0b10 << 62;
    let high = (draws.next_u64() & !(0xf << 12)) | VERSION;
    let low = (draws.next_u64() & !(0b11 << 62)) | VARIANT;
    Value::from(format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    ))
}
