//! One thing that has to work for requests to be answered, and since when it does or does not.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

/// What was found of a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It has not worked yet since the process began, and why.
    Starting(String),
    Well,
    /// It worked once, or needs no start, and does not work now, and why.
    Failing(String),
}

impl Finding {
    fn reason(&self) -> Option<&str> {
        match self {
            Finding::Well => None,
            Finding::Starting(reason) | Finding::Failing(reason) => Some(reason),
        }
    }
}

impl From<Result<(), String>> for Finding {
    fn from(result: Result<(), String>) -> Finding {
        result.map_or_else(Finding::Failing, |()| Finding::Well)
    }
}

/// A dependency by its name, with what was found of it last.
#[derive(Debug)]
pub struct Check {
    name: &'static str,
    /// Whether requests are to go elsewhere while it does not work.
    is_required: bool,
    seen: Mutex<Seen>,
}

#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) finding: Finding,
    /// When it began to work, or to fail.
    pub(super) since: Timestamp,
    /// Whether it has ever been found to work, or to need no start.
    pub(super) has_started: bool,
}

impl Check {
    /// A dependency without which requests are to go elsewhere.
    pub fn required(name: &'static str) -> Arc<Check> {
        Check::new(name, true)
    }

    /// A dependency that is reported, and keeps no request away.
    pub fn reported(name: &'static str) -> Arc<Check> {
        Check::new(name, false)
    }

    fn new(name: &'static str, is_required: bool) -> Arc<Check> {
        let finding = Finding::Starting("it was not looked at yet".to_string());
        let seen = Seen { finding, since: Timestamp::now(), has_started: false };
        Arc::new(Check { name, is_required, seen: Mutex::new(seen) })
    }

    /// Takes what was found now. The time since when stays while it only fails for another reason.
    pub fn found(&self, finding: Finding) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // who has worked once does not start again
        let finding = match finding {
            Finding::Starting(why) if seen.has_started => Finding::Failing(why),
            finding => finding,
        };
        if (finding == Finding::Well) != (seen.finding == Finding::Well) {
            seen.since = Timestamp::now();
        }
        seen.has_started |= !matches!(finding, Finding::Starting(_));
        seen.finding = finding;
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The reason, if it was found not to work last.
    pub fn failing(&self) -> Option<String> {
        self.seen().reason().map(str::to_string)
    }

    pub(super) fn is_required(&self) -> bool {
        self.is_required
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Seen {
    pub(super) fn is_well(&self) -> bool {
        self.finding == Finding::Well
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.finding.reason()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_that_has_worked_fails_and_does_not_start_again() {
        let check = Check::required("kafka");
        check.found(Finding::Starting("no broker".into()));
        assert!(!check.seen().has_started);
        check.found(Finding::Well);
        check.found(Finding::Starting("no broker".into()));
        let seen = check.seen();
        assert_eq!(seen.finding, Finding::Failing("no broker".into()));
        assert!(seen.has_started);
    }

    #[test]
    fn another_reason_does_not_change_since_when_it_fails() {
        let check = Check::required("log");
        check.found(Finding::Failing("first".into()));
        let since = check.seen().since;
        check.found(Finding::Failing("second".into()));
        assert_eq!((check.seen().since, check.seen().reason()), (since, Some("second")));
    }
}
