//! The floor: what the machine needs for the work that cannot be avoided, measured in the same minute.

use std::hint::black_box;
use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};
use statewright_interpreter::Value;

use super::workload::Workload;

/// Of so many batches the lowest counts: a limit is asked for.
pub(super) const BATCHES: usize = 15;

/// CPU nanoseconds of one call of `work`, the lowest of the batches of `rounds` calls each.
pub(super) fn lowest(rounds: u32, mut work: impl FnMut()) -> f64 {
    work();
    let batch = |work: &mut dyn FnMut()| {
        let start = cpu_ns();
        for _ in 0..rounds {
            work();
        }
        (cpu_ns() - start) / f64::from(rounds)
    };
    (0..BATCHES).map(|_| batch(&mut work)).fold(f64::INFINITY, f64::min)
}

#[expect(clippy::cast_precision_loss, reason = "a process does not run for a hundred days")]
fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Bytes of memory this process holds, as Linux counts them.
pub(super) fn resident_bytes() -> anyhow::Result<f64> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = pages.split(' ').nth(1).unwrap_or_default().parse()?;
    Ok(pages * 4096.0)
}

/// An event as plainly as it can be: what happened, in which state, and a reference to the document.
struct PlainEvent {
    #[expect(dead_code, reason = "written, as an event's is")]
    ids: (u64, u64, i64),
    #[expect(dead_code, reason = "written, as an event's is")]
    name: Arc<str>,
    #[expect(dead_code, reason = "written, as an event's is")]
    document: Value,
}

/// F: walk a path, insert one member copy-on-write, append two shared history events.
pub(super) fn one_transition(workload: &Workload) -> f64 {
    const STEPS: u32 = 500;
    let document = Value::parse(&workload.input).unwrap_or_default();
    let (name, key): (Arc<str>, Arc<str>) = ("P".into(), "last".into());
    let total = lowest(200, || {
        let mut events = Vec::new();
        let mut document = document.clone();
        for n in 0..u64::from(STEPS) {
            let found = document.as_object().and_then(|object| object.values().next()).and_then(|first| first.as_object());
            black_box(found);
            events.push(PlainEvent { ids: (2 * n, n, 0), name: Arc::clone(&name), document: document.clone() });
            if let Some(object) = document.as_object_mut() {
                object.insert(Arc::clone(&key), Value::from(n));
            }
            events.push(PlainEvent { ids: (2 * n + 1, n, 0), name: Arc::clone(&name), document: document.clone() });
        }
        black_box(events);
    });
    total / f64::from(STEPS)
}

/// P: parse and print the document.
pub(super) fn parse_and_print(text: &str) -> f64 {
    lowest(4, || drop(black_box(Value::parse(text).map(|value| value.to_string()))))
}
