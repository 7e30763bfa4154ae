//! `Map`, inline: runs its processor once for each item.

use statewright_value::{Array, Value};

use super::{Action, Fork, quantity};
use crate::definition::{Flow, Items, Map};
use crate::error::EvaluationError;
use crate::execution::data_flow;
use crate::execution::frame::{Join, Source};
use crate::execution::scene::{Scene, Seen};
use crate::path::Root;
use crate::payload::Datum;

/// Source: ASL specification, "Map State"; developer guide, "Inline mode".
pub(super) fn act(scene: &Scene<'_>, map: &Map) -> Result<Action, EvaluationError> {
    let effective_input = data_flow::effective_input(scene)?;
    let limit = quantity(scene, &map.max_concurrency, "MaxConcurrencyPath", 0..=u32::MAX, &effective_input)?;
    let items = items(scene, map, &effective_input)?;
    Ok(Action::Fork(Fork::Items { items, effective_input: effective_input.value().clone(), limit }))
}

/// What the iterations are started with: it follows from the state's input, so it is found again after a restore.
pub(in crate::execution) fn source(scene: &Scene<'_>, map: &Map) -> Result<Source, EvaluationError> {
    let effective_input = data_flow::effective_input(scene)?;
    let items = items(scene, map, &effective_input)?;
    Ok(Source::Items { items, effective_input: effective_input.value().clone() })
}

/// Source: rule `map-items` of the rule table.
fn items(scene: &Scene<'_>, map: &Map, effective_input: &Datum) -> Result<Array, EvaluationError> {
    let found = match &map.items {
        Items::Input => effective_input.value().clone(),
        Items::Path(path) => path.evaluate(&scene.inputs(Seen::Input, effective_input.value()))?,
        Items::Expression(expression) => expression.evaluate_as("array", &scene.inputs(Seen::Input, effective_input.value()))?,
        Items::Template(template) => template.evaluate(&scene.inputs(Seen::Input, effective_input.value()))?,
    };
    match (found, &map.items) {
        (Value::Array(items), _) => Ok(items),
        (_, Items::Path(path)) if *path.root() != Root::Input => Err(EvaluationError::runtime(format!(
            "Reference path \"{}\" must point to array.",
            // The path on the Context object, as a path of its own.
            path.text().trim().strip_prefix('$').filter(|path| path.starts_with('$')).unwrap_or(path.text())
        ))),
        (other, _) => {
            let cause = format!("Map state input must be an array but was: {other}");
            Err(match scene.state.flow {
                Flow::JsonPath(_) => EvaluationError::runtime(cause),
                Flow::Jsonata(_) => EvaluationError::query(cause, None),
            })
        }
    }
}

/// What an iteration starts with: its item, or what `ItemSelector` makes of it. `$` is the Map's effective input there.
pub(in crate::execution) fn iteration_input(
    scene: Scene<'_>,
    map: &Map,
    join: &Join,
    index: u32,
) -> Result<Datum, EvaluationError> {
    let Source::Items { items, effective_input } = &join.source else {
        return Err(EvaluationError::runtime("The Map state has no items."));
    };
    let item = items.get(index as usize).unwrap_or(&Value::Null);
    match &map.item_selector {
        None => Ok(Datum::Value(item.clone())),
        Some(selector) => {
            let scene = scene.with_item(index, item);
            selector.evaluate(&scene.inputs(Seen::Input, effective_input)).map(Datum::Value)
        }
    }
}
