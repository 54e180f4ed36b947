//! What is stored: the canonical text and the normal form in detail, and that what is stored is found
//! and read whatever it looks like.

use weir_schema::protobuf::{Schema, compatibility, differences};

fn parse(text: &str) -> Schema {
    Schema::parse(text, &[], true).unwrap()
}

/// As Confluent's registry prints it: what is nested is indented with its empty lines.
#[test]
fn empty_lines_of_what_is_nested_are_indented() {
    let text = "message A { message B { option x = 1; optional string y = 1; oneof z { option x = 2; string q = 2; } \
                enum E { reserved 5; F = 0; } message C { optional int32 i = 1; reserved 2; } } \
                oneof o { option x = 3; string r = 3; } }";
    let expected = "
message A {
  oneof o {
    option x = 3;
  
    string r = 3;
  }

  message B {
    option x = 1;
  
    optional string y = 1;
  
    oneof z {
      option x = 2;
    
      string q = 2;
    }
  
    message C {
      reserved 2;
    
      optional int32 i = 1;
    }
    enum E {
      reserved 5;
      F = 0;
    }
  }
}
";
    assert_eq!(parse(text).canonical(), expected);
    let plain: String = expected.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert!(parse(&plain).same_resolved(&parse(expected)));
    assert_eq!(parse(&plain).canonical(), expected);
}

#[test]
fn a_name_may_be_broken_around_its_dots() {
    let text = "syntax = \"proto3\"; package p . q; import \"google/protobuf/descriptor.proto\";
        message M { enum E { Z = 0; }
          p.q.M
              .E a = 1;
          repeated p. // here
            q /* and here */ . M b = 2;
          optional .
            p.q.M c = 3;
          map<string, p.q.M
            .E> d = 4;
          oneof o { p
            .q.M.E e = 5; }
        }
        extend google
          .protobuf.FieldOptions { M m = 50001; }
        extend google.protobuf.MessageOptions { M n = 50001; }
        message N { option (p.q
          .n) = { c { a: Z } }; option features
          . x = Y; M f = 1 [(p.
          q.m) . c
          .a = Z, (p.q.m).d = {}]; }
        service S { rpc R (p.q
          .M) returns (stream .p.q
          .M); rpc T (stream p
          .q.M) returns (M); }";
    let canonical = parse(text).canonical();
    for line in [
        "package p.q;",
        "p.q.M.E a = 1;",
        "repeated p.q.M b = 2;",
        "optional .p.q.M c = 3;",
        "map<string, p.q.M.E> d = 4;",
        "p.q.M.E e = 5;",
        "extend google.protobuf.FieldOptions {",
        "option (p.q.n) = {",
        "option features.x = Y;",
        "(p.q.m).c.a = Z,",
        "rpc R (p.q.M) returns (stream .p.q.M);",
        "rpc T (stream p.q.M) returns (M);",
    ] {
        assert!(canonical.contains(line), "{line} in {canonical}");
    }
    for wrong in ["p..q a = 1;", "p. a = 1;", "p.q. .r a = 1;", "p q.r a = 1;"] {
        let text = format!("syntax = \"proto3\"; message M {{ {wrong} }}");
        assert!(Schema::parse(&text, &[], false).is_err(), "{wrong}");
    }
}

#[test]
fn ranges_keep_both_ends_until_they_are_normalized() {
    let text = "message M { reserved 20000 to 20000, 5, 30000 to max; extensions 100 to 100, 200; } \
                enum E { reserved 3 to 3, 9 to max; Z = 0; }";
    let schema = parse(text);
    let canonical = schema.canonical();
    for line in [
        "reserved 20000 to 20000, 5, 30000 to max;",
        "extensions 100 to 100, 200;",
        "reserved 3 to 3, 9 to max;",
    ] {
        assert!(canonical.contains(line), "{line} in {canonical}");
    }
    let normal = schema.normalized().canonical();
    for line in
        ["reserved 5;", "reserved 20000;", "extensions 100;", "reserved 3;", "reserved 9 to max;"]
    {
        assert!(normal.contains(line), "{line} in {normal}");
    }
    assert!(parse(&canonical.replace("20000 to 20000", "20000")).same_resolved(&schema));
}

#[test]
fn control_characters_and_bytes_of_options_are_escaped() {
    let text = "option (a) = \"\\001\\x7f\\x99\\0019\u{1}\\n\u{e9}\\xc3\\xA9\\\\377\";\n";
    let canonical = parse(text).canonical();
    let expected = "\noption (a) = \"\\001\\177\\231\\0019\\001\\n\u{e9}\\303\\251\\\\377\";\n";
    assert_eq!(canonical, expected);
    assert_eq!(parse(&canonical).canonical(), canonical);
    // as it was stored before, and is by Confluent's registry
    let stored = text.replace("\\x99", "\u{99}").replace("\\xc3\\xA9", "\u{c3}\u{a9}");
    assert!(parse(&stored).same_resolved(&parse(text)));
    assert!(!parse(&stored.replace("\\\\377", "\u{ff}")).same_resolved(&parse(text)));
}

#[test]
fn zero_stays_first_in_the_normal_form_of_an_enum() {
    let text = "syntax = \"proto3\"; enum L { OK = 0; FINE = 2; BAD = -1; WORSE = -2; }";
    let normal = parse(text).normalized().canonical();
    let expected = "syntax = \"proto3\";

enum L {
  OK = 0;
  WORSE = -2;
  BAD = -1;
  FINE = 2;
}
";
    assert_eq!(normal, expected);
    assert_eq!(parse(&normal).normalized().canonical(), normal);
}

/// A file of options, as protovalidate has them.
const RULES: &str = "syntax = \"proto2\"; package r; import \"google/protobuf/descriptor.proto\";
    extend google.protobuf.FieldOptions { optional Rules o = 50001; repeated string tag = 50002; }
    message Rules { optional bool required = 1; oneof type { Text text = 2; } repeated Text many = 3;
      map<string, Text> named = 4; extensions 100 to max; }
    message Text { optional int32 min = 1; optional int32 max = 2; optional Text inner = 3; }
    extend Rules { optional Text more = 100; }";

#[test]
fn parts_of_an_option_come_together_as_its_fields_have_them() {
    let text = "syntax = \"proto3\"; import \"r.proto\"; message M { string a = 1 [(r.o).text.min = 1, \
                (r.o).text.inner.max = 2, (r.o).text.inner.min = 3, (r.o).many = { min: 4 }, (r.o).many = { min: 5 }, \
                (r.o).(r.more).min = 6, (r.o).(r.more).max = 7, (r.tag) = \"x\", (r.tag) = \"y\"]; }";
    let schema = Schema::parse(text, &[("r.proto", RULES)], true).unwrap();
    let normal = schema.normalized().canonical();
    let expected = "  string a = 1 [
    (r.o) = {
      [r.more]: {
        max: 7,
        min: 6
      },
      many: [
        {
          min: 4
        },
        {
          min: 5
        }
      ],
      text: {
        inner: {
          max: 2,
          min: 3
        },
        min: 1
      }
    },
    (r.tag) = \"x\",
    (r.tag) = \"y\"
  ];
";
    assert!(normal.contains(expected), "{normal}");
    let again = Schema::parse(&normal, &[("r.proto", RULES)], true).unwrap();
    assert_eq!(again.normalized().canonical(), normal);
}

#[test]
fn keys_of_options_are_sorted_also_where_nobody_declares_them() {
    let text = "syntax = \"proto3\"; import \"x\"; message M { string a = 1 [(x.o).text = { min: 1 max: 2 list: [{ b: 1 a: 2 }] }, \
                (x.o).text.min = 3]; option (y) = { b: 1, a { d: 1 c: 2 } }; }";
    let normal = parse(text).normalized().canonical();
    let expected = "  option (y) = {
    a: {
      c: 2,
      d: 1
    },
    b: 1
  };

  string a = 1 [
    (x.o).text = {
      list: {
        a: 2,
        b: 1
      },
      max: 2,
      min: 1
    },
    (x.o).text.min = 3
  ];
";
    assert!(normal.contains(expected), "{normal}");
    assert_eq!(parse(&normal).normalized().canonical(), normal);
}

/// protoc looks for the first part of a name in the scopes around it, and for the rest only there.
#[test]
fn a_full_name_that_an_inner_package_hides_keeps_its_dot() {
    let text = |package: &str| {
        format!(
            "package {package}; import \"confluent/meta.proto\"; \
             message M {{ optional int32 a = 1 [(.confluent.field_meta).doc = \"d\"]; }}"
        )
    };
    let normal = |package: &str| parse(&text(package)).normalized().canonical();
    assert!(normal("com.confluent").contains("(.confluent.field_meta) = {"));
    assert!(normal("com.other").contains("(confluent.field_meta) = {"));
    let again = parse(&normal("com.confluent")).normalized().canonical();
    assert_eq!(again, normal("com.confluent"));
}

#[test]
fn a_negative_zero_is_not_zero() {
    for (number, normal) in [
        ("-0.0", "-0.0"),
        ("-0", "-0"),
        ("0.0", "0"),
        ("1.50", "1.5"),
        ("1e-20", "1e-20"),
        ("0x1F", "31"),
    ] {
        let once = parse(&format!("option (a) = {number};")).normalized();
        assert_eq!(once.canonical(), format!("\noption (a) = {normal};\n"));
        assert_eq!(parse(&once.canonical()).normalized().canonical(), once.canonical());
    }
}

#[test]
fn schemas_with_other_imports_are_not_the_same() {
    let dep = |kind: &str| format!("syntax = \"proto3\"; message D {{ {kind} v = 1; }}");
    let middle = "syntax = \"proto3\"; import public \"dep.proto\"; message E { D d = 1; }";
    let text = "syntax = \"proto3\"; import \"middle.proto\"; message M { E e = 1; }";
    let schema = |dep: &str, others: &[(&str, &str)]| {
        let references = [others, &[("dep.proto", dep), ("middle.proto", middle)]].concat();
        Schema::parse(text, &references, true).unwrap()
    };
    let first = schema(&dep("int32"), &[]);
    assert!(first.same_resolved(&schema(&dep(" int32 "), &[])));
    assert!(!first.same_resolved(&schema(&dep("int64"), &[])));
    assert!(!schema(&dep("int64"), &[]).same_resolved(&first));
    // what nothing imports has no say
    assert!(first.same_resolved(&schema(&dep("int32"), &[("x.proto", "message X {}")])));
}

/// Registries have held such texts, and their data goes on being read.
#[test]
fn what_would_not_pass_as_new_is_read_and_compatible_with_itself() {
    let texts = [
        "syntax = \"proto3\"; message A { int32 a = 1; string b = 1; int64 a = 3; }",
        "syntax = \"proto3\"; message A { reserved 1, \"a\"; int32 a = 1; }",
        "syntax = \"proto3\"; message A { reserved 7 to 5, \"no name\"; oneof o { map<string, int32> m = 1; } }",
        "syntax = \"proto3\"; enum E { B = 1; A = 0; C = 1; } message A { E e = 1; }",
        "syntax = \"proto3\"; enum E {} message A { int32 x = 19500; int32 y = 0; oneof o {} }",
        "syntax = \"proto3\"; message A { Gone g = 1; oneof o { Gone h = 2; } } service S { rpc R (Gone) returns (A); }",
    ];
    for text in texts {
        assert!(Schema::parse(text, &[], true).is_err(), "{text}");
        let schema = Schema::parse(text, &[], false).unwrap();
        let canonical = schema.canonical();
        let again = Schema::parse(&canonical, &[], false).unwrap();
        assert_eq!(again.canonical(), canonical);
        assert!(again.same_resolved(&schema));
        assert_eq!(differences(&again, &schema), []);
        let normal = schema.normalized();
        assert_eq!(normal.normalized().canonical(), normal.canonical());
        assert_eq!(compatibility(&normal, &schema), []);
        let _ = (schema.serialized(), schema.file_descriptor_set());
    }
}
