//! Lists in pages.

use serde_json::{Value, json};
use statewright_engine::Clock as _;
use statewright_tests::stage::Stage;

use crate::{ask, created, one, pass, refused, started, wait, with};

const INVALID: &str = "InvalidToken: Invalid Token: 'Invalid token'";

/// All pages of a list, as long as the tokens lead on.
fn pages(stage: &Stage, operation: &str, list: &str, request: Value) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut token = Value::Null;
    loop {
        let answer = ask(stage, operation, with(request.clone(), json!({"nextToken": token})));
        pages.push(answer[list].as_array().unwrap().clone());
        match answer.get("nextToken") {
            Some(next) => token = next.clone(),
            None => return pages,
        }
    }
}

/// Every list there is, with `count` entries: operation, member, request.
fn lists(stage: &Stage, count: usize) -> Vec<(&'static str, &'static str, Value)> {
    let machine_arn = created(stage, "of-executions", &pass(), json!({}));
    for number in 1..count {
        created(stage, &format!("m{number:02}"), &pass(), json!({}));
    }
    for number in 0..count {
        ask(stage, "CreateActivity", json!({"name": format!("a{number:02}")}));
        started(stage, &machine_arn, json!({"name": format!("e{number:02}")}));
    }
    // Two events for itself, and two for each state.
    let states = (0..count / 2 - 1).map(|number| {
        let end = if number + 2 == count / 2 { json!({"End": true}) } else { json!({"Next": format!("S{}", number + 1)}) };
        (format!("S{number}"), with(json!({"Type": "Pass"}), end))
    });
    let chain = json!({"StartAt": "S0", "States": states.collect::<serde_json::Map<_, _>>()}).to_string();
    let execution_arn = started(stage, &created(stage, "chain", &chain, json!({})), json!({}));
    ask(stage, "DeleteStateMachine", json!({"stateMachineArn": crate::arn("stateMachine", "chain")}));
    vec![
        ("ListStateMachines", "stateMachines", json!({})),
        ("ListActivities", "activities", json!({})),
        ("ListExecutions", "executions", json!({"stateMachineArn": machine_arn})),
        ("GetExecutionHistory", "events", json!({"executionArn": execution_arn})),
        ("GetExecutionHistory", "events", json!({"executionArn": execution_arn, "reverseOrder": true})),
    ]
}

#[test]
fn pages_are_full_and_the_last_one_has_no_token() {
    let stage = Stage::default();
    for (operation, list, request) in lists(&stage, 12) {
        let whole = pages(&stage, operation, list, request.clone());
        assert_eq!(whole.iter().map(Vec::len).collect::<Vec<_>>(), [12], "{operation}");
        for (most, lengths) in [(1, vec![1; 12]), (5, vec![5, 5, 2]), (6, vec![6, 6]), (11, vec![11, 1]), (12, vec![12])] {
            let parts = pages(&stage, operation, list, with(request.clone(), json!({"maxResults": most})));
            assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), lengths, "{operation} {most}");
            assert_eq!(parts.concat(), whole.concat(), "{operation} {most}");
        }
    }
}

#[test]
fn a_page_has_a_hundred_entries_unless_somebody_asks_for_more_or_fewer() {
    let stage = Stage::default();
    for number in 0..101 {
        ask(&stage, "CreateActivity", json!({"name": format!("a{number}")}));
    }
    let lengths = |most: Value| {
        let pages = pages(&stage, "ListActivities", "activities", json!({"maxResults": most}));
        pages.iter().map(Vec::len).collect::<Vec<_>>()
    };
    assert_eq!(lengths(Value::Null), [100, 1]);
    assert_eq!(lengths(json!(0)), [100, 1]);
    assert_eq!(lengths(json!(1000)), [101]);
}

#[test]
fn the_size_of_pages_may_change_and_nothing_else() {
    let stage = Stage::default();
    let token = |operation: &str, request: &Value| {
        let answer = ask(&stage, operation, with(request.clone(), json!({"maxResults": 1})));
        answer["nextToken"].as_str().unwrap().to_owned()
    };
    let lists = lists(&stage, 6);
    let mut tokens = Vec::new();
    for (operation, list, request) in &lists {
        let token = token(operation, request);
        let rest = ask(&stage, operation, with(request.clone(), json!({"nextToken": token, "maxResults": 3})));
        assert_eq!(rest[list].as_array().unwrap().len(), 3);
        tokens.push(token);
    }
    for (at, (operation, _, request)) in lists.iter().enumerate() {
        for (other, token) in tokens.iter().enumerate().filter(|(other, _)| *other != at) {
            let elsewhere = with(request.clone(), json!({"nextToken": token}));
            assert_eq!(refused(&stage, operation, elsewhere), INVALID, "{at} with the token of {other}");
        }
    }
    let (_, _, executions) = &lists[2];
    let filtered = with(executions.clone(), json!({"statusFilter": "SUCCEEDED", "nextToken": tokens[2]}));
    assert_eq!(refused(&stage, "ListExecutions", filtered), INVALID);
}

#[test]
fn a_token_that_was_made_up_changed_or_kept_too_long_is_invalid() {
    let stage = Stage::default();
    for (operation, _, request) in lists(&stage, 6) {
        let first = ask(&stage, operation, with(request.clone(), json!({"maxResults": 2})));
        let token = first["nextToken"].as_str().unwrap();
        let with_token = |token: &str| with(request.clone(), json!({"nextToken": token}));
        let mut changed: Vec<String> = vec!["x".to_owned(), "{}".to_owned(), format!("{token}A"), token[1..].to_owned()];
        for at in 0..token.len() {
            let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
            changed.push([&token[..at], other, &token[at + 1..]].concat());
        }
        for changed in changed {
            assert_eq!(refused(&stage, operation, with_token(&changed)), INVALID, "{changed}");
        }
    }
    let first = ask(&stage, "ListActivities", json!({"maxResults": 1}));
    let with_token = json!({"nextToken": first["nextToken"]});
    let day = 24 * 60 * 60;
    stage.clock.advance_to(stage.clock.now().plus_seconds(day - 1));
    ask(&stage, "ListActivities", with_token.clone());
    stage.clock.advance_to(stage.clock.now().plus_seconds(1));
    assert_eq!(refused(&stage, "ListActivities", with_token), INVALID);
}

#[test]
fn tokens_fit_into_requests() {
    let stage = Stage::default();
    for last in ["a", "b", "c"] {
        let name = format!("{}{last}", "日".repeat(79));
        created(&stage, &name, &pass(), json!({}));
        ask(&stage, "CreateActivity", json!({"name": name}));
    }
    for (operation, list) in [("ListStateMachines", "stateMachines"), ("ListActivities", "activities")] {
        assert_eq!(pages(&stage, operation, list, json!({"maxResults": 1})).len(), 3);
    }
}

#[test]
fn what_is_created_or_deleted_between_two_pages_disturbs_nothing_else() {
    let stage = Stage::default();
    for name in ["b", "d", "f", "h"] {
        created(&stage, name, &pass(), json!({}));
    }
    let page = |token: &Value| ask(&stage, "ListStateMachines", json!({"maxResults": 2, "nextToken": token}));
    let names = |page: &Value| {
        let machines = page["stateMachines"].as_array().unwrap();
        machines.iter().map(|machine| machine["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = page(&Value::Null);
    assert_eq!(names(&first), ["b", "d"]);
    ask(&stage, "DeleteStateMachine", json!({"stateMachineArn": crate::arn("stateMachine", "d")}));
    created(&stage, "a", &pass(), json!({}));
    created(&stage, "e", &wait(), json!({}));
    let second = page(&first["nextToken"]);
    assert_eq!(names(&second), ["e", "f"]);
    assert_eq!(names(&page(&second["nextToken"])), ["h"]);
}

#[test]
fn a_history_goes_on_behind_the_page_before_while_the_execution_does() {
    let stage = Stage::default();
    let execution_arn = started(&stage, &created(&stage, "m", &one(json!({"Type": "Wait", "Seconds": 60})), json!({})), json!({}));
    let page = |token: &Value| {
        ask(&stage, "GetExecutionHistory", json!({"executionArn": execution_arn, "maxResults": 1, "nextToken": token}))
    };
    let first = page(&Value::Null);
    stage.settle(&execution_arn);
    assert_eq!(page(&first["nextToken"])["events"][0]["id"], 2);
}

#[test]
fn a_page_of_a_history_ends_where_it_grows_too_long() {
    let stage = Stage::default();
    let input = format!("\"{}\"", "x".repeat(262_142));
    let states = (0..8).map(|number| {
        let end = if number == 7 { json!({"End": true}) } else { json!({"Next": format!("S{}", number + 1)}) };
        (format!("S{number}"), with(json!({"Type": "Pass"}), end))
    });
    let chain = json!({"StartAt": "S0", "States": states.collect::<serde_json::Map<_, _>>()}).to_string();
    let execution_arn = started(&stage, &created(&stage, "m", &chain, json!({})), json!({"input": input}));
    for reverse in [false, true] {
        let request = json!({"executionArn": execution_arn, "reverseOrder": reverse});
        let parts = pages(&stage, "GetExecutionHistory", "events", request.clone());
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [15, 3]);
        let bare = pages(&stage, "GetExecutionHistory", "events", with(request, json!({"includeExecutionData": false})));
        assert_eq!(bare.iter().map(Vec::len).collect::<Vec<_>>(), [18]);
        let ids = |pages: Vec<Vec<Value>>| pages.concat().iter().map(|event| event["id"].as_u64().unwrap()).collect::<Vec<_>>();
        assert_eq!(ids(parts), ids(bare));
    }
}

#[test]
fn a_page_of_a_history_fits_into_the_text_of_another_answer() {
    let stage = Stage::default();
    // Text in which every second character is one that has to be escaped again, in an event that is a text itself.
    let input = serde_json::to_string(&vec!["a"; 60_000]).unwrap();
    let states = (0..10).map(|number| {
        let end = if number == 9 { json!({"End": true}) } else { json!({"Next": format!("S{}", number + 1)}) };
        (format!("S{number}"), with(json!({"Type": "Pass"}), end))
    });
    let chain = json!({"StartAt": "S0", "States": states.collect::<serde_json::Map<_, _>>()}).to_string();
    let execution_arn = started(&stage, &created(&stage, "m", &chain, json!({})), json!({"input": input}));
    for reverse in [false, true] {
        let (mut token, mut ids) = (Value::Null, Vec::new());
        while ids.len() < 22 {
            let request = json!({"executionArn": execution_arn, "reverseOrder": reverse, "nextToken": token});
            let body = stage.send(&[("x-amz-target", "AWSStepFunctions.GetExecutionHistory")], request.to_string().as_bytes()).body;
            let sent = json!({"statusCode": 200, "body": body}).to_string();
            assert!((2_000_000..6_291_556).contains(&sent.len()) || ids.len() > 10, "{}", sent.len());
            let answer: Value = serde_json::from_str(&body).unwrap();
            ids.extend(answer["events"].as_array().unwrap().iter().map(|event| event["id"].as_u64().unwrap()));
            token = answer["nextToken"].clone();
        }
        ids.sort_unstable();
        assert_eq!(ids, (1..=22).collect::<Vec<_>>(), "each event is on one page");
        assert_eq!(token, Value::Null);
    }
}
