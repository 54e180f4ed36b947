//! A document in YAML as JSON, with its keys in their order.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// A list or a mapping that is not at its end.
struct Open {
    anchor: usize,
    /// What is in it so far, without the bracket at its end.
    json: String,
    is_mapping: bool,
    /// Keys and values of a mapping, or elements, so far.
    count: usize,
}

/// The document as JSON. An error says what cannot be said in JSON.
pub fn of(yaml: &str) -> Result<String, String> {
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, String> = HashMap::new();
    for event in Parser::new_from_str(yaml) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let is_key = open.last().is_some_and(|in_| in_.is_mapping && in_.count % 2 == 0);
        let (anchor, node) = match event {
            Event::SequenceStart(anchor, _) => {
                open.push(Open { anchor, json: "[".to_string(), is_mapping: false, count: 0 });
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push(Open { anchor, json: "{".to_string(), is_mapping: true, count: 0 });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { anchor, json, is_mapping, .. } = open.pop().ok_or("it ends twice")?;
                (anchor, json + if is_mapping { "}" } else { "]" })
            }
            Event::Scalar(text, _, anchor, _) if is_key => (anchor, quoted(&text)),
            Event::Scalar(text, style, anchor, _) => (anchor, scalar(&text, style)),
            Event::Alias(anchor) => {
                let known = anchors.get(&anchor).cloned();
                (0, known.ok_or_else(|| format!("line {}: no such anchor", span.start.line()))?)
            }
            _ => continue,
        };
        if anchor != 0 {
            anchors.insert(anchor, node.clone());
        }
        let Some(into) = open.last_mut() else { return Ok(node) };
        into.json.push_str(match into.count {
            0 => "",
            count if into.is_mapping && count % 2 == 1 => ":",
            _ => ",",
        });
        into.json.push_str(&node);
        into.count += 1;
    }
    Err("there is no document".to_string())
}

/// A plain scalar may be something else than a text, as YAML's core schema has it.
fn scalar(text: &str, style: ScalarStyle) -> String {
    match text {
        _ if style != ScalarStyle::Plain => quoted(text),
        "" | "~" | "null" => "null".to_string(),
        "true" | "false" => text.to_string(),
        _ if serde_json::from_str::<serde_json::Number>(text).is_ok() => text.to_string(),
        _ => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
