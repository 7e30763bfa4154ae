//! Accepted differences: `tests/known-differences.toml`.

use std::collections::HashSet;
use std::path::Path;

use serde::Deserialize;

/// Why the list of known differences cannot be used; correct the file.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    /// The file cannot be read.
    #[error("`{path}` cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is not a list of differences.
    #[error("`{path}`: {reason}")]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Why a difference is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Cause {
    /// Two recordings say opposite things; no interpreter can agree with both.
    #[serde(rename = "contradiction of recordings")]
    Contradiction,
    /// The recorder replaced more, or less, than it says.
    #[serde(rename = "normalisation")]
    Normalisation,
}

/// One accepted difference: exactly one place of one execution.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownDifference {
    /// The case's `id`.
    pub case: String,
    /// The number of the execution in the case, from 0.
    pub execution: usize,
    /// The difference's JSON pointer, exactly.
    pub pointer: String,
    /// Why it is accepted.
    pub cause: Cause,
    /// What the recording shows and what it should be.
    pub note: String,
}

/// The list of accepted differences.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownDifferences {
    /// The entries, in the order of the file.
    #[serde(default, rename = "difference")]
    pub entries: Vec<KnownDifference>,
}

impl KnownDifferences {
    /// Reads the list. A file that is not there is an empty list.
    ///
    /// # Errors
    ///
    /// [`KnownError`] if the file cannot be read, is not a list of differences, or says one twice.
    pub fn load(path: &Path) -> Result<Self, KnownError> {
        let name = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(source) => return Err(KnownError::Unreadable { path: name, source }),
        };
        let malformed = |reason: String| KnownError::Malformed { path: name.clone(), reason };
        let known: Self = toml::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        let mut seen = HashSet::new();
        for entry in &known.entries {
            if !seen.insert((&entry.case, entry.execution, &entry.pointer)) {
                let (case, execution, pointer) = (&entry.case, entry.execution, &entry.pointer);
                return Err(malformed(format!("`{case}`, execution {execution}, `{pointer}` is listed twice")));
            }
        }
        Ok(known)
    }

    /// The entry for one place of one execution.
    pub fn position(&self, case: &str, execution: usize, pointer: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.case == case && entry.execution == execution && entry.pointer == pointer)
    }
}
