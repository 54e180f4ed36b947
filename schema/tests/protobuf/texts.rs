//! Texts: canonical, without extensions, tags, places, errors.

use weir_schema::Tagged;
use weir_schema::protobuf::{Schema, locate};

fn parse(text: &str) -> Schema {
    Schema::parse(text, &[], true).unwrap()
}

const TAGGED: &str = "syntax = \"proto3\";
package p;

import \"confluent/meta.proto\";

message M {
  option (confluent.message_meta).tags = \"ROW\";

  int32 a = 1;
  string b = 2 [(confluent.field_meta) = {
    doc: \"d\",
    tags: [
      \"PII\"
    ]
  }];

  oneof o {
    string c = 3;
  }

  message N {
    int64 d = 1;
  }
}
";

#[test]
fn canonical_text_has_declarations_in_groups_and_no_comments() {
    let text = "// one\nsyntax='proto3'; /* two */ message A{oneof o{int32 c=3;} int32 a=1[deprecated=true,json_name='x'];\
                enum E{Z=0;} message B{} reserved 9,5 to 7; reserved 'q'; extensions 100 to max;} import public 'b'; import 'a';";
    let canonical = Schema::parse(text, &[], false).unwrap().canonical();
    let expected = "syntax = \"proto3\";

import \"a\";
import public \"b\";

message A {
  reserved 9, 5 to 7;
  reserved \"q\";

  int32 a = 1 [
    deprecated = true,
    json_name = \"x\"
  ];

  oneof o {
    int32 c = 3;
  }

  extensions 100 to max;

  message B {}
  enum E {
    Z = 0;
  }
}
";
    assert_eq!(canonical, expected);
    assert_eq!(parse(TAGGED).canonical(), TAGGED);
}

#[test]
fn custom_options_go_and_confluents_stay_without_extensions() {
    let text = TAGGED.replace("int32 a = 1;", "int32 a = 1 [(mine) = 1];");
    assert_eq!(parse(&text).without_extensions(), TAGGED);
}

#[test]
fn names_of_messages_and_fields_of_the_first() {
    let schema = parse(TAGGED);
    assert_eq!(schema.message_names(), ["p.M", "p.M.N"]);
    assert_eq!(schema.top_level_fields(), ["a", "b"]);
}

fn tagged(path: &str, is_field: bool, tag: &str) -> Tagged {
    Tagged { path: path.to_string(), is_field, tags: vec![tag.to_string()] }
}

#[test]
fn tags_are_found_added_and_removed() {
    let schema = parse(TAGGED);
    assert_eq!(schema.tags(), [tagged("M", false, "ROW"), tagged("M.b", true, "PII")]);
    let add =
        [tagged(".M.N.d", true, "T1"), tagged("p.M.o.c", true, "T2"), tagged("M.c", true, "T3")];
    let remove = [tagged("M.b", true, "PII"), tagged("M", false, "ROW")];
    let changed = schema.with_tags(&add, &remove).unwrap();
    assert_eq!(changed.tags().len(), 2);
    assert_eq!(changed.tags()[0].tags, ["T2", "T3"]);
    assert!(
        changed
            .canonical()
            .contains("string b = 2 [(confluent.field_meta) = {\n    doc: \"d\"\n  }];")
    );
    assert!(!changed.canonical().contains("message_meta"));
    assert_eq!(
        schema.with_tags(&[tagged("M.x", true, "T")], &[]).unwrap_err(),
        "No matching Field with name 'x' found in the schema"
    );
    assert_eq!(
        schema.with_tags(&[tagged("X", false, "T")], &[]).unwrap_err(),
        "No matching Message with name 'X' found in the schema"
    );
}

#[test]
fn a_tag_that_is_there_changes_nothing_in_the_text() {
    let text = TAGGED.replace(
        "(confluent.message_meta).tags = \"ROW\"",
        "(.confluent.message_meta).tags = \"ROW\"",
    );
    let schema = parse(&text);
    let add = [tagged("M", false, "ROW"), tagged("M.b", true, "PII")];
    let remove = [tagged("M", false, "OTHER"), tagged("M.a", true, "PII")];
    assert_eq!(schema.with_tags(&add, &remove).unwrap().canonical(), schema.canonical());
}

#[test]
fn a_field_s_path_is_no_record_s() {
    let schema = parse(TAGGED);
    for path in ["M", "M.N", "p.M", "p.M.N", ".M"] {
        let name = path.rsplit('.').next().unwrap();
        assert_eq!(
            schema.with_tags(&[tagged(path, true, "T")], &[]).unwrap_err(),
            format!("No matching Field with name '{name}' found in the schema"),
            "{path}"
        );
    }
    assert_eq!(
        schema.with_tags(&[tagged("M.a", false, "T")], &[]).unwrap_err(),
        "No matching Message with name 'a' found in the schema"
    );
}

#[test]
fn a_path_leads_to_its_line_or_to_the_nearest_above() {
    assert_eq!(locate(TAGGED, "#/"), Some((2, 1)));
    assert_eq!(locate(TAGGED, "#/M/2"), Some((10, 3)));
    assert_eq!(locate(TAGGED, "#/M/o/3"), Some((18, 5)));
    assert_eq!(locate(TAGGED, "#/M/N/1"), Some((22, 5)));
    assert_eq!(locate(TAGGED, "#/M/99"), Some((6, 1)));
    assert_eq!(locate("no proto", "#/M"), None);
}

#[test]
fn a_text_and_its_names_in_full_are_the_same_but_another_type_is_not() {
    let text = |kind: &str| {
        parse(&format!(
            "syntax = \"proto3\"; package p; message A {{ {kind} b = 1; }} message B {{}}"
        ))
    };
    assert!(text("B").same_resolved(&text(".p.B")));
    assert!(!text("B").same_resolved(&text("A")));
}

#[test]
fn what_is_no_schema_is_refused_with_its_reason() {
    let proto3 = |body: &str| format!("syntax = \"proto3\"; {body}");
    let cases = [
        (proto3("message A { B b = 1; }"), "Could not resolve type: B"),
        (proto3("message A { int32 a = 1; int32 b = 1; }"), "A.b: the number 1 is used already"),
        (proto3("message A { int32 a = 1; int32 a = 2; }"), "\"a\" is already defined in A"),
        (proto3("message A {} enum A { Z = 0; }"), "\"A\" is already defined in the file"),
        (proto3("message A { int32 a = 0; }"), "A.a: 0 is no number of a field"),
        (proto3("message A { int32 a = 19000; }"), "A.a: 19000 is kept for Protobuf itself"),
        (proto3("message A { reserved 1 to 3; int32 a = 2; }"), "A.a: the number 2 is reserved"),
        (proto3("message A { reserved \"a\"; int32 a = 2; }"), "A.a: the name is reserved"),
        (proto3("enum E { A = 1; }"), "E: the first constant of an enum is 0 in proto3"),
        (proto3("enum E { A = 0; B = 0; }"), "E.B: the number 0 is used already"),
        (proto3("message A { map<float, int32> m = 1; }"), "float is no key of a map"),
        (proto3("message A { required int32 a = 1; }"), "A.a: 'required' is of proto2 only"),
        (
            "message A { int32 a = 1; }".into(),
            "A.a: a field of proto2 is optional, required or repeated",
        ),
        (
            "message A {\n  int32 = 1;\n}".into(),
            "Could not parse Protobuf - Syntax error in :2:9: expected a word",
        ),
        (
            "message A".into(),
            "Could not parse Protobuf - Syntax error in :1:10: expected '{' but the text ends",
        ),
    ];
    for (text, reason) in cases {
        assert_eq!(Schema::parse(&text, &[], true).unwrap_err().to_string(), reason, "{text}");
    }
}

#[test]
fn a_stored_schema_is_read_as_it_is() {
    let text = "syntax = \"proto3\"; message A { B b = 1; int32 c = 1; }";
    let schema = Schema::parse(text, &[], false).unwrap();
    assert_eq!(schema.normalized().canonical(), schema.canonical());
    assert_eq!(schema.serialized().unwrap_err(), "Could not resolve type: B");
}

#[test]
fn bundled_files_need_no_reference() {
    let text = "syntax = \"proto3\"; import \"google/type/money.proto\"; import \"confluent/type/decimal.proto\"; \
                message M { google.type.Money a = 1; confluent.type.Decimal b = 2; google.protobuf.Any c = 3; }";
    let set = parse(text).file_descriptor_set().unwrap();
    let names: Vec<&str> = set.file.iter().map(|file| file.name()).collect();
    assert_eq!(names, ["google/type/money.proto", "confluent/type/decimal.proto", "default"]);
}

#[test]
fn editions_are_read_and_printed() {
    let text = "edition = \"2023\";\npackage p;\n\noption features.field_presence = IMPLICIT;\n\nmessage M {\n  int32 a = 1 [features.field_presence = EXPLICIT];\n}\n";
    assert_eq!(parse(text).canonical(), text);
    assert!(
        parse(&parse(text).serialized().unwrap()).canonical().starts_with("edition = \"2023\";")
    );
}

/// `protoc/*.base64` are what protoc 35.1 made of the files beside them, without the `json_name`s
/// that it adds and under the name `default`.
#[test]
fn descriptors_are_protocs_byte_for_byte() {
    let dep = [("dep.proto", include_str!("protoc/dep.proto"))];
    let cases = [
        (include_str!("protoc/proto2.proto"), include_str!("protoc/proto2.base64")),
        (include_str!("protoc/proto3.proto"), include_str!("protoc/proto3.base64")),
    ];
    for (text, expected) in cases {
        let schema = Schema::parse(text, &dep, true).unwrap();
        assert_eq!(schema.serialized().unwrap(), expected.trim());
        let back = Schema::parse(expected.trim(), &dep, true).unwrap();
        assert!(back.same_resolved(&schema));
        assert_eq!(back.normalized().canonical(), schema.normalized().canonical());
    }
}

#[test]
fn options_keep_their_shape_and_strings_are_escaped() {
    let canonical = "option (a.b).c.d = \"x\\\\y\\t\\'\\\"\";
option (e) = {
  f: [
    1,
    -inf
  ],
  [g.h]: {
    i: WORD
  },
  j: {
  }
};
option (k) = [true];
option l.m = 0x1F;
";
    let text = "option (a.b) . c.d='x\\\\y\\t\\x27' '\"'; option (e)={f:1;f:-inf [g.h]<i:WORD>,j{}}; \
                option (k)=[true]; option l.m=0x1F;";
    assert_eq!(parse(text).canonical(), format!("\n{canonical}"));
    assert_eq!(parse(&parse(text).canonical()).canonical(), format!("\n{canonical}"));
}

#[test]
fn normal_form_has_full_names_in_order_and_options_together() {
    let text = "syntax = \"proto2\"; package p; import \"z\"; import \"a\"; import \"a\"; \
                import \"confluent/meta.proto\"; \
                message M { reserved \"q\", 9, 4 to 5; optional N b = 2 [(confluent.field_meta).tags = \"T\", \
                (.confluent.field_meta).doc = \"d\", deprecated = true, default = Z]; \
                map<string, N> c = 1; oneof y { int32 g = 7; } oneof x { N f = 6; } } enum N { Z = 0x0; }";
    let expected = "package p;

import \"a\";
import \"confluent/meta.proto\";
import \"z\";

message M {
  reserved 4 to 5;
  reserved 9;
  reserved \"q\";

  map<string, .p.N> c = 1;
  optional .p.N b = 2 [
    (confluent.field_meta) = {
      doc: \"d\",
      tags: \"T\"
    },
    default = Z,
    deprecated = true
  ];

  oneof x {
    .p.N f = 6;
  }
  oneof y {
    int32 g = 7;
  }
}
enum N {
  Z = 0;
}
";
    assert_eq!(parse(text).normalized().canonical(), expected);
}
