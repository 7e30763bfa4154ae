//! Regular expressions in JavaScript's syntax.
//!
//! An engine of our own: look-around and back-references need backtracking, and backtracking needs a bound, which here is the
//! evaluation's own bound on steps. It keeps its place on an explicit stack, so that no pattern and no text overflows the native one.

mod machine;
mod parse;
mod program;

use smallvec::SmallVec;

use crate::Error;
use crate::meter::Meter;
use program::Program;

/// A regular expression that is ready to match.
#[derive(Debug)]
pub(crate) struct Regex {
    pattern: Box<str>,
    program: Program,
}

/// A match: where it and each of its groups are, in bytes. A group that took no part is nowhere.
#[derive(Clone, Debug)]
pub(crate) struct Match {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) groups: SmallVec<[Option<(usize, usize)>; 4]>,
}

impl Regex {
    /// Compiles a pattern. `ignore_case` is the flag `i`, `multiline` the flag `m`.
    pub(crate) fn compile(pattern: &str, ignore_case: bool, multiline: bool) -> Result<Self, Error> {
        let tree = parse::parse(pattern).map_err(|message| Error::new("S0303").with("message", message))?;
        let program = program::compile(&tree, ignore_case, multiline);
        Ok(Self { pattern: pattern.into(), program })
    }

    /// As it was written, between its slashes.
    pub(crate) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The first match that starts at byte `from` or after it.
    pub(crate) fn find(&self, text: &str, from: usize, meter: &Meter) -> Result<Option<Match>, Error> {
        machine::find(&self.program, text, from, meter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::Limits;

    fn matches(pattern: &str, flags: &str, text: &str) -> Option<Vec<String>> {
        let regex = Regex::compile(pattern, flags.contains('i'), flags.contains('m')).unwrap();
        let found = regex.find(text, 0, &Meter::new(&Limits::AWS)).unwrap()?;
        let mut out = vec![text[found.start..found.end].to_owned()];
        out.extend(found.groups.iter().map(|group| group.map_or("-".to_owned(), |(from, to)| text[from..to].to_owned())));
        Some(out)
    }

    #[test]
    fn patterns_match_as_in_javascript() {
        let table: &[(&str, &str, &str, &[&str])] = &[
            ("ab*c", "", "xabbbc", &["abbbc"]),
            ("a.c", "", "a\nc abc", &["abc"]),
            ("(a|ab)(c|bcd)(d*)", "", "abcd", &["abcd", "a", "bcd", ""]),
            ("a{2,3}", "", "aaaa", &["aaa"]),
            ("a{2,3}?", "", "aaaa", &["aa"]),
            ("(?:ab){2}", "", "ababab", &["abab"]),
            ("(z)((a+)?(b+)?(c))*", "", "zaacbbbcac", &["zaacbbbcac", "z", "ac", "a", "-", "c"]),
            ("(?=(a+))a*b\\1", "", "baaabac", &["aba", "a"]),
            ("(.*?)a(?!(a+)b\\2c)\\2(.*)", "", "baaabaac", &["baaabaac", "ba", "-", "abaac"]),
            ("(?<=\\$)\\d+", "", "a1 $42", &["42"]),
            ("(?<!\\$)\\b\\d+", "", "$42 17", &["17"]),
            ("^b", "m", "a\nb", &["b"]),
            ("HELLO", "i", "say hello", &["hello"]),
            ("[^\\s,]+", "", " ,x1y ", &["x1y"]),
            ("[a-c\\-]+", "", "zz-ab", &["-ab"]),
            ("(?<year>\\d{4})-\\k<year>", "", "2020-2020", &["2020-2020", "2020"]),
            ("\\u00e9+", "", "caféé", &["éé"]),
            ("(a*)*", "", "b", &["", "-"]),
            ("(a*)+", "", "b", &["", ""]),
            ("x{,2}", "", "x{,2}", &["x{,2}"]),
            ("[]|b", "", "b", &["b"]),
            ("[^]", "", "\n", &["\n"]),
        ];
        for (pattern, flags, text, expected) in table {
            let found = matches(pattern, flags, text);
            assert_eq!(found.as_deref(), Some(&expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..]), "/{pattern}/");
        }
        assert_eq!(matches("^b", "", "a\nb"), None);
        assert_eq!(matches("a$", "", "a\n"), None);
    }

    #[test]
    fn a_pattern_that_backtracks_without_end_is_stopped() {
        let regex = Regex::compile("^(a+)+$", false, false).unwrap();
        let text = "a".repeat(40) + "b";
        assert!(regex.find(&text, 0, &Meter::new(&Limits::AWS)).is_err());
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["(", ")", "[a", "a**", "?", "a{2,1}", "\\", "(?<n>a)(?<n>b)", "[b-a]", "(?x)"] {
            assert!(Regex::compile(pattern, false, false).is_err(), "/{pattern}/");
        }
        assert!(Regex::compile(&"(".repeat(100_000), false, false).is_err());
    }
}
