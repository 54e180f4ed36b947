//! Reads metrics as `/metrics` has them: the text format of Prometheus, or OpenMetrics.

use std::collections::BTreeMap;

/// A family of metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Family {
    pub name: String,
    pub kind: String,
    pub help: String,
    pub samples: Vec<Sample>,
}

/// A value, with what tells it from others of its family.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The family's name, and perhaps a suffix.
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// Reads all families, in their order. Lines that are none are passed over: this reads what this process has written.
pub fn read(text: &str) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (word, name, rest) = (words.next(), words.next(), words.next().unwrap_or_default());
            let Some(name) = name else { continue };
            let family = family(&mut families, name);
            match word {
                Some("TYPE") => family.kind = rest.to_string(),
                Some("HELP") => family.help = unescaped(rest),
                _ => {}
            }
        } else if let Some(sample) = sample(line) {
            match families.last_mut().filter(|family| sample.name.starts_with(&family.name)) {
                Some(family) => family.samples.push(sample),
                None => families.push(Family {
                    name: sample.name.clone(),
                    samples: vec![sample],
                    ..Family::default()
                }),
            }
        }
    }
    families
}

/// The family that comments are about now.
fn family<'a>(families: &'a mut Vec<Family>, name: &str) -> &'a mut Family {
    if families.last().is_none_or(|last| last.name != name) {
        families.push(Family { name: name.to_string(), ..Family::default() });
    }
    let last = families.len() - 1;
    &mut families[last]
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name: name.to_string(), labels, value })
}

/// Labels up to the brace, and what is behind it.
fn labels(text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let (mut labels, mut rest) = (BTreeMap::new(), text);
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, behind));
        }
        let (name, value) = rest.split_once("=\"")?;
        let end = closing_quote(value)?;
        labels.insert(name.to_string(), unescaped(&value[..end]));
        rest = &value[end + 1..];
    }
}

/// Where the quote is that no backslash is in front of.
fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP requests_total Requests, by route.
# TYPE requests_total counter
requests_total{route="/a\"b\\",status="200"} 3
requests_total{route="/{id}",status="404"} 1.5e3
# TYPE up gauge
# HELP up Whether\nit is.
up 1
# a comment
bare 7 1700000000
# EOF
"#;

    #[test]
    fn families_samples_and_labels_are_read() {
        let families = read(TEXT);
        let names: Vec<_> = families.iter().map(|family| family.name.as_str()).collect();
        assert_eq!(&names[..2], ["requests_total", "up"]);
        let requests = &families[0];
        assert_eq!(
            (requests.kind.as_str(), requests.help.as_str()),
            ("counter", "Requests, by route.")
        );
        assert_eq!(requests.samples[0].labels["route"], "/a\"b\\");
        assert_eq!(
            (requests.samples[1].value, &*requests.samples[1].labels["status"]),
            (1500.0, "404")
        );
        assert_eq!(
            (families[1].help.as_str(), families[1].samples[0].value),
            ("Whether\nit is.", 1.0)
        );
        assert!(
            families.iter().any(|family| family.name == "bare" && family.samples[0].value == 7.0)
        );
    }

    #[test]
    fn what_is_no_metric_is_passed_over() {
        for text in ["", "a", "a{", "a{b", "a{b=\"", "a{b=\"c\\\"} 1", "{} 1 2", "# ", "# TYPE"] {
            assert!(read(text).iter().all(|family| family.samples.len() <= 1), "{text}");
        }
    }
}
