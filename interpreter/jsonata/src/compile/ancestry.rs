//! Where each `%` gets its value from: the step whose context it names.

use super::ast::{Block, Kind, Node, Slot, Symbol};
use crate::Error;

/// The `%`s of an expression.
#[derive(Debug, Default)]
pub(super) struct Ancestry {
    slots: Vec<Seeker>,
}

/// A `%` that may still look for its step.
#[derive(Clone, Copy, Debug)]
struct Seeker {
    /// The label the ancestor is kept under; shared by all `%`s that mean the same step.
    label: u32,
    /// How many steps up it has to go yet.
    level: u32,
}

/// Labels are numbered from here, names of variables from zero.
const LABELS_FROM: u32 = 1 << 31;

impl Ancestry {
    /// A new `%`.
    pub(super) fn slot(&mut self) -> Slot {
        let label = LABELS_FROM + u32::try_from(self.slots.len()).unwrap_or(0);
        self.slots.push(Seeker { label, level: 1 });
        self.slots.len() - 1
    }

    /// The label each `%` reads.
    pub(super) fn labels(&self) -> Vec<Symbol> {
        self.slots.iter().map(|seeker| Symbol(seeker.label)).collect()
    }

    pub(super) fn level(&self, slot: Slot) -> u32 {
        self.slots.get(slot).map_or(0, |seeker| seeker.level)
    }

    pub(super) fn lower(&mut self, slot: Slot) {
        if let Some(seeker) = self.slots.get_mut(slot) {
            seeker.level = seeker.level.saturating_sub(1);
        }
    }

    /// Looks in `node` for the step that `slot` means, from its end.
    pub(super) fn seek(&mut self, node: &mut Node, slot: Slot) -> Result<(), Error> {
        match &mut node.kind {
            Kind::Name(_) | Kind::Wildcard => {
                self.lower(slot);
                if self.level(slot) == 0 {
                    let known = node.extra.as_ref().and_then(|extra| extra.ancestor);
                    if let Some(label) = known.and_then(|known| self.slots.get(known)).map(|known| known.label)
                        && let Some(seeker) = self.slots.get_mut(slot)
                    {
                        seeker.label = label;
                    }
                    node.extra_mut().ancestor = Some(slot);
                    node.tuple = true;
                }
                Ok(())
            }
            Kind::Parent(_) => {
                if let Some(seeker) = self.slots.get_mut(slot) {
                    seeker.level += 1;
                }
                Ok(())
            }
            Kind::Block(Block { expressions, .. }) => {
                if let Some(last) = expressions.last_mut() {
                    node.tuple = true;
                    self.seek(last, slot)?;
                }
                Ok(())
            }
            Kind::Path(path) => {
                node.tuple = true;
                path.plain = false;
                for (at, step) in path.steps.iter_mut().rev().enumerate() {
                    if at > 0 && self.level(slot) == 0 {
                        break;
                    }
                    self.seek(step, slot)?;
                }
                Ok(())
            }
            _ => Err(Error::new("S0217").token(node.type_name()).at(node.position)),
        }
    }

    /// For each `%` of the last step, looks for what it means in the steps before; what is not found there is sought further out.
    pub(super) fn resolve(&mut self, steps: &mut [Node]) -> Result<Vec<Slot>, Error> {
        let Some((last, before)) = steps.split_last_mut() else { return Ok(Vec::new()) };
        let mut outside = Vec::new();
        for slot in seekers(last) {
            let mut index = before.len();
            while self.level(slot) > 0 {
                let Some(at) = index.checked_sub(1) else {
                    outside.push(slot);
                    break;
                };
                index = at;
                // Steps side by side that bind a variable have the same context.
                while index > 0 && binds_focus(before.get(index)) && binds_focus(before.get(index - 1)) {
                    index -= 1;
                }
                if let Some(step) = before.get_mut(index) {
                    self.seek(step, slot)?;
                }
            }
        }
        Ok(outside)
    }
}

fn binds_focus(step: Option<&Node>) -> bool {
    step.and_then(|step| step.extra.as_deref()).is_some_and(|extra| extra.focus.is_some())
}

/// The `%`s inside a node that look for their step outside of it, itself included.
pub(super) fn seekers(node: &Node) -> Vec<Slot> {
    let mut slots = node.extra.as_ref().map_or_else(Vec::new, |extra| extra.seeking.clone());
    if let Kind::Parent(slot) = node.kind {
        slots.push(slot);
    }
    slots
}

/// Makes the `%`s of `part` ones of `whole`.
pub(super) fn adopt(whole: &mut Node, part: &Node) {
    let slots = seekers(part);
    if !slots.is_empty() {
        whole.extra_mut().seeking.extend(slots);
    }
}
