//! Choice and its rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::choice::{Comparison, Condition, Nature, Operand, Pattern, Relation, Test};
use super::super::code::CHOICE_WITHOUT_DEFAULT;
use super::super::messages;
use super::super::model::{Choice, QueryLanguage, Rule};
use super::super::source::{Kind, Node};
use super::fields::{Field, In};
use super::values::Reach;
use super::{Fields, Reader, Situation};
use crate::time::Timestamp;

const RULE: &[Field] =
    &[Field("Next", In::Both), Field("Assign", In::Both), Field("Condition", In::Jsonata), Field("Output", In::Jsonata)];
const ANY_RULE: &[Field] = &[Field("Comment", In::Both)];
const TEST: &[Field] =
    &[Field("Variable", In::JsonPath), Field("And", In::JsonPath), Field("Or", In::JsonPath), Field("Not", In::JsonPath)];

/// What an operator compares.
#[derive(Clone, Copy)]
enum Operator {
    String(Relation),
    Numeric(Relation),
    Boolean,
    Timestamp(Relation),
    Matches,
    Is(Nature),
}

macro_rules! operators {
    ($($name:literal $operator:expr;)*) => {
        /// The operators that have a `…Path` form too have both here.
        const OPERATORS: &[(&str, Operator)] = &[$(($name, $operator)),*];
        const OPERATOR_FIELDS: &[Field] = &[$(Field($name, In::JsonPath)),*];
    };
}

use Operator::{Boolean, Is, Matches, Numeric, String as Text, Timestamp as Time};
use Relation::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};

operators! {
    "StringEquals" Text(Equal);
    "StringEqualsPath" Text(Equal);
    "StringLessThan" Text(Less);
    "StringLessThanPath" Text(Less);
    "StringLessThanEquals" Text(LessOrEqual);
    "StringLessThanEqualsPath" Text(LessOrEqual);
    "StringGreaterThan" Text(Greater);
    "StringGreaterThanPath" Text(Greater);
    "StringGreaterThanEquals" Text(GreaterOrEqual);
    "StringGreaterThanEqualsPath" Text(GreaterOrEqual);
    "StringMatches" Matches;
    "NumericEquals" Numeric(Equal);
    "NumericEqualsPath" Numeric(Equal);
    "NumericLessThan" Numeric(Less);
    "NumericLessThanPath" Numeric(Less);
    "NumericLessThanEquals" Numeric(LessOrEqual);
    "NumericLessThanEqualsPath" Numeric(LessOrEqual);
    "NumericGreaterThan" Numeric(Greater);
    "NumericGreaterThanPath" Numeric(Greater);
    "NumericGreaterThanEquals" Numeric(GreaterOrEqual);
    "NumericGreaterThanEqualsPath" Numeric(GreaterOrEqual);
    "BooleanEquals" Boolean;
    "BooleanEqualsPath" Boolean;
    "TimestampEquals" Time(Equal);
    "TimestampEqualsPath" Time(Equal);
    "TimestampLessThan" Time(Less);
    "TimestampLessThanPath" Time(Less);
    "TimestampLessThanEquals" Time(LessOrEqual);
    "TimestampLessThanEqualsPath" Time(LessOrEqual);
    "TimestampGreaterThan" Time(Greater);
    "TimestampGreaterThanPath" Time(Greater);
    "TimestampGreaterThanEquals" Time(GreaterOrEqual);
    "TimestampGreaterThanEqualsPath" Time(GreaterOrEqual);
    "IsNull" Is(Nature::Null);
    "IsPresent" Is(Nature::Present);
    "IsNumeric" Is(Nature::Numeric);
    "IsString" Is(Nature::String);
    "IsBoolean" Is(Nature::Boolean);
    "IsTimestamp" Is(Nature::Timestamp);
}

impl<'s> Reader<'s, '_> {
    pub(super) fn choice(&mut self, situation: Situation, fields: &Fields<'s>) -> Option<Choice> {
        let default = self.target(situation.id, fields, "Default");
        if !self.require(fields, &["Choices"]) {
            return None;
        }
        let member = fields.get("Choices")?;
        let Some(items) = member.value.items() else {
            self.refuse(messages::wrong_type("Array", member.value.type_name()), fields.at("Choices"), member.value.span);
            return None;
        };
        if items.is_empty() {
            self.refuse(messages::EMPTY, fields.at("Choices"), member.value.span);
        }
        let rules: Vec<Option<Rule>> =
            items.iter().enumerate().map(|(at, rule)| self.rule(situation, rule, fields.at_index("Choices", at))).collect();
        if fields.get("Default").is_none() && !covers_everything(items) {
            self.findings.warning(
                CHOICE_WITHOUT_DEFAULT,
                "The Choice has no Default: when no rule matches, the execution fails with States.NoChoiceMatched, which nothing can catch",
                &*fields.place,
                member.key_span,
                "add `Default`",
            );
        }
        Some(Choice { rules: rules.into_iter().collect::<Option<_>>()?, default })
    }

    fn rule(&mut self, situation: Situation, node: &'s Node, place: String) -> Option<Rule> {
        let fields = self.fields(node, place, &[ANY_RULE, RULE, TEST, OPERATOR_FIELDS], situation.language)?;
        let is_of_one_kind = self.rule_kind(&fields);
        let next = self.target(situation.id, &fields, "Next");
        let assign = self.assign(situation, &fields);
        let output = self.jsonata(&fields, "Output");
        let condition = match situation.language {
            _ if !self.require(&fields, &["Next"]) || !is_of_one_kind => None,
            QueryLanguage::JsonPath => self.condition(&fields),
            QueryLanguage::Jsonata => self.jsonata_condition(&fields),
        };
        Some(Rule { condition: condition?, next: next?, assign, output })
    }

    /// Whether a rule has exactly one of the fields that make it a comparison, or join others.
    fn rule_kind(&mut self, fields: &Fields<'s>) -> bool {
        const KINDS: [&str; 5] = ["And", "Or", "Not", "Variable", "Condition"];
        let is_of_one_kind = KINDS.iter().filter(|name| fields.get(name).is_some()).count() == 1;
        if !is_of_one_kind {
            self.refuse(messages::RULE_KIND, &*fields.place, fields.span);
        }
        is_of_one_kind
    }

    fn jsonata_condition(&mut self, fields: &Fields<'s>) -> Option<Condition> {
        let member = fields.get("Condition")?;
        match &member.value.kind {
            Kind::Bool(matches) => Some(Condition::Constant(*matches)),
            Kind::Text(text) if text.unresolved => Some(Condition::Constant(false)),
            Kind::Text(text) => self.expression(&member.value, text, fields.at("Condition")).map(Condition::Expression),
            _ => {
                self.refuse(messages::wrong_type("Boolean", member.value.type_name()), fields.at("Condition"), member.value.span);
                None
            }
        }
    }

    /// One comparison, or several joined. What a rule has besides is checked before.
    fn condition(&mut self, fields: &Fields<'s>) -> Option<Condition> {
        let is_operator = |key: &str| matches!(key, "And" | "Or" | "Not") || OPERATORS.iter().any(|operator| operator.0 == key);
        let mut operators = fields.members.iter().filter(|member| is_operator(&member.key));
        let Some(operator) = operators.next() else {
            // A field that is not known is most likely the operator, misspelt, and noted already.
            let is_known = |key: &str| RULE.iter().chain(ANY_RULE).chain(TEST).any(|field| field.0 == key);
            if fields.members.iter().all(|member| is_known(&member.key)) {
                self.refuse(messages::NO_OPERATOR, &*fields.place, fields.span);
            }
            return None;
        };
        if let Some(second) = operators.find(|second| second.key != operator.key) {
            self.refuse(messages::TWO_OPERATORS, &*fields.place, second.key_span);
            return None;
        }
        match &*operator.key {
            "And" => self.conditions(fields, "And").map(Condition::And),
            "Or" => self.conditions(fields, "Or").map(Condition::Or),
            "Not" => {
                let nested = self.nested(&operator.value, fields.at("Not"))?;
                self.rule_kind(&nested).then(|| self.condition(&nested)).flatten().map(Box::new).map(Condition::Not)
            }
            _ => self.test(fields, &operator.key, &operator.value),
        }
    }

    fn conditions(&mut self, fields: &Fields<'s>, name: &'static str) -> Option<Vec<Condition>> {
        let member = fields.get(name)?;
        let Some(items) = member.value.items() else {
            self.refuse(messages::wrong_type("Array", member.value.type_name()), fields.at(name), member.value.span);
            return None;
        };
        if items.is_empty() {
            self.refuse(messages::EMPTY, fields.at(name), member.value.span);
        }
        let conditions: Vec<Option<Condition>> = items
            .iter()
            .enumerate()
            .map(|(at, item)| {
                let nested = self.nested(item, fields.at_index(name, at))?;
                self.rule_kind(&nested).then(|| self.condition(&nested)).flatten()
            })
            .collect();
        conditions.into_iter().collect()
    }

    /// The fields of a rule within a rule: it goes nowhere itself.
    fn nested(&mut self, node: &'s Node, place: String) -> Option<Fields<'s>> {
        self.fields(node, place, &[ANY_RULE, TEST, OPERATOR_FIELDS], QueryLanguage::JsonPath)
    }

    fn test(&mut self, fields: &Fields<'s>, name: &'s str, operand: &'s Node) -> Option<Condition> {
        let &(name, operator) = OPERATORS.iter().find(|operator| operator.0 == name)?;
        let comparison = self.comparison(fields, name, operator, operand);
        // What only a substitution would give is as if absent: such a rule never matches.
        let is_unresolved = |name: &str| fields.get(name).is_some_and(|member| member.value.is_unresolved());
        let never = || Some(Condition::Or(Vec::new()));
        let variable = self.path(fields, "Variable", Reach::Loose);
        match (variable, comparison) {
            (Some(variable), Some(comparison)) => Some(Condition::Test(Test { variable, comparison })),
            _ if is_unresolved("Variable") || is_unresolved(name) => never(),
            _ => None,
        }
    }

    fn comparison(&mut self, fields: &Fields<'s>, name: &'static str, operator: Operator, operand: &'s Node) -> Option<Comparison> {
        if name.ends_with("Path") {
            let path = self.path(fields, name, Reach::Loose)?;
            return Some(match operator {
                Text(relation) => Comparison::String(relation, Operand::Path(path)),
                Numeric(relation) => Comparison::Numeric(relation, Operand::Path(path)),
                Time(relation) => Comparison::Timestamp(relation, Operand::Path(path)),
                Boolean | Matches | Is(_) => Comparison::Boolean(Operand::Path(path)),
            });
        }
        match operator {
            Text(relation) => {
                let text = self.string(fields, name)?;
                self.warn_of_path(operand, fields, name);
                Some(Comparison::String(relation, Operand::Constant(Arc::clone(text))))
            }
            Numeric(relation) => match &operand.kind {
                Kind::Number(number) => Some(Comparison::Numeric(relation, Operand::Constant(*number))),
                _ => self.wrong_operand(fields, name, "Number", operand),
            },
            Boolean => self.boolean(fields, name).map(|value| Comparison::Boolean(Operand::Constant(value))),
            Time(relation) => {
                let text = self.string(fields, name)?;
                let instant = Timestamp::parse_rfc3339(text);
                if instant.is_none() && !operand.is_unresolved() {
                    self.refuse(messages::NO_TIMESTAMP, fields.at(name), operand.span);
                    self.warn_of_path(operand, fields, name);
                }
                instant.map(|instant| Comparison::Timestamp(relation, Operand::Constant(instant)))
            }
            Matches => {
                let text = self.string(fields, name)?;
                let pattern = Pattern::parse(text);
                if pattern.is_none() {
                    self.refuse(messages::BAD_PATTERN, fields.at(name), operand.span);
                }
                pattern.map(Comparison::Matches)
            }
            Is(nature) => self.boolean(fields, name).map(|expected| Comparison::Is(nature, expected)),
        }
    }

    fn wrong_operand(&mut self, fields: &Fields<'s>, name: &'static str, wanted: &str, operand: &Node) -> Option<Comparison> {
        if !operand.is_unresolved() {
            self.refuse(messages::wrong_type(wanted, operand.type_name()), fields.at(name), operand.span);
            self.warn_of_path(operand, fields, name);
        }
        None
    }
}

/// Whether two of the rules test the same thing for being true and for being false, so that one of them always matches.
fn covers_everything(rules: &[Node]) -> bool {
    let test = |rule: &'_ Node| -> Option<(String, String, bool)> {
        let operator = rule.members()?.iter().find(|member| matches!(member.value.kind, Kind::Bool(_)))?;
        let Kind::Bool(expected) = operator.value.kind else { return None };
        Some((rule.member("Variable")?.value.as_str()?.to_owned(), operator.key.to_string(), expected))
    };
    let always = |rule: &Node| {
        rule.member("Condition").is_some_and(|member| {
            matches!(member.value.kind, Kind::Bool(true))
                || member.value.as_str().is_some_and(|text| text.replace(' ', "") == "{%true%}")
        })
    };
    let tests: BTreeSet<_> = rules.iter().filter_map(test).collect();
    rules.iter().any(always)
        || tests.iter().any(|(variable, operator, expected)| tests.contains(&(variable.clone(), operator.clone(), !expected)))
}
