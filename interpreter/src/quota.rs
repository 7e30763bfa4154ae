//! Every limit in one table.

use statewright_jsonata::Limits;
use statewright_value::DEPTH_MAX;

/// The limits an execution runs under. [`Quotas::aws`] holds the service's own; [`Quotas::relaxed`] lifts those that exist only
/// because the service has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Quotas {
    /// Input, parameters, result or output of a state, a task or an execution, as JSON text, in bytes of UTF-8.
    /// Source: developer guide, "Quotas" (256 KiB).
    pub payload_bytes_max: usize,
    /// Events in one history; the last is `ExecutionFailed`. Source: developer guide, "Quotas" (25,000 for Standard; Express has
    /// none, so there it is a bound of ours against loops that never wait).
    pub history_events_max: u64,
    /// Iterations of an inline Map that run at the same time. Source: developer guide, "Map state" (40).
    pub inline_map_concurrency_max: u32,
    /// How long an execution may take, in seconds. Source: developer guide, "Quotas" (a year; five minutes for Express).
    pub execution_seconds_max: u64,
    /// All values of one `Assign` together, and one variable, in bytes. Source: developer guide, "Variables" (256 KiB).
    pub assign_bytes_max: usize,
    /// All variables of an execution together, in bytes. Source: developer guide, "Variables" (10 MiB).
    pub variables_bytes_max: usize,
    /// The delay of a Wait, in seconds. Source: rule `wait-too-long` of the rule table (a signed 32-bit count).
    pub wait_seconds_max: i64,
    /// Arrays and objects nested in a payload. A bound of ours: the service's is unknown.
    pub depth_max: usize,
    /// What one evaluation of an expression in JSONata may use. Left out where it is written down if it is the service's.
    #[serde(default, skip_serializing_if = "Evaluation::is_aws")]
    pub evaluation: Evaluation,
}

/// What one evaluation of an expression in JSONata may use. By default that is what the service allows, as far as it was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evaluation {
    /// Levels of evaluation. Each takes native stack: the relaxed ones need [`RELAXED_STACK_BYTES`].
    pub depth_max: u32,
    /// What it has made and holds at the same time, in bytes.
    pub bytes_max: usize,
    /// Parts that are evaluated, and rounds of loops inside functions.
    pub steps_max: u64,
}

/// The stack of a thread that evaluates expressions within [`Evaluation::relaxed`], in bytes. That of any thread is enough for the
/// service's limits.
pub const RELAXED_STACK_BYTES: usize = 16 * KIB * KIB;

/// The greatest `TimeoutSeconds` and `HeartbeatSeconds`, in seconds. Source: developer guide, "Task workflow state".
pub const TIMEOUT_SECONDS_MAX: u32 = 99_999_999;

/// The most characters of a cause that shows a value, of which there is the beginning. Source: API reference, `EvaluationFailedEventDetails`
/// (`cause`, at most 32,768).
pub const CAUSE_CHARS_MAX: usize = 32_768;

/// A kibibyte.
const KIB: usize = 1024;

impl Quotas {
    /// The limits of the service.
    #[must_use]
    pub const fn aws(express: bool) -> Self {
        Self {
            payload_bytes_max: 256 * KIB,
            history_events_max: if express { 1_000_000 } else { 25_000 },
            inline_map_concurrency_max: 40,
            execution_seconds_max: if express { 5 * 60 } else { 365 * 24 * 3600 },
            assign_bytes_max: 256 * KIB,
            variables_bytes_max: 10 * KIB * KIB,
            wait_seconds_max: i32::MAX as i64,
            depth_max: DEPTH_MAX,
            evaluation: Evaluation::aws(),
        }
    }

    /// The limits of a machine of one's own: only what keeps a mistake from filling the memory.
    #[must_use]
    pub const fn relaxed() -> Self {
        Self {
            payload_bytes_max: 64 * KIB * KIB,
            history_events_max: 1_000_000,
            inline_map_concurrency_max: 40,
            execution_seconds_max: 100 * 365 * 24 * 3600,
            assign_bytes_max: 64 * KIB * KIB,
            variables_bytes_max: 256 * KIB * KIB,
            wait_seconds_max: i64::MAX / 2000,
            depth_max: DEPTH_MAX,
            evaluation: Evaluation::relaxed(),
        }
    }
}

impl Evaluation {
    /// The limits of the service.
    #[must_use]
    pub const fn aws() -> Self {
        let Limits { depth, bytes, steps } = Limits::AWS;
        Self { depth_max: depth, bytes_max: bytes, steps_max: steps }
    }

    /// Ten times the levels; enough memory for the largest payloads; and a hundred times the steps, which is some ten seconds.
    #[must_use]
    pub const fn relaxed() -> Self {
        Self { depth_max: 1_000, bytes_max: 256 * KIB * KIB, steps_max: 2_000_000_000 }
    }

    fn is_aws(&self) -> bool {
        *self == Self::aws()
    }

    pub(crate) fn limits(self) -> Limits {
        Limits { depth: self.depth_max, bytes: self.bytes_max, steps: self.steps_max }
    }
}

impl Default for Evaluation {
    fn default() -> Self {
        Self::aws()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_limits_of_expressions_are_not_written_down() {
        let written = serde_json::to_string(&Quotas::aws(false)).unwrap();
        assert!(written.ends_with("\"depth_max\":127}"), "{written}");
        for quotas in [Quotas::aws(false), Quotas::aws(true), Quotas::relaxed()] {
            let written = serde_json::to_string(&quotas).unwrap();
            assert_eq!(serde_json::from_str::<Quotas>(&written).unwrap(), quotas, "{written}");
        }
    }
}
