//! What results tell of the HTTP answer they came in: `SdkHttpMetadata` and `SdkResponseMetadata`.
//!
//! Source: rule `integration-results` of the rule table. They are what the AWS SDK for Java 1 knows of an answer, printed by
//! Jackson: `AllHttpHeaders` is a `HashMap`, `HttpHeaders` a map ordered without regard to case.

use std::sync::Arc;

use statewright_value::{Object, Value};

use crate::outcome::Response;
use crate::service::Service;
use crate::shape::{hashed, sorted};

/// The two members.
pub(crate) fn members(service: &Service, response: &Response, request_id: Option<String>) -> [(Arc<str>, Value); 2] {
    let mut headers: Vec<(Arc<str>, Vec<Value>)> = Vec::new();
    for (name, value) in &response.headers {
        let name = spelling(service, name);
        match headers.iter_mut().find(|header| *header.0 == *name) {
            Some(header) => header.1.push(Value::from(value.as_str())),
            None => headers.push((name.into(), vec![Value::from(value.as_str())])),
        }
    }
    let all = hashed(headers.iter().map(|(name, values)| (Arc::clone(name), values.iter().cloned().collect())).collect());
    headers.sort_by_key(|header| header.0.to_ascii_lowercase());
    let last = headers.into_iter().filter_map(|(name, mut values)| Some((name, values.pop()?)));
    let http = vec![
        ("AllHttpHeaders".into(), all),
        ("HttpHeaders".into(), last.collect::<Object>().into()),
        ("HttpStatusCode".into(), Value::from(u32::from(response.status))),
    ];
    let ids = request_id.map(|id| ("RequestId".into(), Value::from(id)));
    [("SdkHttpMetadata".into(), sorted(http)), ("SdkResponseMetadata".into(), ids.into_iter().collect::<Object>().into())]
}

/// How the services were recorded to spell the names of headers. HTTP clients may hand them over in lower case.
const SPELLINGS: [&str; 10] = [
    "Content-Length",
    "Content-Type",
    "Date",
    "Server",
    "X-Amz-Executed-Version",
    "X-Amz-Log-Result",
    "X-Amzn-Trace-Id",
    "x-amz-crc32",
    "x-amzn-Remapped-Content-Length",
    "x-amzn-RequestId",
];

fn spelling<'a>(service: &Service, name: &'a str) -> &'a str {
    if name.eq_ignore_ascii_case("connection") {
        // Lambda and DynamoDB write it so, the others in lower case.
        return if matches!(service.name, "lambda" | "dynamodb") { "Connection" } else { "connection" };
    }
    SPELLINGS.into_iter().find(|known| known.eq_ignore_ascii_case(name)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{LAMBDA, SNS};

    fn shows(service: &Service, headers: &[(&str, &str)], expected: &str) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let response = Response { status: 200, headers, body: Vec::new() };
        let shown: Object = members(service, &response, Some("7".to_owned())).into_iter().collect();
        assert_eq!(Value::from(shown).to_string(), expected);
    }

    #[test]
    fn headers_are_spelled_and_ordered_as_the_service_shows_them() {
        shows(
            &SNS,
            &[
                ("date", "D"),
                ("content-type", "text/xml"),
                ("content-length", "294"),
                ("Connection", "keep-alive"),
                ("X-Amzn-RequestId", "7"),
            ],
            concat!(
                r#"{"SdkHttpMetadata":{"AllHttpHeaders":{"x-amzn-RequestId":["7"],"connection":["keep-alive"],"Content-Length":["294"],"#,
                r#""Date":["D"],"Content-Type":["text/xml"]},"HttpHeaders":{"connection":"keep-alive","Content-Length":"294","#,
                r#""Content-Type":"text/xml","Date":"D","x-amzn-RequestId":"7"},"HttpStatusCode":200},"SdkResponseMetadata":{"RequestId":"7"}}"#
            ),
        );
    }

    #[test]
    fn a_header_that_comes_twice_is_a_list_and_its_last_value() {
        shows(
            &LAMBDA,
            &[("connection", "a"), ("Own", "1"), ("Own", "2")],
            concat!(
                r#"{"SdkHttpMetadata":{"AllHttpHeaders":{"Own":["1","2"],"Connection":["a"]},"#,
                r#""HttpHeaders":{"Connection":"a","Own":"2"},"HttpStatusCode":200},"SdkResponseMetadata":{"RequestId":"7"}}"#
            ),
        );
    }
}
