//! Any text as `access.toml`: it is read, or refused with places that are in it; what is read answers every question, and says
//! the same of a name whether it is asked for all or for one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_access::{Action, Identity, Kind, Policy, Proof, Resource};

fuzz_target!(|text: &str| {
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(problems) => {
            assert!(!problems.is_empty(), "a refusal says why");
            let lines = text.matches('\n').count() + 1;
            assert!(problems.iter().all(|problem| (1..=lines).contains(&problem.line)));
            return;
        }
    };
    let caller = Identity {
        groups: ["g".into()].into(),
        roles: ["r".into()].into(),
        ..Identity::new("u", Proof::Password)
    };
    for identity in [caller, Identity::anonymous()] {
        let rights = policy.rights(&identity);
        for kind in Kind::ALL {
            for (action, name) in Action::ALL.into_iter().flat_map(|a| [(a, "a"), (a, "")]) {
                let verdict = rights.verdict(action, Resource { kind, name });
                assert!(!verdict.allowed || verdict.rule.is_some(), "what is allowed has a rule");
                assert!(verdict.allowed || !rights.on_all(action, kind));
                assert!(!verdict.allowed || rights.on_any(action, kind));
            }
        }
    }
});
