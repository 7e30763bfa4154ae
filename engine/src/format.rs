//! Formats of what is stored and sent.
//!
//! Each kind of item and of message has a number, which counts from 1. What says none is of format 1, so that nothing is written and paid
//! for until a kind is changed: from then on an item says its number under `f`, a message as its member `format`. A release reads
//! all formats up to the one it knows as the newest. What is of a later one is left to the release that has written it.
//!
//! Parts of commits, payloads and definitions have no number of their own: what names them says what they are. Neither has what is
//! forgotten without harm: how far lists were walked through, requests that must not come again, and tokens of pages.

use serde::Deserialize;

use crate::store::StoreError;
use crate::table::Item;

/// A kind of what is stored or sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A commit of an execution.
    Commit,
    /// Something that was posted to an execution.
    Posted,
    /// A place in a list of executions.
    Row,
    /// A reminder.
    Reminder,
    /// An execution that was put aside.
    Aside,
    /// A state machine, its versions, and its place in the list of all.
    Machine,
    /// A revision of a state machine, and the text of its definition.
    Revision,
    /// An activity, and its place in the list of all.
    Activity,
    /// A task that waits for a worker of an activity.
    Offer,
    /// A message to the function that does tasks.
    Task,
    /// A message to the function that runs Express executions.
    Express,
}

impl Kind {
    /// The newest format of it that this release reads.
    #[must_use]
    pub fn newest(self) -> i64 {
        match self {
            Self::Commit | Self::Posted | Self::Row | Self::Reminder | Self::Aside | Self::Machine => 1,
            Self::Revision | Self::Activity | Self::Offer | Self::Task | Self::Express => 1,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Posted => "posted event",
            Self::Row => "row",
            Self::Reminder => "reminder",
            Self::Aside => "put-aside",
            Self::Machine => "state machine",
            Self::Revision => "revision",
            Self::Activity => "activity",
            Self::Offer => "offer",
            Self::Task => "task message",
            Self::Express => "Express message",
        }
    }

    /// Whether this release reads an item of this kind.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a later release has written it.
    pub fn check(self, item: &Item) -> Result<(), StoreError> {
        self.check_number(item.get_number("f"))
    }

    /// Whether this release reads a message of this kind. What is no JSON object has no number.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a later release has sent it.
    pub fn check_message(self, text: &str) -> Result<(), StoreError> {
        #[derive(Default, Deserialize)]
        struct Numbered {
            format: Option<i64>,
        }
        self.check_number(serde_json::from_str::<Numbered>(text).unwrap_or_default().format)
    }

    fn check_number(self, format: Option<i64>) -> Result<(), StoreError> {
        match format.unwrap_or(1) {
            format if format > self.newest() => {
                let (name, newest) = (self.name(), self.newest());
                Err(StoreError::Newer(format!("{name} format {format} is newer than {newest}, the newest this release reads")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Key;

    #[test]
    fn what_says_no_number_is_of_format_1_and_what_says_a_later_one_is_newer() {
        let item = Item::new(Key::new("p", "s"));
        assert_eq!(Kind::Machine.check(&item), Ok(()));
        assert_eq!(Kind::Machine.check(&item.clone().number("f", 1)), Ok(()));
        assert!(Kind::Machine.check(&item.number("f", 2)).is_err_and(|error| error.is_newer()));
        for read in [r#"{"run":{}}"#, r#"{"run":{},"format":1}"#, "arn:aws:states:…", "{"] {
            assert_eq!(Kind::Task.check_message(read), Ok(()), "{read}");
        }
        assert!(Kind::Task.check_message(r#"{"walk":[1],"format":2}"#).is_err_and(|error| error.is_newer()));
    }
}
