//! Variables: their names, and which scope may assign which.
//!
//! Source: developer guide, "Passing data between states with variables".

use unicode_ident::{is_xid_continue, is_xid_start};

use crate::path::VARIABLE_NAME_CHARACTERS_MAX;

/// The name that the language keeps for itself.
pub(super) const RESERVED: &str = "states";

/// Whether a text may be a variable's name.
pub(super) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(is_xid_start)
        && characters.all(is_xid_continue)
        && text.chars().count() <= VARIABLE_NAME_CHARACTERS_MAX
}
