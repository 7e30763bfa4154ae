//! Patterns with `*`, as policies have them.

/// A list of patterns in which `*` stands for any text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns(Vec<String>);

impl Patterns {
    /// Those in a list with commas.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        Self(list.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()).map(ToOwned::to_owned).collect())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them matches all of `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern, text))
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = text.get(at + part.len()..).unwrap_or_default();
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::Patterns;

    #[test]
    fn a_star_is_any_text() {
        let is = |list: &str, text: &str| Patterns::parse(list).matches(text);
        assert!(is("arn:aws:iam::1:role/a", "arn:aws:iam::1:role/a"));
        assert!(!is("arn:aws:iam::1:role/a", "arn:aws:iam::1:role/ab"));
        assert!(is("x, arn:*:role/app-*", "arn:aws:iam::1:role/app-orders"));
        assert!(!is("arn:*:role/app-*", "arn:aws:iam::1:role/other"));
        assert!(is("*", "") && is("a*a", "aa") && !is("a*a", "a"));
        assert!(is("*-charge-*", "stage-charge-card") && !is("a*b*c", "acb"));
        assert!(!is("", "") && Patterns::parse(" , ").is_empty());
    }
}
