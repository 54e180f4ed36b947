//! The attributes of a type or a field: read as what they have to be, in Java's words where they are
//! not, and told from properties that Avro does not know.

use std::collections::HashSet;

use super::Order;
use super::parse::{ParseError, wrong};
use crate::json::Json;

/// What Avro knows of types; all else is a property.
pub(super) const SCHEMA_RESERVED: &[&str] = &[
    "doc",
    "fields",
    "items",
    "name",
    "namespace",
    "size",
    "symbols",
    "values",
    "type",
    "aliases",
];
/// What it knows of enums.
pub(super) const ENUM_RESERVED: &[&str] = &[
    "doc",
    "fields",
    "items",
    "name",
    "namespace",
    "size",
    "symbols",
    "values",
    "type",
    "aliases",
    "default",
];
/// What it knows of fields.
pub(super) const FIELD_RESERVED: &[&str] = &["default", "doc", "name", "order", "type", "aliases"];

pub(super) fn required_text<'j>(
    json: &'j Json,
    key: &str,
    what: &str,
) -> Result<&'j str, ParseError> {
    match json.get(key).and_then(Json::as_str) {
        Some(text) => Ok(text),
        None => wrong(format!("{what}: {json}")),
    }
}

pub(super) fn text(json: &Json, key: &str) -> Option<String> {
    json.get(key).and_then(Json::as_str).map(str::to_string)
}

pub(super) fn props(json: &Json, reserved: &[&str]) -> Vec<(String, Json)> {
    let Json::Object(members) = json else { return Vec::new() };
    members.iter().filter(|(key, _)| !reserved.contains(&key.as_str())).cloned().collect()
}

pub(super) fn aliases(json: &Json) -> Result<Vec<String>, ParseError> {
    let Some(given) = json.get("aliases") else { return Ok(Vec::new()) };
    let Some(given) = given.as_array() else {
        return wrong(format!("aliases not an array: {json}"));
    };
    let mut names: Vec<String> = Vec::with_capacity(given.len());
    let mut seen = HashSet::with_capacity(given.len());
    for alias in given {
        match alias.as_str() {
            Some(name) if !seen.insert(name) => {}
            Some(name) => names.push(name.to_string()),
            None => return wrong(format!("alias not a string: {alias}")),
        }
    }
    Ok(names)
}

pub(super) fn parse_order(order: &Json) -> Result<Order, ParseError> {
    let name = order.as_str().map_or_else(|| order.to_string(), str::to_ascii_uppercase);
    match name.as_str() {
        "ASCENDING" => Ok(Order::Ascending),
        "DESCENDING" => Ok(Order::Descending),
        "IGNORE" => Ok(Order::Ignore),
        _ => wrong(format!("No enum constant org.apache.avro.Schema.Field.Order.{name}")),
    }
}

/// `Double.parseDouble` for the texts that people write as defaults.
pub(super) fn parse_java_double(text: &str) -> Result<f64, ParseError> {
    let trimmed = text.trim();
    match trimmed {
        "NaN" | "+NaN" | "-NaN" => return Ok(f64::NAN),
        "Infinity" | "+Infinity" => return Ok(f64::INFINITY),
        "-Infinity" => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    let digits = trimmed.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(trimmed);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    match digits.parse() {
        Ok(value) if plain && !digits.to_ascii_lowercase().contains("inf") => Ok(value),
        _ => wrong(format!("For input string: \"{text}\"")),
    }
}
