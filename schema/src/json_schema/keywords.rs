//! One schema's keywords, each read as what it has to be. A wrong one is noted and then as if it
//! was not there.

use super::build::Builder;
use super::draft::Draft;
use super::library::Spot;
use super::node::{Additional, NodeId};
use crate::json::Json;

pub(super) struct Keywords<'b, 'd> {
    pub builder: &'b mut Builder<'d>,
    pub spot: &'b Spot<'d>,
}

/// `dependencies`, by what has to follow: names, or a schema.
type Dependencies = (Vec<(String, Vec<String>)>, Vec<(String, NodeId)>);

impl<'d> Keywords<'_, 'd> {
    pub fn draft(&self) -> Draft {
        self.builder.library.draft(self.spot)
    }

    fn get(&self, keyword: &str) -> Option<&'d Json> {
        self.spot.json.get(keyword)
    }

    fn unless_wrong<T>(&mut self, keyword: &str, wanted: &str, value: Option<T>) -> Option<T> {
        if value.is_none()
            && let Some(found) = self.get(keyword)
        {
            self.builder.wrong(self.spot, keyword, &expected(wanted, found));
        }
        value
    }

    pub fn text(&mut self, keyword: &str) -> Option<String> {
        let text = self.get(keyword).and_then(Json::as_str).map(str::to_string);
        self.unless_wrong(keyword, "String", text)
    }

    pub fn boolean(&mut self, keyword: &str) -> Option<bool> {
        let value = match self.get(keyword) {
            Some(Json::Bool(value)) => Some(*value),
            _ => None,
        };
        self.unless_wrong(keyword, "Boolean", value)
    }

    pub fn integer(&mut self, keyword: &str) -> Option<i64> {
        let value = match self.get(keyword) {
            Some(Json::Int(value)) => Some(*value),
            Some(Json::BigInt(digits)) => {
                Some(if digits.starts_with('-') { i64::MIN } else { i64::MAX })
            }
            Some(number @ Json::Decimal(_)) => {
                number.as_double().filter(|value| value.fract() == 0.0).map(|value| value as i64)
            }
            _ => None,
        };
        self.unless_wrong(keyword, "Integer", value)
    }

    pub fn number(&mut self, keyword: &str) -> Option<f64> {
        let value = self.get(keyword).and_then(Json::as_double);
        self.unless_wrong(keyword, "Number", value)
    }

    /// `multipleOf`, which nothing can be if it is zero.
    pub fn divisor(&mut self) -> Option<f64> {
        let divisor = self.number("multipleOf");
        if divisor == Some(0.0) {
            self.builder.wrong(self.spot, "multipleOf", "must not be 0");
        }
        divisor
    }

    /// An exclusive limit, which in draft 4 is only a flag on the other one.
    pub fn limit(&mut self, keyword: &str) -> Option<f64> {
        if self.draft() == Draft::Draft4 {
            self.boolean(keyword);
            return None;
        }
        self.number(keyword)
    }

    pub fn list(&mut self, keyword: &str) -> Option<&'d [Json]> {
        let list = self.get(keyword).and_then(Json::as_array);
        self.unless_wrong(keyword, "JsonArray", list)
    }

    pub fn texts(&mut self, keyword: &str) -> Option<Vec<String>> {
        let list = self.list(keyword)?;
        let place = self.spot.clone();
        let mut texts = Vec::with_capacity(list.len());
        for item in list {
            match item.as_str() {
                Some(text) => texts.push(text.to_string()),
                None => self.builder.wrong(&place, keyword, &expected("String", item)),
            }
        }
        Some(texts)
    }

    pub fn schema(&mut self, keyword: &str) -> Option<NodeId> {
        let json = self.get(keyword)?;
        Some(self.schema_at(keyword, json))
    }

    pub fn modern_schema(&mut self, keyword: &str) -> Option<NodeId> {
        if self.draft().is_modern() { self.schema(keyword) } else { None }
    }

    fn schema_at(&mut self, keyword: &str, json: &'d Json) -> NodeId {
        let spot = self.builder.library.inside(self.spot, keyword, json);
        self.builder.node(&spot)
    }

    pub fn schema_list(&mut self, keyword: &str) -> Option<Vec<Spot<'d>>> {
        let list = self.list(keyword)?;
        let group = self.builder.library.inside(self.spot, keyword, &Json::Null);
        let library = &mut self.builder.library;
        let spots = list.iter().enumerate();
        Some(spots.map(|(at, json)| library.inside(&group, &at.to_string(), json)).collect())
    }

    /// The members of an object of schemas.
    pub fn schemas(&mut self, keyword: &str) -> Vec<(String, NodeId)> {
        let members = match self.get(keyword) {
            Some(Json::Object(members)) => Some(members),
            _ => None,
        };
        let Some(members) = self.unless_wrong(keyword, "JsonObject", members) else {
            return Vec::new();
        };
        let group = self.builder.library.inside(self.spot, keyword, &Json::Null);
        let read = |(name, json): &'d (String, Json)| {
            let spot = self.builder.library.inside(&group, name, json);
            (name.clone(), self.builder.node(&spot))
        };
        members.iter().map(read).collect()
    }

    /// A keyword that allows or forbids what is not named; later drafts call `true` nothing at all.
    pub fn additional(&mut self, keyword: &str) -> Additional {
        match self.get(keyword) {
            None | Some(Json::Bool(true)) => Additional::Anything,
            Some(Json::Bool(false)) => Additional::Nothing,
            Some(json) => Additional::Only(self.schema_at(keyword, json)),
        }
    }

    /// `items` for all, those in order, and what may follow.
    pub fn items(&mut self) -> (Option<NodeId>, Vec<NodeId>, Additional) {
        let modern = self.draft().is_modern();
        let in_order = if modern { self.schema_list("prefixItems") } else { None };
        let listed = matches!(self.get("items"), Some(Json::Array(_)));
        if listed && in_order.is_none() && self.draft() <= Draft::Draft201909 {
            let items = self.schema_list("items").unwrap_or_default();
            let items = items.iter().map(|spot| self.builder.node(spot)).collect();
            return (None, items, self.additional("additionalItems"));
        }
        if !modern {
            return (self.schema("items"), Vec::new(), self.additional("additionalItems"));
        }
        let prefix: Vec<NodeId> =
            in_order.unwrap_or_default().iter().map(|spot| self.builder.node(spot)).collect();
        match self.additional("items") {
            Additional::Only(all) if prefix.is_empty() => (Some(all), prefix, Additional::Anything),
            additional => (None, prefix, additional),
        }
    }

    pub fn dependencies(&mut self) -> Dependencies {
        if self.draft().is_modern() {
            let required = self.dependent("dependentRequired").0;
            return (required, self.schemas("dependentSchemas"));
        }
        self.dependent("dependencies")
    }

    /// A list without names demands nothing, and is as if it was not there.
    fn dependent(&mut self, keyword: &str) -> Dependencies {
        let (mut required, mut schemas) = (Vec::new(), Vec::new());
        let members = match self.get(keyword) {
            Some(Json::Object(members)) => Some(members),
            _ => None,
        };
        let members = self.unless_wrong(keyword, "JsonObject", members);
        let group = self.builder.library.inside(self.spot, keyword, &Json::Null);
        for (name, json) in members.into_iter().flatten() {
            match json {
                Json::Array(list) => {
                    let place = self.builder.library.inside(&group, name, json);
                    let names = self.names_in(&place, list);
                    if !names.is_empty() {
                        required.push((name.clone(), names));
                    }
                }
                json => {
                    let spot = self.builder.library.inside(&group, name, json);
                    schemas.push((name.clone(), self.builder.node(&spot)));
                }
            }
        }
        (required, schemas)
    }

    /// The texts of a list at `place`, sorted and distinct.
    fn names_in(&mut self, place: &Spot<'d>, list: &[Json]) -> Vec<String> {
        let mut names = Vec::with_capacity(list.len());
        for (at, item) in list.iter().enumerate() {
            match item.as_str() {
                Some(name) => names.push(name.to_string()),
                None => self.builder.wrong(place, &at.to_string(), &expected("String", item)),
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// What is wrong with a keyword that is of another type than it has to be.
pub(super) fn expected(wanted: &str, found: &Json) -> String {
    let found = match found {
        Json::Null => "null",
        Json::Bool(_) => "Boolean",
        Json::Int(_) | Json::BigInt(_) => "Integer",
        Json::Double(_) | Json::Decimal(_) => "Number",
        Json::String(_) => "String",
        Json::Array(_) => "JsonArray",
        Json::Object(_) => "JsonObject",
    };
    match wanted.contains(" or ") {
        true => format!("expected type is one of {wanted}, found: {found}"),
        false => format!("expected type: {wanted}, found: {found}"),
    }
}
