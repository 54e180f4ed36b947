//! What a broker answered to a script, and where two brokers differ.

use std::fmt;
use std::path::PathBuf;

/// Names an answer within a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was asked: `create twice`.
    pub label: String,
    pub api: String,
    pub version: i16,
}

/// The answers of a broker to a script, in the order of the questions.
#[derive(Debug, Default)]
pub struct Transcript {
    answers: Vec<(Step, String)>,
}

/// Two brokers that answer differently to one step, in some versions.
#[derive(Debug)]
pub struct Difference {
    pub label: String,
    api: String,
    versions: Vec<i16>,
    expected: String,
    ours: String,
}

const ABSENT: &str = "(not asked)";

impl Transcript {
    pub fn push(&mut self, step: Step, answer: String) {
        assert!(self.find(&step).is_none(), "{step:?} is there twice");
        self.answers.push((step, answer));
    }

    fn find(&self, step: &Step) -> Option<&str> {
        self.answers.iter().find(|(known, _)| known == step).map(|(_, text)| text.as_str())
    }

    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Reads what [`fmt::Display`] writes.
    pub fn read(name: &str) -> Transcript {
        let path = path(name);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut transcript = Transcript::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let parts: Vec<&str> = line.splitn(4, " | ").collect();
            let &[label, api, versions, answer] = parts.as_slice() else {
                panic!("{}: {line}", path.display())
            };
            for version in versions.split(',') {
                let version = version.parse().expect("a version");
                let step = Step { label: label.into(), api: api.into(), version };
                transcript.answers.push((step, answer.into()));
            }
        }
        transcript
    }

    pub fn write(&self, name: &str) {
        std::fs::write(path(name), self.to_string()).expect("the folder of recorded answers");
    }

    /// Where `ours` answers differently, or was not asked.
    pub fn differences(&self, ours: &Transcript) -> Vec<Difference> {
        let mut differences: Vec<Difference> = Vec::new();
        let mut note = |step: &Step, expected: &str, ours: &str| {
            let same = differences.iter_mut().find(|known| {
                known.label == step.label && known.expected == expected && known.ours == ours
            });
            match same {
                Some(known) => known.versions.push(step.version),
                None => differences.push(Difference {
                    label: step.label.clone(),
                    api: step.api.clone(),
                    versions: vec![step.version],
                    expected: expected.to_owned(),
                    ours: ours.to_owned(),
                }),
            }
        };
        for (step, expected) in &self.answers {
            let answer = ours.find(step).unwrap_or(ABSENT);
            if answer != expected {
                note(step, expected, answer);
            }
        }
        for (step, answer) in &ours.answers {
            if self.find(step).is_none() {
                note(step, ABSENT, answer);
            }
        }
        differences
    }
}

/// A line for each answer; versions with the same answer share it.
impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<(&Step, Vec<String>, &str)> = Vec::new();
        for (step, answer) in &self.answers {
            let version = step.version.to_string();
            let same = lines.iter_mut().find(|(known, _, text)| {
                known.label == step.label && known.api == step.api && text == answer
            });
            match same {
                Some((_, versions, _)) => versions.push(version),
                None => lines.push((step, vec![version], answer)),
            }
        }
        for (step, versions, answer) in lines {
            writeln!(f, "{} | {} | {} | {answer}", step.label, step.api, versions.join(","))?;
        }
        Ok(())
    }
}

/// Characters of an answer that are shown around the first that differs.
const AROUND: usize = 200;

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<String> = self.versions.iter().map(i16::to_string).collect();
        writeln!(f, "{} ({} v{})", self.label, self.api, versions.join(","))?;
        let (expected, ours): (Vec<char>, Vec<char>) =
            (self.expected.chars().collect(), self.ours.chars().collect());
        let same = expected.iter().zip(&ours).take_while(|(a, b)| a == b).count();
        let shown = |text: &[char]| -> String {
            text.iter().skip(same.saturating_sub(AROUND)).take(2 * AROUND + 60).collect()
        };
        writeln!(f, "  Kafka: {}", shown(&expected))?;
        writeln!(f, "  ours:  {}", shown(&ours))
    }
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/behaviour/recorded/{name}.txt"))
}
