//! What a function says about its work: lines of JSON on the standard error, one for each thing to know. No line holds an input, an output
//! or a credential.
//!
//! Lambda passes lines on as they are that are JSON, and goes by their `level` and `timestamp` where the template has the log format JSON.
//!
//! Source: Lambda developer guide, "Log-level filtering".

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};

use statewright_engine::{Clock as _, SystemClock};
use statewright_interpreter::time::Timestamp;

static LINES: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// How many lines this process has written, those of metrics included, and their bytes: what is charged for.
#[must_use]
pub fn written() -> (u64, u64) {
    (LINES.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed))
}

/// A line as it is written, counted.
pub(crate) fn counted(line: &serde_json::Value) -> String {
    let line = line.to_string();
    LINES.fetch_add(1, Ordering::Relaxed);
    BYTES.fetch_add(line.len() as u64, Ordering::Relaxed);
    line
}

/// Somebody should look: something was not done, and was not left to somebody else either.
pub fn error(what: &str, about: &[(&str, &dyn Display)]) {
    say("ERROR", what, about);
}

/// Something went wrong that is made up for.
pub fn warn(what: &str, about: &[(&str, &dyn Display)]) {
    say("WARN", what, about);
}

/// Something worth knowing.
pub fn info(what: &str, about: &[(&str, &dyn Display)]) {
    say("INFO", what, about);
}

#[expect(clippy::print_stderr, reason = "it is the function's log")]
fn say(level: &str, what: &str, about: &[(&str, &dyn Display)]) {
    eprintln!("{}", counted(&line(level, what, about, SystemClock.now())));
}

fn line(level: &str, what: &str, about: &[(&str, &dyn Display)], now: Timestamp) -> serde_json::Value {
    let mut line = serde_json::Map::new();
    line.insert("timestamp".to_owned(), now.to_string().into());
    line.insert("level".to_owned(), level.into());
    line.insert("message".to_owned(), what.into());
    for (name, value) in about {
        line.insert((*name).to_owned(), value.to_string().into());
    }
    line.into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_line_is_one_object() {
        let about: [(&str, &dyn std::fmt::Display); 2] = [("execution", &"arn:a"), ("tries", &3)];
        let line = super::line("WARN", "it \"failed\"", &about, super::Timestamp(1500)).to_string();
        let expected =
            r#"{"timestamp":"1970-01-01T00:00:01.500Z","level":"WARN","message":"it \"failed\"","execution":"arn:a","tries":"3"}"#;
        assert_eq!(line, expected);
        let before = super::written();
        super::counted(&serde_json::json!({}));
        let after = super::written();
        assert!(after.0 > before.0 && after.1 >= before.1 + 2);
    }
}
