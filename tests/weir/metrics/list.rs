//! The list of all metrics, as docs/metrics.md has it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// What is said of a family.
#[derive(Debug, Serialize)]
pub struct Documented {
    #[serde(rename = "type")]
    pub kind: String,
    pub unit: String,
    pub labels: BTreeSet<String>,
}

/// All families, by name.
pub fn documented() -> BTreeMap<String, Documented> {
    let text = super::text("docs/metrics.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let bare = |cell: &str| cell.trim_matches('`').to_string();
        let labels = cells[4].split(", ").filter(|label| !label.is_empty()).map(bare).collect();
        let (kind, unit) = (cells[2].to_string(), cells[3].to_string());
        (bare(cells[1]), Documented { kind, unit, labels })
    })
    .collect()
}

/// The names of families and labels that an expression of PromQL has.
pub fn named(expression: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut families, mut labels) = (BTreeSet::new(), BTreeSet::new());
    let bare = without_strings(expression);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut depth = 0;
    let mut grouping = false;
    let mut rest = bare.as_str();
    while let Some(c) = rest.chars().next() {
        if !is_name(c) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ')' => grouping = false,
                _ => {}
            }
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        if ["by", "on", "without", "ignoring"].contains(&word) {
            grouping = true;
        } else if depth > 0 || grouping {
            labels.insert(word.to_string());
        } else if (word.starts_with("weir_") || word.starts_with("process_")) && !word.contains(':')
        {
            families.insert(word.to_string());
        }
    }
    (families, labels)
}

/// An expression without the values of its matchers and its durations.
fn without_strings(expression: &str) -> String {
    let mut parts = expression.split('"');
    let mut bare = String::new();
    while let Some(outside) = parts.next() {
        bare.push_str(outside);
        parts.next();
    }
    while let Some((begin, end)) = bare.find('[').zip(bare.find(']')) {
        bare.replace_range(begin..=end, "");
    }
    bare
}

/// The family of a series: that of a histogram has endings.
pub fn family_of(series: &str, known: &BTreeMap<String, Documented>) -> Option<String> {
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|ending| {
        let name = series.strip_suffix(ending)?;
        known.get(name).filter(|family| family.kind == "histogram").map(|_| name.to_string())
    });
    of_histogram.or_else(|| known.contains_key(series).then(|| series.to_string()))
}

#[test]
fn names_of_an_expression_are_found() {
    let expression = "sum by (job, le) (rate(weir_a_bucket{status=~\"5.. by (x)\", job=\"weir_b\"}[5m])) / on (instance) job:weir_c:rate5m and process_d";
    let (families, labels) = named(expression);
    assert_eq!(families, ["process_d", "weir_a_bucket"].map(String::from).into());
    assert_eq!(labels, ["instance", "job", "le", "status"].map(String::from).into());
}
