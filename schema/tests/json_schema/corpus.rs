//! `corpus.json`: pairs of schemas and what is to be found about them, in both directions.

use std::collections::HashSet;

use serde_json::Value;
use weir_schema::json_schema::{DifferenceType, Policy, Schema, compatibility, differences};

use crate::schema;

fn rows() -> Vec<Value> {
    serde_json::from_str(include_str!("corpus.json")).unwrap()
}

fn found(reader: &Schema, writer: &Schema) -> Vec<String> {
    let found = differences(reader, writer, Policy::Strict).unwrap();
    found.iter().map(|d| format!("{} @ {}", d.rule(), d.path())).collect()
}

#[test]
fn every_row_gives_its_differences_and_its_verdicts() {
    for row in rows() {
        let (reader, writer) = (&row["reader"], &row["writer"]);
        let (r, w) = (schema(&reader.to_string()), schema(&writer.to_string()));
        let given = format!("reader {reader} writer {writer}");
        assert_eq!(serde_json::json!(found(&r, &w)), row["differences"], "{given}");
        for (policy, word) in [(Policy::Strict, "strict"), (Policy::Lenient, "lenient")] {
            let is_compatible = compatibility(&r, &w, policy).unwrap().is_empty();
            assert_eq!(Value::Bool(is_compatible), row[word], "{word}: {given}");
        }
    }
}

#[test]
fn every_difference_has_a_row_of_its_own_and_a_row_for_the_reverse() {
    let (mut named, mut pairs) = (HashSet::new(), HashSet::new());
    for row in rows() {
        let found = row["differences"].as_array().unwrap();
        named.extend(
            found.iter().map(|d| d.as_str().unwrap().split(" @ ").next().unwrap().to_string()),
        );
        pairs.insert((row["reader"].to_string(), row["writer"].to_string()));
    }
    for kind in DifferenceType::ALL {
        assert!(named.contains(kind.name()), "no row for {}", kind.name());
    }
    for (reader, writer) in &pairs {
        assert!(
            pairs.contains(&(writer.clone(), reader.clone())),
            "no reverse of {reader} {writer}"
        );
    }
}

#[test]
fn the_incompatible_ones_are_the_differences_that_the_policy_does_not_allow() {
    for row in rows() {
        let (r, w) = (schema(&row["reader"].to_string()), schema(&row["writer"].to_string()));
        for policy in [Policy::Strict, Policy::Lenient] {
            let mut all = differences(&r, &w, policy).unwrap();
            all.retain(|d| !d.kind().is_compatible(policy));
            assert_eq!(compatibility(&r, &w, policy).unwrap(), all, "{row}");
        }
    }
}
