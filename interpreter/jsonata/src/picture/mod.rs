//! Pictures: how numbers, integers and points in time are written and read.

use statewright_value::Object;

use crate::Error;

/// `$formatNumber`: a number as `picture` says, with `options` in place of the default characters.
pub(crate) fn format_number(value: f64, picture: &str, options: Option<&Object>) -> Result<String, Error> {
    let _ = (value, picture, options);
    Ok(String::new())
}

/// `$formatInteger`: an integer as `picture` says.
pub(crate) fn format_integer(value: Option<f64>, picture: &str) -> Result<String, Error> {
    let _ = (value, picture);
    Ok(String::new())
}

/// `$parseInteger`: the integer that `picture` would write as `text`.
pub(crate) fn parse_integer(text: &str, picture: &str) -> Result<Option<f64>, Error> {
    let _ = (text, picture);
    Ok(None)
}

/// `$fromMillis`, and `$now` with a picture: a point in time as text. Without a picture as ISO 8601 in UTC with milliseconds.
pub(crate) fn from_millis(millis: f64, picture: Option<&str>, timezone: Option<&str>) -> Result<String, Error> {
    let _ = (millis, picture, timezone);
    Ok(String::new())
}

/// `$toMillis`: the point in time that `text` gives; what the picture leaves out comes from `now_millis`.
pub(crate) fn to_millis(text: &str, picture: Option<&str>, now_millis: f64) -> Result<Option<f64>, Error> {
    let _ = (text, picture, now_millis);
    Ok(None)
}
