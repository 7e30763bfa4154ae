//! The program of every function of a deployment. What it does comes from its environment: see [`Config`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use statewright_integrations::caller::{Caller, Endpoints, Settings};
use statewright_interpreter::time::Timestamp;
use statewright_lambda::config::{Config, Function};
use statewright_lambda::function::api::Place;
use statewright_lambda::function::{
    Invocation, Machinery, Messages, SqsEvent, api, begin, drive, express, in_time, machinery, resource, start, sweep, tasks,
};
use statewright_lambda::keys::{self, StoredKeys};
use statewright_lambda::{Direct, DynamoTable, SqsQueue, Wakes, aws, log};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Engine = Machinery<DynamoTable, Wakes<SqsQueue>, SqsQueue, SqsQueue>;

/// What a process keeps between invocations.
struct Process<K> {
    config: Config,
    engine: Arc<Engine>,
    messages: Messages<SqsQueue>,
    keys: K,
    /// Whether it has been invoked before.
    is_warm: AtomicBool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_environment().inspect_err(|error| log::error("the configuration is wrong", &[("error", error)]))?;
    let shared = aws::config().load().await;
    let region = shared.region().ok_or("AWS_REGION is not set: the region that the deployment is in")?.to_string();
    let credentials = shared.credentials_provider().ok_or("there is nowhere to take credentials from")?;
    let settings = Settings { region, endpoints: Endpoints::from_environment(), credentials, answer: config.wait };
    let (dynamo, sqs) = (aws_sdk_dynamodb::Client::new(&shared), aws_sdk_sqs::Client::new(&shared));
    let direct = config.direct.clone().map(|function| Direct::new(Caller::new(settings.clone()), function));
    let queue = |url: &String| SqsQueue::new(sqs.clone(), url);
    let engine = machinery(
        &config,
        DynamoTable::new(dynamo, config.table.as_str()),
        Wakes::new(queue(&config.wakes), direct),
        // The API may send to no other queue; drivers hand on what lies there.
        queue(if config.function == Function::Api { &config.wakes } else { &config.tasks }),
        queue(&config.express),
        Caller::new(settings),
    );
    let source = match config.function {
        Function::Tasks => &config.tasks,
        Function::Express => &config.express,
        _ => &config.wakes,
    };
    let messages = Messages { queue: queue(source), letters: config.dead_letters.as_ref().map(queue) };
    let keys = {
        let (engine, name) = (Arc::clone(&engine), config.keys.clone());
        StoredKeys::new(move || {
            let (engine, name) = (Arc::clone(&engine), name.clone());
            async move {
                match name {
                    Some(name) => keys::fetch(engine.others().caller(), &name).await.map(Some),
                    None => Ok(None),
                }
            }
        })
    };
    let process = Process { config, engine, messages, keys, is_warm: AtomicBool::new(false) };
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| Box::pin(invoke(&process, event.payload, event.context))))
        .await
}

/// Answers an invocation. After the answer nothing runs, so what is kept is delivered before.
async fn invoke<K: api::Keys>(process: &Process<K>, event: Box<RawValue>, context: Context) -> Result<Box<RawValue>, Error> {
    let deadline = Timestamp(i64::try_from(context.deadline).unwrap_or(i64::MAX));
    let invocation = Invocation { deadline, is_first: !process.is_warm.swap(true, Ordering::Relaxed) };
    let answered = in_time(&invocation, async {
        let answer = work(process, event, context, &invocation).await;
        process.engine.flush_logs().await;
        answer
    });
    answered.await?
}

/// Does what the function is for.
async fn work<K: api::Keys>(
    process: &Process<K>,
    event: Box<RawValue>,
    context: Context,
    invocation: &Invocation,
) -> Result<Box<RawValue>, Error> {
    let Process { config, engine, messages, keys, is_warm: _ } = process;
    begin(engine, config, invocation);
    let place = || Place::of(&context.invoked_function_arn).ok_or("the function's ARN names no account");
    let event_of_queue =
        || serde_json::from_str::<SqsEvent>(event.get()).map_err(|error| format!("the event is none of SQS: {error}"));
    match config.function {
        Function::Api | Function::Activity => answer(&Box::pin(api::handle(&**engine, keys, &place()?, event.get())).await),
        Function::Drive | Function::Direct => {
            let (relay, event) = (config.relay.as_ref(), event_of_queue()?);
            answer(&Box::pin(drive::handle(&**engine, messages, relay, &event, invocation)).await?)
        }
        Function::Tasks => answer(&Box::pin(tasks::handle(&**engine, messages, &event_of_queue()?)).await?),
        Function::Express => answer(&Box::pin(express::handle(&**engine, messages, &event_of_queue()?)).await?),
        Function::Sweep => {
            let swept = Box::pin(sweep::handle(&**engine, config, messages, invocation)).await?;
            answer(&serde_json::json!({ "woken": swept.woken, "stale": swept.stale, "setAside": swept.put_aside }))
        }
        Function::Start => {
            let Some((machine, mapping)) = &config.start else { return Err("there is no state machine to start".into()) };
            answer(&Box::pin(start::handle(&**engine, &place()?, machine, mapping, event.get(), &context.request_id)).await?)
        }
        Function::Resource => answer(&Box::pin(resource::handle(&**engine, &place()?, config.keys.as_deref(), event.get())).await?),
    }
}

fn answer(answer: &impl Serialize) -> Result<Box<RawValue>, Error> {
    Ok(to_raw_value(answer)?)
}
