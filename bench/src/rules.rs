//! `rules`: what the rules of `access.toml` cost by themselves: reading them, the rights of a principal, and a verdict.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use weir_access::{Action, Identity, Policy, Proof, Resource};

use crate::Result;
use crate::table::Table;

/// Rules that concern the principal, beside as many that concern others. Half of them name a subject, half a prefix.
const RULES: usize = 10_000;

const ROUNDS: usize = 20;

pub fn run() -> Result {
    let text = rules();
    let mut table = Table::new(&format!(
        "rules: {RULES} rules for a principal and as many for others, {} bytes; {ROUNDS} rounds",
        text.len()
    ));
    let read = || Policy::parse(&text).map_err(|problems| format!("{problems:?}"));
    let policy = read()?;
    table.row("reading the file, ms", &rounds(1e3, 1, || drop(black_box(read()))));
    let (alice, other) = (identity("alice"), identity("user-7"));
    let rights = |who: &Identity| drop(black_box(policy.rights(who)));
    table.row("rights of the principal, us", &rounds(1e6, 1, || rights(&alice)));
    table.row("rights of another, us", &rounds(1e6, 1, || rights(&other)));
    let rights = policy.rights(&alice);
    for (what, name) in
        [("a name", name as fn(usize) -> String), ("a prefix", longer), ("no rule", unknown)]
    {
        // in another order than that of the rules
        let names: Vec<String> = (0..RULES / 2).map(|n| name(n * 7919 % (RULES / 2))).collect();
        let verdicts = || {
            for name in &names {
                black_box(rights.verdict(Action::Read, Resource::subject(name)));
            }
        };
        table.row(&format!("verdict by {what}, ns"), &rounds(1e9, names.len(), verdicts));
    }
    table.print();
    Ok(())
}

fn identity(name: &str) -> Identity {
    Identity::new(name, Proof::Password)
}

fn name(n: usize) -> String {
    format!("orders-{n}-value")
}

fn longer(n: usize) -> String {
    format!("team-{n}-value")
}

fn unknown(n: usize) -> String {
    format!("payments-{n}-value")
}

fn rules() -> String {
    let mut text = String::new();
    for n in 0..RULES {
        let on = if n % 2 == 0 { name(n / 2) } else { format!("team-{}-*", n / 2) };
        for to in ["alice", &format!("user-{n}")] {
            let rule = format!("[[rule]]\nallow = 'read'\nto = 'user:{to}'\non = 'subject:{on}'\n");
            let _ = text.write_str(&rule);
        }
    }
    text
}

/// How long one of `count` calls takes that `work` makes, in `unit`s of a second, in each round.
fn rounds(unit: f64, count: usize, work: impl Fn()) -> Vec<f64> {
    let round = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * unit / count as f64
    };
    (0..ROUNDS).map(round).collect()
}
