//! What executions cost: what is [used](Usage), at [list prices](Prices), and what others charge for the same.

mod estimate;

use std::ops::{Add, AddAssign, Mul};

pub use estimate::{Load, Shape};
use serde::Deserialize;

/// List prices, in US dollars.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The day they were read.
    pub date: String,
    /// The region.
    pub region: String,
    /// Functions.
    pub lambda: Lambda,
    /// The table.
    pub dynamodb: Dynamodb,
    /// Queues.
    pub sqs: Sqs,
    /// Logs and alarms.
    pub logs: Logs,
    /// What calls the sweep.
    pub schedule: Schedule,
    /// The parameter that holds the deployment's own keys.
    pub parameters: Parameters,
    /// Step Functions, Standard.
    pub standard: Standard,
    /// Step Functions, Express.
    pub express: Express,
    /// Durable functions.
    pub durable: Durable,
    /// What calls take.
    pub latency: Latency,
}

macro_rules! prices {
    ($($(#[$of:meta])* $name:ident { $($(#[$doc:meta])* $field:ident),* $(,)? })*) => {$(
        $(#[$of])*
        #[derive(Clone, Copy, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$doc])* pub $field: f64,)* }
    )*};
}

prices! {
    /// Functions.
    Lambda {
        /// A million invocations.
        requests_per_million,
        /// A second of a gigabyte on Arm.
        arm64_per_gb_second,
        /// A second of a gigabyte on x86.
        x86_64_per_gb_second,
        /// The memory that comes with one processor.
        memory_mb_of_a_processor,
    }
    /// The table.
    Dynamodb {
        /// A million write units on demand.
        writes_per_million,
        /// A million read units on demand.
        reads_per_million,
        /// A write unit a second, for an hour.
        write_unit_hour,
        /// A read unit a second, for an hour.
        read_unit_hour,
        /// How much of what is provisioned is used.
        provisioned_use,
        /// A gigabyte for a month.
        storage_per_gb_month,
        /// A gigabyte for a month that can be restored to any second.
        recovery_per_gb_month,
        /// What is added to each item.
        item_overhead_bytes,
    }
    /// Queues.
    Sqs {
        /// A million requests.
        requests_per_million,
        /// How many pollers ask a queue that is empty.
        pollers,
        /// How long each of them waits.
        poll_seconds,
    }
    /// Logs and alarms.
    Logs {
        /// A gigabyte taken in.
        ingested_per_gb,
        /// What is added to each event.
        event_bytes,
        /// An alarm for a month.
        alarm_month,
    }
    /// What calls the sweep.
    Schedule {
        /// A million calls.
        invocations_per_million,
    }
    /// Parameters of Systems Manager.
    Parameters {
        /// A standard one for a month.
        parameter_month,
    }
    /// Step Functions, Standard.
    Standard {
        /// A million transitions.
        transitions_per_million,
    }
    /// Step Functions, Express.
    Express {
        /// A million executions.
        requests_per_million,
        /// A second of a gigabyte.
        per_gb_second,
        /// What an execution takes.
        memory_mb,
    }
    /// Durable functions.
    Durable {
        /// A million operations.
        operations_per_million,
        /// A gigabyte written.
        written_per_gb,
        /// A gigabyte kept for a month.
        retained_per_gb_month,
        /// What the function has that waits.
        memory_mb,
    }
    /// What calls take, in milliseconds.
    Latency {
        /// A call of the table.
        dynamodb_ms,
        /// A call of a queue.
        sqs_ms,
        /// The way to another function and back.
        invoke_ms,
        /// The start of a process.
        init_ms,
        /// The share of invocations that begin with it.
        init_share,
    }
}

/// On which processors functions run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Arm.
    Arm64,
    /// x86.
    X86,
}

/// How the table is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billing {
    /// By request.
    OnDemand,
    /// By what is provisioned, of which the share is used that the prices name.
    Provisioned,
}

/// What is charged for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Write units.
    pub writes: f64,
    /// Read units.
    pub reads: f64,
    /// Requests to queues.
    pub sqs: f64,
    /// Invocations.
    pub invocations: f64,
    /// Billed time, in gigabytes × seconds.
    pub gb_seconds: f64,
    /// Bytes of logs.
    pub log_bytes: f64,
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            writes: self.writes + other.writes,
            reads: self.reads + other.reads,
            sqs: self.sqs + other.sqs,
            invocations: self.invocations + other.invocations,
            gb_seconds: self.gb_seconds + other.gb_seconds,
            log_bytes: self.log_bytes + other.log_bytes,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Mul<f64> for Usage {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self {
            writes: self.writes * times,
            reads: self.reads * times,
            sqs: self.sqs * times,
            invocations: self.invocations * times,
            gb_seconds: self.gb_seconds * times,
            log_bytes: self.log_bytes * times,
        }
    }
}

/// What usage comes to, in dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dollars {
    /// Write units.
    pub writes: f64,
    /// Read units.
    pub reads: f64,
    /// Requests to queues.
    pub sqs: f64,
    /// Invocations.
    pub invocations: f64,
    /// Billed time.
    pub time: f64,
    /// Logs.
    pub logs: f64,
}

impl Dollars {
    /// All together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.writes + self.reads + self.sqs + self.invocations + self.time + self.logs
    }
}

const GB: f64 = 1024.0 * 1024.0 * 1024.0;
const MILLION: f64 = 1e6;

impl Prices {
    /// The ones that this release knows.
    ///
    /// # Panics
    /// Never: a test reads them.
    #[must_use]
    pub fn shipped() -> Self {
        toml::from_str(include_str!("prices.toml")).expect("the shipped prices are complete")
    }

    /// What `usage` costs.
    #[must_use]
    pub fn dollars(&self, usage: &Usage, architecture: Architecture, billing: Billing) -> Dollars {
        let second = match architecture {
            Architecture::Arm64 => self.lambda.arm64_per_gb_second,
            Architecture::X86 => self.lambda.x86_64_per_gb_second,
        };
        let provisioned = |unit_hour: f64| unit_hour / 3600.0 / self.dynamodb.provisioned_use;
        let (write, read) = match billing {
            Billing::OnDemand => (self.dynamodb.writes_per_million / MILLION, self.dynamodb.reads_per_million / MILLION),
            Billing::Provisioned => (provisioned(self.dynamodb.write_unit_hour), provisioned(self.dynamodb.read_unit_hour)),
        };
        Dollars {
            writes: usage.writes * write,
            reads: usage.reads * read,
            sqs: usage.sqs * self.sqs.requests_per_million / MILLION,
            invocations: usage.invocations * self.lambda.requests_per_million / MILLION,
            time: usage.gb_seconds * second,
            logs: usage.log_bytes / GB * self.logs.ingested_per_gb,
        }
    }

    /// What an invocation is billed for, in gigabytes × seconds: waiting takes its time whatever the memory, computing the longer the
    /// smaller the share of a processor that comes with the memory. One neither hides in the other. Full milliseconds count.
    #[must_use]
    pub fn billed(&self, waited_ms: f64, computed_ms: f64, memory_mb: f64) -> f64 {
        let scale = (self.lambda.memory_mb_of_a_processor / memory_mb).max(1.0);
        (waited_ms + computed_ms * scale).ceil() / 1000.0 * memory_mb / 1024.0
    }

    /// What the starts of processes add to `invocations`, in gigabytes × seconds.
    #[must_use]
    pub fn starts(&self, invocations: f64, memory_mb: f64) -> f64 {
        invocations * self.latency.init_share * self.latency.init_ms / 1000.0 * memory_mb / 1024.0
    }

    /// Polls of a queue in which nothing is, in `days`.
    #[must_use]
    pub fn empty_polls(&self, days: f64) -> f64 {
        days * 86_400.0 / self.sqs.poll_seconds * self.sqs.pollers
    }

    /// What `bytes` in `items` cost for 30 days.
    #[must_use]
    pub fn stored(&self, bytes: f64, items: f64) -> f64 {
        (bytes + items * self.dynamodb.item_overhead_bytes) / GB * self.dynamodb.storage_per_gb_month
    }

    /// What Step Functions charges for a Standard execution.
    #[must_use]
    pub fn standard(&self, transitions: f64) -> f64 {
        transitions * self.standard.transitions_per_million / MILLION
    }

    /// What Step Functions charges for an Express execution that takes so long.
    #[must_use]
    pub fn express(&self, seconds: f64) -> f64 {
        self.express.requests_per_million / MILLION + seconds * self.express.memory_mb / 1024.0 * self.express.per_gb_second
    }

    /// What a durable function charges, on Arm, for an execution of so many operations (one for the execution itself included) that writes
    /// `bytes`, and waits in its function for `seconds`.
    #[must_use]
    pub fn durable(&self, operations: f64, bytes: f64, seconds: f64) -> f64 {
        self.lambda.requests_per_million / MILLION
            + operations * self.durable.operations_per_million / MILLION
            + bytes / GB * (self.durable.written_per_gb + self.durable.retained_per_gb_month)
            + seconds * self.durable.memory_mb / 1024.0 * self.lambda.arm64_per_gb_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-9 * other.abs().max(1.0), "{one} is not {other}");
    }

    #[test]
    fn a_million_of_each_costs_what_the_list_says() {
        let prices = Prices::shipped();
        let usage =
            Usage { writes: 1e6, reads: 1e6, sqs: 1e6, invocations: 1e6, gb_seconds: 1e6, log_bytes: 1024.0 * 1024.0 * 1024.0 };
        let dollars = prices.dollars(&usage, Architecture::X86, Billing::OnDemand);
        about(dollars.total(), 0.625 + 0.125 + 0.40 + 0.20 + 16.6667 + 0.50);
        // $0.00065 for 3,600 units, of which 2,520 are used.
        about(prices.dollars(&usage, Architecture::Arm64, Billing::Provisioned).writes, 650.0 / 2520.0);
        about(prices.standard(15.0) * 1e6, 375.0);
        about(prices.empty_polls(30.0), 648_000.0);
    }

    #[test]
    fn computing_takes_longer_with_less_memory_and_waiting_does_not() {
        let prices = Prices::shipped();
        about(prices.billed(1000.0, 0.0, 128.0), 0.125);
        about(prices.billed(0.0, 100.0, 1769.0), 0.1 * 1769.0 / 1024.0);
        about(prices.billed(0.0, 100.0, 128.0), 1.383 * 0.125);
        // More than one processor does not make one thread faster.
        about(prices.billed(0.0, 100.0, 3538.0), 0.1 * 3538.0 / 1024.0);
    }
}
