//! Ctrl-C, and the signals that end a process in an orderly way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::refusal::Refusal;

/// Whether somebody pressed Ctrl-C, or asked the process to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. The first time is for the run to see; the second one ends the process.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(crate) fn listen() -> Result<Self, Refusal> {
        let interrupt = Self::default();
        let seen = Arc::clone(&interrupt.0);
        let listening = ctrlc::set_handler(move || {
            if seen.swap(true, Ordering::SeqCst) {
                // They are in process groups of their own, and would go on.
                super::command::end_all();
                std::process::exit(130);
            }
        });
        listening.map_err(|error| Refusal::new(format!("cannot listen for Ctrl-C: {error}")))?;
        Ok(interrupt)
    }

    /// Whether it has happened.
    pub(crate) fn happened(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
