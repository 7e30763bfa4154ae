//! Where services are.

use std::collections::HashMap;

use crate::request::Request;

/// Where services are, if not where AWS has them.
///
/// Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    all: Option<String>,
    own: HashMap<String, String>,
}

const ALL: &str = "AWS_ENDPOINT_URL";

impl Endpoints {
    /// Those that the environment names: `AWS_ENDPOINT_URL_LAMBDA` for one service, `AWS_ENDPOINT_URL` for all others.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(std::env::vars())
    }

    /// Those that these variables name.
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut endpoints = Self::default();
        for (name, url) in variables.into_iter().filter(|variable| !variable.1.is_empty()) {
            if name == ALL {
                endpoints.all = Some(url);
            } else if let Some(service) = name.strip_prefix(ALL).and_then(|rest| rest.strip_prefix('_')) {
                endpoints.own.insert(service.to_owned(), url);
            }
        }
        endpoints
    }

    /// The scheme and host of a request. One that is set goes before the one that a request asks for itself: a queue's URL says where
    /// AWS has it.
    pub(super) fn of(&self, request: &Request, region: &str) -> String {
        let set = self.own.get(request.service.variable).or(self.all.as_ref());
        let asked = || request.endpoint.clone();
        let of_aws = || format!("https://{}.{region}.{}", request.service.name, domain(region));
        set.cloned().or_else(asked).unwrap_or_else(of_aws)
    }
}

/// The domain of the partition that a region is in.
///
/// Source: the partitions that the AWS SDKs know.
fn domain(region: &str) -> &'static str {
    const DOMAINS: [(&str, &str); 6] = [
        ("cn-", "amazonaws.com.cn"),
        ("eusc-", "amazonaws.eu"),
        ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("us-isof-", "csp.hci.ic.gov"),
    ];
    DOMAINS.into_iter().find(|domain| region.starts_with(domain.0)).map_or("amazonaws.com", |domain| domain.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::request;
    use crate::request::tests::{ORIGIN, task};

    fn is_at(variables: &[(&str, &str)], region: &str, resource: &str, endpoint: &str) {
        let parameters = r#"{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/1/q","TableName":"t"}"#;
        let request = request(&task(resource, parameters), &ORIGIN).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        assert_eq!(Endpoints::from_variables(variables).of(&request, region), endpoint);
    }

    #[test]
    fn one_services_endpoint_goes_before_all_and_that_before_aws() {
        const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
        const GET_ITEM: &str = "arn:aws:states:::dynamodb:getItem";
        let set =
            [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:2"), ("AWS_REGION", "x")];
        is_at(&set, "us-east-1", FUNCTION, "http://127.0.0.1:1");
        is_at(&set, "us-east-1", GET_ITEM, "http://127.0.0.1:2");
        is_at(&[("AWS_ENDPOINT_URL", "")], "us-east-1", GET_ITEM, "https://dynamodb.us-east-1.amazonaws.com");
        is_at(&[], "cn-north-1", FUNCTION, "https://lambda.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn a_queues_own_host_goes_before_the_regions_and_after_what_is_set() {
        const SEND_MESSAGE: &str = "arn:aws:states:::sqs:sendMessage";
        is_at(&[], "us-east-1", SEND_MESSAGE, "https://sqs.eu-west-1.amazonaws.com");
        is_at(&[("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1")], "us-east-1", SEND_MESSAGE, "http://127.0.0.1:1");
    }
}
