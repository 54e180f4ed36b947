//! `weir-serde` beside its peers, in one process and in turns. Prints ratios; README.md says how to
//! read them. `-- order` measures that shape alone.

mod framing;
mod hand;
mod rounds;
mod shape;
mod shapes;
mod table;

use std::collections::HashMap;

use rounds::{Times, ratio};
use table::{Asked, Row};

type Measured = HashMap<&'static str, Times>;

/// Name of the row, the numerator, the denominator, what is asked.
const ROWS: &[(&str, &str, &str, Asked)] = &[
    (
        "encode, framed: schema_registry_converter 6 / derived",
        "src encode",
        "encode derived",
        Asked::AtLeast([6.0, 5.0, 10.0]),
    ),
    (
        "encode, framed: schema_registry_converter 6 / serde",
        "src encode",
        "encode serde",
        Asked::Nothing,
    ),
    (
        "encode, framed: schema-registry-client / derived",
        "srclient encode",
        "encode derived",
        Asked::Nothing,
    ),
    (
        "encode: apache-avro 0.22 write_ser / serde",
        "apache encode",
        "encode serde bare",
        Asked::Nothing,
    ),
    ("encode: serde_avro_fast / derived", "saf encode", "encode derived bare", Asked::Nothing),
    ("encode: serde_avro_fast / serde", "saf encode", "encode serde bare", Asked::Nothing),
    (
        "encode: derived / hand-written",
        "encode derived bare",
        "hand encode",
        Asked::AtMost([1.2; 3]),
    ),
    (
        "decode, framed, owned: schema_registry_converter 6 / derived",
        "src decode",
        "decode derived",
        Asked::AtLeast([4.0; 3]),
    ),
    (
        "decode, framed, owned: schema_registry_converter 6 / serde",
        "src decode",
        "decode serde",
        Asked::Nothing,
    ),
    (
        "decode, framed, borrowed: schema_registry_converter 6 / derived",
        "src decode",
        "decode borrowed",
        Asked::AtLeast([6.0; 3]),
    ),
    (
        "decode, framed, owned: schema-registry-client / derived",
        "srclient decode",
        "decode derived",
        Asked::Nothing,
    ),
    (
        "decode, owned: apache-avro 0.22 read_deser / serde",
        "apache decode",
        "decode serde bare",
        Asked::Nothing,
    ),
    (
        "decode, owned: serde_avro_fast / derived",
        "saf decode",
        "decode derived bare",
        Asked::Nothing,
    ),
    ("decode, owned: serde_avro_fast / serde", "saf decode", "decode serde bare", Asked::Nothing),
    (
        "decode, borrowed: serde_avro_fast / derived",
        "saf borrowed",
        "decode borrowed bare",
        Asked::Nothing,
    ),
    (
        "decode, borrowed: serde_avro_fast / serde",
        "saf borrowed",
        "decode borrowed serde bare",
        Asked::Nothing,
    ),
    (
        "decode, owned: derived / hand-written",
        "decode derived bare",
        "hand decode",
        Asked::AtMost([1.2; 3]),
    ),
    (
        "decode, borrowed: derived / hand-written",
        "decode borrowed bare",
        "hand borrowed",
        Asked::AtMost([1.2; 3]),
    ),
    (
        "decode with evolution: apache-avro's / serde over a plan",
        "apache evolved",
        "evolved",
        Asked::AtLeast([10.0, 6.0, 14.0]),
    ),
    (
        "serde over a plan: with evolution / without",
        "evolved",
        "decode serde bare",
        Asked::AtMost([1.05; 3]),
    ),
    ("Avro to JSON: apache-avro's / ours", "apache to json", "to json", Asked::AtLeast([5.0; 3])),
    (
        "JSON to Avro: apache-avro's / ours",
        "apache from json",
        "from json",
        Asked::AtLeast([8.0; 3]),
    ),
];

fn main() {
    let only = std::env::args().nth(1);
    let mut rows: Vec<Row> = ROWS
        .iter()
        .map(|(name, _, _, asked)| Row { name: name.to_string(), asked: *asked, cells: vec![] })
        .collect();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{} rounds, {cores} cores\n", rounds::ROUNDS);
    for (name, measure) in [
        ("small", shape::small as fn() -> Measured),
        ("order", shape::order),
        ("wide", shape::wide),
    ] {
        let measured = match &only {
            Some(only) if only != name => HashMap::new(),
            _ => measure(),
        };
        let mut names: Vec<_> = measured.iter().collect();
        names.sort_by_key(|(name, _)| *name);
        for (way, times) in names {
            eprintln!("{name}: {way}: {:.0} ns", times.min());
        }
        for (row, (_, a, b, _)) in rows.iter_mut().zip(ROWS) {
            let both = measured.get(a).zip(measured.get(b));
            row.cells.push(both.map(|(a, b)| ratio(a, b)));
        }
    }
    table::print(&rows);
    println!();
    framing::run();
}
