//! What the environment says a function is to do.

use std::fmt;
use std::time::Duration;

use statewright_engine::AfterCrash;

use crate::function::relay::Relay;
use crate::pattern::Patterns;
use crate::start::Mapping;

/// What a function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Answers the Step Functions API.
    Api,
    /// Starts executions of one state machine, by events.
    Start,
    /// Drives executions, woken by a queue, and hands on what is for others.
    Drive,
    /// Drives executions that were just started, woken by whoever has started them.
    Direct,
    /// Does the tasks that take long, from a queue.
    Tasks,
    /// Runs Express executions, from a queue.
    Express,
    /// Looks for what was lost, once a minute.
    Sweep,
    /// Answers workers of activities.
    Activity,
    /// Makes state machines for CloudFormation.
    Resource,
}

impl Function {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Api, "api"),
        (Self::Start, "start"),
        (Self::Drive, "drive"),
        (Self::Direct, "direct"),
        (Self::Tasks, "tasks"),
        (Self::Express, "express"),
        (Self::Sweep, "sweep"),
        (Self::Activity, "activity"),
        (Self::Resource, "resource"),
    ];

    /// The function, as `STATEWRIGHT_FUNCTION` calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|known| known.0 == self).map_or("", |known| known.1)
    }
}

/// How a function of a deployment is set up.
#[derive(Debug)]
pub struct Config {
    /// What it does.
    pub function: Function,
    /// The table that holds everything.
    pub table: String,
    /// The queue of wake-ups.
    pub wakes: String,
    /// The queue of tasks that take long: that of the wake-ups, unless they have one of their own.
    pub tasks: String,
    /// The queue of Express executions that nobody waits for: that of the wake-ups, unless they have one of their own.
    pub express: String,
    /// The queue that messages go to that were in vain again and again.
    pub dead_letters: Option<String>,
    /// The functions that messages are handed to which are not for drivers.
    pub relay: Option<Relay>,
    /// The function that drives new executions at once, if there is one.
    pub direct: Option<String>,
    /// The parameter that holds the deployment's own keys. Without one only those call who have passed IAM.
    pub keys: Option<String>,
    /// The roles that state machines may run under. Without any, tasks are called in the function's own name.
    pub roles: Patterns,
    /// What becomes of a task whose starter died, if no pattern says otherwise.
    pub after_crash: AfterCrash,
    /// Tasks that are never done twice, whatever `after_crash` says.
    pub fail_after_crash: Patterns,
    /// Tasks that may be done twice, whatever `after_crash` says.
    pub repeat_after_crash: Patterns,
    /// Tasks that are certainly over after this are waited for by drivers.
    pub wait: Duration,
    /// How long everything about an execution is kept after it was written.
    pub retention: Duration,
    /// How long a worker is kept waiting for a task of an activity.
    pub poll: Duration,
    /// The bus that execution status events go to, if they are sent.
    pub events: Option<String>,
    /// Whether metrics are logged, in CloudWatch's embedded format.
    pub metrics: bool,
    /// The state machine that [`Function::Start`] starts, and how it makes input and name of an event.
    pub start: Option<(String, Mapping)>,
}

/// What is wrong with the environment, all of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

/// Reads variables, and gathers what is wrong with them.
struct Reader<'v> {
    variable: &'v dyn Fn(&str) -> Option<String>,
    wrong: Vec<String>,
}

impl Reader<'_> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &str, what: &str) -> String {
        let value = self.optional(name);
        if value.is_none() {
            self.wrong.push(format!("{name} is not set: {what}"));
        }
        value.unwrap_or_default()
    }

    /// One of several words; the first where nothing is set.
    fn one_of<T: Copy>(&mut self, name: &str, words: &[(T, &str)]) -> Option<T> {
        let Some(value) = self.optional(name) else { return words.first().map(|word| word.0) };
        let found = words.iter().find(|word| word.1 == value).map(|word| word.0);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|word| word.1).collect();
            self.wrong.push(format!("{name} is `{value}`: set it to one of {}", known.join(", ")));
        }
        found
    }

    fn number(&mut self, name: &str, default: u64, range: std::ops::RangeInclusive<u64>) -> u64 {
        let Some(value) = self.optional(name) else { return default };
        let number = value.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.wrong.push(format!("{name} is `{value}`: set it to a number from {} to {}", range.start(), range.end()));
        }
        number.unwrap_or(default)
    }

    fn url(&mut self, name: &str, what: &str) -> String {
        let url = self.required(name, what);
        self.check_url(name, url)
    }

    /// The URL of a queue where there is one of its own.
    fn own_url(&mut self, name: &str) -> Option<String> {
        let url = self.optional(name)?;
        Some(self.check_url(name, url))
    }

    fn check_url(&mut self, name: &str, url: String) -> String {
        if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
            self.wrong.push(format!("{name} is `{url}`: set it to the queue's URL, which begins with https://"));
        }
        url
    }

    fn patterns(&self, name: &str) -> Patterns {
        Patterns::parse(&self.optional(name).unwrap_or_default())
    }
}

impl Config {
    /// What these variables say.
    ///
    /// # Errors
    /// When something is missing or cannot be understood: all that is wrong, and what to set.
    pub fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader { variable, wrong: Vec::new() };
        let function = match reader.optional("STATEWRIGHT_FUNCTION") {
            Some(_) => reader.one_of("STATEWRIGHT_FUNCTION", &Function::ALL),
            None => {
                let names: Vec<&str> = Function::ALL.iter().map(|known| known.1).collect();
                reader.wrong.push(format!("STATEWRIGHT_FUNCTION is not set: what this function does, one of {}", names.join(", ")));
                None
            }
        };
        let function = function.unwrap_or(Function::Api);
        let crash = [(AfterCrash::Repeat, "repeat"), (AfterCrash::Fail, "fail")];
        let wakes = reader.url("STATEWRIGHT_WAKES", "the URL of the queue that drivers are woken by");
        let config = Self {
            function,
            table: reader.required("STATEWRIGHT_TABLE", "the name of the table that holds executions and state machines"),
            tasks: reader.own_url("STATEWRIGHT_TASKS").unwrap_or_else(|| wakes.clone()),
            express: reader.own_url("STATEWRIGHT_EXPRESS").unwrap_or_else(|| wakes.clone()),
            wakes,
            dead_letters: reader.optional("STATEWRIGHT_DEAD_LETTERS"),
            relay: (function == Function::Drive).then(|| Relay {
                tasks: reader.required("STATEWRIGHT_TASKS_FUNCTION", "the name of the function that does the tasks that take long"),
                express: reader.required("STATEWRIGHT_EXPRESS_FUNCTION", "the name of the function that runs Express executions"),
            }),
            direct: match function {
                Function::Api | Function::Start => reader.optional("STATEWRIGHT_DIRECT"),
                _ => None,
            },
            keys: reader.optional("STATEWRIGHT_KEYS"),
            roles: reader.patterns("STATEWRIGHT_ROLES"),
            after_crash: reader.one_of("STATEWRIGHT_AFTER_CRASH", &crash).unwrap_or(AfterCrash::Fail),
            fail_after_crash: reader.patterns("STATEWRIGHT_FAIL_AFTER_CRASH"),
            repeat_after_crash: reader.patterns("STATEWRIGHT_REPEAT_AFTER_CRASH"),
            wait: Duration::from_secs(reader.number("STATEWRIGHT_WAIT_SECONDS", 30, 1..=840)),
            retention: Duration::from_secs(24 * 3600 * reader.number("STATEWRIGHT_RETENTION_DAYS", 90, 1..=3650)),
            poll: Duration::from_secs(reader.number("STATEWRIGHT_POLL_SECONDS", 10, 0..=60)),
            // A stack can export no empty text.
            events: reader.optional("STATEWRIGHT_EVENTS").filter(|bus| bus != "off"),
            metrics: reader.one_of("STATEWRIGHT_METRICS", &[(false, "off"), (true, "on")]).unwrap_or(false),
            start: None,
        };
        let start = (function == Function::Start).then(|| {
            let machine = reader.required("STATEWRIGHT_STATE_MACHINE", "the ARN of the state machine that events start");
            let mapping =
                Mapping::parse(reader.optional("STATEWRIGHT_INPUT").as_deref(), reader.optional("STATEWRIGHT_NAME").as_deref());
            (machine, mapping.map_err(|error| reader.wrong.push(error)).unwrap_or_default())
        });
        if !reader.wrong.is_empty() {
            return Err(ConfigError(reader.wrong));
        }
        Ok(Self { start, ..config })
    }

    /// What the process's environment says.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_environment() -> Result<Self, ConfigError> {
        Self::read(&|name| std::env::var(name).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variable = |name: &str| variables.iter().find(|known| known.0 == name).map(|known| known.1.to_owned());
        Config::read(&variable).map_err(|error| error.to_string())
    }

    const DRIVE: [(&str, &str); 5] = [
        ("STATEWRIGHT_FUNCTION", "drive"),
        ("STATEWRIGHT_TABLE", "executions"),
        ("STATEWRIGHT_WAKES", "https://sqs/wakes"),
        ("STATEWRIGHT_TASKS_FUNCTION", "tasks"),
        ("STATEWRIGHT_EXPRESS_FUNCTION", "express"),
    ];

    #[test]
    fn what_is_not_set_has_a_default() {
        let config = read(&DRIVE).expect("complete");
        assert_eq!((config.function, config.after_crash), (Function::Drive, AfterCrash::Repeat));
        assert_eq!((config.wait.as_secs(), config.retention.as_secs()), (30, 90 * 86_400));
        assert!(config.roles.is_empty() && !config.metrics && config.events.is_none());
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let error = read(&[("STATEWRIGHT_FUNCTION", "drvie"), ("STATEWRIGHT_WAKES", "wakes"), ("STATEWRIGHT_WAIT_SECONDS", "0")]);
        let error = error.expect_err("wrong");
        for part in [
            "STATEWRIGHT_FUNCTION is `drvie`: set it to one of api, start, drive, direct, tasks, express, sweep, activity, resource",
            "STATEWRIGHT_TABLE is not set: the name of the table",
            "STATEWRIGHT_WAKES is `wakes`: set it to the queue's URL",
            "STATEWRIGHT_WAIT_SECONDS is `0`: set it to a number from 1 to 840",
        ] {
            assert!(error.contains(part), "{part} is not in {error}");
        }
        assert!(read(&[]).expect_err("empty").contains("STATEWRIGHT_FUNCTION is not set"));
    }

    #[test]
    fn one_queue_takes_all_unless_others_are_named() {
        let config = read(&DRIVE).expect("complete");
        assert_eq!((&*config.tasks, &*config.express), ("https://sqs/wakes", "https://sqs/wakes"));
        let own = [("STATEWRIGHT_TASKS", "https://sqs/tasks"), ("STATEWRIGHT_EXPRESS", "")];
        let config = read(&[&own[..], &DRIVE].concat()).expect("complete");
        assert_eq!((&*config.tasks, &*config.express), ("https://sqs/tasks", "https://sqs/wakes"));
        let error = read(&[&[("STATEWRIGHT_TASKS", "tasks")], &DRIVE[..]].concat()).expect_err("no URL");
        assert!(error.contains("STATEWRIGHT_TASKS is `tasks`: set it to the queue's URL"), "{error}");
    }

    #[test]
    fn who_drives_knows_whom_to_hand_on_to() {
        let relay = Relay { tasks: "tasks".to_owned(), express: "express".to_owned() };
        assert_eq!(read(&DRIVE).expect("complete").relay, Some(relay));
        let error = read(&DRIVE[..3]).expect_err("nobody to hand on to");
        assert!(error.contains("STATEWRIGHT_TASKS_FUNCTION is not set: the name of the function that does"), "{error}");
        assert!(error.contains("STATEWRIGHT_EXPRESS_FUNCTION is not set: the name of the function that runs"), "{error}");
    }

    #[test]
    fn new_executions_are_driven_at_once_only_by_whoever_starts_them() {
        let direct = |function: &'static str| {
            let more = [("STATEWRIGHT_FUNCTION", function), ("STATEWRIGHT_DIRECT", "direct")];
            read(&[&more[..], &DRIVE].concat()).expect("complete").direct
        };
        assert_eq!((direct("api").as_deref(), direct("drive"), direct("tasks")), (Some("direct"), None, None));
    }

    #[test]
    fn the_function_that_starts_executions_knows_of_which_machine() {
        let start = [("STATEWRIGHT_FUNCTION", "start"), ("STATEWRIGHT_TABLE", "t"), ("STATEWRIGHT_WAKES", "https://w")];
        assert!(read(&start).expect_err("no machine").contains("STATEWRIGHT_STATE_MACHINE is not set"));
        let machine = ("STATEWRIGHT_STATE_MACHINE", "arn:aws:states:us-east-1:123456789012:stateMachine:m");
        let with = |more: &[(&'static str, &'static str)]| read(&[&start[..], &[machine], more].concat());
        assert!(with(&[]).is_ok());
        let error = with(&[("STATEWRIGHT_INPUT", "detail.(")]).expect_err("no expression");
        assert!(error.contains("STATEWRIGHT_INPUT"), "{error}");
    }
}
