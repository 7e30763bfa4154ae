//! What the codes of diagnostics mean.

use super::code;

/// Every code that a [`Diagnostic`](super::Diagnostic) may have: the service's, then our own.
#[must_use]
pub fn codes() -> &'static [&'static str] {
    code::ALL
}

/// What a code means, with a wrong and a right example; `None` for what is no code.
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    Some(match code {
        code::INVALID_JSON_DESCRIPTION => {
            "The text is not JSON. The message says what the parser expected and where it noticed; the mistake may be a little before.

wrong:  {\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Succeed\"}},}
right:  {\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Succeed\"}}}"
        }
        code::INVALID_YAML_DESCRIPTION => {
            "The text is not YAML, or uses what has no counterpart in JSON: several documents, or keys that are not text.

wrong:  States: {A: {Type: Succeed}
right:  States: {A: {Type: Succeed}}"
        }
        code::SCHEMA_VALIDATION_FAILED => {
            "A field is missing, is not known, excludes another one, or has a value it cannot have. The location names the field, or the
object for fields that are missing or not known.

wrong:  {\"Type\": \"Wait\", \"Seconds\": \"10\", \"End\": true}
right:  {\"Type\": \"Wait\", \"Seconds\": 10, \"End\": true}"
        }
        code::MISSING_TRANSITION_TARGET => {
            "A transition (StartAt, Next, Default, or Next of a rule or a catcher) names a state that its States object does not have, or no
transition leads to a state. Names are compared exactly, and no transition leads into or out of a branch or an item processor.

wrong:  \"StartAt\": \"a\", \"States\": {\"A\": {\"Type\": \"Succeed\"}}
right:  \"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Succeed\"}}"
        }
        code::MISSING_END_STATE => {
            "No state of the workflow, branch or item processor ends it: every one must have a state with \"End\": true, a Succeed or a Fail.

wrong:  \"A\": {\"Type\": \"Pass\", \"Next\": \"A\"}
right:  \"A\": {\"Type\": \"Pass\", \"End\": true}"
        }
        code::DUPLICATE_STATE_NAME => {
            "Two states have the same name. Names are unique in the whole machine, those in branches and item processors included.

wrong:  a state \"Load\" in both branches of a Parallel
right:  \"Load orders\" in one, \"Load customers\" in the other"
        }
        code::INVALID_STATE_NAME => {
            "A state's name is empty or longer than 80 characters.

wrong:  \"\": {\"Type\": \"Succeed\"}
right:  \"Done\": {\"Type\": \"Succeed\"}"
        }
        code::DUPLICATE_LABEL_NAME => {
            "Two Distributed Maps have the same Label. Labels become part of ARNs, so they are unique in the machine.

wrong:  \"Label\": \"files\" in two Map states
right:  \"Label\": \"images\" and \"Label\": \"texts\""
        }
        code::INVALID_LABEL_NAME => {
            "A Label is empty, longer than 40 characters, or has blanks, control characters or one of ? * < > { } [ ] : ; , \\ | ^ ~ $ # % & ` \"

wrong:  \"Label\": \"all files\"
right:  \"Label\": \"all-files\""
        }
        code::TOO_DEEPLY_NESTED => {
            "Objects and arrays of the definition are nested more than 127 levels deep.

wrong:  a Parallel in a Parallel in a Parallel … 32 times
right:  move the inner part into a machine of its own, and start it with states:startExecution.sync:2"
        }
        code::INVALID_JSONATA_EXPRESSION => {
            "What stands between `{%` and `%}` is no JSONata as the service runs it: JSONata 2.0.6, in which `??` and `?:` do not exist.

wrong:  \"Output\": \"{% $states.input.total + %}\"
right:  \"Output\": \"{% $states.input.total + 1 %}\""
        }
        code::UNSUPPORTED_JSONATA_EXPRESSION => {
            "An expression refers to what it cannot see. No document stands behind it, so a bare name, `$` or `$$` at the top level means
nothing; inside a step, a filter or an object of a path they mean what is there. `$states.result` is there in Output and Assign of a
Task, a Parallel or a Map, `$states.errorOutput` in Output and Assign of a catcher.

wrong:  \"Output\": \"{% order.total %}\"
right:  \"Output\": \"{% $states.input.order.total %}\""
        }
        code::RESERVED_VARIABLE_NAME => {
            "The name `states` is the language's own: JSONata reads the input, the result and the context from `$states`.

wrong:  \"Assign\": {\"states\": 3}
right:  \"Assign\": {\"stateCount\": 3}"
        }
        code::INVALID_VARIABLE_NAME => {
            "A variable's name begins with a letter; letters, digits and `_` follow, up to 80 characters. Only whole variables are assigned.

wrong:  \"Assign\": {\"order.id\": 1}
right:  \"Assign\": {\"orderId\": 1}"
        }
        code::NO_DOLLAR => {
            "The value looks like a path or a call of an intrinsic function, but the field's name does not end in `.$`, so it is taken as text.

wrong:  \"Parameters\": {\"id\": \"$.order.id\"}
right:  \"Parameters\": {\"id.$\": \"$.order.id\"}"
        }
        code::NO_PATH => {
            "The value looks like a path, but the field's name does not end in `Path`, so it is taken as text.

wrong:  {\"Type\": \"Fail\", \"Cause\": \"$.cause\"}
right:  {\"Type\": \"Fail\", \"CausePath\": \"$.cause\"}"
        }
        code::PASS_RESULT_IS_STATIC => {
            "The Result of a Pass is what the state answers, as it stands: paths and intrinsic functions in it are text.

wrong:  {\"Type\": \"Pass\", \"Result\": {\"id.$\": \"$.id\"}, \"End\": true}
right:  {\"Type\": \"Pass\", \"Parameters\": {\"id.$\": \"$.id\"}, \"End\": true}"
        }
        code::UNRESOLVED_SUBSTITUTION => {
            "A `${Name}` has no value. The definition is checked as if fields that need a number or a path were absent; strings keep the text.

wrong:  \"Resource\": \"${OrderFunction}\", and no value for OrderFunction
right:  give the value, as DefinitionSubstitutions would"
        }
        code::PLACEHOLDER_RESOURCE => {
            "The Resource of a Task is no ARN. Templates write such texts and put the ARN in later; the service itself would refuse it.

wrong:  \"Resource\": \"my-function\"
right:  \"Resource\": \"arn:aws:lambda:eu-central-1:123456789012:function:my-function\""
        }
        code::UNREACHABLE_STATE => {
            "Transitions lead to the state, but only from states that are never reached from StartAt. The service does not notice.

wrong:  \"StartAt\": \"A\" (which ends), \"B\": {…, \"Next\": \"C\"}, \"C\": {…, \"Next\": \"B\"}
right:  remove B and C, or lead to one of them from A"
        }
        code::CHOICE_WITHOUT_DEFAULT => {
            "When no rule of a Choice without Default matches, the execution fails with States.NoChoiceMatched, which nothing can catch.

wrong:  {\"Type\": \"Choice\", \"Choices\": [{\"Variable\": \"$.n\", \"NumericEquals\": 1, \"Next\": \"One\"}]}
right:  {\"Type\": \"Choice\", \"Choices\": [{\"Variable\": \"$.n\", \"NumericEquals\": 1, \"Next\": \"One\"}], \"Default\": \"Other\"}"
        }
        code::SHADOWED_RETRIER_OR_CATCHER => {
            "Retriers and catchers are looked at in order, and those before this one match all that it names.

wrong:  [{\"ErrorEquals\": [\"States.TaskFailed\"], …}, {\"ErrorEquals\": [\"OutOfStock\"], …}]
right:  [{\"ErrorEquals\": [\"OutOfStock\"], …}, {\"ErrorEquals\": [\"States.TaskFailed\"], …}]"
        }
        code::UNCATCHABLE_ERROR => {
            "States.Runtime stands for mistakes that repeating cannot mend, such as a path that finds nothing: it always fails the execution.

wrong:  \"Catch\": [{\"ErrorEquals\": [\"States.Runtime\"], \"Next\": \"Repair\"}]
right:  test with a Choice and IsPresent before the path is used"
        }
        code::UNKNOWN_ERROR_NAME => {
            "Names that begin with `States.` are the language's own, and it has none of this spelling; it never matches.

wrong:  \"ErrorEquals\": [\"States.TimeOut\"]
right:  \"ErrorEquals\": [\"States.Timeout\"]"
        }
        code::ENDLESS_RETRY => {
            "The error is retried a thousand times or more. If it does not go away, the execution is busy with it for days.

wrong:  {\"ErrorEquals\": [\"States.ALL\"], \"MaxAttempts\": 99999999}
right:  {\"ErrorEquals\": [\"States.ALL\"], \"MaxAttempts\": 10, \"BackoffRate\": 2, \"MaxDelaySeconds\": 300}"
        }
        code::CALLBACK_WITHOUT_TIMEOUT => {
            "A task that waits for its token has no time limit: if the token gets lost, the execution waits for up to a year.

wrong:  {\"Type\": \"Task\", \"Resource\": \"arn:aws:states:::sqs:sendMessage.waitForTaskToken\", …}
right:  the same with \"TimeoutSeconds\": 3600"
        }
        code::CALLBACK_WITHOUT_TOKEN => {
            "A task waits for its token, but does not pass it on, so nobody can answer.

wrong:  \"Parameters\": {\"QueueUrl\": \"…\", \"MessageBody\": \"please\"}
right:  \"Parameters\": {\"QueueUrl\": \"…\", \"MessageBody\": {\"token.$\": \"$$.Task.Token\"}}"
        }
        code::FIELD_WITHOUT_EFFECT => {
            "The field is accepted here, but nothing looks at it.

wrong:  \"ItemReader\" in a Map whose Mode is INLINE
right:  \"ItemProcessor\": {\"ProcessorConfig\": {\"Mode\": \"DISTRIBUTED\", \"ExecutionType\": \"STANDARD\"}, …}"
        }
        code::EXPRESS_CHILD_CANNOT_WAIT => {
            "The child executions of this Distributed Map are Express ones. Those cannot wait for jobs (.sync), for tokens or for activities.

wrong:  \"ExecutionType\": \"EXPRESS\" and a task with .sync in it
right:  \"ExecutionType\": \"STANDARD\""
        }
        code::DUPLICATE_FIELD => {
            "An object has the same field twice. The last one counts, as in most JSON parsers.

wrong:  {\"Type\": \"Wait\", \"Seconds\": 1, \"Seconds\": 2, \"End\": true}
right:  {\"Type\": \"Wait\", \"Seconds\": 2, \"End\": true}"
        }
        code::UNDEFINED_VARIABLE => {
            "No state of this scope, or of a scope around it, assigns the variable. An expression in JSONata that reads it gives nothing, and a
path on it fails. The executions of a Distributed Map do not see variables from outside.

wrong:  \"Assign\": {\"orderId\": \"{% $states.input.id %}\"}, then \"Output\": \"{% $orderID %}\"
right:  \"Assign\": {\"orderId\": \"{% $states.input.id %}\"}, then \"Output\": \"{% $orderId %}\""
        }
        code::UNKNOWN_FUNCTION => {
            "JSONata as the service runs it has no function of this name, so calling it fails with States.QueryEvaluationError and T1006.
Variables hold JSON, never functions. `$eval` is the one function of JSONata 2.0.6 that the service leaves out.

wrong:  \"Output\": \"{% $eval($states.input.text) %}\"
right:  \"Output\": \"{% $parse($states.input.text) %}\""
        }
        code::UNKNOWN_STATES_MEMBER => {
            "`$states` has the members input and context, and where there is one result or errorOutput; any other is nothing.

wrong:  \"Output\": \"{% $states.inputs.id %}\"
right:  \"Output\": \"{% $states.input.id %}\""
        }
        _ => return None,
    })
}
