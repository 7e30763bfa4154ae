//! Requests that come between others, and requests that break off.
//!
//! Everything is tried: another request at every access to the table that a request makes, and a failure of the table there.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use statewright_engine::api::{ApiError, Operation};
use statewright_engine::table::{Condition, Item, Key, MemoryTable, Page, Query, Table, TableError, WriteError};
use statewright_tests::stage::Stage;

use crate::{ROLE, arn, ask, created, machine, pass, refused, started, wait, with};

/// What happens at one access to the table.
enum Happens<'a> {
    /// Somebody else's request, from beginning to end.
    Other(&'a (dyn Fn() + Sync)),
    /// The access fails, and was not made.
    FailsBefore,
    /// The access fails, and was made all the same.
    FailsAfter,
    /// The access is made twice, and the second time is answered: the answer to the first was lost on its way.
    IsRepeated,
}

/// A table at whose access number `at`, from 0, something happens.
struct Watched<'a> {
    table: &'a MemoryTable,
    at: usize,
    seen: AtomicUsize,
    happens: Happens<'a>,
}

impl<'a> Watched<'a> {
    fn new(table: &'a MemoryTable, at: usize, happens: Happens<'a>) -> Self {
        Self { table, at, seen: AtomicUsize::new(0), happens }
    }

    fn fails(&self) -> TableError {
        TableError { message: "gone".to_owned(), throttled: false }
    }

    /// A table in memory is always ready, so that its futures need no waiting for.
    fn access<A, E: From<TableError>>(&self, mut access: impl FnMut() -> Result<A, E>) -> Result<A, E> {
        if self.seen.fetch_add(1, Ordering::Relaxed) != self.at {
            return access();
        }
        match self.happens {
            Happens::Other(other) => {
                other();
                access()
            }
            Happens::FailsBefore => Err(self.fails().into()),
            Happens::FailsAfter => access().and_then(|_| Err(self.fails().into())),
            Happens::IsRepeated => match access() {
                Ok(_) => access(),
                refused => refused,
            },
        }
    }
}

impl Table for Watched<'_> {
    async fn put(&self, item: Item, condition: Condition) -> Result<(), WriteError> {
        self.access(|| pollster::block_on(self.table.put(item.clone(), condition.clone())))
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.access(|| pollster::block_on(self.table.get(key)))
    }

    async fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.access(|| pollster::block_on(self.table.get_all(keys)))
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.access(|| pollster::block_on(self.table.query(query)))
    }

    async fn delete(&self, key: &Key, condition: Condition) -> Result<(), WriteError> {
        self.access(|| pollster::block_on(self.table.delete(key, condition.clone())))
    }
}

/// No request that is tried here makes more accesses.
const ACCESSES_MAX: usize = 60;

/// Makes a request once for each of its accesses to the table, on a new stage each time; `prepare` makes the stage, `happens` says what
/// happens at the access, `check` looks at what came of it. Returns how many there were.
fn at_every_access(
    prepare: impl Fn() -> Stage,
    (operation, request): (Operation, &Value),
    happens: impl for<'s> Fn(&'s Stage, &mut dyn FnMut(Happens<'_>)),
    check: impl Fn(&Stage, Result<Value, ApiError>),
) -> usize {
    for at in 0..ACCESSES_MAX {
        let stage = prepare();
        let mut answer = None;
        let mut reached = false;
        happens(&stage, &mut |happens| {
            let watched = Watched::new(&stage.table, at, happens);
            answer = Some(stage.call_over(&watched, operation, request));
            reached = watched.seen.load(Ordering::Relaxed) > at;
        });
        if !reached {
            return at;
        }
        check(&stage, answer.unwrap());
    }
    panic!("{} makes no end of accesses", operation.name());
}

/// The same with somebody else's request.
fn with_another(
    prepare: impl Fn() -> Stage,
    request: (Operation, &Value),
    (other, others): (Operation, &Value),
    check: impl Fn(&Stage, Result<Value, ApiError>, Result<Value, ApiError>),
) {
    let answered = std::sync::Mutex::new(None);
    let happens = |stage: &Stage, run: &mut dyn FnMut(Happens<'_>)| {
        run(Happens::Other(&|| *answered.lock().unwrap() = Some(stage.call(other, others))));
    };
    let accesses = at_every_access(prepare, request, happens, |stage, answer| {
        check(stage, answer, answered.lock().unwrap().take().unwrap());
    });
    assert!(accesses >= 2, "{accesses}");
}

/// The same with failures: the request is made again afterwards, as clients do, and must succeed.
fn with_failures(prepare: impl Fn() -> Stage, request: (Operation, &Value), check: impl Fn(&Stage)) {
    for after in [false, true] {
        let happens = |_: &Stage, run: &mut dyn FnMut(Happens<'_>)| {
            run(if after { Happens::FailsAfter } else { Happens::FailsBefore });
        };
        let accesses = at_every_access(&prepare, request, happens, |stage, answer| {
            assert_eq!(answer.unwrap_err().code, "ServiceUnavailable");
            stage.call(request.0, request.1).unwrap();
            check(stage);
        });
        assert!(accesses >= 2, "{accesses}");
    }
}

/// The same with accesses that are made twice: nobody notices.
fn with_repetitions(prepare: impl Fn() -> Stage, request: (Operation, &Value), check: impl Fn(&Stage)) {
    let happens = |_: &Stage, run: &mut dyn FnMut(Happens<'_>)| run(Happens::IsRepeated);
    let accesses = at_every_access(&prepare, request, happens, |stage, answer| {
        answer.unwrap();
        check(stage);
    });
    assert!(accesses >= 2, "{accesses}");
}

fn names(stage: &Stage, operation: &str, list: &str) -> Vec<String> {
    let answer = ask(stage, operation, json!({}));
    answer[list].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
}

/// The machine `m` is whole: described, listed, with its versions, and deleted without a trace that stays.
fn is_whole(stage: &Stage, definition: &str, versions: u64) {
    let machine_arn = arn("stateMachine", "m");
    let described = ask(stage, "DescribeStateMachine", json!({"stateMachineArn": machine_arn}));
    assert_eq!(described["definition"], definition);
    assert_eq!(names(stage, "ListStateMachines", "stateMachines"), ["m"]);
    for number in 1..=versions {
        ask(stage, "DescribeStateMachine", json!({"stateMachineArn": format!("{machine_arn}:{number}")}));
    }
    ask(stage, "DescribeStateMachineForExecution", json!({"executionArn": started(stage, &machine_arn, json!({"name": "e"}))}));
}

#[test]
fn of_two_machines_of_one_name_one_is_created() {
    let ours = machine("m", &pass(), json!({"publish": true}));
    for theirs in [machine("m", &wait(), json!({})), machine("m", &pass(), json!({"type": "EXPRESS"}))] {
        let create = (Operation::CreateStateMachine, &ours);
        with_another(Stage::default, create, (Operation::CreateStateMachine, &theirs), |stage, our, their| {
            let (won, lost) = match (our, their) {
                (Ok(_), Err(lost)) => (&ours, lost),
                (Err(lost), Ok(_)) => (&theirs, lost),
                both => panic!("{both:?}"),
            };
            assert_eq!(lost.code, "StateMachineAlreadyExists");
            let described = ask(stage, "DescribeStateMachine", json!({"stateMachineArn": arn("stateMachine", "m")}));
            assert_eq!(described["definition"], won["definition"]);
            let list = ask(stage, "ListStateMachines", json!({}));
            assert_eq!(list["stateMachines"][0]["type"], described["type"]);
            // The loser leaves nothing behind.
            let texts = stage.table.snapshot().iter().filter(|item| item.key.sort.starts_with("d#")).count();
            assert_eq!(texts, 1);
        });
    }
}

#[test]
fn the_same_machine_created_twice_at_once_is_one() {
    let request = machine("m", &pass(), json!({"publish": true}));
    let create = (Operation::CreateStateMachine, &request);
    with_another(Stage::default, create, create, |stage, our, their| {
        assert_eq!(our.unwrap(), their.unwrap());
        is_whole(stage, &pass(), 1);
    });
}

#[test]
fn many_callers_at_once_create_one_machine() {
    let stage = Stage::default();
    let definitions: Vec<String> = (0..8).map(|number| format!("{}{}", pass(), " ".repeat(number))).collect();
    let answers: Vec<Result<Value, ApiError>> = std::thread::scope(|scope| {
        let create = |definition: &String| {
            let (stage, request) = (&stage, machine("m", definition, json!({})));
            scope.spawn(move || stage.call(Operation::CreateStateMachine, &request))
        };
        let callers: Vec<_> = definitions.iter().map(create).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    let won: Vec<usize> = (0..8).filter(|number| answers[*number].is_ok()).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    assert!(answers.iter().flat_map(|answer| answer.as_ref().err()).all(|error| error.code == "StateMachineAlreadyExists"));
    is_whole(&stage, &definitions[won[0]], 0);
}

fn with_machine() -> Stage {
    let stage = Stage::default();
    created(&stage, "m", &pass(), json!({"publish": true}));
    stage
}

fn update(members: Value) -> Value {
    with(json!({"stateMachineArn": arn("stateMachine", "m")}), members)
}

#[test]
fn two_updates_at_once_are_both_made_and_publish_two_versions() {
    let ours = update(json!({"definition": wait(), "publish": true, "versionDescription": "ours"}));
    let theirs = update(json!({"roleArn": format!("{ROLE}2"), "publish": true, "versionDescription": "theirs"}));
    let update = Operation::UpdateStateMachine;
    with_another(with_machine, (update, &ours), (update, &theirs), |stage, our, their| {
        let (our, their) = (our.unwrap(), their.unwrap());
        let mut versions = [&our, &their].map(|answer| answer["stateMachineVersionArn"].as_str().unwrap().to_owned());
        for (answer, description) in [(&our, "ours"), (&their, "theirs")] {
            let version = json!({"stateMachineArn": answer["stateMachineVersionArn"]});
            assert_eq!(ask(stage, "DescribeStateMachine", version)["description"], description);
        }
        versions.sort();
        assert_eq!(versions, [arn("stateMachine", "m:2"), arn("stateMachine", "m:3")]);
        let described = ask(stage, "DescribeStateMachine", json!({"stateMachineArn": arn("stateMachine", "m")}));
        assert_eq!((&described["definition"], &described["roleArn"]), (&json!(wait()), &json!(format!("{ROLE}2"))));
        is_whole(stage, &wait(), 3);
    });
}

#[test]
fn a_machine_that_is_deleted_while_it_changes_is_gone() {
    let ours = update(json!({"definition": wait(), "publish": true}));
    let theirs = update(json!({}));
    let delete = (Operation::DeleteStateMachine, &theirs);
    with_another(with_machine, (Operation::UpdateStateMachine, &ours), delete, |stage, our, their| {
        their.unwrap();
        assert!(our.is_ok() || our.unwrap_err().code == "StateMachineDoesNotExist");
        assert_eq!(names(stage, "ListStateMachines", "stateMachines"), [""; 0]);
        assert!(refused(stage, "DescribeStateMachine", theirs.clone()).starts_with("StateMachineDoesNotExist"));
    });
}

#[test]
fn a_machine_that_is_created_while_its_namesake_is_deleted_is_there_or_was_deleted_too() {
    let ours = update(json!({}));
    let theirs = machine("m", &wait(), json!({}));
    let create = (Operation::CreateStateMachine, &theirs);
    with_another(with_machine, (Operation::DeleteStateMachine, &ours), create, |stage, our, their| {
        our.unwrap();
        // Before the deletion the name is taken, after it it is free.
        match their {
            Ok(_) => is_whole(stage, &wait(), 0),
            Err(error) => {
                assert_eq!(error.code, "StateMachineAlreadyExists");
                assert_eq!(names(stage, "ListStateMachines", "stateMachines"), [""; 0]);
            }
        }
    });
}

#[test]
fn an_activity_that_is_created_while_its_namesake_is_deleted_is_listed_if_it_is_there() {
    let prepare = || {
        let stage = Stage::default();
        ask(&stage, "CreateActivity", json!({"name": "a"}));
        stage
    };
    let (ours, theirs) = (json!({"activityArn": arn("activity", "a")}), json!({"name": "a"}));
    with_another(prepare, (Operation::DeleteActivity, &ours), (Operation::CreateActivity, &theirs), |stage, our, their| {
        our.unwrap();
        their.unwrap();
        let there = stage.call(Operation::DescribeActivity, &ours).is_ok();
        assert_eq!(names(stage, "ListActivities", "activities").len(), usize::from(there));
    });
}

#[test]
fn a_request_that_broke_off_is_made_good_by_making_it_again() {
    let create = machine("m", &pass(), json!({"publish": true}));
    with_failures(Stage::default, (Operation::CreateStateMachine, &create), |stage| is_whole(stage, &pass(), 1));
    let change = update(json!({"definition": wait(), "publish": true}));
    with_failures(with_machine, (Operation::UpdateStateMachine, &change), |stage| is_whole(stage, &wait(), 2));
    with_failures(with_machine, (Operation::DeleteStateMachine, &update(json!({}))), |stage| {
        assert_eq!(names(stage, "ListStateMachines", "stateMachines"), [""; 0]);
        created(stage, "m", &wait(), json!({}));
        is_whole(stage, &wait(), 0);
    });
    with_failures(Stage::default, (Operation::CreateActivity, &json!({"name": "a"})), |stage| {
        assert_eq!(names(stage, "ListActivities", "activities"), ["a"]);
    });
    let prepare = || {
        let stage = Stage::default();
        ask(&stage, "CreateActivity", json!({"name": "a"}));
        stage
    };
    with_failures(prepare, (Operation::DeleteActivity, &json!({"activityArn": arn("activity", "a")})), |stage| {
        assert_eq!(names(stage, "ListActivities", "activities"), [""; 0]);
    });
}

#[test]
fn a_write_that_the_table_makes_twice_is_one() {
    let create = machine("m", &pass(), json!({"publish": true}));
    with_repetitions(Stage::default, (Operation::CreateStateMachine, &create), |stage| is_whole(stage, &pass(), 1));
    let change = update(json!({"definition": wait(), "publish": true}));
    with_repetitions(with_machine, (Operation::UpdateStateMachine, &change), |stage| is_whole(stage, &wait(), 2));
    with_repetitions(with_machine, (Operation::DeleteStateMachine, &update(json!({}))), |stage| {
        assert_eq!(names(stage, "ListStateMachines", "stateMachines"), [""; 0]);
        // All that is left of it expires.
        assert!(stage.table.snapshot().iter().all(|item| item.expires.is_some()));
    });
    with_repetitions(Stage::default, (Operation::CreateActivity, &json!({"name": "a"})), |stage| {
        assert_eq!(names(stage, "ListActivities", "activities"), ["a"]);
    });
}

#[test]
fn a_table_that_is_too_busy_throttles_its_callers() {
    struct Busy;
    fn busy<A, E: From<TableError>>() -> Result<A, E> {
        Err(TableError { message: "busy".to_owned(), throttled: true }.into())
    }
    impl Table for Busy {
        async fn put(&self, _: Item, _: Condition) -> Result<(), WriteError> {
            busy()
        }
        async fn get(&self, _: &Key) -> Result<Option<Item>, TableError> {
            busy()
        }
        async fn get_all(&self, _: &[Key]) -> Result<Vec<Item>, TableError> {
            busy()
        }
        async fn query(&self, _: &Query) -> Result<Page, TableError> {
            busy()
        }
        async fn delete(&self, _: &Key, _: Condition) -> Result<(), WriteError> {
            busy()
        }
    }
    let stage = Stage::default();
    for (operation, request) in [
        (Operation::CreateStateMachine, machine("m", &pass(), json!({}))),
        (Operation::CreateActivity, json!({"name": "a"})),
        (Operation::ListStateMachines, json!({})),
        (Operation::DeleteActivity, json!({"activityArn": arn("activity", "a")})),
    ] {
        let error = stage.call_over(&Busy, operation, &request).unwrap_err();
        assert_eq!(error.to_string(), "ThrottlingException: Rate exceeded");
    }
}
