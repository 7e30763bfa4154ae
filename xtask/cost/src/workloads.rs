//! The reference workloads.

use serde_json::{Value, json};
use statewright_cost::{Billing, Load, Shape};

use crate::payloads::{Random, document};

/// What is run, and what it may cost.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// So many times cheaper than Standard it must be, and should be; neither for one that only stands beside another.
    pub(crate) held_to: Option<HeldTo>,
    pub(crate) billing: Billing,
    /// Executions, and how many of them one invocation takes.
    pub(crate) executions: usize,
    pub(crate) batch: usize,
    pub(crate) definition: Value,
    pub(crate) transitions: u64,
    pub(crate) task_ms: f64,
    /// For how long functions may run, as their settings say.
    pub(crate) function_seconds: u64,
    /// What the functions answer to the call of this number.
    pub(crate) answer: fn(u64) -> String,
    /// Whether new executions are driven at once, without the queue: the template's `DirectStarts`.
    pub(crate) starts_directly: bool,
    /// Whether somebody calls back.
    pub(crate) calls_back: bool,
    /// What `statewright cost` sees of it, where its results are like those that it knows.
    pub(crate) shape: Option<Shape>,
    /// For how long an Express execution would be billed, and how many operations a durable function would take.
    pub(crate) seconds: f64,
    pub(crate) operations: f64,
    /// Bytes of results that a durable function would write.
    pub(crate) result_bytes: f64,
}

/// How many times cheaper than Standard.
#[derive(Clone, Copy)]
pub(crate) struct HeldTo {
    pub(crate) must: f64,
    pub(crate) goal: f64,
}

const fn held_to(must: f64, goal: f64) -> Option<HeldTo> {
    Some(HeldTo { must, goal })
}

impl Workload {
    /// How `statewright cost` is told that it is used.
    pub(crate) fn load(&self) -> Load {
        let Self { task_ms, starts_directly, .. } = *self;
        Load { task_ms, result_bytes: 2048.0, batch: self.batch as f64, starts_directly }
    }
}

fn function(name: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:{name}")
}

fn retry() -> Value {
    json!([{
        "ErrorEquals": ["Lambda.ServiceException", "Lambda.SdkClientException", "Lambda.TooManyRequestsException"],
        "IntervalSeconds": 2,
        "MaxAttempts": 6,
        "BackoffRate": 2
    }])
}

fn task(name: &str, next: &str) -> Value {
    json!({
        "Type": "Task",
        "Resource": function(name),
        "ResultPath": "$.latest",
        "Retry": retry(),
        "Catch": [{ "ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Refused" }],
        "Next": next
    })
}

/// Ten tasks one after the other, and five states between them.
pub(crate) fn order_10() -> Value {
    json!({
        "StartAt": "Prepare",
        "States": {
            "Prepare": { "Type": "Pass", "Parameters": { "order.$": "$", "channel": "web" }, "Next": "Register" },
            "Register": task("register", "Appraise"),
            "Appraise": task("appraise", "Screen"),
            "Screen": task("screen", "Urgent?"),
            "Urgent?": { "Type": "Choice", "Choices": [{ "Variable": "$.order.urgent", "BooleanEquals": true, "Next": "Refused" }], "Default": "Allocate" },
            "Allocate": task("allocate", "Price"),
            "Price": task("price", "Reserve"),
            "Reserve": task("reserve", "Mark"),
            "Mark": { "Type": "Pass", "Result": { "stage": "reserved" }, "ResultPath": "$.mark", "Next": "Charge" },
            "Charge": task("charge", "Pack"),
            "Pack": task("pack", "Ship"),
            "Ship": task("ship", "Complete?"),
            "Complete?": { "Type": "Choice", "Choices": [{ "Variable": "$.latest", "IsPresent": true, "Next": "Notify" }], "Default": "Refused" },
            "Notify": task("notify", "Done"),
            "Done": { "Type": "Succeed", "OutputPath": "$.order" },
            "Refused": { "Type": "Fail", "Error": "Refused" }
        }
    })
}

fn callback() -> Value {
    json!({
        "StartAt": "Ask",
        "States": {
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": { "FunctionName": "ask", "Payload": { "token.$": "$$.Task.Token", "request.$": "$" } },
                "Next": "Note"
            },
            "Note": { "Type": "Pass", "Next": "Done" },
            "Done": { "Type": "Succeed" }
        }
    })
}

pub(crate) fn inline_map() -> Value {
    json!({
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "ItemProcessor": {
                    "ProcessorConfig": { "Mode": "INLINE" },
                    "StartAt": "Handle",
                    "States": { "Handle": { "Type": "Task", "Resource": function("handle"), "Retry": retry(), "End": true } }
                },
                "Next": "Done"
            },
            "Done": { "Type": "Succeed", "OutputPath": "$[0]" }
        }
    })
}

fn realistic(number: u64) -> String {
    document(number, 1_000_000 + number)
}

fn incompressible(number: u64) -> String {
    json!({ "blob": Random::new(number).base64(8 * 1024) }).to_string()
}

pub(crate) fn input(number: usize) -> Value {
    let number = number as u64;
    let mut random = Random::new(77_000 + number);
    json!({
        "reference": format!("R-{:012x}", random.next() >> 16),
        "urgent": false,
        "requester": serde_json::from_str::<Value>(&document(number, 5_000_000 + number)).unwrap_or_default()
            .get("assessor").cloned().unwrap_or_else(|| json!({ "desk": random.next() % 5000 })),
        "items": (0..40).map(|_| json!({ "sku": format!("{:08x}", random.next() >> 32), "count": random.next() % 9 })).collect::<Vec<_>>()
    })
}

/// An input without the list.
pub(crate) fn small_input(number: usize) -> Value {
    let mut input = input(number);
    if let Some(items) = input.as_object_mut() {
        items.remove("items");
    }
    input
}

pub(crate) fn all(only: Option<&str>) -> Vec<Workload> {
    let order = || Workload {
        name: "order-10",
        held_to: held_to(25.0, 33.0),
        billing: Billing::OnDemand,
        executions: 60,
        batch: 1,
        definition: order_10(),
        transitions: 15,
        task_ms: 100.0,
        function_seconds: 10,
        answer: realistic,
        starts_directly: false,
        calls_back: false,
        shape: Some(Shape { transitions: 15.0, rounds: 10.0, results: 10.0, tasks_in_line: 10.0, ..Shape::default() }),
        seconds: 1.1,
        operations: 11.0,
        result_bytes: 20_480.0,
    };
    let callback = || Workload {
        name: "one callback, by the queue",
        held_to: None,
        definition: callback(),
        transitions: 3,
        calls_back: true,
        shape: Some(Shape { transitions: 3.0, waits: 1.0, callbacks: 1.0, results: 1.0, tasks_in_line: 1.0, ..Shape::default() }),
        answer: |_| "null".to_owned(),
        seconds: f64::NAN,
        operations: 2.0,
        result_bytes: 2048.0,
        ..order()
    };
    let all = vec![
        order(),
        Workload { name: "order-10, started directly", starts_directly: true, ..order() },
        Workload { name: "order-10, ten an invocation", held_to: held_to(30.0, 43.0), batch: 10, ..order() },
        Workload {
            name: "order-10, provisioned table at 70 %",
            held_to: held_to(60.0, 85.0),
            batch: 10,
            billing: Billing::Provisioned,
            ..order()
        },
        Workload {
            name: "order-10 of 5 s, ten waiting together",
            held_to: held_to(15.0, 20.0),
            batch: 10,
            task_ms: 5000.0,
            seconds: 50.1,
            ..order()
        },
        Workload {
            name: "order-10, results of 8 KB of base64",
            held_to: held_to(5.0, 7.0),
            answer: incompressible,
            shape: None,
            result_bytes: 81_920.0,
            ..order()
        },
        Workload { name: "one callback, started directly", held_to: held_to(12.0, 17.0), starts_directly: true, ..callback() },
        callback(),
        Workload {
            name: "inline Map of 40",
            held_to: held_to(35.0, 60.0),
            definition: inline_map(),
            transitions: 42,
            shape: Some(Shape { transitions: 42.0, rounds: 1.0, results: 40.0, tasks_in_line: 1.0, ..Shape::default() }),
            executions: 30,
            seconds: 0.11,
            operations: 42.0,
            result_bytes: 81_920.0,
            ..order()
        },
    ];
    all.into_iter().filter(|workload| only.is_none_or(|only| workload.name.contains(only))).collect()
}
