//! `statewright remove`: takes a deployment away.
//!
//! First the stack, so that nobody writes any more, and so that nothing is lost when it cannot be deleted; then, if it is asked for, what
//! the stack leaves behind on purpose or by the way.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use statewright_integrations::service::DYNAMO_DB;
use statewright_template::{Node, Syntax, parse};

use super::account::{Account, LOGS, member};
use super::{Failure, with_help};
use crate::cli::RemoveArgs;
use crate::refusal::{Refusal, list};
use crate::screen::{Paint, Screen, printable, write_stdout};

/// How often CloudFormation and DynamoDB are asked how far they are, and for how long.
const PAUSE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(45 * 60);
/// The types of what a stack is made of.
const TABLE: &str = "AWS::DynamoDB::Table";
const LOG_GROUP: &str = "AWS::Logs::LogGroup";

/// Removes the deployment that the arguments name.
///
/// # Errors
/// When the call is wrong or not confirmed, or there is nobody to ask.
pub(crate) fn remove(arguments: &RemoveArgs, screen: &Screen) -> Result<ExitCode, Refusal> {
    let account = Account::connect(arguments.region.as_deref(), arguments.profile.clone())?;
    let removed = Deployment::find(&account, &arguments.stack)
        .and_then(|deployment| Removal { account: &account, arguments, deployment: &deployment, screen }.run());
    Ok(removed.map_or_else(|failure| ExitCode::from(failure.show(screen)), |()| ExitCode::SUCCESS))
}

/// What a deployment is made of, as far as it has to be known to take it away.
struct Deployment {
    stack_id: String,
    /// How the stack is.
    status: String,
    exports: Vec<String>,
    resources: usize,
    table: String,
    log_groups: Vec<String>,
    /// Where the functions' program is stored: bucket and key.
    objects: BTreeSet<(String, String)>,
}

impl Deployment {
    fn find(account: &Account, stack: &str) -> Result<Self, Failure> {
        let answer = match account.cloud_formation("DescribeStacks", &[("StackName", stack)]) {
            Err(failure) if is_not_there(&failure) => {
                return Err(Refusal::new(format!("there is no stack `{stack}` in {}", account.region))
                    .help("name the deployment's stack, and its region with --region")
                    .into());
            }
            answer => answer?,
        };
        let described = xml(&answer)?;
        let outputs: BTreeMap<String, String> = each(described.root(), "Outputs")
            .filter_map(|output| Some((member(output, "OutputKey")?, member(output, "OutputValue")?)))
            .collect();
        let answer = account.cloud_formation("DescribeStackResources", &[("StackName", stack)])?;
        let listed = xml(&answer)?;
        let resources: Vec<(String, String, String)> = each(listed.root(), "StackResources")
            .filter_map(|of| {
                Some((member(of, "ResourceType")?, member(of, "LogicalResourceId")?, member(of, "PhysicalResourceId")?))
            })
            .collect();
        let ids = |wanted: &str| resources.iter().filter(|(of, ..)| of == wanted).map(|(.., id)| id.clone()).collect::<Vec<_>>();
        let table = resources.iter().find(|(of, name, _)| of == TABLE && name == "Table").map(|(.., id)| id.clone());
        let Some(table) = table.filter(|table| outputs.get("TableName") == Some(table) && outputs.contains_key("ServiceToken"))
        else {
            return Err(Refusal::new(format!("the stack `{stack}` is no deployment of statewright"))
                .help("its template is infra/template.yaml, which has the outputs `TableName` and `ServiceToken`")
                .into());
        };
        Ok(Self {
            stack_id: member(described.root(), "StackId").unwrap_or_else(|| stack.to_owned()),
            status: member(described.root(), "StackStatus").unwrap_or_default(),
            exports: each(described.root(), "Outputs").filter_map(|output| member(output, "ExportName")).collect(),
            resources: resources.len(),
            table,
            log_groups: ids(LOG_GROUP),
            objects: programs(&account.cloud_formation("GetTemplate", &[("StackName", stack), ("TemplateStage", "Original")])?)?,
        })
    }
}

/// The objects of S3 that the functions of a template are made of.
fn programs(answer: &str) -> Result<BTreeSet<(String, String)>, Failure> {
    let text = member(xml(answer)?.root(), "TemplateBody").unwrap_or_default();
    // What CloudFormation has made a stack of can be read; if not, there is nothing to name.
    let template = parse(&text, Syntax::of(&text)).unwrap_or_default();
    let resources = template.get("Resources").map(Node::members).unwrap_or_default();
    let uris = resources.iter().filter_map(|resource| resource.value.at(&["Properties", "CodeUri"])?.as_text());
    let object = |uri: &str| uri.strip_prefix("s3://")?.split_once('/').map(|(bucket, key)| (bucket.to_owned(), key.to_owned()));
    Ok(uris.filter_map(object).collect())
}

struct Removal<'a> {
    account: &'a Account,
    arguments: &'a RemoveArgs,
    deployment: &'a Deployment,
    screen: &'a Screen,
}

impl Removal<'_> {
    fn run(&self) -> Result<(), Failure> {
        self.nobody_imports()?;
        self.show();
        if !self.arguments.yes {
            self.confirm()?;
        }
        self.delete_stack()?;
        if self.arguments.delete_data {
            self.delete_data().map_err(|failure| self.with_rest(failure))
        } else {
            write_stdout(self.rest().as_bytes())?;
            Ok(())
        }
    }

    /// CloudFormation deletes nothing whose exports other stacks import, and says so only after a while.
    fn nobody_imports(&self) -> Result<(), Failure> {
        let mut importing = BTreeSet::new();
        for export in &self.deployment.exports {
            match self.account.cloud_formation("ListImports", &[("ExportName", export)]) {
                Ok(answer) => importing.extend(each(xml(&answer)?.root(), "Imports").filter_map(|of| of.text().map(str::to_owned))),
                Err(Failure::Refused { message, .. }) if message.contains("not imported") => {}
                Err(failure) => return Err(failure),
            }
        }
        if importing.is_empty() {
            return Ok(());
        }
        let help = importing.iter().map(|stack| format!("aws cloudformation delete-stack --stack-name {stack}"));
        let refusal = Refusal::new(format!("`{}` cannot be deleted: {} import from it", self.arguments.stack, list(&importing)));
        self.screen.refuse(&help.fold(refusal.help("delete those first, and with them their state machines"), Refusal::help));
        Err(Failure::Shown)
    }

    /// What is deleted, and what is not.
    fn show(&self) {
        let Deployment { table, log_groups, objects, resources, .. } = self.deployment;
        let stack = &self.arguments.stack;
        let line = |text: String| self.screen.line(&printable(&text));
        let head = |text: &str| self.screen.line(&self.screen.paint(Paint::Strong, text));
        head(&format!("To be deleted in {}:", self.account.region));
        line(format!("  the stack `{stack}` and its {resources} resources: nobody can reach the API, and nothing runs any more"));
        let table = format!("  the table `{table}`: every execution, every state machine");
        if self.arguments.delete_data {
            line(format!("{table}, and the backups of the last 35 days"));
            log_groups.iter().for_each(|group| line(format!("  the log `{group}`")));
            objects.iter().for_each(|(bucket, key)| line(format!("  the functions' program s3://{bucket}/{key}")));
        } else {
            head("What stays:");
            line(table);
            objects.iter().for_each(|(bucket, key)| line(format!("  the functions' program s3://{bucket}/{key}")));
        }
    }

    fn confirm(&self) -> Result<(), Refusal> {
        let stack = &self.arguments.stack;
        let nothing_brings = if self.arguments.delete_data { "Nothing brings this back. " } else { "" };
        self.screen.line(&self.screen.paint(Paint::Caution, &format!("{nothing_brings}Type `{stack}` to go on:")));
        let mut typed = String::new();
        io::stdin().read_line(&mut typed).map_err(|error| Refusal::new(format!("standard input cannot be read: {error}")))?;
        if typed.trim() == stack {
            return Ok(());
        }
        Err(Refusal::new("not confirmed: nothing is deleted").help("type the stack's name when it is asked for, or say --yes"))
    }

    fn delete_stack(&self) -> Result<(), Failure> {
        let Deployment { stack_id, status: before, .. } = self.deployment;
        self.account.cloud_formation("DeleteStack", &[("StackName", stack_id)])?;
        let stack = &self.arguments.stack;
        let done = self.until(&format!("the stack `{stack}`"), || {
            let answer = match self.account.cloud_formation("DescribeStacks", &[("StackName", stack_id)]) {
                Err(failure) if is_not_there(&failure) => return Ok(true),
                answer => answer?,
            };
            let described = xml(&answer)?;
            match member(described.root(), "StackStatus").as_deref() {
                Some("DELETE_COMPLETE") => Ok(true),
                Some("DELETE_IN_PROGRESS") => Ok(false),
                // It has not begun yet.
                Some(status) if status == before && status != "DELETE_FAILED" => Ok(false),
                status => {
                    let reason = member(described.root(), "StackStatusReason").unwrap_or_else(|| "no reason is given".to_owned());
                    let message = format!("{reason}; no data are lost");
                    let code = status.unwrap_or_default().to_owned();
                    Err(Failure::Refused { operation: "DeleteStack", status: None, code, message })
                }
            }
        });
        done.map(|()| self.said(&format!("the stack `{stack}`")))
    }

    fn delete_data(&self) -> Result<(), Failure> {
        let Deployment { table, log_groups, objects, .. } = self.deployment;
        self.delete_table(table)?;
        for group in log_groups {
            if self.gone(self.account.call(&LOGS, "DeleteLogGroup", &json!({"logGroupName": group})))?.is_some() {
                self.said(&format!("the log `{group}`"));
            }
        }
        for (bucket, key) in objects {
            self.account.delete_object(bucket, key)?;
            self.said(&format!("s3://{bucket}/{key}"));
        }
        Ok(())
    }

    /// Without its backups first: those that are there when a table is deleted would stay for 35 days.
    fn delete_table(&self, table: &str) -> Result<(), Failure> {
        let named = |more: Value| {
            let mut request = json!({"TableName": table});
            if let (Some(members), Value::Object(more)) = (request.as_object_mut(), more) {
                members.extend(more);
            }
            request
        };
        let steps = [
            ("UpdateContinuousBackups", json!({"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": false}})),
            ("UpdateTable", json!({"DeletionProtectionEnabled": false})),
            ("DeleteTable", json!({})),
        ];
        let what = format!("the table `{table}`");
        for (operation, more) in steps {
            let request = named(more);
            self.until(&what, || match self.gone(self.account.call(&DYNAMO_DB, operation, &request)) {
                // It is still busy with the step before.
                Err(Failure::Refused { code, .. })
                    if ["ResourceInUseException", "ContinuousBackupsUnavailableException"].contains(&&*code) =>
                {
                    Ok(false)
                }
                answer => answer.map(|_| true),
            })?;
        }
        self.until(&what, || Ok(self.gone(self.account.call(&DYNAMO_DB, "DescribeTable", &named(json!({}))))?.is_none()))?;
        self.said(&what);
        Ok(())
    }

    /// An answer, or nothing where what was asked for is not there any more.
    fn gone(&self, answer: Result<Value, Failure>) -> Result<Option<Value>, Failure> {
        match answer {
            Err(Failure::Refused { code, .. }) if ["ResourceNotFoundException", "TableNotFoundException"].contains(&&*code) => {
                Ok(None)
            }
            answer => answer.map(Some),
        }
    }

    fn until(&self, what: &str, mut is_done: impl FnMut() -> Result<bool, Failure>) -> Result<(), Failure> {
        let began = Instant::now();
        while !is_done()? {
            if began.elapsed() > PATIENCE {
                let message = format!("{what} is still being deleted after {} minutes", PATIENCE.as_secs() / 60);
                return Err(Refusal::new(message)
                    .help("look at it in the console; the same command goes on as long as the stack is there")
                    .into());
            }
            self.screen.progress(|| format!("{what}: being deleted for {} s", began.elapsed().as_secs()));
            self.account.pause(PAUSE);
        }
        Ok(())
    }

    fn said(&self, what: &str) {
        self.screen.line(&self.screen.paint(Paint::Good, &format!("✔ {what} is deleted")));
    }

    /// The commands that delete what is left.
    fn rest(&self) -> String {
        let Deployment { table, log_groups, objects, .. } = self.deployment;
        let region = &self.account.region;
        let dynamodb = |operation: &str| format!("aws dynamodb {operation} --region {region} --table-name {table}");
        let mut commands = vec![
            "# The table holds every execution and every state machine. To delete it, which nothing brings back:".to_owned(),
            "# (without the first of these a backup of it stays for 35 days)".to_owned(),
            format!(
                "{} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=false",
                dynamodb("update-continuous-backups")
            ),
            format!("{} --no-deletion-protection-enabled", dynamodb("update-table")),
            dynamodb("wait table-exists"),
            dynamodb("delete-table"),
        ];
        if self.arguments.delete_data {
            commands.push("# What the stack may have left; it is no harm if it is gone:".to_owned());
            commands.extend(
                log_groups.iter().map(|name| format!("aws logs delete-log-group --region {region} --log-group-name {name}")),
            );
        }
        if !objects.is_empty() {
            commands.push("# The program that was stored for the functions:".to_owned());
            commands.extend(objects.iter().map(|(bucket, key)| format!("aws s3 rm --region {region} s3://{bucket}/{key}")));
        }
        format!("{}\n", commands.join("\n"))
    }

    /// The stack is gone, so the same command cannot be said again.
    fn with_rest(&self, failure: Failure) -> Failure {
        let help = format!("the stack is deleted; this is left to do:\n{}", self.rest());
        match failure {
            Failure::Refused { operation, code, message, status: _ } => {
                let refusal = with_help(Refusal::new(format!("{operation} was refused: {code}: {message}")), &code);
                self.screen.refuse(&refusal.help(help));
                Failure::Shown
            }
            Failure::Wrong(refusal) => Failure::Wrong(refusal.help(help)),
            Failure::Shown => Failure::Shown,
        }
    }
}

/// Whether CloudFormation says that there is no such stack.
fn is_not_there(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused { code, message, .. } if code == "ValidationError" && message.contains("does not exist"))
}

fn xml(text: &str) -> Result<roxmltree::Document<'_>, Refusal> {
    roxmltree::Document::parse(text).map_err(|error| Refusal::new(format!("CloudFormation's answer cannot be read: {error}")))
}

/// The members of the first list of this name.
fn each<'a, 'i>(node: roxmltree::Node<'a, 'i>, name: &str) -> impl Iterator<Item = roxmltree::Node<'a, 'i>> + use<'a, 'i> {
    let list = node.descendants().find(|node| node.tag_name().name() == name);
    list.into_iter().flat_map(|list| list.children()).filter(|child| child.tag_name().name() == "member")
}
