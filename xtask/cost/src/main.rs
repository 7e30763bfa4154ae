//! Counts what executions cost. `cargo xtask cost` builds and calls this, and says where the table is.

mod deployment;
mod host;
mod loopback;
mod meter;
mod payloads;
mod report;
mod run;
mod workloads;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<ExitCode> {
    let (mut only, mut memory) = (None, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            "host" => return host::run(),
            "memory" => memory = true,
            "--only" => only = Some(arguments.next().unwrap_or_default()),
            other => anyhow::bail!("there is no option `{other}`: the only one is `--only TEXT`"),
        }
    }
    let endpoint = std::env::var("STATEWRIGHT_DYNAMODB_ENDPOINT")
        .map_err(|_| anyhow::anyhow!("STATEWRIGHT_DYNAMODB_ENDPOINT is not set: call `cargo xtask cost`, which starts a table"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    if memory {
        return runtime.block_on(run::memory(&endpoint));
    }
    runtime.block_on(run::all(&endpoint, only.as_deref()))
}
