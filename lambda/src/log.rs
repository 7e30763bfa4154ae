//! What a function says about its work: lines of JSON on the standard error, one for each thing to know. No line holds an input, an output
//! or a credential.

use std::fmt::Display;

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
    eprintln!("{}", line(level, what, about));
}

fn line(level: &str, what: &str, about: &[(&str, &dyn Display)]) -> serde_json::Value {
    let mut line = serde_json::Map::new();
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
        let line = super::line("WARN", "it \"failed\"", &[("execution", &"arn:a"), ("tries", &3)]);
        assert_eq!(line.to_string(), r#"{"level":"WARN","message":"it \"failed\"","execution":"arn:a","tries":"3"}"#);
    }
}
