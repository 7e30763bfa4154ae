//! Every sample, every case: the built binary runs it, and it ends as its README says.
//!
//! The table is complete: a definition, an input, a case or a state of `statemachines/` that no row reaches fails the tests.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;
use statewright_interpreter::definition::{Definition, Options, Syntax};

/// One run: what is called, and what comes of it.
struct Row {
    folder: &'static str,
    definition: &'static str,
    input: &'static str,
    case: &'static str,
    arguments: &'static [&'static str],
    /// `SUCCEEDED`, `FAILED`, `TIMED_OUT`
    status: &'static str,
    error: Option<&'static str>,
    /// The states in the order in which they are entered; `…` stands for any number of them, and for those that run side by side.
    path: &'static str,
    /// Places in the output, and what stands there as JSON.
    output: Vec<(&'static str, &'static str)>,
    /// How many seconds of virtual time it takes.
    seconds: RangeInclusive<f64>,
}

fn row(folder: &'static str, definition: &'static str, case: &'static str, path: &'static str) -> Row {
    Row {
        folder,
        definition,
        input: "input.json",
        case,
        arguments: &[],
        status: "SUCCEEDED",
        error: None,
        path,
        output: Vec::new(),
        seconds: 0.0..=0.0,
    }
}

impl Row {
    fn input(self, input: &'static str) -> Self {
        Self { input, ..self }
    }
    fn with(self, arguments: &'static [&'static str]) -> Self {
        Self { arguments, ..self }
    }
    fn fails(self, error: &'static str) -> Self {
        Self { status: "FAILED", error: Some(error), ..self }
    }
    fn times_out(self) -> Self {
        Self { status: "TIMED_OUT", ..self }
    }
    fn output(mut self, pointer: &'static str, value: &'static str) -> Self {
        self.output.push((pointer, value));
        self
    }
    fn takes(self, seconds: u32) -> Self {
        self.takes_between(seconds, seconds)
    }
    /// For runs with jitter in their back-off.
    fn takes_between(self, from: u32, to: u32) -> Self {
        Self { seconds: f64::from(from)..=f64::from(to), ..self }
    }

    /// The machine's name: the file's stem.
    fn machine(&self) -> &'static str {
        self.definition.split('.').next().unwrap()
    }
    fn arguments(&self) -> Vec<String> {
        let place = |file: &str| format!("statemachines/{}/{file}", self.folder);
        let mut all = vec!["run".to_owned(), place(self.definition), "--input".to_owned(), format!("@{}", place(self.input))];
        all.extend(["--mock".to_owned(), place("MockConfigFile.json"), "--case".to_owned(), self.case.to_owned()]);
        all.extend(self.arguments.iter().map(|&argument| argument.to_owned()));
        all
    }
}

const FRIDAY_EVENING: &[&str] = &["--start-time", "2026-05-08T18:30:00Z"];
const FRIDAY_NIGHT: &[&str] = &["--start-time", "2026-05-08T22:00:00Z"];
/// Four days and ten hours before the auction closes.
const BEFORE_CLOSING: &[&str] = &["--start-time", "2026-03-02T10:00:00Z"];
const WITH_WAREHOUSE: &[&str] = &["--machine", "load-warehouse=statemachines/nightly-etl/load-warehouse.asl.json"];

fn rows() -> Vec<Row> {
    let samples =
        [order_saga(), human_approval(), user_registration(), auction(), food_delivery(), nightly_etl(), dynamic_fan_out()];
    let twins = TWINS.iter().flat_map(|&(definition, twin)| {
        let all = [order_saga(), food_delivery(), dynamic_fan_out()].into_iter().flatten();
        all.filter(move |row| row.definition == definition).map(move |row| Row { definition: twin, ..row })
    });
    samples.into_iter().flatten().chain(twins).collect()
}

/// Definitions in JSONPath, and those that do the same in JSONata.
const TWINS: [(&str, &str); 3] = [
    ("order-saga.asl.json", "order-saga-jsonata.asl.json"),
    ("food-delivery.asl.json", "food-delivery-jsonata.asl.json"),
    ("dynamic-fan-out.asl.json", "dynamic-fan-out-jsonata.asl.json"),
];

fn order_saga() -> Vec<Row> {
    let order = |case, path| row("order-saga", "order-saga.asl.json", case, path);
    let all = "Record Order > Reserve Stock > Charge Payment > Request Shipment > Confirm Order > Announce Order > Order Completed";
    vec![
        order("HappyPath", all)
            .output("/stock", r#"{"reservationId": "RSV-310", "warehouse": "EAST-1"}"#)
            .output("/payment/chargedCents", "7450")
            .output("/shipment/trackingNumber", r#""TRK-55001""#),
        order("TransientErrors", all).output("/shipment/trackingNumber", r#""TRK-55001""#).takes_between(0, 5),
        order("OutOfStock", "Record Order > Reserve Stock > Mark Order Failed > Order Failed").fails("OutOfStock"),
        order(
            "PaymentDeclined",
            "Record Order > Reserve Stock > Charge Payment > Release Stock > Mark Order Failed > Order Failed",
        )
        .fails("PaymentDeclined"),
        order(
            "PaymentTimesOut",
            "Record Order > Reserve Stock > Charge Payment > Refund Payment > Release Stock > Mark Order Failed > Order Failed",
        )
        .fails("States.Timeout")
        .takes(30),
        order(
            "ShippingFails",
            "Record Order > Reserve Stock > Charge Payment > Request Shipment > \
             Cancel Shipment > Refund Payment > Release Stock > Mark Order Failed > Order Failed",
        )
        .fails("CarrierProtocolError")
        .takes_between(0, 2),
        order(
            "RefundImpossible",
            "Record Order > Reserve Stock > Charge Payment > Request Shipment > Refund Payment > Page Operator > Operator Needed",
        )
        .fails("OrderNeedsOperator")
        .takes_between(0, 2 + 4 + 8 + 16 + 32 + 64 + 120 + 120),
        order("DuplicateOrder", "Record Order > Duplicate Order").fails("DuplicateOrder"),
    ]
}

fn human_approval() -> Vec<Row> {
    let approval = |case, path| row("human-approval", "human-approval.asl.json", case, path);
    vec![
        approval("HappyPath", "Needs Approval? > Ask Team Lead > Approved? > Record Approval > Place Purchase > Purchase Placed")
            .output("/answer/verdict", r#""APPROVED""#)
            .output("/purchase/purchaseOrder", r#""PO-7731""#),
        approval(
            "TeamLeadRejects",
            "Needs Approval? > Ask Team Lead > Approved? > Record Rejection > Tell Requester > Request Rejected",
        )
        .output("/answer/verdict", r#""REJECTED""#),
        approval(
            "ManagerApproves",
            "Needs Approval? > Ask Team Lead > Report Escalation > Ask Manager > Approved? > Record Approval > Place Purchase > \
             Purchase Placed",
        )
        .output("/purchase/purchaseOrder", r#""PO-7731""#)
        .takes(86_400),
        approval(
            "ManagerRejects",
            "Needs Approval? > Ask Team Lead > Report Escalation > Ask Manager > Approved? > Record Rejection > Tell Requester > \
             Request Rejected",
        )
        .output("/silence/Error", r#""ApproverUnavailable""#),
        approval(
            "NobodyAnswers",
            "Needs Approval? > Ask Team Lead > Report Escalation > Ask Manager > Record Expiry > Request Expired",
        )
        .fails("RequestExpired")
        .takes_between(3 * 86_400, 3 * 86_400 + 15),
        approval("NonsensicalVerdict", "Needs Approval? > Ask Team Lead > Approved? > Verdict Not Understood")
            .fails("VerdictNotUnderstood"),
        approval("NoApprovalNeeded", "Needs Approval? > Approve By Rule > Record Approval > Place Purchase > Purchase Placed")
            .input("input-small.json")
            .output("/answer/verdict", r#""APPROVED""#),
        approval(
            "OnlyTheManagerMay",
            "Needs Approval? > Ask Manager > Approved? > Record Approval > Place Purchase > Purchase Placed",
        )
        .input("input-large.json"),
    ]
}

fn user_registration() -> Vec<Row> {
    let registration = |case, path| row("user-registration", "user-registration.asl.json", case, path);
    vec![
        registration(
            "HappyPath",
            "Read Message > Check Request > Claim User Name > Ask For Confirmation > Activate User > Welcome User > … > Summarise > \
             User Registered",
        )
        .output("/status", r#""ACTIVE""#)
        .output("/userName", r#""gull""#)
        .output("/profileId", r#""PRF-640""#),
        registration(
            "ConfirmedAfterReminder",
            "Read Message > Check Request > Claim User Name > Ask For Confirmation > Remind > Activate User > Welcome User > … > \
             Summarise > User Registered",
        )
        .output("/status", r#""ACTIVE""#)
        .takes(86_400),
        registration(
            "NeverConfirmed",
            "Read Message > Check Request > Claim User Name > Ask For Confirmation > Remind > Release User Name > Announce Expiry > \
             Registration Expired",
        )
        .fails("RegistrationExpired")
        .takes(3 * 86_400),
        registration(
            "MailBounces",
            "Read Message > Check Request > Claim User Name > Ask For Confirmation > Release User Name > Announce Expiry > \
             Registration Expired",
        )
        .fails("RegistrationExpired"),
        registration("UserNameTaken", "Read Message > Check Request > Claim User Name > Announce Refusal > User Name Taken")
            .fails("UserNameTaken"),
        registration("TransientErrors", "Read Message > Check Request > Claim User Name > … > Summarise > User Registered")
            .output("/profileId", r#""PRF-640""#)
            .takes_between(0, 6),
        registration("InvalidRequest", "Read Message > Check Request > Request Invalid")
            .input("input-without-address.json")
            .fails("RequestInvalid"),
    ]
}

fn auction() -> Vec<Row> {
    let auction = |case, path| row("auction-to-invoice", "auction.asl.json", case, path).with(BEFORE_CLOSING);
    let work = |case, path| row("auction-to-invoice", "work-order.asl.json", case, path).input("input-work-order.json");
    let invoice = |case, path| row("auction-to-invoice", "invoice.asl.json", case, path).input("input-invoice.json");
    let sold =
        "Open Auction > Until It Closes > Collect Bids > Check Funds > … > Any Winner? > Determine Winner > Announce Sale > Sold";
    let until_closing = 4 * 86_400 + 10 * 3_600;
    let fortnight = 14 * 86_400;
    vec![
        auction("HappyPath", sold).output("", r#"{"bidderId": "BIDDER-21", "amountCents": 18200, "rank": 1}"#).takes(until_closing),
        auction("HighestBidderCannotPay", sold).output("/bidderId", r#""BIDDER-7""#).output("/rank", "2").takes(until_closing),
        auction("BidderCannotBeChecked", sold).output("/bidderId", r#""BIDDER-7""#).takes(until_closing),
        auction(
            "NoBids",
            "Open Auction > Until It Closes > Collect Bids > Check Funds > Any Winner? > Announce No Sale > Not Sold",
        )
        .output("", r#"{"count": 0, "items": []}"#)
        .takes(until_closing),
        auction("TransientErrors", sold).takes_between(until_closing, until_closing + 6),
        work("HappyPath", "Create Work Order > Prepare Parcel > … > Hand To Carrier > Announce Completion > Work Order Completed")
            .output("", r#"{"trackingNumber": "TRK-60412"}"#),
        work(
            "BenchLeftAlone",
            "Create Work Order > Prepare Parcel > … > Hand To Carrier > Announce Completion > Work Order Completed",
        )
        .takes(600 + 60),
        work("NobodyPacks", "Create Work Order > Prepare Parcel > … > Report Trouble > Work Order Stuck")
            .fails("WorkOrderStuck")
            .takes(600 + 60 + 600 + 60 + 600),
        work("CarrierNeverComes", "Create Work Order > Prepare Parcel > … > Hand To Carrier > Report Trouble > Work Order Stuck")
            .fails("WorkOrderStuck")
            .takes(2 * 86_400),
        work("DuplicateEvent", "Create Work Order > Already Created").output("/auctionId", r#""AU-88""#),
        invoice(
            "HappyPath",
            "Draw Up Invoice > File Invoice > Send Invoice > Term Of Payment > … > Announce Payment > Invoice Paid",
        )
        .output("/totalCents", "19110")
        .takes(fortnight),
        invoice(
            "PaidAfterReminder",
            "Draw Up Invoice > File Invoice > Send Invoice > Term Of Payment > Look For Payment > Paid? > Send Invoice > \
             Term Of Payment > Look For Payment > Paid? > Announce Payment > Invoice Paid",
        )
        .takes(2 * fortnight),
        invoice(
            "NeverPaid",
            "Draw Up Invoice > File Invoice > … > Paid? > … > Paid? > … > Paid? > Hand To Collection > Invoice Unpaid",
        )
        .fails("InvoiceUnpaid")
        .takes(3 * fortnight),
    ]
}

fn food_delivery() -> Vec<Row> {
    let meal = |case, path| row("food-delivery", "food-delivery.asl.json", case, path).with(FRIDAY_EVENING);
    let delivered =
        "Kitchen Open? > Charge Customer > Prepare Food > Assign Courier > Courier Found? > Deliver > In Time? > Delivered";
    vec![
        meal("HappyPath", delivered)
            .output("/courier/courierId", r#""COURIER-8""#)
            .output("/delivery/deliveredAt", r#""2026-05-08T19:24:00Z""#),
        meal("TransientErrors", delivered).output("/charge/chargeId", r#""CHG-400""#).takes_between(0, 8),
        meal(
            "CourierFoundLater",
            "Kitchen Open? > Charge Customer > Prepare Food > Assign Courier > Courier Found? > Before Next Attempt > \
             Assign Courier > Courier Found? > Before Next Attempt > Assign Courier > Courier Found? > Deliver > In Time? > Delivered",
        )
        .takes(360),
        meal("DeliveredLate", "Kitchen Open? > … > Deliver > In Time? > Give Voucher > Delivered")
            .output("/voucher/voucher", r#""SORRY-5""#),
        meal("CardDeclined", "Kitchen Open? > Charge Customer > Card Declined").fails("CardDeclined"),
        meal(
            "KitchenRefuses",
            "Kitchen Open? > Charge Customer > Prepare Food > Refund Customer > Apologise > Not Delivered",
        )
        .fails("KitchenRefused"),
        meal(
            "KitchenFallsSilent",
            "Kitchen Open? > Charge Customer > Prepare Food > Refund Customer > Apologise > Not Delivered",
        )
        .fails("States.Timeout")
        .takes(600),
        meal("NoCourier", "Kitchen Open? > … > Courier Found? > No Courier > Refund Customer > Apologise > Not Delivered")
            .fails("NoCourier")
            .takes(3_600),
        meal("CourierDisappears", "Kitchen Open? > … > Deliver > Refund Customer > Apologise > Not Delivered")
            .fails("States.Timeout")
            .takes(300),
        meal("RestaurantClosed", "Kitchen Open? > Restaurant Closed").with(FRIDAY_NIGHT).fails("RestaurantClosed"),
    ]
}

fn nightly_etl() -> Vec<Row> {
    let night = |case, path| row("nightly-etl", "nightly-etl.asl.yaml", case, path);
    let load = |case, path| row("nightly-etl", "load-warehouse.asl.json", case, path).input("input-load-warehouse.json");
    let loaded = "Extract > … > Anything New? > Transform > … > Load Warehouse > Report Success > Day Loaded";
    vec![
        night("HappyPath", loaded)
            .output("/transformed", r#"{"partCount": 3, "rows": [12000, 12000, 12000]}"#)
            .output("/loaded/status", r#""FINISHED""#),
        night("TransientErrors", loaded).output("/transformed/partCount", "3").takes_between(0, 4),
        night("BothMachines", loaded).with(WITH_WAREHOUSE).output("/loaded/status", r#""FINISHED""#).takes(90),
        night("ExtractFails", "Extract > … > Raise Alarm > Day Not Loaded").fails("DayNotLoaded"),
        night("ExtractGetsStuck", "Extract > … > Raise Alarm > Day Not Loaded").fails("DayNotLoaded").takes(3_600),
        night("LoadGetsStuck", "Extract > … > Load Warehouse > Raise Alarm > Day Not Loaded").fails("DayNotLoaded").takes(5_400),
        night("LoadFails", "Extract > … > Load Warehouse > Raise Alarm > Day Not Loaded").fails("DayNotLoaded"),
        night("NothingNew", "Extract > … > Anything New? > Nothing New").output("/extracted/parts", "[]"),
        load(
            "HappyPath",
            "Start Statement > Before Asking > Ask After Statement > Statement Finished? > Before Asking > Ask After Statement > \
             Statement Finished? > Before Asking > Ask After Statement > Statement Finished? > Loaded",
        )
        .output("/Status", r#""FINISHED""#)
        .takes(90),
        load("BothMachines", "Start Statement > … > Loaded").takes(90),
        load("LoadFails", "Start Statement > Before Asking > Ask After Statement > Statement Finished? > Load Failed")
            .fails("LoadFailed")
            .takes(30),
        load("LoadGetsStuck", "Start Statement > … > Statement Finished? > Before Asking").times_out().takes(7_200),
    ]
}

fn dynamic_fan_out() -> Vec<Row> {
    let fan_out = |case, path| row("dynamic-fan-out", "dynamic-fan-out.asl.json", case, path);
    let converted = "Find Work > Anything To Do? > For Each Customer > … > All Done? > Everything Converted";
    let all_done = r#"{"customers": 3, "batches": 4, "done": 4, "failedCount": 0, "failed": []}"#;
    vec![
        fan_out("HappyPath", converted).output("", all_done),
        fan_out("TransientErrors", converted).output("", all_done).takes_between(0, 2),
        fan_out(
            "OneBatchFails",
            "Find Work > Anything To Do? > For Each Customer > … > All Done? > Report Failures > Partly Converted",
        )
        .output("/done", "3")
        .output("/failedCount", "1")
        .output("/failed/0/error", r#""UnreadablePage""#),
        fan_out("EverythingFails", "Find Work > Anything To Do? > For Each Customer > … > All Done? > Nothing Converted")
            .fails("NothingConverted"),
        fan_out("NothingToDo", "Find Work > Anything To Do? > Nothing To Do").output("/work/customerCount", "0"),
    ]
}

/// What a run left.
struct Ran {
    row: Row,
    output: Output,
    events: Vec<Value>,
}

/// Every row is run once, for all tests.
static RUNS: LazyLock<Vec<Ran>> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("statewright-samples-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let run = |(number, row): (usize, Row)| {
        let history = folder.join(format!("{number}.json"));
        let more = ["--format", "json", "--history", history.to_str().unwrap()].map(str::to_owned);
        let output = statewright(row.arguments().into_iter().chain(more));
        let events = match fs::read(&history) {
            Ok(text) => serde_json::from_slice::<Value>(&text).unwrap()["events"].as_array().unwrap().clone(),
            Err(_) => Vec::new(),
        };
        Ran { row, output, events }
    };
    let runs = rows().into_iter().enumerate().map(run).collect();
    fs::remove_dir_all(&folder).unwrap();
    runs
});

fn statewright(arguments: impl IntoIterator<Item = String>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_statewright")).args(arguments).current_dir(root()).output().unwrap()
}

/// The repository's root.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

impl Ran {
    /// What differs from the row.
    fn differences(&self) -> Vec<String> {
        let stderr = String::from_utf8_lossy(&self.output.stderr);
        let Ok(answer) = serde_json::from_slice::<Value>(&self.output.stdout) else {
            return vec![format!("no JSON on standard output; standard error: {stderr}")];
        };
        let mut differences = Vec::new();
        let mut expect = |what: &str, expected: Value, found: Value| {
            if expected != found {
                differences.push(format!("{what}: expected {expected}, found {found}"));
            }
        };
        let Row { status, error, path, .. } = self.row;
        expect("status", status.into(), answer["status"].clone());
        expect("exit code", i32::from(status != "SUCCEEDED").into(), self.output.status.code().into());
        if let Some(error) = error {
            expect("error", error.into(), answer["error"].clone());
        }
        for (pointer, value) in &self.row.output {
            let found = answer["output"].pointer(pointer).cloned().unwrap_or_default();
            expect(&format!("output {pointer}"), serde_json::from_str(value).unwrap(), found);
        }
        let entered = self.entered();
        if !matches(&path.split(" > ").collect::<Vec<_>>(), &entered) {
            differences.push(format!("path: expected {path}\n    found {}", entered.join(" > ")));
        }
        let (seconds, expected) = (self.seconds(), &self.row.seconds);
        if !expected.contains(&seconds) {
            differences.push(format!("virtual time: expected {expected:?}, found {seconds}"));
        }
        differences
    }

    /// The names of the states it entered, in order.
    fn entered(&self) -> Vec<&str> {
        self.events.iter().filter_map(|event| event["stateEnteredEventDetails"]["name"].as_str()).collect()
    }

    /// Its virtual time, to the millisecond.
    fn seconds(&self) -> f64 {
        let time = |event: Option<&Value>| event.and_then(|event| event["timestamp"].as_f64()).unwrap_or(f64::NAN);
        ((time(self.events.last()) - time(self.events.first())) * 1000.0).round() / 1000.0
    }

    /// What it asked its tasks for, without what differs from one execution to the next.
    fn asked(&self) -> Vec<Value> {
        let details = |event: &Value| {
            let scheduled = ["taskScheduledEventDetails", "lambdaFunctionScheduledEventDetails", "activityScheduledEventDetails"];
            let details = scheduled.into_iter().find_map(|name| event.get(name))?;
            let payload = details.get("parameters").or_else(|| details.get("input"))?;
            let payload = if payload.is_string() { payload.clone() } else { payload["payload"].clone() };
            Some(serde_json::from_str(&self.plain(payload.as_str()?)).unwrap())
        };
        self.events.iter().filter_map(details).collect()
    }

    /// Its status, output, error and cause.
    fn ended(&self) -> [Value; 4] {
        let answer: Value = serde_json::from_str(&self.plain(&String::from_utf8_lossy(&self.output.stdout))).unwrap();
        ["status", "output", "error", "cause"].map(|name| answer[name].clone())
    }

    /// A text without the names, the time and the tokens of this execution.
    fn plain(&self, text: &str) -> String {
        let answer: Value = serde_json::from_slice(&self.output.stdout).unwrap();
        let mut text = text.to_owned();
        for name in ["executionArn", "name", "startDate"] {
            text = text.replace(answer[name].as_str().unwrap(), name);
        }
        match text.split_once("\"taskToken\":\"") {
            Some((before, rest)) => format!("{before}\"taskToken\":\"{}", rest.trim_start_matches(|c| c != '"')),
            None => text,
        }
    }

    /// The entries it gave to the event bus.
    fn sent(&self) -> Vec<Value> {
        let entries = |event: &Value| {
            let details = &event["taskScheduledEventDetails"];
            let parameters = (details["resourceType"] == "events").then(|| details["parameters"].as_str())??;
            serde_json::from_str::<Value>(parameters).unwrap()["Entries"].as_array().cloned()
        };
        self.events.iter().filter_map(entries).flatten().collect()
    }
}

/// Whether `entered` is as `pattern` says, in which `…` stands for any number of states.
fn matches(pattern: &[&str], entered: &[&str]) -> bool {
    match pattern {
        [] => entered.is_empty(),
        ["…", rest @ ..] => (0..=entered.len()).any(|skipped| matches(rest, &entered[skipped..])),
        [first, rest @ ..] => entered.first() == Some(first) && matches(rest, &entered[1..]),
    }
}

/// The files of `folder`, by name.
fn files(folder: &Path) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path())).collect()
}

/// The samples' folders, by name.
fn samples() -> BTreeMap<String, PathBuf> {
    files(&root().join("statemachines")).into_iter().filter(|(_, path)| path.is_dir()).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn every_case_ends_as_its_row_says() {
    let failed = |ran: &Ran| {
        let differences = ran.differences();
        let Row { folder, definition, case, .. } = ran.row;
        (!differences.is_empty()).then(|| format!("{folder}/{definition} {case}\n  {}", differences.join("\n  ")))
    };
    let failed: Vec<_> = RUNS.iter().filter_map(failed).collect();
    assert!(failed.is_empty(), "{} of {} runs differ:\n{}", failed.len(), RUNS.len(), failed.join("\n"));
}

#[test]
fn every_definition_input_and_case_has_a_row() {
    let rows = rows();
    for (folder, path) in samples() {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.folder == folder).collect();
        let there = files(&path);
        for name in ["README.md", "MockConfigFile.json", "input.json"] {
            assert!(there.contains_key(name), "{folder} has no {name}");
        }
        let definitions: BTreeSet<_> = there.keys().filter(|name| name.contains(".asl.")).map(String::as_str).collect();
        assert_eq!(definitions, rows.iter().map(|row| row.definition).collect(), "{folder}: definitions, and those with rows");
        let inputs: BTreeSet<_> = there.keys().filter(|name| name.starts_with("input")).map(String::as_str).collect();
        assert_eq!(inputs, rows.iter().map(|row| row.input).collect(), "{folder}: inputs, and those with rows");
        let mocks = json(&there["MockConfigFile.json"]);
        let machines = &mocks["StateMachines"];
        for machine in keys(machines) {
            let with_rows = rows.iter().filter(|row| row.machine() == machine).map(|row| row.case).collect();
            assert_eq!(keys(&machines[machine]["TestCases"]), with_rows, "{folder}: cases of {machine}, and those with rows");
            assert!(with_rows.contains("HappyPath"), "{folder}: {machine} has no HappyPath");
        }
        let named: BTreeSet<_> = keys(machines)
            .into_iter()
            .flat_map(|machine| machines[machine]["TestCases"].as_object().unwrap().values())
            .flat_map(|case| case.as_object().unwrap().values())
            .map(|response| response.as_str().unwrap())
            .collect();
        assert_eq!(keys(&mocks["MockedResponses"]), named, "{folder}: mocked responses, and those that a case names");
    }
}

#[test]
fn every_state_is_entered_and_every_mocked_state_is_called() {
    for (folder, path) in samples() {
        let mocks = json(&path.join("MockConfigFile.json"));
        for (name, file) in files(&path).into_iter().filter(|(name, _)| name.contains(".asl.")) {
            let syntax = if name.ends_with("yaml") { Syntax::Yaml } else { Syntax::Json };
            let options = Options { syntax, ..Options::default() };
            let definition = Definition::parse(&fs::read_to_string(file).unwrap(), &options).unwrap().definition;
            let runs: Vec<_> = RUNS.iter().filter(|ran| ran.row.folder == folder && ran.row.definition == name).collect();
            let entered: BTreeSet<_> = runs.iter().flat_map(|ran| ran.entered()).collect();
            let never: Vec<_> = definition.states().map(|(_, state)| &*state.name).filter(|name| !entered.contains(name)).collect();
            assert!(never.is_empty(), "{folder}/{name}: no case enters {never:?}");
            for ran in runs {
                let entered: BTreeSet<_> = ran.entered().into_iter().collect();
                let mocked = &mocks["StateMachines"][ran.row.machine()]["TestCases"][ran.row.case];
                assert!(keys(mocked).is_subset(&entered), "{folder}: {} {} mocks states that it never enters", name, ran.row.case);
            }
        }
    }
}

#[test]
fn twins_ask_for_the_same_and_answer_the_same() {
    let mut compared = 0;
    for (definition, twin) in TWINS {
        let of = |name: &str| {
            RUNS.iter().filter(|ran| ran.row.definition == name).map(|ran| (ran.row.case, ran)).collect::<BTreeMap<_, _>>()
        };
        let (ours, theirs) = (of(definition), of(twin));
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
        for (case, ran) in ours {
            let twin = theirs[case];
            assert_eq!(ran.entered(), twin.entered(), "{definition} {case}");
            assert_eq!(ran.asked(), twin.asked(), "{definition} {case}");
            assert_eq!(ran.ended(), twin.ended(), "{definition} {case}");
            compared += ran.asked().len();
        }
    }
    assert!(compared > 100, "{compared} tasks");
}

#[test]
fn all_eight_state_types_occur() {
    let entered = |event: &Value| event["type"].as_str().unwrap().strip_suffix("StateEntered").map(str::to_owned);
    let types: BTreeSet<_> = RUNS.iter().flat_map(|ran| &ran.events).filter_map(entered).collect();
    let all = ["Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait"].map(str::to_owned);
    assert_eq!(types, BTreeSet::from(all));
}

#[test]
fn every_definition_is_valid_without_warnings() {
    let arguments = ["validate", "--deny-warnings", "--format", "json", "statemachines"].map(str::to_owned);
    let output = statewright(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{}{stderr}", String::from_utf8_lossy(&output.stdout));
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let definitions = samples().values().flat_map(|path| files(path).into_keys()).filter(|name| name.contains(".asl.")).count();
    assert_eq!(answers.len(), definitions);
    for answer in answers {
        assert_eq!(answer["result"], "OK", "{answer}");
        assert_eq!(answer["diagnostics"], Value::Array(Vec::new()), "{answer}");
    }
}

#[test]
fn each_machine_of_the_auction_sends_the_event_that_starts_the_next() {
    for (machine, next) in [("auction", "input-work-order.json"), ("work-order", "input-invoice.json")] {
        let ran = RUNS.iter().find(|ran| ran.row.machine() == machine && ran.row.case == "HappyPath").unwrap();
        let event = json(&root().join("statemachines/auction-to-invoice").join(next));
        let [entry] = &ran.sent()[..] else { panic!("{machine} sends {:?}", ran.sent()) };
        assert_eq!(entry["Source"], event["source"], "{machine}");
        assert_eq!(entry["DetailType"], event["detail-type"], "{machine}");
        assert_eq!(entry["Detail"], event["detail"], "{machine}");
    }
}

#[test]
fn the_commands_of_the_read_mes_run_as_written() {
    let rows = rows();
    for (folder, path) in samples() {
        let text = fs::read_to_string(path.join("README.md")).unwrap();
        let commands: Vec<_> =
            text.lines().filter_map(|line| line.strip_prefix("cargo run --release -p statewright -- ")).collect();
        assert!(commands.iter().any(|command| command.ends_with("HappyPath") || command.contains("HappyPath ")), "{folder}");
        for command in commands {
            let arguments: Vec<_> = command.split(' ').map(str::to_owned).collect();
            let row = rows.iter().find(|row| row.arguments() == arguments);
            let row = row.unwrap_or_else(|| panic!("{folder}/README.md: no row runs `{command}`"));
            let output = statewright(arguments);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(i32::from(row.status != "SUCCEEDED")), "{command}\n{stderr}");
        }
        for row in rows.iter().filter(|row| row.folder == folder) {
            assert!(text.contains(&format!("| `{}` |", row.case)), "{folder}/README.md says nothing about {}", row.case);
        }
    }
}
