//! Lists in pages, and the tokens that lead from one to the next.
//!
//! A token says where the next page begins and for which question; it lives a day. Whoever changes it, or asks something else with it,
//! gets `InvalidToken`. It is no secret and grants nothing: it holds what the page before has shown.
//!
//! Source: API reference, "ListExecutions", `nextToken`; rule `api-paging` of the rule table.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use statewright_interpreter::time::Timestamp;

use super::error::ApiError;
use super::operation::Operation;
use super::request::Request;
use crate::table::{Item, Query, Table};

/// "Each pagination token is unique for each page and expires after 24 hours."
const LIFE_SECONDS: u64 = 24 * 60 * 60;
/// How many results a page has when the caller does not say.
const DEFAULT: usize = 100;
/// The layout of a token.
const LAYOUT: &str = "1";

/// Which page is asked for.
#[derive(Debug)]
pub(super) struct Page {
    /// The question, of which `maxResults` is no part.
    question: String,
    now: Timestamp,
    /// At most so many results.
    pub(super) limit: usize,
    /// Where the page before ended; `None` for the first page.
    pub(super) after: Option<String>,
}

impl Page {
    /// The page that `request` asks for. `arguments` are those of its members that must stay the same from page to page.
    pub(super) fn of(operation: Operation, request: &Request, arguments: &[&str], now: Timestamp) -> Result<Self, ApiError> {
        let mut question = operation.name().to_owned();
        for argument in arguments {
            question.push('\n');
            question.push_str(argument);
        }
        let mut page = Self { question, now, limit: request.max_results(DEFAULT), after: None };
        if let Some(token) = request.text("nextToken") {
            page.after = Some(page.read(token).ok_or_else(invalid_token)?);
        }
        Ok(page)
    }

    fn read(&self, token: &str) -> Option<String> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (head, position) = plain.split_once('\n')?;
        let expires: i64 = head.strip_prefix(LAYOUT)?.split_once(' ')?.1.split_once(' ')?.0.parse().ok()?;
        (self.write(position, expires) == token && self.now.0 < expires).then(|| position.to_owned())
    }

    fn write(&self, position: &str, expires: i64) -> String {
        let digest = Sha256::digest(format!("{expires}\n{position}\n{}", self.question));
        let check: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        URL_SAFE_NO_PAD.encode(format!("{LAYOUT} {expires} {check}\n{position}"))
    }

    /// The token of the page that begins behind `position`.
    pub(super) fn token(&self, position: &str) -> String {
        self.write(position, self.now.plus_seconds(LIFE_SECONDS).0)
    }

    /// The items of a partition that belong on this page, and the token of the next.
    pub(super) async fn items(&self, table: &impl Table, partition: &str) -> Result<(Vec<Item>, Option<String>), ApiError> {
        let mut query = Query::prefix(partition, "").after(self.after.clone());
        let mut items: Vec<Item> = Vec::new();
        loop {
            // One more than the page holds tells whether there is another page.
            query.limit = self.limit + 1 - items.len();
            let page = table.query(&query).await?;
            items.extend(page.items);
            match page.next {
                Some(next) if items.len() <= self.limit => query.after = Some(next),
                Some(_) | None => break,
            }
        }
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let next = items.last().filter(|_| more).map(|last| self.token(&last.key.sort));
        Ok((items, next))
    }
}

/// The error for a token that leads nowhere, of a page or of a task.
pub(super) fn invalid_token() -> ApiError {
    ApiError::new("InvalidToken", "Invalid Token: 'Invalid token'")
}
