//! Schemas made at random: valid `.proto` texts with most of what the language has.

use proptest::prelude::*;

const SCALARS: &[&str] = &[
    "int32", "uint64", "sint32", "bool", "string", "bytes", "fixed32", "sfixed64", "float",
    "double",
];

/// A field without its number: label or place, type, options.
#[derive(Clone, Debug)]
struct Made {
    place: u8,
    kind: u8,
    option: u8,
}

fn made() -> impl Strategy<Value = Made> {
    (0..6u8, 0..16u8, 0..8u8).prop_map(|(place, kind, option)| Made { place, kind, option })
}

impl Made {
    fn kind(&self) -> String {
        match self.kind {
            0..10 => SCALARS[self.kind as usize].to_string(),
            10 => "E".to_string(),
            11 => "p.q.E".to_string(),
            12 => "Leaf".to_string(),
            13 => ".p.q.Leaf".to_string(),
            14 => "google.protobuf.Timestamp".to_string(),
            _ => "Leaf.Inner".to_string(),
        }
    }

    fn options(&self) -> &'static str {
        match self.option {
            0 => " [deprecated = true]",
            1 => " [json_name = \"some\\\"thing\", deprecated = false]",
            2 => " [(confluent.field_meta).tags = \"PII\", (confluent.field_meta).doc = 'a\\n']",
            3 => {
                " [(confluent.field_meta) = { tags: [\"A\", \"B\"], params: [{key: \"k\", value: \"v\"}, {key: \"l\", value: \"w\"}] }]"
            }
            4 => " [(p.q.mine) = -0x10, (number) = 1.50]",
            _ => "",
        }
    }

    fn text(&self, number: usize, proto3: bool) -> String {
        let (kind, options) = (self.kind(), self.options());
        let label = match (self.place, proto3) {
            (1, _) => "repeated ",
            (2, _) | (_, false) => "optional ",
            _ => "",
        };
        match self.place {
            3 => format!("map<string, {kind}> f_{number} = {number}{options};"),
            4 => format!("oneof o_{number} {{ {kind} f_{number} = {number}{options}; }}"),
            _ => format!("{label}{kind} f_{number} = {number}{options};"),
        }
    }
}

/// The text of a schema.
pub fn text() -> impl Strategy<Value = String> {
    let message = prop::collection::vec(made(), 0..8);
    let messages = prop::collection::vec(message, 0..4);
    (any::<bool>(), any::<bool>(), messages).prop_map(|(proto3, extras, messages)| {
        let syntax = if proto3 { "proto3" } else { "proto2" };
        let mut text = format!(
            "syntax = \"{syntax}\"; package p.q; import \"google/protobuf/timestamp.proto\";\n\
             import \"google/protobuf/descriptor.proto\"; import \"confluent/meta.proto\";\n\
             option java_package = \"a.b\"; option optimize_for = SPEED;\n\
             enum E {{ Z = 0; A = 1 [deprecated = true]; B = 2; }} message Leaf {{ message Inner {{}} }}\n\
             extend google.protobuf.FieldOptions {{ optional sint32 mine = 50001; optional double number = 50002; }}\n"
        );
        for (i, fields) in messages.iter().enumerate() {
            let fields: Vec<String> =
                fields.iter().enumerate().map(|(at, made)| made.text(at + 1, proto3)).collect();
            text += &format!("message M{i} {{ reserved 100 to 110, 200; reserved \"x\"; {} }}\n", fields.join(" "));
        }
        if extras {
            text += "service S { rpc R (Leaf) returns (stream Leaf) { option deprecated = true; } }";
        }
        text
    })
}
