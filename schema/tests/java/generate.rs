//! Schemas as people write them, and the ways in which people change them.

use serde_json::{Value, json};

/// A small generator of random numbers (xorshift64*): a seed is all that a failure needs.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

const PRIMITIVES: [&str; 8] =
    ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];
const WORDS: [&str; 12] = [
    "id", "name", "price", "items", "customer", "at", "state", "address", "delay", "origin",
    "note", "next",
];
const SPACES: [&str; 3] = ["shop", "shop.orders", "air"];

pub struct Generator {
    pub random: Random,
    /// Full names of the types that are defined so far.
    known: Vec<String>,
    types: usize,
}

impl Generator {
    pub fn new(seed: u64) -> Generator {
        Generator { random: Random::new(seed), known: Vec::new(), types: 0 }
    }

    pub fn schema(&mut self) -> Value {
        self.known.clear();
        self.types = 0;
        match self.random.below(10) {
            0 => self.any(3, None),
            1 => self.enumeration(None),
            2 => self.union(3, None),
            _ => self.record(4, None),
        }
    }

    fn any(&mut self, depth: usize, space: Option<&str>) -> Value {
        let roll = self.random.below(if depth == 0 { 50 } else { 100 });
        match roll {
            0..=34 => json!(self.random.pick(&PRIMITIVES)),
            35..=39 => self.logical(),
            40..=49 if !self.known.is_empty() => self.reference(space),
            40..=49 => json!({"type": self.random.pick(&PRIMITIVES)}),
            50..=57 => {
                let mut array = json!({"type": "array", "items": self.any(depth - 1, space)});
                self.sprinkle(&mut array, 10);
                array
            }
            58..=64 => json!({"type": "map", "values": self.any(depth - 1, space)}),
            65..=78 => self.union(depth - 1, space),
            79..=84 => self.enumeration(space),
            85..=88 => self.fixed(space),
            _ => self.record(depth - 1, space),
        }
    }

    fn logical(&mut self) -> Value {
        self.random
            .pick(&[
                json!({"type": "int", "logicalType": "date"}),
                json!({"type": "long", "logicalType": "timestamp-micros"}),
                json!({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}),
                json!({"type": "bytes", "scale": 2, "logicalType": "decimal", "precision": 4}),
                json!({"type": "string", "logicalType": "uuid"}),
                json!({"type": "string", "avro.java.string": "String"}),
            ])
            .clone()
    }

    fn reference(&mut self, space: Option<&str>) -> Value {
        let full = self.random.pick(&self.known).clone();
        match full.rsplit_once('.') {
            Some((own, simple)) if Some(own) == space && self.random.chance(60) => json!(simple),
            _ => json!(full),
        }
    }

    fn names(&mut self, kind: &str, space: Option<&str>) -> (Value, Option<String>) {
        self.types += 1;
        let simple = format!("{}{}", ["T", "Order", "Leg"][self.random.below(3)], self.types);
        let mut named = json!({"type": kind});
        let own = match self.random.below(6) {
            0 => {
                let own = (*self.random.pick(&SPACES)).to_string();
                named["namespace"] = json!(own);
                named["name"] = json!(simple);
                Some(own)
            }
            1 => {
                let own = (*self.random.pick(&SPACES)).to_string();
                named["name"] = json!(format!("{own}.{simple}"));
                Some(own)
            }
            2 if space.is_some() => {
                named["namespace"] = json!("");
                named["name"] = json!(simple);
                None
            }
            _ => {
                named["name"] = json!(simple);
                space.map(str::to_string)
            }
        };
        if self.random.chance(15) {
            named["doc"] = json!("what \"it\" is: é\n");
        }
        if self.random.chance(12) {
            named["aliases"] = match self.random.below(3) {
                0 => json!([format!("Old{simple}")]),
                1 => json!([format!("air.{simple}"), "Z", "A"]),
                _ => json!([format!("shop.Old{simple}")]),
            };
        }
        (named, own)
    }

    fn finish(&mut self, mut named: Value, own: Option<String>, known: bool) -> Value {
        self.sprinkle(&mut named, 8);
        if known {
            let name = named["name"].as_str().unwrap();
            let full = match own {
                Some(own) if !name.contains('.') => format!("{own}.{name}"),
                _ => name.to_string(),
            };
            self.known.push(full);
        }
        named
    }

    fn sprinkle(&mut self, target: &mut Value, percent: usize) {
        if self.random.chance(percent) {
            target["zp"] = json!({"y": 1, "x": [2.50, null]});
            target["ap"] = json!(true);
        }
    }

    fn record(&mut self, depth: usize, space: Option<&str>) -> Value {
        let (mut record, own) = self.names("record", space);
        let recursive = self.random.chance(15);
        let name = record["name"].clone();
        let mut words = WORDS.to_vec();
        let mut fields = Vec::new();
        for _ in 0..self.random.below(6) {
            let word = words.remove(self.random.below(words.len()));
            let kind = if recursive && self.random.chance(30) {
                json!(["null", name])
            } else {
                self.any(depth, own.as_deref())
            };
            fields.push(self.field(word, kind));
        }
        record["fields"] = json!(fields);
        self.finish(record, own, true)
    }

    fn field(&mut self, name: &str, kind: Value) -> Value {
        let mut field = json!({"name": name, "type": kind});
        if self.random.chance(35)
            && let Some(default) = self.default_of(&field["type"].clone())
        {
            field["default"] = default;
        }
        if self.random.chance(10) {
            field["doc"] = json!("a field");
        }
        if self.random.chance(8) {
            field["order"] = json!(*self.random.pick(&["descending", "ignore", "ascending"]));
        }
        if self.random.chance(10) {
            field["aliases"] = json!([format!("old_{name}"), *self.random.pick(&WORDS)]);
        }
        self.sprinkle(&mut field, 5);
        field
    }

    fn default_of(&mut self, kind: &Value) -> Option<Value> {
        if self.random.chance(4) {
            return Some(json!({"wrong": 1}));
        }
        Some(match kind {
            Value::Array(branches) => return branches.first().and_then(|b| self.default_of(b)),
            Value::Object(o) => match o["type"].as_str()? {
                "array" => json!([]),
                "map" | "record" => json!({}),
                "enum" => o["symbols"].get(0)?.clone(),
                "fixed" => json!("\u{ff}\u{0}"),
                name => return self.default_of(&json!(name)),
            },
            Value::String(name) => match name.as_str() {
                "null" => Value::Null,
                "boolean" => json!(self.random.chance(50)),
                "int" => json!(self.random.next() as i32),
                "long" => json!(self.random.next() as i64),
                "float" | "double" => match self.random.below(5) {
                    0 => json!(self.random.below(1000)),
                    1 => json!("1.5"),
                    2 => json!(1e12),
                    _ => json!(self.random.below(100_000) as f64 / 64.0),
                },
                "bytes" => json!("\u{1}\u{fe}"),
                "string" => json!("un \"été\""),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn union(&mut self, depth: usize, space: Option<&str>) -> Value {
        let mut branches: Vec<Value> = Vec::new();
        if self.random.chance(60) {
            branches.push(json!("null"));
        }
        for _ in 0..=self.random.below(3) {
            let branch = self.any(depth, space);
            // two of one kind are an error of its own, worth having now and then
            if branch.is_array() || (branches.contains(&branch) && !self.random.chance(5)) {
                continue;
            }
            branches.push(branch);
        }
        json!(branches)
    }

    fn enumeration(&mut self, space: Option<&str>) -> Value {
        let (mut named, own) = self.names("enum", space);
        let count = 1 + self.random.below(4);
        named["symbols"] = json!(&["NEW", "PAID", "SENT", "LOST"][..count]);
        if self.random.chance(30) {
            named["default"] = json!("NEW");
        }
        self.finish(named, own, true)
    }

    fn fixed(&mut self, space: Option<&str>) -> Value {
        let (mut named, own) = self.names("fixed", space);
        named["size"] = json!(*self.random.pick(&[2, 8, 12, 16]));
        self.finish(named, own, true)
    }

    /// Changes a schema in up to three places, as people do.
    pub fn evolve(&mut self, schema: &Value) -> Value {
        let mut next = schema.clone();
        for _ in 0..self.random.below(4) {
            let mut places = Vec::new();
            collect(&next, &mut String::new(), &mut places);
            let place = self.random.pick(&places).clone();
            let target = next.pointer_mut(&place).unwrap();
            self.change(target);
        }
        next
    }

    fn change(&mut self, target: &mut Value) {
        match target {
            Value::String(name) if PRIMITIVES.contains(&name.as_str()) => {
                let to = match (name.as_str(), self.random.below(3)) {
                    ("int", 0) => json!("long"),
                    ("long", 0) => json!("double"),
                    ("string", 0) => json!("bytes"),
                    ("null", _) => json!("null"),
                    (name, 1) => json!(["null", name]),
                    _ => json!(self.random.pick(&PRIMITIVES)),
                };
                *target = to;
            }
            Value::Array(branches) => match self.random.below(3) {
                0 if branches.len() > 1 => {
                    branches.remove(self.random.below(branches.len()));
                }
                1 => branches.reverse(),
                _ => {
                    let more = json!(self.random.pick(&PRIMITIVES));
                    if !branches.contains(&more) {
                        branches.push(more);
                    }
                }
            },
            Value::Object(_) => match target["type"].as_str() {
                Some("record") => self.change_record(target),
                Some("enum") => self.change_enum(target),
                Some("fixed") => {
                    if self.random.chance(50) {
                        target["size"] = json!(*self.random.pick(&[2, 8, 12, 16]));
                    } else {
                        self.rename(target);
                    }
                }
                Some("array") if self.random.chance(30) => target["items"] = json!("string"),
                _ => {}
            },
            _ => {}
        }
    }

    fn rename(&mut self, target: &mut Value) {
        let old = target["name"].as_str().unwrap().to_string();
        target["name"] = json!(format!("{old}v2"));
        if self.random.chance(60) {
            target["aliases"] = json!([old]);
        }
    }

    fn change_enum(&mut self, target: &mut Value) {
        let mut symbols: Vec<String> = target["symbols"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s.as_str().unwrap().to_string())
            .collect();
        match self.random.below(4) {
            0 => symbols.push("RETURNED".into()),
            1 if symbols.len() > 1 => {
                symbols.pop();
            }
            2 => symbols.reverse(),
            _ => return self.rename(target),
        }
        target["symbols"] = json!(symbols);
    }

    fn change_record(&mut self, target: &mut Value) {
        let depth = 1 + self.random.below(2);
        let mut fields = target["fields"].as_array().unwrap().clone();
        let at = if fields.is_empty() { 0 } else { self.random.below(fields.len()) };
        match self.random.below(8) {
            0 | 1 => {
                let word = format!("{}_{}", self.random.pick(&WORDS), self.random.below(3));
                self.known.clear();
                let kind = self.any(depth, None);
                let mut field = self.field(&word, kind);
                if self.random.chance(50) {
                    field["type"] = json!(["null", "string"]);
                    field["default"] = Value::Null;
                }
                fields.insert(at, field);
            }
            2 if !fields.is_empty() => {
                fields.remove(at);
            }
            3 if !fields.is_empty() => {
                let old = fields[at]["name"].as_str().unwrap().to_string();
                fields[at]["name"] = json!(format!("{old}_renamed"));
                if self.random.chance(60) {
                    fields[at]["aliases"] = json!([old]);
                }
            }
            4 => fields.reverse(),
            5 if !fields.is_empty() => {
                if let Some(field) = fields[at].as_object_mut() {
                    field.remove("default");
                }
            }
            6 if !fields.is_empty() => {
                let kind = fields[at]["type"].clone();
                if !kind.is_array() {
                    fields[at]["type"] = json!(["null", kind]);
                }
            }
            _ => return self.rename(target),
        }
        target["fields"] = json!(fields);
    }
}

/// The places of all types in a schema, as JSON pointers.
fn collect(schema: &Value, path: &mut String, places: &mut Vec<String>) {
    places.push(path.clone());
    let mut visit = |child: &Value, step: String| {
        let length = path.len();
        path.push_str(&step);
        collect(child, path, places);
        path.truncate(length);
    };
    match schema {
        Value::Array(branches) => {
            for (i, branch) in branches.iter().enumerate() {
                visit(branch, format!("/{i}"));
            }
        }
        Value::Object(object) => {
            for key in ["items", "values"] {
                if let Some(child) = object.get(key) {
                    visit(child, format!("/{key}"));
                }
            }
            for (i, field) in
                object.get("fields").and_then(Value::as_array).into_iter().flatten().enumerate()
            {
                visit(&field["type"], format!("/fields/{i}/type"));
            }
        }
        _ => {}
    }
}
