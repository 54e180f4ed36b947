//! Schemas that nobody means well with get a verdict or a clear error, on a stack of 2 MiB.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use weir_schema::budget::LISTED_MAX;
use weir_schema::protobuf::{Schema, compatibility};

/// How many of a thing: fewer where nothing is optimised. What is not linear shows either way.
const MANY: usize = if cfg!(debug_assertions) { 10_000 } else { 100_000 };

fn small_stack<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(2 << 20);
        thread.spawn_scoped(scope, test).unwrap().join().unwrap()
    })
}

fn error(text: &str) -> String {
    Schema::parse(text, &[], true).unwrap_err().to_string()
}

fn all_of(schema: &Schema) {
    schema.canonical();
    schema.normalized().canonical();
    let _ = schema.serialized();
    let _ = schema.file_descriptor_set();
    assert!(schema.same_resolved(schema));
    assert!(compatibility(schema, schema).is_empty());
}

#[test]
fn nesting_without_end_is_refused_wherever_it_is() {
    small_stack(|| {
        for levels in [300, 10_000, 100_000] {
            let nest = |open: &str, close: &str| {
                format!("{}{}", open.repeat(levels), close.repeat(levels))
            };
            let option = |value: String| format!("option (a) = {value};");
            let texts = [
                nest("message M {", "}"),
                format!("message M {{ {} }}", nest("optional group G = 1 {", "}")),
                option(nest("{ a ", "}").replace("{ a }", "{}")),
                option(nest("{ a: [", "] }")),
                option(nest("[", "]")),
                option(nest("< a ", ">")),
                "message M {".repeat(levels),
            ];
            for text in texts {
                let error = error(&text);
                assert!(error.contains("nested more than 64 levels"), "{error}");
            }
            assert!(error(&"(".repeat(levels)).contains("expected a word"));
        }
    });
}

#[test]
fn sixty_levels_are_read_and_all_is_done_with_them() {
    small_stack(|| {
        let messages = format!("{}{}", "message M {".repeat(60), "}".repeat(60));
        let schema = Schema::parse(&messages, &[], true).unwrap();
        all_of(&schema);
        let again = Schema::parse(&schema.serialized().unwrap(), &[], true).unwrap();
        assert!(again.same_resolved(&schema));
        let groups =
            format!("message M {{ {}{} }}", "optional group G = 1 {".repeat(60), "}".repeat(60));
        all_of(&Schema::parse(&groups, &[], true).unwrap());
        let option = format!("option (a) = {}1{};", "{ a: [".repeat(30), "] }".repeat(30));
        all_of(&Schema::parse(&option, &[], true).unwrap());
    });
}

/// A message of a descriptor in another, `levels` deep.
fn deep_descriptor(levels: usize) -> Vec<u8> {
    let mut bytes = vec![0x0a, 1, b'M'];
    for level in 0..levels {
        let tag = if level + 1 == levels { 0x22 } else { 0x1a };
        let mut outer = if level + 1 == levels { vec![] } else { vec![0x0a, 1, b'M'] };
        outer.push(tag);
        let mut length = bytes.len();
        while length >= 0x80 {
            outer.push(length as u8 | 0x80);
            length >>= 7;
        }
        outer.push(length as u8);
        outer.append(&mut bytes);
        bytes = outer;
    }
    bytes
}

#[test]
fn descriptors_that_lie_or_nest_without_end_are_refused() {
    small_stack(|| {
        assert!(Schema::parse(&BASE64.encode(deep_descriptor(20)), &[], true).is_ok());
        error(&BASE64.encode(deep_descriptor(5_000)));
        let lies: [&[u8]; 6] = [
            &[0x22, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0x22, 0x02, 0x0a],
            &[0x0b, 0x0c],
            &[0xfe; 11],
            &[0x00, 0x01],
            &[0x22, 0x05, 0x0a, 0x03, b'a', b' ', b'{'],
        ];
        for lie in lies {
            let error = error(&BASE64.encode(lie));
            assert!(error.starts_with("Could not parse Protobuf"), "{error}");
        }
    });
}

#[test]
fn every_prefix_of_a_text_and_of_a_descriptor_has_an_answer() {
    let text = "syntax = \"proto3\"; package p; option (a).b = {c: [1, \"\\x41\"] d <e: -1>}; \
                message M { reserved 1 to 3, \"x\"; map<string, M> m = 4 [deprecated = true]; \
                oneof o { int32 a = 5; } /* c */ } // d\nservice S { rpc R (stream M) returns (M) {} }";
    for end in 0..text.len() {
        let _ = Schema::parse(&text[..end], &[], true);
    }
    let schema = Schema::parse(text, &[], false).unwrap();
    let bytes = BASE64.decode(schema.serialized().unwrap()).unwrap();
    for end in 0..bytes.len() {
        let _ = Schema::parse(&BASE64.encode(&bytes[..end]), &[], true);
        let mut changed = bytes.clone();
        changed[end] = changed[end].wrapping_add(0x41);
        let _ = Schema::parse(&BASE64.encode(&changed), &[], true).map(|schema| all_of(&schema));
    }
}

#[test]
fn files_that_import_each_other_are_no_descriptors_but_are_compared() {
    small_stack(|| {
        for word in ["", "public "] {
            let file = |name: &str| {
                format!(
                    "syntax = \"proto3\"; import {word}\"{name}\"; message M{} {{}}",
                    &name[..1]
                )
            };
            let (a, b) = (file("b.proto"), file("a.proto"));
            let references = [("a.proto", a.as_str()), ("b.proto", b.as_str())];
            let text = "syntax = \"proto3\"; import \"a.proto\"; message R { Ma m = 1; Mb n = 2; }";
            let schema = Schema::parse(text, &references, true).unwrap();
            let error = schema.file_descriptor_set().unwrap_err();
            assert!(error.contains("imports itself"), "{error}");
            assert!(compatibility(&schema, &schema).is_empty());
        }
    });
}

fn chain(length: usize, last: &str) -> Schema {
    let files: Vec<(String, String)> = (0..length)
        .map(|i| {
            let (import, next) = match i {
                0 => (String::new(), last.to_string()),
                _ => (format!("import \"{}.proto\";", i - 1), format!("M{}", i - 1)),
            };
            let text = format!(
                "syntax = \"proto3\"; {import} message M{i} {{ {next} a = 1; {next} b = 2; }}"
            );
            (format!("{i}.proto"), text)
        })
        .collect();
    let references: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let last = length - 1;
    let text =
        format!("syntax = \"proto3\"; import \"{last}.proto\"; message M {{ M{last} m = 1; }}");
    Schema::parse(&text, &references, true).unwrap()
}

#[test]
fn a_chain_of_five_hundred_references_that_each_hold_the_next_twice() {
    small_stack(|| {
        let (ints, strings) = (chain(500, "int32"), chain(500, "string"));
        assert!(compatibility(&ints, &ints.normalized()).is_empty());
        let found = compatibility(&ints, &strings);
        assert_eq!(found.len(), LISTED_MAX, "the list is bounded");
        assert_eq!(ints.file_descriptor_set().unwrap().file.len(), 501);
        all_of(&ints);
    });
}

#[test]
fn many_messages_of_an_import_that_each_hold_the_next() {
    small_stack(|| {
        let file = |last: &str| {
            let mut text = String::from("syntax = \"proto3\";");
            for i in 0..MANY {
                write!(text, "message M{i} {{ M{} a = 1; }}", i + 1).unwrap();
            }
            format!("{text} message M{MANY} {{ {last} a = 1; }}")
        };
        let (a, b) = (file("int32"), file("string"));
        let text = "syntax = \"proto3\"; import \"r.proto\"; message M { M0 m = 1; }";
        let reader = Schema::parse(text, &[("r.proto", &a)], true).unwrap();
        let writer = Schema::parse(text, &[("r.proto", &b)], true).unwrap();
        assert_eq!(compatibility(&reader, &writer).len(), LISTED_MAX, "the list is bounded");
        assert_eq!(compatibility(&reader, &reader.clone()), []);
    });
}

#[test]
fn many_fields_options_constants_and_ranges() {
    let many = |item: &dyn Fn(usize) -> String| (1..=MANY).map(item).collect::<String>();
    let texts = [
        format!(
            "syntax = \"proto3\"; message M {{ {} }}",
            many(&|i| format!("int32 f{i} = {};", i + 20_000))
        ),
        format!(
            "syntax = \"proto3\"; message M {{ oneof o {{ {} }} }}",
            many(&|i| format!("int32 f{i} = {};", i + 20_000))
        ),
        format!("syntax = \"proto3\"; enum E {{ Z = 0; {} }}", many(&|i| format!("C{i} = {i};"))),
        format!("message M {{ {} }}", many(&|i| format!("reserved {}; reserved \"f{i}\";", i * 2))),
        format!("syntax = \"proto3\"; {}", many(&|i| format!("option (a).b{i} = {i};"))),
        format!("syntax = \"proto3\"; option (a) = {{ {} }};", many(&|_| "b: 1 ".to_string())),
        format!("syntax = \"proto3\"; {}", many(&|i| format!("import \"{i}\";"))),
        format!(
            "syntax = \"proto3\"; {}",
            many(&|i| format!("message M{i} {{ oneof o {{ M1 m = 1; }} }}"))
        ),
    ];
    for text in texts {
        all_of(&Schema::parse(&text, &[], true).unwrap());
    }
}

#[test]
fn many_groups_oneofs_and_parts_of_an_option() {
    let many = |item: &dyn Fn(usize) -> String| (1..=MANY).map(item).collect::<String>();
    let groups = format!(
        "message M {{ {} }}",
        many(&|i| format!("optional group G{i} = {} {{}}", i + 20_000))
    );
    let schema = Schema::parse(&groups, &[], true).unwrap();
    let back = Schema::parse(&schema.serialized().unwrap(), &[], true).unwrap();
    assert!(back.same_resolved(&schema));

    let apart =
        many(&|i| format!("int32 a{i} = {}; int32 b{i} = {};", 2 * i + 20_000, 2 * i + 20_001));
    let together = many(&|i| {
        format!(
            "oneof o{i} {{ int32 a{i} = {}; int32 b{i} = {}; }}",
            2 * i + 20_000,
            2 * i + 20_001
        )
    });
    let parse = |fields: &str| {
        Schema::parse(&format!("syntax = \"proto3\"; message M {{ {fields} }}"), &[], true).unwrap()
    };
    assert_eq!(compatibility(&parse(&together), &parse(&apart)).len(), LISTED_MAX);

    let option = format!(
        "syntax = \"proto3\"; import \"google/protobuf/descriptor.proto\"; message O {{ {} }} enum E {{ Z = 0; {} }} \
         extend google.protobuf.FileOptions {{ O o = 50001; }} {}",
        many(&|i| format!("E f{i} = {};", i + 20_000)),
        many(&|i| format!("C{i} = {i};")),
        many(&|i| format!("option (o).f{i} = C{i};")),
    );
    let schema = Schema::parse(&option, &[], true).unwrap();
    let back = Schema::parse(&schema.serialized().unwrap(), &[], true).unwrap();
    assert_eq!(back.normalized().canonical(), schema.normalized().canonical());
}
