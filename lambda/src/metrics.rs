//! Metrics, in the form in which CloudWatch takes them out of logs.
//!
//! Source: CloudWatch user guide, "Embedded metric format specification".

use serde_json::{Map, Value, json};
use statewright_interpreter::time::Timestamp;

/// The namespace. `AWS/…` is AWS's own.
const NAMESPACE: &str = "Statewright";

/// Logs numbers, by what `dimension` is.
pub fn log(dimension: (&str, &str), numbers: &[(&str, usize)], now: Timestamp) {
    say(&line(dimension, numbers, now));
}

#[expect(clippy::print_stdout, reason = "it is the function's log")]
fn say(line: &Value) {
    println!("{}", crate::log::counted(line));
}

fn line(dimension: (&str, &str), numbers: &[(&str, usize)], now: Timestamp) -> Value {
    let unit = |name: &str| if name.ends_with("Time") { "Milliseconds" } else { "Count" };
    let names: Vec<Value> = numbers.iter().map(|(name, _)| json!({ "Name": name, "Unit": unit(name) })).collect();
    let metrics = json!([{ "Namespace": NAMESPACE, "Dimensions": [[dimension.0]], "Metrics": names }]);
    let mut line = Map::new();
    // By these Lambda knows that it may pass the line on as it is.
    line.insert("timestamp".to_owned(), now.to_string().into());
    line.insert("level".to_owned(), "INFO".into());
    line.insert("_aws".to_owned(), json!({ "Timestamp": now.0, "CloudWatchMetrics": metrics }));
    line.insert(dimension.0.to_owned(), dimension.1.into());
    line.extend(numbers.iter().map(|(name, number)| ((*name).to_owned(), (*number).into())));
    line.into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_line_names_its_metrics_and_holds_them() {
        let line = super::line(("Part", "Sweep"), &[("Woken", 3)], statewright_interpreter::time::Timestamp(1000));
        assert_eq!(
            line.to_string(),
            r#"{"timestamp":"1970-01-01T00:00:01Z","level":"INFO","_aws":{"Timestamp":1000,"CloudWatchMetrics":[{"Namespace":"Statewright","Dimensions":[["Part"]],"Metrics":[{"Name":"Woken","Unit":"Count"}]}]},"Part":"Sweep","Woken":3}"#
        );
    }
}
