//! `weir access check`: what rules say of somebody, or what is wrong with them. Starts nothing.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use weir_access::{Identity, Policy, Resource};

use crate::admission::text_of;
use crate::cli::AccessCheckArgs;
use crate::config;
use crate::confluent::Env;
use crate::error::Error;
use crate::write_out;

/// The exit code where something is denied.
const DENIED: u8 = 1;

/// The exit code where there is no verdict: rules or arguments are wrong, or cannot be read.
const NO_VERDICT: u8 = 2;

/// Runs the command. The exit code is 0 if the action is allowed, or the rules are right where nothing else is asked.
pub fn run(args: &AccessCheckArgs, env: &Env) -> ExitCode {
    match answer(args, env) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("weir: {error}");
            ExitCode::from(NO_VERDICT)
        }
    }
}

fn answer(args: &AccessCheckArgs, env: &Env) -> Result<ExitCode, Error> {
    let Some(file) = rules_file(args, env)? else {
        eprintln!("weir: no rules: say --rules FILE, for no setting access.rules names one");
        return Ok(ExitCode::from(NO_VERDICT));
    };
    let policy = match Policy::parse(&text_of(&file)?) {
        Ok(policy) => policy,
        Err(problems) => {
            // without the name of the program, so that lines are as those of a compiler
            let file = file.display();
            let lines = problems.iter().map(|problem| format!("{file}:{problem}\n"));
            write_out(&lines.collect::<String>())?;
            match problems.len() {
                1 => eprintln!("weir: one mistake in the rules"),
                count => eprintln!("weir: {count} mistakes in the rules"),
            }
            return Ok(ExitCode::from(NO_VERDICT));
        }
    };
    match question(args) {
        None => {
            write_out(&format!("{}: nothing is wrong\n", file.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Ok(question)) => question.answer(&policy, &file),
        Some(Err(why)) => {
            eprintln!("weir: {why}");
            Ok(ExitCode::from(NO_VERDICT))
        }
    }
}

/// The file that a flag names, or the settings of `weir serve`.
fn rules_file(args: &AccessCheckArgs, env: &Env) -> Result<Option<PathBuf>, Error> {
    match &args.rules {
        Some(file) => Ok(Some(file.clone())),
        None => config::rules_file(env),
    }
}

/// Who is asked about, and what.
struct Question<'a> {
    args: &'a AccessCheckArgs,
    identity: Identity,
    action: weir_access::Action,
    resource: Resource<'a>,
}

/// What is asked, if anything is.
fn question(args: &AccessCheckArgs) -> Option<Result<Question<'_>, String>> {
    let (principal, action, resource) = (&args.principal, args.action, &args.resource);
    let (Some(principal), Some(action), Some(resource)) = (principal, action, resource) else {
        return None;
    };
    let identity = Identity::assumed(principal, &args.groups, &args.roles);
    let resource = Resource::parse(resource);
    Some(identity.and_then(|identity| Ok(Question { args, identity, action, resource: resource? })))
}

impl Question<'_> {
    fn answer(&self, policy: &Policy, file: &Path) -> Result<ExitCode, Error> {
        let rights = policy.rights(&self.identity);
        let verdict = rights.verdict(self.action, self.resource);
        let rule = match verdict.rule {
            Some(rule) => format!("rule {}, {}:{}", rule.name, file.display(), rule.line),
            None => "no rule allows it".into(),
        };
        let (said, may) = match verdict.allowed {
            true => ("allowed", "may"),
            false => ("denied", "may not"),
        };
        let who = self.args.principal.as_deref().unwrap_or_default();
        write_out(&format!("{said}: {who} {may} {} {} ({rule})\n", self.action, self.resource))?;
        Ok(if verdict.allowed { ExitCode::SUCCESS } else { ExitCode::from(DENIED) })
    }
}
