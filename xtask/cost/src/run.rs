//! Runs the workloads.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};
use statewright_engine::Clock as _;
use statewright_lambda::TokioTimer;

use crate::deployment::{Counted, Deployment};
use crate::payloads::document;
use crate::report;
use crate::workloads::{self, Workload, input, small_input};

/// A workload, and what it took.
pub(crate) struct Run {
    pub(crate) workload: Workload,
    pub(crate) counted: Counted,
}

pub(crate) async fn all(endpoint: &str, only: Option<&str>) -> anyhow::Result<ExitCode> {
    TokioTimer::follow_tokio();
    let mut runs = Vec::new();
    let mut prices = None;
    for workload in workloads::all(only) {
        let mut deployment = Deployment::start(endpoint, 60, workload.starts_directly).await?;
        let counted = one(&mut deployment, &workload).await.with_context(|| workload.name.to_owned())?;
        prices = Some(deployment.prices.clone());
        runs.push(Run { workload, counted });
    }
    let mut deployment = Deployment::start(endpoint, 60, false).await?;
    let idle = idle(&mut deployment).await.context("an idle month")?;
    report::print(&prices.unwrap_or(deployment.prices), &runs, &idle)
}

/// The most memory that this process takes while one invocation drives ten executions at a time, the other functions and what counts
/// included, in bytes.
pub(crate) async fn memory(endpoint: &str) -> anyhow::Result<ExitCode> {
    TokioTimer::follow_tokio();
    for workload in workloads::all(Some("ten an invocation")) {
        let mut deployment = Deployment::start(endpoint, 60, false).await?;
        one(&mut deployment, &workload).await?;
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel tells the peak")?;
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse()?;
    println!("{}", kilobytes * 1024);
    Ok(ExitCode::SUCCESS)
}

async fn create(deployment: &mut Deployment, definition: &Value) -> anyhow::Result<Value> {
    let machine = json!({
        "name": "workload",
        "definition": definition.to_string(),
        "roleArn": "arn:aws:iam::123456789012:role/statewright/workload"
    });
    let created = deployment.call("CreateStateMachine", &machine).await?;
    created.get("stateMachineArn").cloned().context("it has an ARN")
}

async fn one(deployment: &mut Deployment, workload: &Workload) -> anyhow::Result<Counted> {
    deployment.loopback.answer(Box::new(workload.answer), workload.function_seconds);
    deployment.set_task_millis(workload.task_ms);
    let machine = create(deployment, &workload.definition).await?;
    let is_map = workload.definition.pointer("/States/Each").is_some();
    let start = |number: usize| {
        let input = if is_map { input(number) } else { small_input(number) };
        json!({ "stateMachineArn": machine, "name": format!("{:032x}", number + 0x5eed_0000), "input": input.to_string() })
    };
    // Functions that run already, as most do that are invoked.
    begin(deployment, &start(999_999)).await?;
    finish(deployment, workload).await?;
    deployment.count();
    let mut executions = Vec::new();
    let mut number = 0;
    while number < workload.executions {
        for _ in 0..workload.batch {
            executions.push(begin(deployment, &start(number)).await?);
            number += 1;
        }
        finish(deployment, workload).await?;
    }
    let counted = deployment.count();
    for arn in &executions {
        let described = deployment.call("DescribeExecution", &json!({ "executionArn": arn })).await?;
        anyhow::ensure!(described.get("status").and_then(Value::as_str) == Some("SUCCEEDED"), "{described}");
    }
    let first = executions.first().context("an execution")?;
    let transitions = transitions(deployment, first).await?;
    anyhow::ensure!(transitions == workload.transitions, "{transitions} transitions instead of {}", workload.transitions);
    Ok(counted)
}

async fn begin(deployment: &mut Deployment, start: &Value) -> anyhow::Result<Value> {
    let started = deployment.call("StartExecution", start).await?;
    started.get("executionArn").cloned().context("it has an ARN")
}

/// Goes on until nothing is to be done, calling back who waits for it.
async fn finish(deployment: &mut Deployment, workload: &Workload) -> anyhow::Result<()> {
    deployment.loopback.take_invoked();
    deployment.settle(workload.batch).await?;
    if workload.calls_back {
        // Some time later.
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        for (number, body) in deployment.loopback.take_invoked().into_iter().enumerate() {
            let body: Value = serde_json::from_str(&body)?;
            let token = body.get("token").context("a token")?;
            let seed = TokioTimer.now().0.unsigned_abs() / 1000 + number as u64;
            let output = document(seed, seed);
            deployment.call("SendTaskSuccess", &json!({ "taskToken": token, "output": output })).await?;
        }
        deployment.settle(workload.batch).await?;
    }
    Ok(())
}

async fn transitions(deployment: &mut Deployment, arn: &Value) -> anyhow::Result<u64> {
    let (mut count, mut next) = (0, None::<Value>);
    loop {
        let mut request = json!({ "executionArn": arn, "maxResults": 1000, "includeExecutionData": false });
        if let (Some(next), Some(request)) = (next.take(), request.as_object_mut()) {
            request.insert("nextToken".to_owned(), next);
        }
        let page = deployment.call("GetExecutionHistory", &request).await?;
        let events = page.get("events").and_then(Value::as_array).context("events")?;
        let entered = |event: &&Value| event.get("type").and_then(Value::as_str).is_some_and(|name| name.ends_with("StateEntered"));
        count += events.iter().filter(entered).count() as u64;
        next = page.get("nextToken").cloned();
        if next.is_none() {
            return Ok(count);
        }
    }
}

/// What a sweep takes when nothing is to be done.
async fn idle(deployment: &mut Deployment) -> anyhow::Result<Counted> {
    deployment.sweep().await?;
    deployment.count();
    for _ in 0..100 {
        deployment.sweep().await?;
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    }
    Ok(deployment.count())
}
