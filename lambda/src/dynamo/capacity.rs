//! What calls are charged.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::types::ConsumedCapacity;

use super::items::{self, Attributes};

/// Capacity as DynamoDB charges it, in units: one read unit is 4 KB read with strong consistency, one write unit 1 KB written.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Capacity {
    /// Read units.
    pub read: f64,
    /// Write units.
    pub written: f64,
}

/// Adds up what the answers say. Clones add to the same sum.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter(Arc<Mutex<Capacity>>);

impl Counter {
    pub(super) fn sum(&self) -> Capacity {
        *self.lock()
    }

    pub(super) fn read(&self, consumed: Option<&ConsumedCapacity>) {
        self.lock().read += units(consumed);
    }

    pub(super) fn written(&self, consumed: Option<&ConsumedCapacity>) {
        self.lock().written += units(consumed);
    }

    /// A write whose condition did not hold. DynamoDB charges it for the item that stands there, and one unit at least, but does not
    /// say so in its answer. Source: developer guide, "DynamoDB read and write operations".
    pub(super) fn refused(&self, found: Option<&Attributes>) {
        let kilobytes = found.map_or(0, |found| items::size(found).div_ceil(1024)).max(1);
        self.lock().written += f64::from(u32::try_from(kilobytes).unwrap_or(u32::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, Capacity> {
        // Nothing panics between two changes.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn units(consumed: Option<&ConsumedCapacity>) -> f64 {
    consumed.and_then(ConsumedCapacity::capacity_units).unwrap_or_default()
}
