//! Functions of time.

use super::{Given, arg};
use crate::Error;
use crate::eval::Machine;
use crate::item::Val;
use crate::number::Num;
use crate::picture;

#[expect(clippy::cast_precision_loss, reason = "times are far below 2^53 milliseconds")]
fn now_millis(machine: &mut Machine<'_, '_>) -> f64 {
    machine.now_millis() as f64
}

/// The length of a picture that takes as long as none, which is ISO 8601.
const ISO_BYTES: usize = 44;

pub(super) fn millis<'e>(machine: &mut Machine<'e, '_>, _: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    Ok(Val::Num(Num::Int(machine.now_millis())))
}

pub(super) fn now<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    machine.meter.picture(arg(args, 0).as_str().map_or(ISO_BYTES, str::len))?;
    let millis = now_millis(machine);
    let text = picture::from_millis(millis, arg(args, 0).as_str(), arg(args, 1).as_str())?;
    Val::text(text, machine.meter)
}

pub(super) fn from_millis<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    let Some(millis) = arg(args, 0).as_num() else { return Ok(Val::Undefined) };
    let picture = arg(args, 1).as_str();
    machine.meter.picture(picture.map_or(ISO_BYTES, str::len))?;
    Val::text(picture::from_millis(millis.as_f64(), picture, arg(args, 2).as_str())?, machine.meter)
}

pub(super) fn to_millis<'e>(machine: &mut Machine<'e, '_>, args: Given<'_, 'e>) -> Result<Val<'e>, Error> {
    let Some(text) = arg(args, 0).as_str() else { return Ok(Val::Undefined) };
    let picture = arg(args, 1).as_str();
    machine.meter.picture(picture.map_or(1, str::len))?;
    machine.meter.steps(text.len())?;
    let now = now_millis(machine);
    Ok(picture::to_millis(text, picture, now, machine.meter)?.map_or(Val::Undefined, |millis| Val::Num(Num::from_f64(millis))))
}
