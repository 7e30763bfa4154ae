//! The query protocol: a form to the service, XML back.
//!
//! Source: Smithy specification, "AWS query protocol".

use std::fmt::Write;

use statewright_value::{Object, Value};

use crate::shape::{Names, Shape};

/// The form that calls `action` with these parameters.
#[must_use]
pub fn form(action: &str, version: &str, input: &Shape, parameters: &Value) -> String {
    let mut form = Form(String::new());
    form.pair("Action", action);
    form.pair("Version", version);
    if let Value::Object(members) = input.encode(parameters, Names::Pascal) {
        for (name, value) in members.iter() {
            form.value(name, input.member(name), value);
        }
    }
    form.0
}

struct Form(String);

impl Form {
    fn value(&mut self, name: &str, shape: &Shape, value: &Value) {
        match (value, shape) {
            (Value::Object(members), Shape::Map(map)) => {
                for (at, (key, value)) in (1..).zip(members.iter()) {
                    self.pair(&format!("{name}.entry.{at}.{}", map.key), key);
                    self.value(&format!("{name}.entry.{at}.{}", map.value), map.of, value);
                }
            }
            (Value::Object(members), _) => {
                for (member, value) in members.iter() {
                    self.value(&format!("{name}.{member}"), shape.member(member), value);
                }
            }
            (Value::Array(items), _) => {
                let of = if let Shape::List(of) = shape { of } else { &Shape::Any };
                for (at, item) in (1..).zip(items.iter()) {
                    self.value(&format!("{name}.member.{at}"), of, item);
                }
            }
            (value, _) => match value.as_str() {
                Some(text) => self.pair(name, text),
                None => self.pair(name, &value.to_string()),
            },
        }
    }

    fn pair(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        percent(name, &mut self.0);
        self.0.push('=');
        percent(value, &mut self.0);
    }
}

/// Appends `text` with everything but RFC 3986's unreserved characters percent-encoded.
pub(crate) fn percent(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// What an answer says: elements with elements in them are objects, others text.
pub(crate) fn answer(body: &[u8]) -> Option<Value> {
    let document = roxmltree::Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    Some(element(document.root_element()))
}

fn element(node: roxmltree::Node<'_, '_>) -> Value {
    if !node.has_children() || node.children().any(|child| child.is_text() && !child.text().unwrap_or_default().trim().is_empty()) {
        return Value::from(node.text().unwrap_or_default());
    }
    let children = node.children().filter(roxmltree::Node::is_element);
    children.map(|child| (child.tag_name().name().into(), element(child))).collect::<Object>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Operation, operation};

    fn sends(parameters: &str, form: &str) {
        let Operation { input, .. } = operation("sns", "publish").unwrap();
        let made = super::form("Publish", "2010-03-31", input, &Value::parse(parameters).unwrap());
        assert_eq!(made, format!("Action=Publish&Version=2010-03-31{form}"));
    }

    #[test]
    fn parameters_become_a_form() {
        sends(
            r#"{"TopicArn":"arn:aws:sns:us-east-1:1:t","Message":"a b&c"}"#,
            "&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A1%3At&Message=a%20b%26c",
        );
        sends(r#"{"Message":{"a":1},"Subject":null}"#, "&Message=%7B%22a%22%3A1%7D");
        sends(r#"{"List":["x",2],"Structure":{"Name":true}}"#, "&List.member.1=x&List.member.2=2&Structure.Name=true");
    }

    #[test]
    fn maps_become_entries_under_the_names_of_their_shape() {
        let parameters =
            r#"{"MessageAttributes":{"a":{"DataType":"String","StringValue":"x"},"b":{"DataType":"Number","StringValue":"1"}}}"#;
        sends(
            parameters,
            "&MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=x\
             &MessageAttributes.entry.2.Name=b&MessageAttributes.entry.2.Value.DataType=Number&MessageAttributes.entry.2.Value.StringValue=1",
        );
    }

    #[test]
    fn xml_becomes_objects_and_text() {
        let xml = "<r xmlns=\"urn:x\"><a>1 &amp; 2</a>\n <b>\n <c/> </b></r>";
        assert_eq!(answer(xml.as_bytes()).unwrap().to_string(), r#"{"a":"1 & 2","b":{"c":""}}"#);
        assert_eq!(answer(b"<r>"), None);
    }
}
