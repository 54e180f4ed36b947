//! `avro`: schemas of a size and shape that stop other implementations, in this process.

use std::time::Instant;

use serde_json::Value;
use weir_schema::avro::{ParseError, ParseOptions, Parser, Schema, compatibility};

use crate::Result;
use crate::table::Table;

const ROUNDS: usize = 5;

/// Stack of the thread that measures, as of weir's own workers.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// A schema, after those that it refers to.
struct Case {
    name: &'static str,
    references: Vec<String>,
    text: String,
}

/// Milliseconds of each round, and what came out.
#[derive(Default)]
struct Samples {
    parse: Vec<f64>,
    serde_json: Vec<f64>,
    fingerprint: Vec<f64>,
    compare: Vec<f64>,
    outcome: String,
}

pub fn run() -> Result {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(measure)?.join().map_err(|_| "a measurement panicked")?
}

fn measure() -> Result {
    let cases = [
        enum_of(100_000),
        record_of(100_000),
        chained_references(10_000),
        nested(100_000),
        bomb(60),
    ];
    let mut samples = cases.each_ref().map(|_| Samples::default());
    for _ in 0..ROUNDS {
        for (case, samples) in cases.iter().zip(&mut samples) {
            samples.add(case)?;
        }
    }
    let mut table = Table::new(&format!("avro: ms each; {ROUNDS} rounds"));
    for (case, samples) in cases.iter().zip(&samples) {
        samples.print(case.name, &mut table);
    }
    table.print();
    Ok(())
}

impl Samples {
    fn add(&mut self, case: &Case) -> Result {
        let parsed = timed(&mut self.parse, || case.parse());
        if !self.serde_json.is_empty() || case.is_json() {
            timed(&mut self.serde_json, || case.is_json());
        }
        match parsed {
            Err(error) => self.outcome = format!("refused: {error}"),
            Ok(schema) => {
                let same = case.parse()?;
                timed(&mut self.fingerprint, || schema.fingerprints());
                let compared = timed(&mut self.compare, || compatibility(&schema, &same));
                self.outcome = match compared {
                    Ok(reasons) if reasons.is_empty() => "compatible".to_string(),
                    Ok(reasons) => format!("{} reasons against it", reasons.len()),
                    Err(error) => format!("{error:?}"),
                };
            }
        }
        Ok(())
    }

    fn print(&self, name: &str, table: &mut Table) {
        let refused = self.compare.is_empty();
        let note = if refused { self.outcome.as_str() } else { "" };
        table.row_with_note(&format!("{name}, parse"), &self.parse, note);
        if !self.serde_json.is_empty() {
            table.row("  serde_json::Value of the same text", &self.serde_json);
            table.ratio("serde_json", &self.parse, &self.serde_json);
        }
        if !refused {
            table.row("  fingerprints", &self.fingerprint);
            table.row_with_note("  compare with itself", &self.compare, &self.outcome);
        }
    }
}

impl Case {
    fn parse(&self) -> std::result::Result<Schema, ParseError> {
        let mut parser = Parser::new(ParseOptions::NEW);
        for reference in &self.references {
            parser.reference(reference)?;
        }
        parser.parse(&self.text)
    }

    fn is_json(&self) -> bool {
        let mut texts = self.references.iter().chain([&self.text]);
        texts.all(|text| serde_json::from_str::<Value>(text).is_ok())
    }
}

fn timed<T>(samples: &mut Vec<f64>, measured: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = measured();
    samples.push(start.elapsed().as_secs_f64() * 1000.0);
    result
}

fn enum_of(symbols: usize) -> Case {
    let symbols: Vec<String> = (0..symbols).map(|i| format!("\"S{i}\"")).collect();
    let text = format!(r#"{{"type":"enum","name":"E","symbols":[{}]}}"#, symbols.join(","));
    Case { name: "enum of 100,000 symbols", references: Vec::new(), text }
}

fn record_of(fields: usize) -> Case {
    let fields: Vec<String> = (0..fields).map(|i| field(&format!("f{i}"), "\"int\"")).collect();
    let text = record("R", &fields.join(","));
    Case { name: "record of 100,000 fields", references: Vec::new(), text }
}

/// Each record has a field of the one before it.
fn chained_references(count: usize) -> Case {
    let mut references = vec![record("R0", &field("x", "\"int\""))];
    for i in 1..count {
        references.push(record(&format!("R{i}"), &field("before", &format!("\"R{}\"", i - 1))));
    }
    let text = record("Last", &field("before", &format!("\"R{}\"", count - 1)));
    Case { name: "10,000 chained references", references, text }
}

fn nested(levels: usize) -> Case {
    let (open, close) = (r#"{"type":"array","items":"#.repeat(levels), "}".repeat(levels));
    let text = format!("{open}\"int\"{close}");
    Case { name: "100,000 levels of nesting", references: Vec::new(), text }
}

/// Record i holds record i-1 twice: 2^60 paths for whoever walks them one by one.
fn bomb(records: usize) -> Case {
    let mut text = record("R0", &field("x", "\"int\""));
    for i in 1..records {
        let twice = [field("a", &text), field("b", &format!("\"R{}\"", i - 1))];
        text = record(&format!("R{i}"), &twice.join(","));
    }
    Case { name: "60 records, each twice in the next", references: Vec::new(), text }
}

fn record(name: &str, fields: &str) -> String {
    format!(r#"{{"type":"record","name":"{name}","fields":[{fields}]}}"#)
}

fn field(name: &str, schema: &str) -> String {
    format!(r#"{{"name":"{name}","type":{schema}}}"#)
}
