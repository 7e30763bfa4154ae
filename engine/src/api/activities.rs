//! Operations on activities.
//!
//! An activity is the item `a#<name>` `0`, and one in the partition `l#a`, under its name: the list of all activities, in the order of
//! the names. The list is written after the activity and its entry removed after it; a request that broke off between the two is
//! repeated by its client.
//!
//! Source: API reference; rules `api-activities` and `api-activity-tasks` of the rule table.

use statewright_interpreter::Value;
use statewright_interpreter::time::Timestamp;

use super::arn;
use super::caller::Caller;
use super::error::ApiError;
use super::executions::Executions;
use super::machines::tags;
use super::operation::Operation;
use super::paging::Page;
use super::request::{Answer, Request};
use super::{Api, encryption};
use crate::format::Kind;
use crate::table::{Attribute, Condition, Item, Key, Table, TableError, WriteError};

/// The partition of the list of all activities.
const LIST: &str = "l#a";

/// Whether there is an activity of this name: a task of one that is not there fails.
///
/// # Errors
/// When the table cannot be read.
pub async fn activity_exists(table: &impl Table, name: &str) -> Result<bool, TableError> {
    // Whatever release has written it.
    Ok(table.get(&key(name)).await?.is_some())
}

fn key(name: &str) -> Key {
    Key::new(format!("a#{name}"), "0")
}

fn created(item: &Item) -> Timestamp {
    Timestamp(item.get_number("c").unwrap_or_default())
}

/// The item's place in the list.
fn entry(name: &str, item: &Item) -> Item {
    Item::new(Key::new(LIST, name)).text("i", item.get_text("i").unwrap_or_default()).number("c", created(item).0)
}

impl<T: Table, E: Executions> Api<'_, T, E> {
    pub(super) async fn create_activity(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let name = request.required("name");
        arn::name(name)?;
        encryption::check(request)?;
        let activity_arn = caller.arn("activity", name);
        let tags: serde_json::Value = tags(request, &activity_arn)?.into_iter().collect();
        let item = Item::new(key(name)).text("i", caller.id()).number("c", caller.now.0).text("g", tags.to_string());
        // Encryption is the same for all, so that a request for an activity that is there always asks for the same.
        let item = match self.table.put(item.clone(), Condition::Absent(caller.now)).await {
            Ok(()) => item,
            Err(WriteError::Refused(existing)) => {
                let existing = *existing.ok_or_else(ApiError::throttled)?;
                Kind::Activity.check(&existing)?;
                existing
            }
            Err(WriteError::Table(error)) => return Err(error.into()),
        };
        self.table.put(entry(name, &item), Condition::None).await?;
        Ok(Answer::new().with("activityArn", activity_arn).date("creationDate", created(&item)).to_json())
    }

    pub(super) async fn describe_activity(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let asked = request.required("activityArn");
        let (name, item) = self.find_activity(asked, caller).await?;
        let answer = Answer::new().with("activityArn", asked).with("name", name).date("creationDate", created(&item));
        Ok(answer.with("encryptionConfiguration", encryption::of_the_host()).to_json())
    }

    pub(super) async fn delete_activity(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let Some(name) = arn::activity(request.required("activityArn"), caller)? else { return Ok(Answer::new().to_json()) };
        self.table.delete(&key(name), Condition::None).await?;
        if let Some(entry) = self.table.get(&Key::new(LIST, name)).await?
            && let Some(id) = entry.get_text("i")
            && self.table.get(&key(name)).await?.is_none()
        {
            // Who creates it again in this moment writes another entry, which stays.
            match self.table.delete(&entry.key, Condition::Says("i", Attribute::Text(id.to_owned()))).await {
                Ok(()) | Err(WriteError::Refused(_)) => {}
                Err(WriteError::Table(error)) => return Err(error.into()),
            }
        }
        Ok(Answer::new().to_json())
    }

    pub(super) async fn list_activities(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let page = Page::of(Operation::ListActivities, request, &[], caller.now)?;
        let (items, next) = page.items(self.table, LIST).await?;
        let activity = |item: &Item| {
            Kind::Activity.check(item)?;
            let name = item.key.sort.as_str();
            let answer = Answer::new().with("activityArn", caller.arn("activity", name)).with("name", name);
            Ok(Value::from(answer.date("creationDate", created(item))))
        };
        let activities: Vec<Value> = items.iter().map(activity).collect::<Result<_, ApiError>>()?;
        Ok(Answer::new().with("activities", activities).maybe("nextToken", next).to_json())
    }

    pub(super) async fn get_activity_task(&self, request: &Request, caller: &Caller<'_>) -> Result<String, ApiError> {
        let asked = request.required("activityArn");
        let worker = request.text("workerName");
        worker.map(arn::name).transpose()?;
        self.find_activity(asked, caller).await?;
        let answer = Answer::new();
        Ok(match self.executions.next_activity_task(asked, worker).await? {
            Some(task) => answer.with("taskToken", &*task.token).with("input", task.input).to_json(),
            None => answer.to_json(),
        })
    }

    async fn find_activity<'a>(&self, asked: &'a str, caller: &Caller<'_>) -> Result<(&'a str, Item), ApiError> {
        let name = arn::activity(asked, caller)?;
        let item = match name {
            Some(name) => self.table.get(&key(name)).await?,
            None => None,
        };
        let missing = || ApiError::new("ActivityDoesNotExist", format!("Activity Does Not Exist: '{asked}'"));
        let (name, item) = name.zip(item).ok_or_else(missing)?;
        Kind::Activity.check(&item)?;
        Ok((name, item))
    }
}
