//! The kinds of schema that `type` names, and those that a keyword implies: `minLength` alone makes
//! a string schema of `{"minLength":1}`, and a second kind of `{"type":"number","minLength":1}`.

use std::collections::HashSet;

use super::build::Builder;
use super::keywords::{Keywords, expected};
use super::library::Spot;
use super::node::{
    ArrayRules, Combined, Criterion, Kind, Node, NumberRules, ObjectRules, Property, StringRules,
};
use super::pattern;
use crate::json::Json;

impl<'d> Builder<'d> {
    /// `type`, and the groups of keywords that imply a type.
    pub fn typed(&mut self, spot: &Spot<'d>, kinds: &mut Vec<Kind>) {
        let mut used: HashSet<&'static str> = HashSet::new();
        match spot.json.get("type") {
            None => {}
            Some(Json::String(name)) => kinds.extend(self.of_type(spot, name, &mut used)),
            Some(Json::Array(names)) => {
                let mut parts = Vec::new();
                for name in names {
                    let Some(name) = name.as_str() else {
                        self.wrong(spot, "type", &expected("String", name));
                        continue;
                    };
                    if let Some(kind) = self.of_type(spot, name, &mut used) {
                        parts.push(self.push(Node::bare(kind, spot.place)));
                    }
                }
                let (subschemas, distinct) = (parts.clone(), parts);
                let criterion = Criterion::Any;
                kinds.push(Kind::Combined(Combined { criterion, subschemas, distinct }));
            }
            Some(other) => self.wrong(spot, "type", &expected("String or JsonArray", other)),
        }
        let draft = self.library.draft(spot);
        let implied = [
            ("array", draft.array_keywords()),
            ("object", draft.object_keywords()),
            ("number", draft.number_keywords()),
            ("string", draft.string_keywords()),
        ];
        for (name, keywords) in implied {
            if keywords.iter().any(|k| !used.contains(k) && spot.json.get(k).is_some()) {
                kinds.extend(self.of_type(spot, name, &mut HashSet::new()));
            }
        }
    }

    fn of_type(
        &mut self,
        spot: &Spot<'d>,
        name: &str,
        used: &mut HashSet<&'static str>,
    ) -> Option<Kind> {
        let draft = self.library.draft(spot);
        let keywords: &[&'static str] = match name {
            "array" => draft.array_keywords(),
            "object" => draft.object_keywords(),
            "number" | "integer" => draft.number_keywords(),
            "string" => draft.string_keywords(),
            _ => &[],
        };
        used.extend(keywords);
        Some(match name {
            "null" => Kind::Null,
            "boolean" => Kind::Boolean,
            "string" => Kind::String(self.string(spot)),
            "number" => Kind::Number(self.number(spot, false)),
            "integer" => Kind::Number(self.number(spot, true)),
            "array" => Kind::Array(Box::new(self.array(spot))),
            "object" => Kind::Object(Box::new(self.properties(spot))),
            _ => {
                self.wrong(spot, "", &format!("unknown type: [{name}]"));
                return None;
            }
        })
    }

    fn string(&mut self, spot: &Spot<'d>) -> StringRules {
        let mut keys = Keywords { builder: self, spot };
        keys.text("format");
        let rules = StringRules {
            max_length: keys.integer("maxLength"),
            min_length: keys.integer("minLength"),
            pattern: keys.text("pattern"),
        };
        if let Some(error) = rules.pattern.as_deref().and_then(pattern::error) {
            self.wrong(spot, "pattern", &error);
        }
        rules
    }

    fn number(&mut self, spot: &Spot<'d>, integer: bool) -> NumberRules {
        let mut keys = Keywords { builder: self, spot };
        NumberRules {
            maximum: keys.number("maximum"),
            minimum: keys.number("minimum"),
            exclusive_maximum: keys.limit("exclusiveMaximum"),
            exclusive_minimum: keys.limit("exclusiveMinimum"),
            multiple_of: keys.divisor(),
            integer,
        }
    }

    fn properties(&mut self, spot: &Spot<'d>) -> ObjectRules {
        let mut keys = Keywords { builder: self, spot };
        let required: HashSet<String> =
            keys.texts("required").unwrap_or_default().into_iter().collect();
        let properties: Vec<Property> = keys
            .schemas("properties")
            .into_iter()
            .map(|(name, node)| Property { required: required.contains(&name), name, node })
            .collect();
        let mut by_name: Vec<u32> = (0..properties.len() as u32).collect();
        by_name.sort_by(|a, b| properties[*a as usize].name.cmp(&properties[*b as usize].name));
        let (dependent_required, dependent_schemas) = keys.dependencies();
        keys.schema("propertyNames");
        let named = properties.iter().map(|p| p.name.len());
        let needed = dependent_required.iter().map(|(name, _)| name.len());
        let name_bytes = named.chain(needed).sum();
        let rules = ObjectRules {
            properties,
            by_name,
            pattern_properties: keys.schemas("patternProperties"),
            additional: keys.additional("additionalProperties"),
            unevaluated: keys.modern_schema("unevaluatedProperties"),
            dependent_required,
            dependent_schemas,
            name_bytes,
            max_properties: keys.integer("maxProperties"),
            min_properties: keys.integer("minProperties"),
        };
        self.check_patterns(spot, &rules);
        rules
    }

    fn check_patterns(&mut self, spot: &Spot<'d>, rules: &ObjectRules) {
        for (text, _) in &rules.pattern_properties {
            if let Some(error) = pattern::error(text) {
                self.wrong(spot, "patternProperties", &error);
            }
        }
    }

    fn array(&mut self, spot: &Spot<'d>) -> ArrayRules {
        let modern = self.library.draft(spot).is_modern();
        let mut keys = Keywords { builder: self, spot };
        let contains = keys.schema("contains").is_some();
        let (all_items, items, additional) = keys.items();
        let counted = contains || !modern;
        ArrayRules {
            all_items,
            items,
            additional,
            unevaluated: keys.modern_schema("unevaluatedItems"),
            max_items: keys.integer("maxItems"),
            min_items: keys.integer("minItems"),
            unique_items: keys.boolean("uniqueItems").unwrap_or(false),
            max_contains: if counted { keys.integer("maxContains") } else { None },
            min_contains: match counted.then(|| keys.integer("minContains")).flatten() {
                None if contains && modern => Some(1),
                given => given,
            },
        }
    }
}
