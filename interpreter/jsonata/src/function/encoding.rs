//! Base64 and the encoding of URLs.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Given, arg};
use crate::Error;
use crate::eval::Machine;
use crate::item::Val;

/// Reads with or without padding, and whatever the bits beyond the last byte are.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn measured<'e, 'a>(machine: &mut Machine<'e, '_>, args: Given<'a, 'e>) -> Result<Option<&'a str>, Error> {
    let text = arg(args, 0).as_str();
    if let Some(text) = text {
        machine.meter.steps(8 + text.len() / 4)?;
        machine.meter.foresee(text.len())?;
    }
    Ok(text)
}

pub(super) fn base64_encode<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    let Some(text) = measured(machine, args)? else { return Ok(Val::Undefined) };
    Val::text(BASE64.encode(text), machine.meter)
}

/// What is not Base64 fails without a code of JSONata's: Step Functions speaks of an internal error. Bytes that are no UTF-8 become U+FFFD.
pub(super) fn base64_decode<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    let Some(text) = measured(machine, args)? else { return Ok(Val::Undefined) };
    machine.meter.steps(text.len() / 2)?;
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = BASE64.decode(compact).map_err(|_| Error::of_function("INTERNAL", "not Base64"))?;
    Val::text(String::from_utf8_lossy(&bytes).into_owned(), machine.meter)
}

/// What stands for itself in a component of a URL.
const COMPONENT: &str = "-_.!~*'()";
/// What stands for itself in a whole URL.
const WHOLE: &str = "-_.!~*'();/?:@&=+$,#";

fn encode<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>, plain: &str) -> Result<Val<'e>, Error> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| HEX.get(usize::from(value)).map_or('0', |digit| char::from(*digit));
    let Some(text) = measured(machine, args)? else { return Ok(Val::Undefined) };
    machine.meter.steps(text.len() / 4)?;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', digit(byte >> 4), digit(byte & 0xf)]);
        }
    }
    Val::text(out, machine.meter)
}

pub(super) fn encode_url_component<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    encode(machine, args, COMPONENT)
}

pub(super) fn encode_url<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    encode(machine, args, WHOLE)
}

fn decode<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>, kept: &str, name: &str) -> Result<Val<'e>, Error> {
    let Some(text) = measured(machine, args)? else { return Ok(Val::Undefined) };
    let malformed = || Error::new("D3140").value(text).with("functionName", name);
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(malformed()) };
        let decoded = high * 16 + low;
        if kept.as_bytes().contains(&decoded) {
            out.extend(format!("%{decoded:02X}").bytes());
        } else {
            out.push(decoded);
        }
    }
    let decoded = String::from_utf8(out).map_err(|_| malformed())?;
    Val::text(decoded, machine.meter)
}

pub(super) fn decode_url_component<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    decode(machine, args, "", "decodeUrlComponent")
}

pub(super) fn decode_url<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    decode(machine, args, ";/?:@&=+$,#", "decodeUrl")
}
