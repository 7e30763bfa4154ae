//! Generated state machines: valid ones, in JSONPath, of all eight state types, with inputs that fit and workers that answer.
//!
//! A machine is a row of blocks: a state, or a few that belong together, such as a loop with its counter. Every block expects and
//! keeps the members of the input it started with (`$.n`, `$.s`, `$.items`, …), so that tame machines never fail by accident. A state's
//! name begins with a word that says how its task answers, see [`answer`]: a machine's text is all one needs to repeat a run.

use serde_json::{Map, Value, json};
use statewright_interpreter::command::StartTask;
use statewright_interpreter::time::Timestamp;

use crate::choices::Choices;

/// When generated executions start.
pub const START: Timestamp = Timestamp(1_790_000_000_000);

/// A text that occurs in every generated input once.
pub const MARKER: &str = "marker-7f3a";

/// What kind of machine to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Blocks in a row, at most.
    pub blocks: usize,
    /// Parallel and Map in each other, at most.
    pub depth: usize,
    /// Whether nothing ever runs at the same time: one branch, one iteration.
    pub serial: bool,
    /// Whether failures may leave a branch or an iteration, or end the execution.
    pub failing: bool,
    /// Whether expressions may fail, ask for the time or for random numbers, and states may throw away what others want.
    pub wild: bool,
    /// Whether every state hands its input on untouched.
    pub untouched: bool,
}

impl Shape {
    /// Everything there is.
    pub const WILD: Self = Self { blocks: 6, depth: 3, serial: false, failing: true, wild: true, untouched: false };
    /// Nothing at the same time; what happens does not depend on when.
    pub const SERIAL: Self = Self { blocks: 6, depth: 2, serial: true, failing: true, wild: false, untouched: false };
    /// Branches and iterations overlap; the outcome depends neither on when nor on the order.
    pub const CONFLUENT: Self = Self { blocks: 5, depth: 2, serial: false, failing: false, wild: false, untouched: false };
    /// Branches and iterations overlap and fail: who fails first depends on when.
    pub const RACING: Self = Self { blocks: 5, depth: 2, serial: false, failing: true, wild: false, untouched: false };
    /// No state changes its input.
    pub const UNTOUCHED: Self = Self { blocks: 6, depth: 2, serial: false, failing: false, wild: false, untouched: true };
}

/// A generated machine and an input for it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The definition's text.
    pub definition: String,
    /// The input's text.
    pub input: String,
}

/// A machine of the given shape.
#[must_use]
pub fn machine(choices: &mut Choices, shape: Shape) -> Machine {
    let mut generator = Generator { choices, shape, names: 0, variables: Vec::new() };
    let mut definition = generator.scope(shape.depth);
    if shape.wild && generator.choices.one_in(8) {
        definition.insert("TimeoutSeconds".to_owned(), json!(generator.choices.between(1, 5000)));
    }
    let definition = Value::Object(definition).to_string();
    let input = input(generator.choices);
    Machine { definition, input }
}

/// An input with every member that generated states look at. Its text is not always the compact one.
fn input(choices: &mut Choices) -> String {
    let mut value = base(choices);
    let list: Vec<Value> = (0..choices.below(4)).map(|_| Value::Object(base(choices))).collect();
    value.insert("list".to_owned(), json!(list));
    value.insert("marker".to_owned(), json!(MARKER));
    let value = Value::Object(value);
    match choices.below(3) {
        0 => serde_json::to_string_pretty(&value).unwrap_or_default(),
        1 => format!("  {value} \n"),
        _ => value.to_string(),
    }
}

fn base(choices: &mut Choices) -> Map<String, Value> {
    let items: Vec<usize> = (0..choices.below(5)).map(|_| choices.below(4)).collect();
    let members = json!({
        "n": choices.below(6),
        "s": choices.pick(&["text", "two words", "é\u{1f600}\"\\", ""]),
        "when": choices.pick(&["2020-01-01T00:00:00Z", "2026-09-21T14:00:00Z"]),
        "big": 90_000_000,
        "flag": choices.one_in(2),
        "items": items,
        "none": [],
        "list": [],
        "o": {"a": choices.below(100), "b": [1, 2, 3], "c": {"a": "deep"}},
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The states of a scope while it is made, last block first.
type States = Vec<(String, Map<String, Value>)>;

struct Generator<'c> {
    choices: &'c mut Choices,
    shape: Shape,
    names: usize,
    /// The variables that have a value where the generator is.
    variables: Vec<String>,
}

impl Generator<'_> {
    fn name(&mut self, words: &str) -> String {
        self.names += 1;
        let number = self.names;
        match self.choices.below(4) {
            0 => format!("{words} é \"{number}\""),
            _ => format!("{words} {number}"),
        }
    }

    /// `{"StartAt": …, "States": …}`
    fn scope(&mut self, depth: usize) -> Map<String, Value> {
        // States are made from the last to the first, and a state may read only variables that one before it has assigned: so those of
        // a scope get their values in its first state.
        let outer = self.variables.len();
        let own: Vec<String> = (0..self.choices.below(3)).map(|_| self.variable()).collect();
        self.variables.extend(own.iter().cloned());
        let mut states = States::new();
        let mut next = self.last(&mut states);
        for _ in 0..self.choices.between(1, self.shape.blocks) {
            next = self.block(&mut states, &next, depth);
        }
        if !own.is_empty() {
            let values = own.iter().map(|name| (name.clone(), json!(self.choices.below(9)))).collect::<Map<_, _>>();
            next = self.push(&mut states, "Pass", json!({"Type": "Pass", "Assign": values, "Next": next}));
        }
        self.variables.truncate(outer);
        states.reverse();
        let states: Map<String, Value> = states.into_iter().map(|(name, state)| (name, Value::Object(state))).collect();
        [("StartAt".to_owned(), json!(next)), ("States".to_owned(), Value::Object(states))].into_iter().collect()
    }

    fn variable(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    fn push(&mut self, states: &mut States, words: &str, state: Value) -> String {
        let name = self.name(words);
        let Value::Object(state) = state else { return name };
        states.push((name.clone(), state));
        name
    }

    /// The state a scope ends with.
    fn last(&mut self, states: &mut States) -> String {
        let state = match self.choices.below(6) {
            0 => json!({"Type": "Succeed"}),
            1 if self.shape.failing => self.fail(),
            2 => json!({"Type": "Wait", "Seconds": 1, "End": true}),
            _ => json!({"Type": "Pass", "End": true}),
        };
        self.push(states, "End", state)
    }

    fn fail(&mut self) -> Value {
        match self.choices.below(4) {
            0 => json!({"Type": "Fail"}),
            1 => json!({"Type": "Fail", "ErrorPath": "$.s", "Cause": "because"}),
            2 => json!({"Type": "Fail", "Error": "Custom.Fail", "CausePath": "States.Format('{}', $.n)"}),
            _ => json!({"Type": "Fail", "Error": "Custom.Fail", "Cause": "because"}),
        }
    }

    /// One block in front of `next`; gives the name of its first state.
    fn block(&mut self, states: &mut States, next: &str, depth: usize) -> String {
        match self.choices.below(if depth > 0 { 13 } else { 9 }) {
            0 | 1 => self.pass(states, next),
            2 => self.wait(states, next),
            3..=5 => self.task(states, next),
            6 => self.choice(states, next),
            7 | 8 => self.counted_loop(states, next, depth),
            9 | 10 => self.parallel(states, next, depth),
            _ => self.map(states, next, depth),
        }
    }

    fn pass(&mut self, states: &mut States, next: &str) -> String {
        let mut state = json!({"Type": "Pass", "Next": next});
        if !self.shape.untouched {
            match self.choices.below(3) {
                0 => set(&mut state, "Result", json!({"fixed.$": "not a path", "list": [1, 2.5, "three"]})),
                1 => set(&mut state, "Parameters", self.template()),
                _ => {}
            }
        }
        self.result_path(&mut state);
        self.assign(&mut state);
        self.push(states, "Pass", state)
    }

    fn wait(&mut self, states: &mut States, next: &str) -> String {
        let mut state = json!({"Type": "Wait", "Next": next});
        match self.choices.below(5) {
            0 => set(&mut state, "SecondsPath", json!("$.n")),
            1 => set(&mut state, "TimestampPath", json!("$.when")),
            2 => set(&mut state, "Timestamp", json!("2026-09-21T15:00:00.250Z")),
            _ => set(&mut state, "Seconds", json!(self.choices.below(600))),
        }
        self.assign(&mut state);
        self.push(states, "Wait", state)
    }

    fn task(&mut self, states: &mut States, next: &str) -> String {
        let behaviour = match self.choices.below(8) {
            0 => "Flaky1",
            1 => "Flaky2",
            2 => "Broken",
            3 => "Silent",
            _ => "Works",
        };
        let silent = behaviour == "Silent";
        let (resource, parameters) = match self.choices.below(if silent { 3 } else { 6 }) {
            0 => ("arn:aws:lambda:us-east-1:123456789012:function:f", None),
            1 => ("arn:aws:states:us-east-1:123456789012:activity:a", None),
            2 => ("arn:aws:states:::lambda:invoke", Some(json!({"FunctionName": "f", "Payload.$": "$.o"}))),
            3 => (
                "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                Some(json!({"QueueUrl": "q", "MessageBody": {"Token.$": "$$.Task.Token", "n.$": "$.n"}})),
            ),
            4 => (
                "arn:aws:states:::states:startExecution.sync:2",
                Some(json!({"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:other", "Input.$": "$.o"})),
            ),
            _ => ("arn:aws:states:::aws-sdk:s3:getObject", Some(json!({"Bucket": "b", "Key.$": "$.s"}))),
        };
        let mut state = json!({"Type": "Task", "Resource": resource, "Next": next});
        match parameters {
            Some(parameters) => set(&mut state, "Parameters", parameters),
            None if !self.shape.untouched && self.choices.one_in(2) => set(&mut state, "Parameters", self.template()),
            None => {}
        }
        if silent {
            set(&mut state, "TimeoutSeconds", json!(self.choices.between(20, 900)));
        } else if resource.contains("waitForTaskToken") || self.choices.one_in(4) {
            match self.choices.below(2) {
                0 => set(&mut state, "TimeoutSecondsPath", json!("$.big")),
                _ => set(&mut state, "TimeoutSeconds", json!(90_000_000)),
            }
        }
        if resource.contains("waitForTaskToken") || (silent && resource.contains("activity")) {
            let seconds = if silent { self.choices.between(5, 19) } else { 80_000_000 };
            set(&mut state, "HeartbeatSeconds", json!(seconds));
        }
        if self.choices.one_in(4) {
            set(&mut state, "ResultSelector", json!({"value.$": "$.value", "text.$": "States.Format('<{}>', $.text)"}));
        }
        self.result_path(&mut state);
        self.assign(&mut state);
        match behaviour {
            "Flaky1" | "Flaky2" => self.retry(&mut state, "Flaky.Error", 2),
            _ if self.choices.one_in(3) => self.retry(&mut state, "States.Timeout", 1),
            _ => {}
        }
        let fails = matches!(behaviour, "Broken" | "Silent");
        if fails && !(self.shape.failing && self.choices.one_in(3)) || self.choices.one_in(6) {
            self.catch(&mut state, next);
        }
        self.push(states, behaviour, state)
    }

    fn retry(&mut self, state: &mut Value, error: &str, attempts_min: usize) {
        let mut retrier = json!({"ErrorEquals": [error], "MaxAttempts": self.choices.between(attempts_min, attempts_min + 1)});
        if self.choices.one_in(2) {
            set(&mut retrier, "IntervalSeconds", json!(self.choices.between(1, 30)));
            set(&mut retrier, "BackoffRate", json!(1.5));
        }
        if self.choices.one_in(3) {
            set(&mut retrier, "MaxDelaySeconds", json!(self.choices.between(31, 60)));
            set(&mut retrier, "JitterStrategy", json!("FULL"));
        }
        let mut retriers = vec![retrier];
        if self.choices.one_in(4) {
            retriers.push(json!({"ErrorEquals": ["States.ALL"], "MaxAttempts": self.choices.below(2)}));
        }
        set(state, "Retry", json!(retriers));
    }

    fn catch(&mut self, state: &mut Value, next: &str) {
        let mut catchers = Vec::new();
        if self.choices.one_in(3) {
            let first = self.choices.pick(&["States.Timeout", "States.HeartbeatTimeout", "States.TaskFailed", "Broken.Error"]);
            catchers.push(json!({"ErrorEquals": [first], "Next": next, "ResultPath": "$.caughtFirst"}));
        }
        catchers.push(json!({"ErrorEquals": ["States.ALL"], "Next": next, "ResultPath": "$.caught"}));
        for catcher in &mut catchers {
            if self.shape.untouched {
                set(catcher, "ResultPath", Value::Null);
            } else if self.shape.wild && self.choices.one_in(4) {
                remove(catcher, "ResultPath");
            }
        }
        set(state, "Catch", json!(catchers));
    }

    fn choice(&mut self, states: &mut States, next: &str) -> String {
        let mut rules = Vec::new();
        for _ in 0..self.choices.between(1, 3) {
            let target = match self.choices.below(4) {
                0 => next.to_owned(),
                1 if self.shape.failing => {
                    let fail = self.fail();
                    self.push(states, "Fail", fail)
                }
                2 => self.task(states, next),
                _ => self.pass(states, next),
            };
            let mut rule = self.condition(2);
            set(&mut rule, "Next", json!(target));
            rules.push(rule);
        }
        let mut state = json!({"Type": "Choice", "Choices": rules, "Default": next});
        let leads_on = state.pointer("/Choices/0/Next").and_then(Value::as_str) == Some(next);
        if leads_on && self.shape.wild && self.choices.one_in(3) {
            remove(&mut state, "Default");
        }
        self.push(states, "Choice", state)
    }

    fn condition(&mut self, depth: usize) -> Value {
        match self.choices.below(if depth > 0 { 9 } else { 6 }) {
            0 => json!({"Variable": "$.n", "NumericGreaterThan": self.choices.below(6)}),
            1 => json!({"Variable": "$.s", "StringMatches": "t*"}),
            2 => json!({"Variable": "$.flag", "BooleanEquals": true}),
            3 => json!({"Variable": "$.o.a", "IsNumeric": true}),
            4 => json!({"Variable": "$.absent", "IsPresent": false}),
            5 => json!({"Variable": "$.n", "NumericEqualsPath": "$.o.a"}),
            6 => json!({"Not": self.condition(depth - 1)}),
            7 => json!({"And": [self.condition(depth - 1), self.condition(depth - 1)]}),
            _ => json!({"Or": [self.condition(depth - 1), self.condition(depth - 1)]}),
        }
    }

    /// Set the counter to 0; a block; count; go back to the block while the counter is low.
    fn counted_loop(&mut self, states: &mut States, next: &str, depth: usize) -> String {
        let (at_most, in_variable) = (self.choices.below(3), self.shape.untouched || self.choices.one_in(2));
        // The block needs the name of what follows it, and the way back the name of the block: the one that decides is made last.
        let decide = self.name("Choice");
        let (zero, count, read) = if in_variable {
            let counter = self.variable();
            (
                json!({"Type": "Pass", "Assign": {&counter: 0}}),
                json!({"Type": "Pass", "Assign": {format!("{counter}.$"): format!("States.MathAdd(${counter}, 1)")}, "Next": decide}),
                format!("${counter}"),
            )
        } else {
            self.names += 1;
            let member = format!("$.k{}", self.names);
            (
                json!({"Type": "Pass", "Result": {"i": 0}, "ResultPath": member}),
                json!({"Type": "Pass", "Parameters": {"i.$": format!("States.MathAdd({member}.i, 1)")}, "ResultPath": member, "Next": decide}),
                format!("{member}.i"),
            )
        };
        let count = self.push(states, "Pass", count);
        let body = match self.choices.below(3) {
            0 => self.pass(states, &count),
            _ => self.block(states, &count, depth.saturating_sub(1)),
        };
        let rule = json!({"Variable": read, "NumericLessThanEquals": at_most, "Next": body});
        let decision = json!({"Type": "Choice", "Choices": [rule], "Default": next});
        if let Value::Object(decision) = decision {
            states.push((decide, decision));
        }
        let mut zero = zero;
        set(&mut zero, "Next", json!(body));
        self.push(states, "Pass", zero)
    }

    fn parallel(&mut self, states: &mut States, next: &str, depth: usize) -> String {
        let branches = if self.shape.serial { 1 } else { self.choices.between(1, 4) };
        let branches: Vec<Value> = (0..branches).map(|_| Value::Object(self.inner(depth))).collect();
        let mut state = json!({"Type": "Parallel", "Branches": branches, "Next": next});
        self.around(&mut state, next);
        if self.shape.wild && self.choices.one_in(4) {
            set(&mut state, "ResultSelector", json!({"first.$": "$[0]", "all.$": "$[*].n"}));
        }
        self.push(states, "Parallel", state)
    }

    fn map(&mut self, states: &mut States, next: &str, depth: usize) -> String {
        let mut state = json!({"Type": "Map", "ItemsPath": "$.list", "Next": next});
        if !self.shape.untouched && self.choices.one_in(2) {
            set(&mut state, "ItemsPath", json!(self.choices.pick(&["$.items", "$.o.b", "$.none"])));
            let selector = json!({
                "n.$": "$.n", "s.$": "$.s", "when.$": "$.when", "big.$": "$.big", "flag.$": "$.flag", "items": [1, 2], "none": [], "list": [],
                "o.$": "$.o", "item.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index",
            });
            let field = self.choices.pick(&["ItemSelector", "Parameters"]);
            set(&mut state, field, selector);
        }
        let limit = if self.shape.serial { 1 } else { self.choices.below(4) };
        match self.choices.below(3) {
            0 if !self.shape.serial => set(&mut state, "MaxConcurrencyPath", json!("$.n")),
            _ => set(&mut state, "MaxConcurrency", json!(limit)),
        }
        let field = self.choices.pick(&["ItemProcessor", "Iterator"]);
        set(&mut state, field, Value::Object(self.inner(depth)));
        self.around(&mut state, next);
        self.push(states, "Map", state)
    }

    fn inner(&mut self, depth: usize) -> Map<String, Value> {
        let blocks = self.shape.blocks;
        self.shape.blocks = blocks.div_ceil(2);
        let scope = self.scope(depth - 1);
        self.shape.blocks = blocks;
        scope
    }

    /// What Parallel and Map have in common.
    fn around(&mut self, state: &mut Value, next: &str) {
        self.result_path(state);
        self.assign(state);
        if self.shape.failing {
            if self.choices.one_in(3) {
                let error = self.choices.pick(&["Broken.Error", "Custom.Fail", "States.TaskFailed", "States.BranchFailed"]);
                self.retry(state, error, 1);
            }
            if self.choices.one_in(2) {
                self.catch(state, next);
            }
        }
    }

    /// Where the result goes: beside what is there, or nowhere.
    fn result_path(&mut self, state: &mut Value) {
        self.names += 1;
        let path = match self.choices.below(4) {
            _ if self.shape.untouched => Value::Null,
            0 => Value::Null,
            1 => json!(format!("$.results.r{}", self.names)),
            _ => json!(format!("$.r{}", self.names)),
        };
        set(state, "ResultPath", path);
        if self.shape.wild && self.choices.one_in(8) {
            match self.choices.below(4) {
                0 => remove(state, "ResultPath"),
                1 => set(state, "InputPath", json!("$.o")),
                2 => set(state, "OutputPath", json!("$.o")),
                _ => set(state, "InputPath", Value::Null),
            }
        }
    }

    fn assign(&mut self, state: &mut Value) {
        if self.shape.untouched || !self.choices.one_in(4) {
            return;
        }
        self.names += 1;
        let names: Vec<&str> = self.variables.iter().map(String::as_str).collect();
        // The value of a variable that some state reads must stay a number.
        let mut assign =
            json!({format!("w{}", self.names): {"constant": [1, 2, 3]}, format!("x{}.$", self.names): "$$.State.Name"});
        if !names.is_empty() {
            let read = self.choices.pick(&names);
            set(&mut assign, &format!("y{}.$", self.names), json!(format!("States.MathAdd(${read}, 1)")));
        }
        set(state, "Assign", assign);
    }

    fn template(&mut self) -> Value {
        let mut template = json!({"constant": {"a": [true, null]}});
        for at in 0..self.choices.between(1, 3) {
            let expression = match self.choices.below(3) {
                0 if !self.variables.is_empty() => {
                    let names: Vec<&str> = self.variables.iter().map(String::as_str).collect();
                    format!("${}", self.choices.pick(&names))
                }
                _ if self.shape.wild && self.choices.one_in(6) => self.choices.pick(WILD_EXPRESSIONS).to_owned(),
                _ => self.choices.pick(EXPRESSIONS).to_owned(),
            };
            set(&mut template, &format!("m{at}.$"), json!(expression));
        }
        if self.choices.one_in(3) { json!({"inner": [template, 1]}) } else { template }
    }
}

const EXPRESSIONS: &[&str] = &[
    "$",
    "$.n",
    "$.items",
    "$.items[*]",
    "$.o.b[1:]",
    "$.o['a','c']",
    "$..a",
    "$.o.b[?(@ > 1)]",
    "$$.Execution.Name",
    "$$.State.Name",
    "$$.Execution.Input.n",
    "States.Format('{}-{}', $.n, $.s)",
    "States.Array($.n, $.items)",
    "States.MathAdd($.n, 1)",
    "States.JsonToString($.o)",
    "States.StringToJson('[1, 2]')",
    "States.ArrayLength($.items)",
    "States.ArrayUnique($.o.b)",
    "States.ArrayContains($.o.b, 1)",
    "States.ArrayRange(1, 9, 2)",
    "States.ArrayPartition($.o.b, 2)",
    "States.ArrayGetItem($.o.b, 2)",
    "States.JsonMerge($.o, $.o.c, false)",
    "States.StringSplit('a,b', ',')",
    "States.Hash($.n, 'SHA-256')",
    "States.Base64Encode('text')",
];

const WILD_EXPRESSIONS: &[&str] = &[
    "$.missing",
    "States.UUID()",
    "States.MathRandom(1, 100)",
    "$$.State.EnteredTime",
    "$$.Execution.StartTime",
    "States.ArrayGetItem($.items, 99)",
    "States.StringToJson($.s)",
    "$$.Map.Item.Index",
];

fn set(value: &mut Value, member: &str, to: Value) {
    if let Value::Object(members) = value {
        members.insert(member.to_owned(), to);
    }
}

fn remove(value: &mut Value, member: &str) {
    if let Value::Object(members) = value {
        members.shift_remove(member);
    }
}

/// What becomes of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It succeeds, with this JSON text.
    Succeeds(String),
    /// It fails with this error.
    Fails(&'static str),
    /// It is started, and then nothing is heard of it.
    Silence,
}

/// How a generated task answers: a function of the state's name, the parameters and the number of the attempt, so that who asks twice
/// is told the same.
///
/// `Works` succeeds; `Flaky1` and `Flaky2` fail as often and succeed then; `Broken` fails; `Silent` lets time pass.
#[must_use]
pub fn answer(task: &StartTask) -> Answer {
    let behaviour = task.state.split(' ').next().unwrap_or_default();
    match behaviour {
        "Flaky1" if task.retry_count < 1 => Answer::Fails("Flaky.Error"),
        "Flaky2" if task.retry_count < 2 => Answer::Fails("Flaky.Error"),
        "Broken" => Answer::Fails("Broken.Error"),
        "Silent" => Answer::Silence,
        _ => {
            // The token names the event that scheduled the task, and its number depends on what else happens.
            let mut parameters = task.parameters.text().into_owned();
            if let Some(token) = &task.token {
                parameters = parameters.replace(&**token, "");
            }
            let value =
                parameters.bytes().chain(task.state.bytes()).fold(17_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(byte));
            Answer::Succeeds(format!(r#"{{"value": {}, "text": "{behaviour}", "items": [1,  2]}}"#, value % 1000))
        }
    }
}
