//! What is known of the services, and of the operations that tasks call.

use crate::shape::{Map, Names, Shape};

/// What is known of a service, whichever of its operations is called.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in host names and signatures: `dynamodb`.
    pub name: &'static str,
    /// Its name in environment variables that name endpoints: `AWS_ENDPOINT_URL_DYNAMODB`.
    ///
    /// Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
    pub variable: &'static str,
    /// What its errors' names begin with: `DynamoDB`.
    pub prefix: &'static str,
    /// How causes call it: `AmazonDynamoDBv2`.
    pub client: &'static str,
    /// The name of an error that its model does not have: `AmazonDynamoDBException`.
    pub unmodelled: &'static str,
    /// The errors of the operations that are called here, in the model's names, without `Exception` at the end.
    pub errors: &'static [&'static str],
    /// How it is spoken to.
    pub protocol: Protocol,
}

/// How requests and answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// One JSON object each way; the operation stands in a header.
    Json {
        /// `application/x-amz-json-1.0`
        content_type: &'static str,
        /// What stands before the operation's name in `X-Amz-Target`.
        target: &'static str,
        /// How members are named.
        names: Names,
    },
    /// A form to the service, XML back.
    Query {
        /// Of the API.
        version: &'static str,
    },
    /// Paths, headers and bodies that differ with the operation.
    Rest,
}

const JSON_1_0: &str = "application/x-amz-json-1.0";

/// Lambda.
pub static LAMBDA: Service = Service {
    name: "lambda",
    variable: "LAMBDA",
    prefix: "Lambda",
    client: "AWSLambda",
    unmodelled: "AWSLambdaException",
    errors: &[
        "CodeArtifactUserDeleted",
        "CodeArtifactUserFailed",
        "CodeArtifactUserPending",
        "DurableExecutionAlreadyStarted",
        "EC2AccessDenied",
        "EC2Throttled",
        "EC2Unexpected",
        "EFSIO",
        "EFSMountConnectivity",
        "EFSMountFailure",
        "EFSMountTimeout",
        "ENILimitReached",
        "ENINotReady",
        "InvalidParameterValue",
        "InvalidRequestContent",
        "InvalidRuntime",
        "InvalidSecurityGroupID",
        "InvalidSubnetID",
        "InvalidZipFile",
        "KMSAccessDenied",
        "KMSDisabled",
        "KMSInvalidState",
        "KMSNotFound",
        "ModeNotSupported",
        "NoPublishedVersion",
        "RecursiveInvocation",
        "RequestTooLarge",
        "ResourceConflict",
        "ResourceNotFound",
        "ResourceNotReady",
        "S3FilesMountConnectivity",
        "S3FilesMountFailure",
        "S3FilesMountTimeout",
        "SerializedRequestEntityTooLarge",
        "Service",
        "ServiceQuotaExceeded",
        "SnapStart",
        "SnapStartNotReady",
        "SnapStartRegenerationFailure",
        "SnapStartTimeout",
        "SubnetIPAddressLimitReached",
        "TooManyRequests",
        "UnsupportedMediaType",
    ],
    protocol: Protocol::Rest,
};

/// SQS.
pub static SQS: Service = Service {
    name: "sqs",
    variable: "SQS",
    prefix: "SQS",
    client: "AmazonSQS",
    unmodelled: "AmazonSQSException",
    errors: &[
        "InvalidAddress",
        "InvalidMessageContents",
        "InvalidSecurity",
        "KmsAccessDenied",
        "KmsDisabled",
        "KmsInvalidKeyUsage",
        "KmsInvalidState",
        "KmsNotFound",
        "KmsOptInRequired",
        "KmsThrottled",
        "QueueDoesNotExist",
        "RequestThrottled",
        "UnsupportedOperation",
    ],
    protocol: Protocol::Json { content_type: JSON_1_0, target: "AmazonSQS", names: Names::Pascal },
};

/// SNS.
pub static SNS: Service = Service {
    name: "sns",
    variable: "SNS",
    prefix: "SNS",
    client: "AmazonSNS",
    unmodelled: "AmazonSNSException",
    errors: &[
        "AuthorizationError",
        "EndpointDisabled",
        "InternalError",
        "InvalidParameter",
        "InvalidParameterValue",
        "InvalidSecurity",
        "KMSAccessDenied",
        "KMSDisabled",
        "KMSInvalidState",
        "KMSNotFound",
        "KMSOptInRequired",
        "KMSThrottling",
        "NotFound",
        "PlatformApplicationDisabled",
        "Validation",
    ],
    protocol: Protocol::Query { version: "2010-03-31" },
};

/// EventBridge.
pub static EVENT_BRIDGE: Service = Service {
    name: "events",
    variable: "EVENTBRIDGE",
    prefix: "EventBridge",
    client: "AmazonEventBridge",
    unmodelled: "AmazonEventBridgeException",
    errors: &["Internal"],
    protocol: Protocol::Json { content_type: "application/x-amz-json-1.1", target: "AWSEvents", names: Names::Pascal },
};

/// Systems Manager, where a deployment keeps its own keys. No task calls it yet.
pub static SYSTEMS_MANAGER: Service = Service {
    name: "ssm",
    variable: "SSM",
    prefix: "Ssm",
    client: "AWSSimpleSystemsManagement",
    unmodelled: "AWSSimpleSystemsManagementException",
    errors: &["InternalServerError", "InvalidKeyId", "ParameterAlreadyExists", "ParameterNotFound"],
    protocol: Protocol::Json { content_type: "application/x-amz-json-1.1", target: "AmazonSSM", names: Names::Pascal },
};

/// CloudWatch Logs, where executions are logged. No task calls it yet.
pub static LOGS: Service = Service {
    name: "logs",
    variable: "CLOUDWATCH_LOGS",
    prefix: "CloudWatchLogs",
    client: "AWSLogs",
    unmodelled: "AWSLogsException",
    errors: &["InvalidParameter", "ResourceAlreadyExists", "ResourceNotFound", "ServiceUnavailable"],
    protocol: Protocol::Json { content_type: "application/x-amz-json-1.1", target: "Logs_20140328", names: Names::Camel },
};

/// DynamoDB.
pub static DYNAMO_DB: Service = Service {
    name: "dynamodb",
    variable: "DYNAMODB",
    prefix: "DynamoDB",
    client: "AmazonDynamoDBv2",
    unmodelled: "AmazonDynamoDBException",
    errors: &[
        "ConditionalCheckFailed",
        "InternalServerError",
        "ItemCollectionSizeLimitExceeded",
        "ProvisionedThroughputExceeded",
        "ReplicatedWriteConflict",
        "RequestLimitExceeded",
        "ResourceNotFound",
        "Throttling",
        "TransactionConflict",
    ],
    protocol: Protocol::Json { content_type: JSON_1_0, target: "DynamoDB_20120810", names: Names::Pascal },
};

/// Step Functions, or what answers in its place.
pub static STEP_FUNCTIONS: Service = Service {
    name: "states",
    variable: "SFN",
    prefix: "StepFunctions",
    client: "AWSStepFunctions",
    unmodelled: "AWSStepFunctionsException",
    errors: &[
        "ExecutionAlreadyExists",
        "ExecutionDoesNotExist",
        "ExecutionLimitExceeded",
        "InvalidArn",
        "InvalidExecutionInput",
        "InvalidName",
        "KmsAccessDenied",
        "KmsInvalidState",
        "KmsThrottling",
        "StateMachineDeleting",
        "StateMachineDoesNotExist",
        "Validation",
    ],
    protocol: Protocol::Json { content_type: JSON_1_0, target: "AWSStepFunctions", names: Names::Camel },
};

/// S3, of which objects are read and stored whole.
pub static S3: Service = Service {
    name: "s3",
    variable: "S3",
    prefix: "S3",
    client: "AmazonS3",
    unmodelled: "AmazonS3Exception",
    errors: &["NoSuchBucket", "NoSuchKey"],
    protocol: Protocol::Rest,
};

/// STS, which gives the credentials of roles.
pub static STS: Service = Service {
    name: "sts",
    variable: "STS",
    prefix: "Sts",
    client: "AWSSecurityTokenService",
    unmodelled: "AWSSecurityTokenServiceException",
    errors: &["ExpiredToken", "MalformedPolicyDocument", "PackedPolicyTooLarge", "RegionDisabled"],
    protocol: Protocol::Query { version: "2011-06-15" },
};

/// An operation that a task calls.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) service: &'static Service,
    pub(crate) name: &'static str,
    /// What must be there for the request to be made at all.
    pub(crate) required: &'static [&'static str],
    pub(crate) input: &'static Shape,
    pub(crate) output: &'static Shape,
}

static JSON: Shape = Shape::Json;
static TIME: Shape = Shape::Time;
static STRUCTURE: Shape = Shape::Structure(&[]);

// A DynamoDB attribute, which may hold attributes.
static ATTRIBUTE: Shape = Shape::Structure(&[("L", &ATTRIBUTES), ("M", &ITEM)]);
static ATTRIBUTES: Shape = Shape::List(&ATTRIBUTE);
static ITEM: Shape = Shape::Map(&Map { key: "key", value: "value", of: &ATTRIBUTE });
static CAPACITIES: Shape = Shape::Map(&Map { key: "key", value: "value", of: &STRUCTURE });
static CONSUMED_CAPACITY: Shape =
    Shape::Structure(&[("GlobalSecondaryIndexes", &CAPACITIES), ("LocalSecondaryIndexes", &CAPACITIES), ("Table", &STRUCTURE)]);
static COLLECTION_METRICS: Shape = Shape::Structure(&[("ItemCollectionKey", &ITEM)]);
static ITEM_ANSWER: Shape = Shape::Structure(&[
    ("Attributes", &ITEM),
    ("ConsumedCapacity", &CONSUMED_CAPACITY),
    ("Item", &ITEM),
    ("ItemCollectionMetrics", &COLLECTION_METRICS),
]);

static SEND_MESSAGE: Shape = Shape::Structure(&[("MessageBody", &JSON)]);
static MESSAGE_ATTRIBUTES: Shape = Shape::Map(&Map { key: "Name", value: "Value", of: &STRUCTURE });
static PUBLISH: Shape = Shape::Structure(&[("Message", &JSON), ("MessageAttributes", &MESSAGE_ATTRIBUTES)]);
static PUT_EVENTS: Shape = Shape::Structure(&[("Entries", &PUT_EVENTS_ENTRIES)]);
static PUT_EVENTS_ENTRIES: Shape = Shape::List(&PUT_EVENTS_ENTRY);
static PUT_EVENTS_ENTRY: Shape = Shape::Structure(&[("Detail", &JSON), ("Time", &TIME)]);
static PUT_EVENTS_ANSWER: Shape = Shape::Structure(&[("Entries", &PUT_EVENTS_ANSWERS)]);
static PUT_EVENTS_ANSWERS: Shape = Shape::List(&STRUCTURE);
static START_EXECUTION: Shape = Shape::Structure(&[("Input", &JSON)]);
static START_EXECUTION_ANSWER: Shape = Shape::Structure(&[("StartDate", &TIME)]);

/// What `DescribeExecution` answers.
pub(crate) static EXECUTION: Shape = Shape::Structure(&[
    ("InputDetails", &STRUCTURE),
    ("OutputDetails", &STRUCTURE),
    ("RedriveDate", &TIME),
    ("StartDate", &TIME),
    ("StopDate", &TIME),
]);

static SQS_SEND_MESSAGE: Operation =
    Operation { service: &SQS, name: "SendMessage", required: &["QueueUrl"], input: &SEND_MESSAGE, output: &STRUCTURE };
static SNS_PUBLISH: Operation = Operation { service: &SNS, name: "Publish", required: &[], input: &PUBLISH, output: &STRUCTURE };
static EVENTS_PUT_EVENTS: Operation =
    Operation { service: &EVENT_BRIDGE, name: "PutEvents", required: &["Entries"], input: &PUT_EVENTS, output: &PUT_EVENTS_ANSWER };
static STATES_START_EXECUTION: Operation = Operation {
    service: &STEP_FUNCTIONS,
    name: "StartExecution",
    required: &["StateMachineArn"],
    input: &START_EXECUTION,
    output: &START_EXECUTION_ANSWER,
};
static DYNAMODB: [Operation; 4] = [item("GetItem"), item("PutItem"), item("UpdateItem"), item("DeleteItem")];

const fn item(name: &'static str) -> Operation {
    Operation { service: &DYNAMO_DB, name, required: &["TableName"], input: &STRUCTURE, output: &ITEM_ANSWER }
}

/// The operation behind `arn:aws:states:::{resource_type}:{action}`; Lambda's has a file of its own.
pub(crate) fn operation(resource_type: &str, action: &str) -> Option<&'static Operation> {
    match (resource_type, action) {
        ("sqs", "sendMessage") => Some(&SQS_SEND_MESSAGE),
        ("sns", "publish") => Some(&SNS_PUBLISH),
        ("events", "putEvents") => Some(&EVENTS_PUT_EVENTS),
        ("states", "startExecution") => Some(&STATES_START_EXECUTION),
        ("dynamodb", _) => DYNAMODB.iter().find(|operation| Names::Camel.to_wire(operation.name) == action),
        _ => None,
    }
}
