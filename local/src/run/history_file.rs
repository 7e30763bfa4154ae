//! `--history FILE`: written whole or not at all.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use statewright_interpreter::history::{HistoryEvent, history_to_json};

use crate::refusal::Refusal;

/// Where the history goes.
#[derive(Debug)]
pub(crate) struct HistoryFile {
    path: PathBuf,
}

impl HistoryFile {
    /// The file at `path`. Nothing is written yet.
    ///
    /// # Errors
    /// When it cannot be written there, as far as one can tell.
    pub(crate) fn at(path: &Path) -> Result<Self, Refusal> {
        let cannot = |why: &str| Err(Refusal::new(format!("the history cannot be written to `{}`: {why}", path.display())));
        if path.as_os_str() == "-" {
            return Err(Refusal::new("`--history -`: standard output has the execution's output, so the history needs a file")
                .help("name a file; `--history /dev/stderr` shows it"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if path.is_dir() || path.file_name().is_none() {
            return cannot("it is a directory");
        }
        if !folder.is_dir() {
            return cannot(&format!("there is no directory `{}`", folder.display()));
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Writes the answer of `GetExecutionHistory`, beside the file and then in its place.
    ///
    /// # Errors
    /// When it cannot be written; then the file is as it was.
    pub(crate) fn write(&self, events: &[HistoryEvent]) -> Result<(), Refusal> {
        self.replace(format!("{}\n", history_to_json(events)).as_bytes())
            .map_err(|error| Refusal::new(format!("the history cannot be written to `{}`: {error}", self.path.display())))
    }

    fn replace(&self, data: &[u8]) -> io::Result<()> {
        // Pipes and devices have no place to put another file into.
        if fs::metadata(&self.path).is_ok_and(|metadata| !metadata.is_file()) {
            return fs::write(&self.path, data);
        }
        let mut name = OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = self.path.with_file_name(name);
        let written = write_new(&temporary, data).and_then(|()| fs::rename(&temporary, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

fn write_new(path: &Path, data: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(data)?;
    file.sync_all()
}
