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
            11 => "p.q\n    .E".to_string(),
            12 => "Leaf".to_string(),
            13 => ".p.q // Leaf\n    .Leaf".to_string(),
            14 => "google.protobuf.Timestamp".to_string(),
            _ => "Leaf.Inner".to_string(),
        }
    }

    fn options(&self, number: usize) -> String {
        match self.option {
            0 => " [deprecated = true]".to_string(),
            1 => format!(" [json_name = \"some\\\"thing{number}\", deprecated = false]"),
            2 => " [(confluent.field_meta).tags = \"PII\", (confluent.field_meta).doc = 'a\\n\\001']"
                .to_string(),
            3 => {
                " [(confluent.field_meta) = { tags: [\"A\", \"B\"], params: [{key: \"k\", value: \"v\"}, {key: \"l\", value: \"w\"}] }]"
                    .to_string()
            }
            4 => " [(p.q.mine) = -0x10, (number) = 1.50]".to_string(),
            5 => " [(p.q\n . rules).text.min = 1, (rules).names = 'b', (rules).text.max = 2, (rules).names = 'a']"
                .to_string(),
            6 => " [(rules) = { text < min: 7 > names: [] names: ['\\x7f'] }]".to_string(),
            _ => String::new(),
        }
    }

    fn text(&self, number: usize, proto3: bool) -> String {
        let (kind, options) = (self.kind(), self.options(number));
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
    text_of(50_001)
}

/// The text of a schema that may stand beside others: neither its package nor the numbers of its
/// extensions are another's.
pub fn text_beside(index: usize) -> impl Strategy<Value = String> {
    let text = text_of(50_001 + 3 * index);
    text.prop_map(move |text| text.replace("p.q", &format!("p.q{index}")))
}

/// The text of a schema whose extensions have numbers from `first` on.
fn text_of(first: usize) -> impl Strategy<Value = String> {
    let message = (prop::collection::vec(made(), 0..8), prop::collection::vec(made(), 0..3));
    let messages = prop::collection::vec(message, 0..4);
    (any::<bool>(), any::<bool>(), messages).prop_map(move |(proto3, extras, messages)| {
        let mut text = head(proto3, first);
        for (i, (fields, inner)) in messages.iter().enumerate() {
            text += &message_text(i, fields, inner, proto3);
        }
        if extras {
            text += "service S { rpc R (Leaf) returns (stream p.q\n .Leaf) { option deprecated = true; } }";
        }
        text
    })
}

/// All but the messages that differ from text to text.
fn head(proto3: bool, first: usize) -> String {
    let syntax = if proto3 { "proto3" } else { "proto2" };
    let (second, third) = (first + 1, first + 2);
    format!(
        "syntax = \"{syntax}\"; package p.q; import \"google/protobuf/timestamp.proto\";\n\
         import \"google/protobuf/descriptor.proto\"; import \"confluent/meta.proto\";\n\
         option java_package = \"a.b\"; option optimize_for = SPEED;\n\
         enum E {{ Z = 0; A = 1 [deprecated = true]; B = 2; C = -1; reserved -9 to -5, 7 to max; }}\n\
         message Leaf {{ message Inner {{}} }}\n\
         message Rules {{ message Text {{ optional int32 min = 1; optional int32 max = 2; }}\n\
         optional Text text = 1; repeated string names = 2; }}\n\
         extend google.protobuf.FieldOptions {{ optional sint32 mine = {first};\n\
         optional double number = {second}; optional Rules rules = {third}; }}\n"
    )
}

fn message_text(index: usize, fields: &[Made], inner: &[Made], proto3: bool) -> String {
    let text = |fields: &[Made]| -> String {
        let fields: Vec<String> =
            fields.iter().enumerate().map(|(at, made)| made.text(at + 1, proto3)).collect();
        fields.join(" ")
    };
    let of_proto2 = if proto3 {
        ""
    } else {
        "extensions 1000 to 1000, 2000 to max; optional group G = 300 { optional int32 x = 1; }"
    };
    format!(
        "message M{index} {{ reserved 100 to 110, 200 to 200; reserved \"x\"; {} {of_proto2}\n\
         message N {{ reserved 9; {} oneof o {{ string a = 50; }} enum I {{ I_ZERO = 0; }} }} }}\n",
        text(fields),
        text(inner)
    )
}
