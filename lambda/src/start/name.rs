//! Names of executions.

use sha2::{Digest, Sha256};

/// So many characters may a name have. Source: API reference, StartExecution, `name`.
const LONGEST: usize = 80;

/// The name for what `parts` identify together: the one part itself, if it may be a name, else a hash of all.
#[must_use]
pub fn name(parts: &[&str]) -> String {
    match parts {
        [id] if is_legal(id) => (*id).to_owned(),
        parts => hash(parts),
    }
}

/// Whether an execution may have this name. Source: API reference, StartExecution, `name`.
fn is_legal(name: &str) -> bool {
    let legal = |character: char| {
        !character.is_whitespace()
            && !character.is_control()
            && !"<>{}[]?*\"#%\\^|~`$&,;:/".contains(character)
            && !('\u{FFFE}'..='\u{FFFF}').contains(&character)
    };
    !name.is_empty() && name.chars().count() <= LONGEST && name.chars().all(legal)
}

/// 128 bits of SHA-256 in hexadecimal: no two events of one function's life meet.
fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // With their lengths, or `ab`, `c` would be the same as `a`, `bc`.
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stays(id: &str) {
        assert_eq!(name(&[id]), id);
    }

    fn is_hashed(parts: &[&str]) {
        let hashed = name(parts);
        assert!(hashed.len() == 32 && hashed.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hashed}");
        assert_eq!(hashed, name(parts), "the same every time");
    }

    #[test]
    fn an_id_that_may_be_a_name_is_the_name() {
        stays("6a7e8feb-b491-4cf7-a9f1-bf3703467718");
        stays("a.b+c=d@e!(f)'g_h");
        stays("日本語");
        stays(&"é".repeat(80));
    }

    #[test]
    fn all_else_is_hashed() {
        is_hashed(&[""]);
        is_hashed(&["shardId-000000000006:49590338271490256608559692538361571095921575989136588898"]);
        is_hashed(&["with blank"]);
        is_hashed(&["a/b"]);
        is_hashed(&["a\u{7f}"]);
        is_hashed(&["a\u{FFFF}"]);
        is_hashed(&[&"a".repeat(81)]);
        is_hashed(&["a", "b"]);
    }

    #[test]
    fn what_differs_is_named_differently() {
        assert_ne!(name(&["ab", "c"]), name(&["a", "bc"]));
        assert_ne!(name(&["ab", ""]), name(&["ab "]));
        assert_eq!(
            name(&["a", "b"]),
            "3c9d591045bc8876f9d0399bbfb05c6a",
            "names never change: deliveries of the same event may lie days apart"
        );
    }
}
