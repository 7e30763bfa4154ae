//! Warnings, and where there must be none.

use super::{DISTRIBUTED, jsonata, machine, one, parse};

/// The codes and locations of the warnings of a definition that may be used.
#[track_caller]
fn warnings(json: &str) -> Vec<(&'static str, String)> {
    let parsed = parse(json).unwrap_or_else(|errors| panic!("{json}\n{errors:#?}"));
    parsed.warnings.into_iter().map(|warning| (warning.code, warning.location.unwrap())).collect()
}

#[track_caller]
fn warns(json: &str, code: &str, location: &str) {
    assert_eq!(warnings(json), [(code, location.to_owned())], "{json}");
}

#[track_caller]
fn warns_not(json: &str) {
    assert_eq!(warnings(json), [], "{json}");
}

#[test]
fn values_that_look_evaluated() {
    let pass = |fields: &str| one(&format!(r#""Type": "Pass", "End": true, {fields}"#));
    warns(&pass(r#""Parameters": {"id": "$.id"}"#), "NO_DOLLAR", "/States/S/Parameters/id");
    warns(&pass(r#""Parameters": {"id": "States.UUID()"}"#), "NO_DOLLAR", "/States/S/Parameters/id");
    warns(&pass(r#""Parameters": {"a": [{"id": "$.id"}]}"#), "NO_DOLLAR", "/States/S/Parameters/a[0]/id");
    warns_not(&pass(r#""Parameters": {"id.$": "$.id", "price": "$5", "text": "States. and more", "sub": "${X}.a"}"#.replace("${X}", "$ {X}").as_str()));
    warns(&pass(r#""Result": {"id.$": "$.id"}"#), "PASS_RESULT_IS_STATIC", "/States/S/Result");
    warns_not(&pass(r#""Result": {"price": "$5"}"#));
    warns(&one(r#""Type": "Fail", "Cause": "$.cause""#), "NO_PATH", "/States/S/Cause");
    warns_not(&one(r#""Type": "Fail", "Cause": "costs $5.00""#));
    let choice = r#""S": {"Type": "Choice", "Default": "T", "Choices": [{"Variable": "$.a", "StringEquals": "$.b", "Next": "T"}]}, "T": {"Type": "Succeed"}"#;
    warns(&machine(choice), "NO_PATH", "/States/S/Choices[0]/StringEquals");
}

#[test]
fn choices_that_may_match_nothing() {
    let choice = |rules: &str| machine(&format!(r#""S": {{"Type": "Choice", "Choices": [{rules}]}}, "T": {{"Type": "Succeed"}}"#));
    warns(&choice(r#"{"Variable": "$.a", "IsNull": true, "Next": "T"}"#), "CHOICE_WITHOUT_DEFAULT", "/States/S");
    warns_not(&choice(
        r#"{"Variable": "$.a", "BooleanEquals": true, "Next": "T"}, {"Variable": "$.a", "BooleanEquals": false, "Next": "T"}"#,
    ));
}

#[test]
fn callbacks_that_never_come() {
    let task = |fields: &str| {
        one(&format!(r#""Type": "Task", "End": true, "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", {fields}"#))
    };
    let token = r#""Parameters": {"QueueUrl": "u", "MessageBody": {"t.$": "$$.Task.Token"}}"#;
    warns(&task(token), "CALLBACK_WITHOUT_TIMEOUT", "/States/S/Resource");
    warns_not(&task(&format!(r#""HeartbeatSeconds": 60, {token}"#)));
    warns_not(&task(&format!(r#""TimeoutSecondsPath": "$.t", {token}"#)));
    warns(
        &task(r#""TimeoutSeconds": 60, "Parameters": {"QueueUrl": "u", "MessageBody": "m"}"#),
        "CALLBACK_WITHOUT_TOKEN",
        "/States/S/Parameters",
    );
    warns_not(&task(r#""TimeoutSeconds": 60, "Parameters": {"QueueUrl": "u", "MessageBody.$": "$$"}"#));
    warns_not(&task(r#""TimeoutSeconds": 60, "Parameters": {"QueueUrl": "u", "MessageBody.$": "States.JsonToString($$.Task)"}"#));
}

#[test]
fn retriers_and_catchers_that_do_not_help() {
    let retry = |retriers: &str| {
        one(&format!(r#""Type": "Task", "End": true, "Resource": "arn:aws:states:::lambda:invoke", "Retry": [{retriers}]"#))
    };
    let here = "/States/S/Retry[0]/ErrorEquals";
    warns(&retry(r#"{"ErrorEquals": ["States.TimeOut"]}"#), "UNKNOWN_ERROR_NAME", here);
    let own = r#""S": {"Type": "Parallel", "End": true, "Catch": [{"ErrorEquals": ["States.Enough"], "Next": "T"}],
        "Branches": [{"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "States.Enough"}}}]}, "T": {"Type": "Succeed"}"#;
    warns_not(&machine(own));
    warns(&retry(r#"{"ErrorEquals": ["States.Runtime"]}"#), "UNCATCHABLE_ERROR", here);
    warns(&retry(r#"{"ErrorEquals": ["A"], "MaxAttempts": 99999999}"#), "ENDLESS_RETRY", "/States/S/Retry[0]/MaxAttempts");
    warns(
        &retry(r#"{"ErrorEquals": ["A", "B"]}, {"ErrorEquals": ["B"]}"#),
        "SHADOWED_RETRIER_OR_CATCHER",
        "/States/S/Retry[1]/ErrorEquals",
    );
    warns(
        &retry(r#"{"ErrorEquals": ["States.TaskFailed"]}, {"ErrorEquals": ["A"]}"#),
        "SHADOWED_RETRIER_OR_CATCHER",
        "/States/S/Retry[1]/ErrorEquals",
    );
    warns_not(&retry(
        r#"{"ErrorEquals": ["States.Http.StatusCode.503", "Lambda.TooManyRequestsException"]}, {"ErrorEquals": ["States.TaskFailed"]}, {"ErrorEquals": ["States.Timeout"]}, {"ErrorEquals": ["States.ALL"]}"#,
    ));
}

#[test]
fn fields_that_nothing_looks_at() {
    let inline =
        r#""Type": "Map", "End": true, "Label": "l", "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Succeed"}}}"#;
    warns(&one(inline), "FIELD_WITHOUT_EFFECT", "/States/S/Label");
    warns(&one(r#""Type": "Wait", "Seconds": 1, "Seconds": 2, "End": true"#), "DUPLICATE_FIELD", "/States/S/Seconds");
    let unreachable =
        machine(r#""S": {"Type": "Pass", "End": true}, "A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}"#);
    assert_eq!(
        warnings(&unreachable).iter().map(|warning| warning.0).collect::<Vec<_>>(),
        ["UNREACHABLE_STATE", "UNREACHABLE_STATE"]
    );
}

#[test]
fn express_children_cannot_wait() {
    let config = DISTRIBUTED.replace("STANDARD", "EXPRESS");
    let map = one(&format!(
        r#""Type": "Map", "End": true, "ItemProcessor": {{{config} "StartAt": "P", "States": {{"P": {{"Type": "Task", "End": true, "Resource": "arn:aws:states:::glue:startJobRun.sync"}}}}}}"#
    ));
    warns(&map, "EXPRESS_CHILD_CANNOT_WAIT", "/States/S/ItemProcessor/States/P/Resource");
    warns_not(&map.replace("EXPRESS", "STANDARD"));
}

#[test]
fn resources_that_are_put_in_later() {
    warns(&one(r#""Type": "Task", "End": true, "Resource": "my-function""#), "PLACEHOLDER_RESOURCE", "/States/S/Resource");
    warns_not(&jsonata(r#""S": {"Type": "Task", "End": true, "Resource": "arn:aws:states:::lambda:invoke"}"#));
    warns(&one(r#""Type": "Task", "End": true, "Resource": "${F}""#), "UNRESOLVED_SUBSTITUTION", "/");
}

#[test]
fn variables_that_nobody_assigns() {
    let read = |name: &str| {
        jsonata(&format!(
            r#""S": {{"Type": "Pass", "Assign": {{"orderId": 1}}, "Next": "T"}}, "T": {{"Type": "Succeed", "Output": ["{{% ${name} %}}"]}}"#
        ))
    };
    warns(&read("orderID"), "UNDEFINED_VARIABLE", "/States/T/Output[0]");
    warns_not(&read("orderId"));
    warns_not(&read("sum([1])"));
    let helps = |json: &str| parse(json).unwrap().warnings[0].help.clone().unwrap();
    assert_eq!(helps(&read("orderID")), "did you mean `$orderId`?");
    assert_eq!(helps(&read("state.input")), "did you mean `$states`?");
    assert_eq!(parse(&read("other")).unwrap().warnings[0].span.unwrap().start, read("other").find("$other").unwrap());
    let path = |path: &str| {
        machine(&format!(
            r#""S": {{"Type": "Pass", "Assign": {{"a": 1}}, "Next": "T"}}, "T": {{"Type": "Pass", "End": true, "Parameters": {{"x": [{{"y.$": "{path}"}}]}}}}"#
        ))
    };
    warns(&path("States.Format('{}', $b.c)"), "UNDEFINED_VARIABLE", "/States/T/Parameters");
    warns_not(&path("States.Format('{}', $a.c)"));
    warns(&one(r#""Type": "Fail", "CausePath": "$b.c""#), "UNDEFINED_VARIABLE", "/States/S/CausePath");
    // One of the same name in a scope that is not seen is not what is meant.
    let unseen = jsonata(
        r#""S": {"Type": "Pass", "Assign": {"orderid": 1}, "Next": "M"},
           "M": {"Type": "Map", "Next": "T", "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "Assign": {"orderId": 1}, "End": true}}}},
           "T": {"Type": "Succeed", "Output": "{% $orderId %}"}"#,
    );
    assert_eq!(helps(&unseen), "did you mean `$orderid`?");
    // Inner scopes see the variables of those around them, unless they are executions of their own.
    let inner = |config: &str, outer: &str, inner: &str| {
        jsonata(&format!(
            r#""S": {{"Type": "Pass", "Assign": {{"a": 1}}, "Next": "M"}},
               "M": {{"Type": "Map", "Next": "T", "ItemProcessor": {{{config} "StartAt": "P", "States": {{
                   "P": {{"Type": "Pass", "Assign": {{"b": 1}}, "Next": "Q"}}, "Q": {{"Type": "Succeed", "Output": "{{% {inner} %}}"}}}}}}}},
               "T": {{"Type": "Succeed", "Output": "{{% {outer} %}}"}}"#
        ))
    };
    warns_not(&inner("", "$a", "$a + $b"));
    warns(&inner("", "$b", "1"), "UNDEFINED_VARIABLE", "/States/T/Output");
    warns(&inner(DISTRIBUTED, "1", "$a"), "UNDEFINED_VARIABLE", "/States/M/ItemProcessor/States/Q/Output");
    warns_not(&inner(DISTRIBUTED, "1", "$b"));
}

#[test]
fn functions_and_members_that_do_not_exist() {
    let output = |expression: &str| jsonata(&format!(r#""S": {{"Type": "Succeed", "Output": "{{% {expression} %}}"}}"#));
    for called in ["$eval('1')", "$randomSeeded(3)", "$map([1], $string) ~> $summe()"] {
        warns(&output(called), "UNKNOWN_FUNCTION", "/States/S/Output");
    }
    for called in ["$parse('1')", "$random(3)", "$uuid()", "($f := function($x) { $x }; $f(1))", "$sum([1]) ~> $string"] {
        warns_not(&output(called));
    }
    warns(&output("$states.inputs.a"), "UNKNOWN_STATES_MEMBER", "/States/S/Output");
    warns_not(&output("$states.input.inputs & $states.context.State.Name"));
}
