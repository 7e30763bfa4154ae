//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use statewright_interpreter::definition::MachineType;
use statewright_interpreter::quota::{Quotas, RELAXED_STACK_BYTES};

use crate::refusal::Refusal;
use crate::remote::{deploy, operate, proxy, remove};
use crate::screen::{ColorChoice, Screen, write_stdout};
use crate::{cost, eval, explain, package, run, validate};

/// Runs and checks state machines in the Amazon States Language (AWS Step Functions) on your own machine, and deploys them
#[derive(Debug, Parser)]
#[command(name = "statewright", version, after_help = EXAMPLES, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    color: ColorChoice,
}

const EXAMPLES: &str = "Examples:
  statewright run order.asl.json --auto-mock
  statewright run order.asl.json --input '{\"orderId\": 17}' --mock MockConfigFile.json --case HappyPath
  statewright validate statemachines/
  statewright eval '$sum($states.input.prices)' --input '{\"prices\": [1, 2.5]}'
  statewright explain MISSING_TRANSITION_TARGET
  statewright cost order.asl.json --executions 500000 --task-ms 250
  statewright deploy order.asl.json --dry-run
  statewright completions bash > /etc/bash_completion.d/statewright

Exit codes:
  0  the execution succeeded; every definition is sound; the expression has a value; it is deployed
  1  the execution failed, timed out or was aborted; a definition is wrong (validate); the expression failed or returned nothing;
     a deployment refused what it was asked for
  2  the definition, the expression or the call was wrong; a file could not be read; nobody was reached
  130  interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a state machine to its end, on a virtual clock: days of waiting take milliseconds
    Run(Box<RunArgs>),
    /// Check definitions; everything that is wrong is reported at once, with its place
    Validate(ValidateArgs),
    /// Evaluate an expression in JSONata, or a path, a call or a payload template of JSONPath, as a state does
    Eval(Box<EvalArgs>),
    /// Explain a diagnostic's code; without one, list them all
    Explain(ExplainArgs),
    /// Estimate what a state machine would cost on a deployment of statewright, beside AWS Step Functions
    Cost(CostArgs),
    /// Create or update state machines, on a deployment of statewright or on AWS Step Functions
    Deploy(Box<DeployArgs>),
    /// Turn the state machines of a template of SAM or CloudFormation into ones of a deployment of statewright
    Package(Box<PackageArgs>),
    /// Show what a deployment knows of an execution, also of one that cannot go on
    Inspect(Box<InspectArgs>),
    /// Let executions go on that were set aside
    Release(Box<ReleaseArgs>),
    /// Let clients of Step Functions talk to the URL of a function with IAM authorization
    Proxy(Box<ProxyArgs>),
    /// Take a deployment of statewright away, with its data or without
    Remove(Box<RemoveArgs>),
    /// Print a completion script for a shell
    #[command(after_help = "Examples:
  statewright completions bash > /etc/bash_completion.d/statewright
  statewright completions zsh > ~/.zfunc/_statewright
  statewright completions fish > ~/.config/fish/completions/statewright.fish")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `statewright run`
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    /// The definition, JSON or YAML
    pub(crate) file: PathBuf,
    /// The input: JSON, @FILE, or - for standard input; {} if not given
    #[arg(short, long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    pub(crate) input: Option<String>,
    /// Stop the run after this top-level state
    #[arg(long, value_name = "STATE")]
    pub(crate) until: Option<String>,
    /// Start at this top-level state, with the input as its input
    #[arg(long, value_name = "STATE")]
    pub(crate) from: Option<String>,

    /// Answer tasks from a mock file of Step Functions Local
    #[arg(long, value_name = "FILE", help_heading = "Tasks, in this order of precedence")]
    pub(crate) mock: Option<PathBuf>,
    /// The case of the mock file; not needed if it has only one
    #[arg(long, value_name = "NAME", requires = "mock", help_heading = "Tasks, in this order of precedence")]
    pub(crate) case: Option<String>,
    /// Have a program do a task: by resource, function or state name, `*` stands for anything; it reads the payload from
    /// standard input and prints the answer as JSON
    #[arg(long = "task", value_name = "PATTERN=COMMAND", help_heading = "Tasks, in this order of precedence")]
    pub(crate) tasks: Vec<String>,
    /// End a program whose state has no TimeoutSeconds after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = whole_number, help_heading = "Tasks, in this order of precedence")]
    pub(crate) task_timeout: u64,
    /// Run nested executions of the machine NAME from FILE
    #[arg(long = "machine", value_name = "NAME=FILE", help_heading = "Tasks, in this order of precedence")]
    pub(crate) machines: Vec<String>,
    /// Make up plausible answers to all other tasks, and the input if there is none
    #[arg(long, help_heading = "Tasks, in this order of precedence")]
    pub(crate) auto_mock: bool,

    /// Give a `${NAME}` of the definition a value
    #[arg(long = "substitute", value_name = "NAME=VALUE", help_heading = "Setting")]
    pub(crate) substitute: Vec<String>,
    /// Give `${NAME}`s values from a file: a JSON object, or lines of NAME=VALUE
    #[arg(long, value_name = "FILE", help_heading = "Setting")]
    pub(crate) substitutions: Option<PathBuf>,
    /// The machine's type
    #[arg(long = "type", value_enum, value_name = "TYPE", ignore_case = true, default_value_t, help_heading = "Setting")]
    pub(crate) machine_type: MachineTypeArg,
    /// The limits on sizes, times, the history, and what an expression in JSONata may use
    #[arg(long, value_enum, value_name = "PROFILE", default_value_t, help_heading = "Setting")]
    pub(crate) limits: Limits,
    /// The clock: virtual time does not pass by itself
    #[arg(long, value_enum, value_name = "CLOCK", default_value_t, help_heading = "Setting")]
    pub(crate) clock: ClockArg,
    /// The region
    #[arg(long, value_name = "REGION", default_value = "us-east-1", help_heading = "Setting")]
    pub(crate) region: String,
    /// The account
    #[arg(long, value_name = "ID", default_value = "123456789012", help_heading = "Setting")]
    pub(crate) account: String,
    /// The role the execution runs as
    #[arg(long, value_name = "ARN", help_heading = "Setting")]
    pub(crate) role_arn: Option<String>,
    /// The machine's name; by default the file's without its ending
    #[arg(long, value_name = "NAME", help_heading = "Setting")]
    pub(crate) machine_name: Option<String>,
    /// The execution's name
    #[arg(long, value_name = "NAME", help_heading = "Setting")]
    pub(crate) name: Option<String>,
    /// When the execution starts (RFC 3339); by default now
    #[arg(long, value_name = "TIME", help_heading = "Setting")]
    pub(crate) start_time: Option<String>,
    /// Where all randomness comes from; the same number gives the same run
    #[arg(long, value_name = "N", value_parser = whole_number, help_heading = "Setting")]
    pub(crate) seed: Option<u64>,
    /// Members of the Context object to change (JSON or @FILE): Execution.Id, Name, RoleArn, StartTime; StateMachine.Id, Name
    #[arg(long, value_name = "JSON|@FILE", help_heading = "Setting")]
    pub(crate) context: Option<String>,

    /// What to print on standard output: the execution's output, or one JSON object about the execution
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, help_heading = "Output")]
    pub(crate) format: RunFormat,
    /// Write the history, exactly as GetExecutionHistory answers it
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) history: Option<PathBuf>,
    /// Show the input and output of every state
    #[arg(short, long, conflicts_with = "quiet", help_heading = "Output")]
    pub(crate) verbose: bool,
    /// Show no tree and no summary
    #[arg(short, long, help_heading = "Output")]
    pub(crate) quiet: bool,
}

const RUN_EXAMPLES: &str = "Examples:
  statewright run order.asl.json --auto-mock
      makes up every answer and shows the path taken
  statewright run order.asl.json --input @order.json --mock MockConfigFile.json --case PaymentDeclined
      answers tasks as Step Functions Local does
  statewright run order.asl.json --task 'ChargeCard=node charge.js' --task '*=cat'
      has programs do the tasks; `cat` answers with what it is asked
  statewright run order.asl.json --auto-mock --format json --history history.json | jq .status
      for programs: one object on standard output, the history in a file

A program that does a task reads what the function would get from standard input (the Payload of lambda:invoke, all
parameters of other services) and prints the answer. For a callback it prints what SendTaskSuccess would send; the token is
in TASK_TOKEN. A non-zero exit is the task's failure; {\"errorType\": \"…\", \"errorMessage\": \"…\"} on its last line names it.

Exit codes: 0 succeeded; 1 failed, timed out or aborted; 2 the definition or the call was wrong; 130 interrupted";

/// `statewright validate`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  statewright validate order.asl.json
  statewright validate --deny-warnings statemachines/
  statewright validate --format json order.asl.json | jq .result

Folders are searched for *.asl.json, *.asl.yaml and *.asl.yml.

Exit codes: 0 all are sound; 1 some definition is wrong; 2 something could not be read")]
pub(crate) struct ValidateArgs {
    /// Definitions, and folders to look for definitions in
    #[arg(required = true, value_name = "FILE|FOLDER")]
    pub(crate) paths: Vec<PathBuf>,
    /// What to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) format: ValidateFormat,
    /// Count warnings as errors
    #[arg(long)]
    pub(crate) deny_warnings: bool,
    /// The machine's type
    #[arg(long = "type", value_enum, value_name = "TYPE", ignore_case = true, default_value_t)]
    pub(crate) machine_type: MachineTypeArg,
    /// Give a `${NAME}` of the definition a value
    #[arg(long = "substitute", value_name = "NAME=VALUE")]
    pub(crate) substitute: Vec<String>,
    /// Give `${NAME}`s values from a file: a JSON object, or lines of NAME=VALUE
    #[arg(long, value_name = "FILE")]
    pub(crate) substitutions: Option<PathBuf>,
}

/// `statewright eval`
#[derive(Debug, Args)]
#[command(after_help = EVAL_EXAMPLES)]
pub(crate) struct EvalArgs {
    /// What to evaluate, - for all of standard input; without it, one expression after the other from standard input, each on a line
    /// or on as many as it goes on over, with a prompt on a terminal
    #[arg(value_name = "EXPRESSION|-", allow_hyphen_values = true)]
    pub(crate) expression: Option<String>,
    /// Evaluate what a file holds, on however many lines; - for standard input
    #[arg(short, long, value_name = "FILE|-", conflicts_with = "expression")]
    pub(crate) file: Option<PathBuf>,
    /// The language
    #[arg(short, long, value_enum, value_name = "LANGUAGE", ignore_case = true, default_value_t)]
    pub(crate) language: Language,
    /// Print the value on one line, on a terminal too
    #[arg(long)]
    pub(crate) compact: bool,
    /// What an expression in JSONata may use: levels, memory, steps
    #[arg(long, value_enum, value_name = "PROFILE", default_value_t)]
    pub(crate) limits: Limits,

    /// The state's input: JSON, @FILE, or - for standard input; {} if not given
    #[arg(short, long, value_name = "JSON|@FILE|-", allow_hyphen_values = true, help_heading = "What it sees")]
    pub(crate) input: Option<String>,
    /// The variables: an object, its members named without `$`
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true, help_heading = "What it sees")]
    pub(crate) vars: Option<String>,
    /// Members of the Context object, which are put over made-up ones
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true, help_heading = "What it sees")]
    pub(crate) context: Option<String>,
    /// `$states.result`, as in Output and Assign of a Task
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true, help_heading = "What it sees")]
    pub(crate) result: Option<String>,
    /// `$states.errorOutput`, as in Output and Assign of a catcher
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true, conflicts_with = "result", help_heading = "What it sees")]
    pub(crate) error_output: Option<String>,
    /// The time that `$now()` answers (RFC 3339), and of the Context object; by default now
    #[arg(long, value_name = "TIME", help_heading = "What it sees")]
    pub(crate) start_time: Option<String>,
    /// Where all randomness comes from; the same number gives the same `$random()` and `$uuid()`
    #[arg(long, value_name = "N", value_parser = whole_number, help_heading = "What it sees")]
    pub(crate) seed: Option<u64>,
}

const EVAL_EXAMPLES: &str = "Examples:
  statewright eval '$states.input.items[price > 10].name' --input @order.json
      JSONata, with or without {% %} around it; bare names and $ are refused, as the service refuses them
  statewright eval '{\"total\": \"{% $sum($prices) %}\"}' --vars '{\"prices\": [1, 2.5]}'
      what a field such as Output holds
  statewright eval --language jsonpath '$.items[?(@.price > 10)].name' --input @order.json
  statewright eval --language jsonpath 'States.MathAdd($.id, 1)' --input '{\"id\": 7}'
  statewright eval --language jsonpath '{\"id.$\": \"$.id\", \"by\": \"me\"}' --input '{\"id\": 7}'
      a path, a call of an intrinsic function, a payload template
  statewright eval --input @order.json
      tries one expression after the other, as they are typed
  printf '$states.input.items\\n  .name' | statewright eval - --input @order.json
      one expression of several lines; from a file with `--file`

Exit codes: 0 there is a value; 1 the expression failed or returned nothing; 2 the expression or the call was wrong.
Of several expressions the worst counts; on a terminal none does.";

/// `--language`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// `$states.input.a`
    #[default]
    #[value(name = "jsonata")]
    Jsonata,
    /// `$.a`, `States.UUID()`, {"id.$": "$.a"}
    #[value(name = "jsonpath")]
    Jsonpath,
}

impl Language {
    /// As `QueryLanguage` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jsonata => "JSONata",
            Self::Jsonpath => "JSONPath",
        }
    }
}

/// `statewright cost`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  statewright cost order.asl.json
  statewright cost order.asl.json --executions 500000 --task-ms 250 --result-bytes 4096 --batch 10")]
pub(crate) struct CostArgs {
    /// The definition, JSON or YAML
    pub(crate) file: PathBuf,
    /// Executions a month
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = whole_number)]
    pub(crate) executions: u64,
    /// What a task takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = whole_number)]
    pub(crate) task_ms: u64,
    /// Bytes of a task's result
    #[arg(long, value_name = "BYTES", default_value_t = 2048, value_parser = whole_number)]
    pub(crate) result_bytes: u64,
    /// Executions that one invocation drives together, 1 to 10; those that are started at about the same time are
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole_number)]
    pub(crate) batch: u64,
    /// With the deployment's parameter `DirectStarts`, new executions are driven without the queue, one an invocation
    #[arg(long)]
    pub(crate) direct_starts: bool,
    /// The functions of tasks are not among the deployment's `FunctionArns`: it cannot ask for how long they may run, takes them for ones of
    /// 900 seconds unless the state has a TimeoutSeconds, and hands their tasks to the function of tasks
    #[arg(long)]
    pub(crate) unknown_functions: bool,
    /// Items of each Map
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = whole_number)]
    pub(crate) items: u64,
    /// How often each loop is gone round
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = whole_number)]
    pub(crate) rounds: u64,
    /// Give a `${NAME}` of the definition a value
    #[arg(long = "substitute", value_name = "NAME=VALUE")]
    pub(crate) substitute: Vec<String>,
    /// Give `${NAME}`s values from a file: a JSON object, or lines of NAME=VALUE
    #[arg(long, value_name = "FILE")]
    pub(crate) substitutions: Option<PathBuf>,
}

/// `statewright explain`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  statewright explain CHOICE_WITHOUT_DEFAULT")]
pub(crate) struct ExplainArgs {
    /// The code, as it stands in a diagnostic's brackets
    pub(crate) code: Option<String>,
}

/// Where a deployment is, and in whose name it is asked.
#[derive(Debug, Args)]
pub(crate) struct ConnectionArgs {
    /// Where the API is; by default what AWS_ENDPOINT_URL_SFN, AWS_ENDPOINT_URL or the profile's `endpoint_url` say
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    pub(crate) endpoint_url: Option<String>,
    /// The region; by default what AWS_REGION, AWS_DEFAULT_REGION or the profile say
    #[arg(long, value_name = "REGION", help_heading = "Connection")]
    pub(crate) region: Option<String>,
    /// The profile in ~/.aws/credentials and ~/.aws/config whose keys sign; by default AWS_ACCESS_KEY_ID and
    /// AWS_SECRET_ACCESS_KEY, or the profile that AWS_PROFILE says
    #[arg(long, value_name = "NAME", help_heading = "Connection")]
    pub(crate) profile: Option<String>,
}

/// `statewright deploy`
#[derive(Debug, Args)]
#[command(after_help = DEPLOY_EXAMPLES)]
pub(crate) struct DeployArgs {
    /// Definitions, JSON or YAML; each is a machine
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The machine's name; by default the file's without its ending
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The role the machine runs as; a new machine needs one
    #[arg(long, value_name = "ARN", conflicts_with = "roll_back")]
    pub(crate) role_arn: Option<String>,
    /// The machine's type, which can never be changed; STANDARD for a new one if not given
    #[arg(long = "type", value_enum, value_name = "TYPE", ignore_case = true)]
    pub(crate) machine_type: Option<MachineTypeArg>,
    /// Give a `${NAME}` of the definition a value
    #[arg(long = "substitute", value_name = "NAME=VALUE")]
    pub(crate) substitute: Vec<String>,
    /// Give `${NAME}`s values from a file: a JSON object, or lines of NAME=VALUE
    #[arg(long, visible_alias = "definition-substitutions", value_name = "FILE")]
    pub(crate) substitutions: Option<PathBuf>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Bring back what the last update has replaced
    #[arg(long)]
    pub(crate) roll_back: bool,
    /// Print one JSON object for each machine, instead of the differences
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

const DEPLOY_EXAMPLES: &str = "Examples:
  statewright deploy order.asl.json --role-arn arn:aws:iam::123456789012:role/statewright/order
      creates the machine `order`, or updates it and shows what is different, line by line
  statewright deploy *.asl.json --substitutions staging.env --dry-run
      what would change; every definition is checked before anything is changed
  statewright deploy order.asl.json --roll-back
      what the last update has replaced comes back; a second time undoes that
  statewright deploy order.asl.json --endpoint-url https://states.example.org --json | jq .action

A machine's role must be among the deployment's RoleArns, by default those under the path /statewright/, and trust its functions;
what it must trust is said when a machine is created or gets another role.

Before it replaces a revision it writes it to FILE.deployed, from where --roll-back brings it back. Where only blanks are
different nothing is changed.

Exit codes: 0 all are deployed, or would be; 1 something was refused; 2 a definition or the call was wrong, or nobody was
reached";

/// `statewright package`
#[derive(Debug, Args)]
#[command(after_help = PACKAGE_EXAMPLES)]
pub(crate) struct PackageArgs {
    /// The template, YAML or JSON
    pub(crate) template: PathBuf,
    /// Where the new template is written; by default standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output_template_file: Option<PathBuf>,
    /// The stack of the deployment, whose exports the new template imports
    #[arg(long, value_name = "STACK", default_value = "statewright")]
    pub(crate) deployment: String,
    /// What handles the new resources, if not what the deployment's stack exports: a function's ARN, or the name of an export
    #[arg(long, value_name = "ARN|EXPORT")]
    pub(crate) service_token: Option<String>,
    /// The program of the functions that start executions on events: a folder with the deployment's `bootstrap`, or an archive
    #[arg(long, value_name = "FOLDER|s3://BUCKET/KEY")]
    pub(crate) code: Option<String>,
    /// What that program was built for
    #[arg(long, value_enum, value_name = "ARCHITECTURE", default_value_t)]
    pub(crate) architecture: Architecture,
    /// Store the definitions in this bucket, instead of writing them into the template
    #[arg(long, value_name = "BUCKET", help_heading = "Storing definitions")]
    pub(crate) s3_bucket: Option<String>,
    /// What their keys begin with
    #[arg(long, value_name = "PREFIX", requires = "s3_bucket", help_heading = "Storing definitions")]
    pub(crate) s3_prefix: Option<String>,
    /// The bucket's region; by default what AWS_REGION, AWS_DEFAULT_REGION or the profile say
    #[arg(long, value_name = "REGION", help_heading = "Storing definitions")]
    pub(crate) region: Option<String>,
    /// The profile whose keys sign; by default AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile that AWS_PROFILE says
    #[arg(long, value_name = "NAME", help_heading = "Storing definitions")]
    pub(crate) profile: Option<String>,
}

const PACKAGE_EXAMPLES: &str = "Examples:
  statewright package template.yaml --code infra/bootstrap --output-template-file packaged.yaml
  sam deploy --template-file packaged.yaml --stack-name orders --resolve-s3 --capabilities CAPABILITY_IAM
      the machines of the template become those of the deployment; what is not about them stays to the letter
  statewright package template.yaml --deployment statewright-staging --s3-bucket definitions | less
      for another deployment, whose DefinitionArns hold the bucket

A machine keeps its name in the template: Ref and Fn::GetAtt give what they gave. Its Policies become a role that the deployment
assumes, its Events a function that starts it. What cannot be translated is refused, with what to write instead.

Exit codes: 0 the template is written; 1 a definition is wrong or not there, or something cannot be translated; 2 the call was
wrong, or something could not be read, stored or written";

/// `--architecture`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    /// Graviton
    #[default]
    #[value(name = "arm64")]
    Arm64,
    /// Intel and AMD
    #[value(name = "x86_64")]
    X8664,
}

impl Architecture {
    /// As Lambda has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X8664 => "x86_64",
        }
    }
}

/// `statewright inspect`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  statewright inspect arn:aws:states:eu-west-1:123456789012:execution:order:17
      where it is, what it waits for, and if it cannot go on, why
  statewright inspect --set-aside
      the executions that nobody could go on with, each with when and why

Exit codes: 0 there is an answer; 1 it was refused; 2 the call was wrong, or nobody was reached")]
pub(crate) struct InspectArgs {
    /// The execution
    #[arg(required_unless_present = "set_aside")]
    pub(crate) execution_arn: Option<String>,
    /// List the executions that were set aside
    #[arg(long, conflicts_with = "execution_arn")]
    pub(crate) set_aside: bool,
    /// Print the answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// `statewright release`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  statewright release arn:aws:states:eu-west-1:123456789012:execution:order:17
  statewright inspect --set-aside --json | jq -r '.executions[].executionArn' | xargs statewright release

An execution that is not set aside is woken, which does no harm.

Exit codes: 0 all are released; 1 something was refused; 2 the call was wrong, or nobody was reached")]
pub(crate) struct ReleaseArgs {
    /// The executions
    #[arg(required = true, value_name = "EXECUTION_ARN")]
    pub(crate) execution_arns: Vec<String>,
    /// Print the answers as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// `statewright remove`
#[derive(Debug, Args)]
#[command(after_help = REMOVE_EXAMPLES)]
pub(crate) struct RemoveArgs {
    /// The stack of the deployment
    #[arg(default_value = "statewright")]
    pub(crate) stack: String,
    /// Delete everything it has kept and made as well, which nothing brings back
    #[arg(long)]
    pub(crate) delete_data: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// The region; by default what AWS_REGION, AWS_DEFAULT_REGION or the profile say
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The profile whose keys sign; by default AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile that AWS_PROFILE says
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
}

const REMOVE_EXAMPLES: &str = "Examples:
  statewright remove
      deletes the stack `statewright`; its table stays, and the commands that delete it are printed
  statewright remove staging --delete-data
      the table too, with every execution and state machine, its backups of the last 35 days, the keys of clients, the log, and
      the program that was stored in S3 for the functions
  statewright remove staging --delete-data --yes
      the same, for scripts

What is to be deleted is shown first, and the stack's name typed to confirm it. The keys that sign are those of the account, not
those of the deployment. Backups made by hand, and buckets, stay; the program in S3 goes even if another stack was made with it, which
goes on, and stores it again when it is deployed next.

Exit codes: 0 it is removed; 1 something was refused, and what is left can be removed by the same command or is printed; 2 the call was
wrong or not confirmed, or nobody was reached";

/// `statewright proxy`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  statewright proxy --to https://abc123.lambda-url.eu-west-1.on.aws
      prints the two variables that clients need, and signs what they send with your credentials
  AWS_ENDPOINT_URL_SFN=http://127.0.0.1:8083 aws stepfunctions list-state-machines

Requests may be signed with anything or not at all: who reaches the proxy can do all that your credentials may. So it listens
on this machine alone, and web pages are kept out.

Exit codes: 2 the call was wrong; 130 interrupted")]
pub(crate) struct ProxyArgs {
    /// The URL of the function
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Where to listen; port 0 is any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8083")]
    pub(crate) listen: String,
    /// Listen on an address that others can reach too
    #[arg(long)]
    pub(crate) any_address: bool,
    /// The function's region; by default its URL's
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The profile in ~/.aws/credentials and ~/.aws/config whose keys sign; by default AWS_ACCESS_KEY_ID and
    /// AWS_SECRET_ACCESS_KEY, or the profile that AWS_PROFILE says
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
}

/// `--type`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MachineTypeArg {
    /// Up to a year, with a history
    #[default]
    #[value(name = "STANDARD")]
    Standard,
    /// Up to five minutes
    #[value(name = "EXPRESS")]
    Express,
}

impl MachineTypeArg {
    /// As the API has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::Express => "EXPRESS",
        }
    }
}

impl From<MachineTypeArg> for MachineType {
    fn from(argument: MachineTypeArg) -> Self {
        match argument {
            MachineTypeArg::Standard => Self::Standard,
            MachineTypeArg::Express => Self::Express,
        }
    }
}

/// `--limits`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Limits {
    /// The service's own: 256 KiB, 25,000 events, a year; in JSONata about 100 levels, 7 MB, and a loop of a million rounds
    #[default]
    Aws,
    /// Only what keeps a mistake from filling the memory; in JSONata 1,000 levels, 256 MiB, and a loop of a hundred million rounds
    Relaxed,
}

impl Limits {
    /// Every one of them, for machines of this type.
    pub(crate) fn quotas(self, machine_type: MachineType) -> Quotas {
        match self {
            Self::Aws => Quotas::aws(machine_type == MachineType::Express),
            Self::Relaxed => Quotas::relaxed(),
        }
    }
}

/// `--clock`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClockArg {
    /// Goes to the next thing to happen when there is nothing else to do
    #[default]
    Virtual,
    /// The machine's
    Real,
}

/// `--format` of `run`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunFormat {
    /// The output, if the execution succeeded
    #[default]
    Output,
    /// {"status", "output", "error", "cause", …}
    Json,
}

/// `--format` of `validate`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValidateFormat {
    /// As a compiler prints it
    #[default]
    Text,
    /// ValidateStateMachineDefinition's answer; with several files an array of those
    Json,
}

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody may read it; that is no reason to panic.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let limits = match &cli.command {
        Command::Run(arguments) => arguments.limits,
        Command::Eval(arguments) => arguments.limits,
        _ => Limits::Aws,
    };
    match limits {
        Limits::Aws => obey(&cli),
        Limits::Relaxed => on_a_larger_stack(cli),
    }
}

/// Does what the command line says where expressions may go as deep as the relaxed limits let them.
fn on_a_larger_stack(cli: Cli) -> ExitCode {
    let color = cli.color;
    match std::thread::Builder::new().stack_size(RELAXED_STACK_BYTES).spawn(move || obey(&cli)) {
        Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(error) => {
            let refusal =
                Refusal::new(format!("`--limits relaxed` needs a thread with a larger stack, which could not be started: {error}"));
            Screen::new(color).refuse(&refusal);
            ExitCode::from(2)
        }
    }
}

/// Does what the command line says.
fn obey(cli: &Cli) -> ExitCode {
    let screen = Screen::new(cli.color);
    let result = match &cli.command {
        Command::Run(arguments) => run::run(arguments, &screen),
        Command::Validate(arguments) => validate::validate(arguments, &screen),
        Command::Eval(arguments) => eval::eval(arguments, &screen),
        Command::Cost(arguments) => cost::cost(arguments, &screen),
        Command::Deploy(arguments) => deploy::deploy(arguments, cli.color, &screen),
        Command::Package(arguments) => package::package(arguments, &screen),
        Command::Inspect(arguments) => operate::inspect(arguments, &screen),
        Command::Release(arguments) => operate::release(arguments, &screen),
        Command::Proxy(arguments) => proxy::proxy(arguments, &screen),
        Command::Remove(arguments) => remove::remove(arguments, &screen),
        Command::Explain(arguments) => explain::explain(arguments, cli.color),
        Command::Completions { shell } => completions(*shell),
    };
    result.unwrap_or_else(|refusal| {
        screen.refuse(&refusal);
        ExitCode::from(2)
    })
}

fn whole_number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("it must be a whole number from 0 to {}", u64::MAX))
}

fn completions(shell: Shell) -> Result<ExitCode, Refusal> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "statewright", &mut script);
    write_stdout(&script).map(|()| ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
