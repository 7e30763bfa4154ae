//! What a deployment has replaced, beside the definition's file: `order.asl.json.deployed`. The API tells only the newest revision of a
//! machine; this is what `--roll-back` goes back to.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// What is behind the name of the definition's file.
const ENDING: &str = ".deployed";

/// The file.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    /// One for each machine.
    replaced: Vec<Replaced>,
    #[serde(skip)]
    path: PathBuf,
    /// The text that was read, to be put back when nothing comes of a change.
    #[serde(skip)]
    text: Option<String>,
}

/// What was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Replaced {
    /// Where the machine is.
    pub(crate) endpoint: String,
    /// Its ARN.
    pub(crate) state_machine_arn: String,
    /// The role it had.
    pub(crate) role_arn: String,
    /// The definition it had.
    pub(crate) definition: String,
}

impl Record {
    /// The record of a definition's file; an empty one where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn read(definition: &Path) -> Result<Self, Refusal> {
        let mut path = definition.as_os_str().to_owned();
        path.push(ENDING);
        let path = PathBuf::from(path);
        let shown = path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let record: Self = serde_json::from_str(&text).map_err(|error| {
                    Refusal::new(format!("`{shown}` is not what `statewright deploy` wrote: {error}"))
                        .help("move it away if it is something else; without it there is nothing to roll back to")
                })?;
                Ok(Self { path, text: Some(text), ..record })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self { path, ..Self::default() }),
            Err(error) => Err(Refusal::new(format!("`{shown}` cannot be read: {error}"))),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What was replaced last of a machine.
    pub(crate) fn of(&self, endpoint: &str, state_machine_arn: &str) -> Option<&Replaced> {
        self.replaced.iter().find(|replaced| replaced.is_of(endpoint, state_machine_arn))
    }

    /// Notes what is about to be replaced, in place of what was replaced before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn note(&self, replaced: Replaced) -> Result<(), Refusal> {
        let others = self.replaced.iter().filter(|other| !other.is_of(&replaced.endpoint, &replaced.state_machine_arn)).cloned();
        let next = Self { replaced: others.chain([replaced.clone()]).collect(), ..self.clone() };
        let text = serde_json::to_string_pretty(&next).expect("only texts are in it");
        self.write(&format!("{text}\n"))
    }

    /// Puts the file back as it was read: nothing was replaced.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn put_back(&self) -> Result<(), Refusal> {
        match &self.text {
            Some(text) => self.write(text),
            None => std::fs::remove_file(&self.path).map_err(|error| self.cannot(&error)),
        }
    }

    /// Writes all or nothing.
    fn write(&self, text: &str) -> Result<(), Refusal> {
        let mut new = self.path.as_os_str().to_owned();
        new.push(".new");
        let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, &self.path));
        written.map_err(|error| self.cannot(&error))
    }

    fn cannot(&self, error: &std::io::Error) -> Refusal {
        Refusal::new(format!("`{}` cannot be written: {error}", self.path.display()))
    }
}

impl Replaced {
    fn is_of(&self, endpoint: &str, state_machine_arn: &str) -> bool {
        self.endpoint == endpoint && self.state_machine_arn == state_machine_arn
    }
}
