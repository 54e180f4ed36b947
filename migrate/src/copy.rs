//! A migration from its beginning to its end.

use std::collections::BTreeSet;

use reqwest::Url;
use tokio::runtime::Handle;

use crate::error::MigrateError;
use crate::options::{Comparison, Options};
use crate::place::{Place, Store};
use crate::progress::Progress;
use crate::reach::Reach;
use crate::records::{Sink, Source};
use crate::{import, live, verify};

/// Does what the options say, and prints what it has done; how far it is goes to stderr.
///
/// To be called within a runtime. Logs block, so all of it is on a thread of its own.
pub async fn run(options: Options) -> Result<(), MigrateError> {
    let runtime = Handle::current();
    let done = tokio::task::spawn_blocking(move || migrate(options, runtime)).await;
    done.map_err(MigrateError::Panicked)?
}

fn migrate(options: Options, runtime: Handle) -> Result<(), MigrateError> {
    let Options { from: source, to: target, comparison, force, .. } = options;
    if comparison != Comparison::Never {
        let places = [&source, &target];
        if let Some(place) = places.into_iter().find(|place| !place.can_be_read_again()) {
            return Err(MigrateError::ReadOnce(place.clone()));
        }
    }
    let reach = Reach { kafka: options.kafka, ca_pem: options.ca_pem, runtime };
    let mut progress = Progress::new();
    if comparison == Comparison::Only {
        return compare(&source, &target, &reach, &mut progress);
    }
    let copied = match &target {
        Place::Registry(url) => {
            let forced = Forced { force, contexts_as_names: options.contexts_as_names };
            to_registry(&source, (&target, url), &reach, forced, &mut progress)?
        }
        Place::Records(store) => to_records(&source, store, &reach, force, &mut progress)?,
    };
    let counted = |count: u64, what: &str| match count {
        0 => String::new(),
        count => format!(", {count} {what}"),
    };
    let passed_over = counted(progress.passed_over, "passed over");
    let missing = counted(progress.missing, "not copied");
    let summary = format!("copied {copied}{passed_over}{missing}: {source} -> {target}");
    match target {
        // stdout is where the dump goes
        Place::Records(Store::Pipe) => eprintln!("{summary}"),
        _ => println!("{summary}"),
    }
    if progress.missing > 0 {
        return Err(MigrateError::Incomplete);
    }
    match comparison {
        Comparison::Afterwards => compare(&source, &target, &reach, &mut Progress::quiet()),
        Comparison::Never | Comparison::Only => Ok(()),
    }
}

/// What a user has said that a running registry is to be filled in spite of.
#[derive(Clone, Copy)]
struct Forced {
    /// It holds something.
    force: bool,
    /// It knows no contexts, and the source does.
    contexts_as_names: bool,
}

/// Fills a running registry. Returns what was copied, in words.
fn to_registry(
    source: &Place,
    (target, url): (&Place, &Url),
    reach: &Reach,
    forced: Forced,
    progress: &mut Progress,
) -> Result<String, MigrateError> {
    let api = reach.api(url)?;
    reach.runtime.block_on(async {
        api.check().await?;
        match forced.force || live::is_empty(&api).await? {
            true => Ok(()),
            false => Err(MigrateError::NotEmpty(target.clone())),
        }
    })?;
    let contents = reach.read(source, &BTreeSet::new(), progress)?;
    let subjects = verify::subjects_in_contexts(&contents.state);
    let as_names = forced.contexts_as_names || subjects == 0;
    if !as_names && !reach.runtime.block_on(live::knows_contexts(&api))? {
        let (source, target) = (Box::new(source.clone()), Box::new(target.clone()));
        return Err(MigrateError::KnowsNoContexts { source, target, subjects });
    }
    let imported = import::import(&api, &contents.state, forced.force, progress);
    reach.runtime.block_on(imported)?;
    Ok(counts(&contents.state))
}

/// Writes the records of a log, or those that a running registry would have. Returns what was copied, in words.
fn to_records(
    source: &Place,
    target: &Store,
    reach: &Reach,
    force: bool,
    progress: &mut Progress,
) -> Result<String, MigrateError> {
    let source = match source {
        Place::Records(store) => Source::open(store, &reach.kafka)?,
        Place::Registry(url) => {
            let api = reach.api(url)?;
            reach.runtime.block_on(api.check())?;
            let mut sink = Sink::open(target, &reach.kafka, force)?;
            let asked = BTreeSet::new();
            let state = reach.runtime.block_on(live::walk(&api, &asked, progress))?.state;
            for (offset, record) in (0..).zip(state.records()) {
                sink.push(offset, live::dated(&state, &record), progress)?;
            }
            sink.finish()?;
            return Ok(counts(&state));
        }
    };
    let mut sink = Sink::open(target, &reach.kafka, force)?;
    let mut count: u64 = 0;
    source.read(&mut |offset, record| {
        count += u64::from(sink.push(offset, record, progress)?);
        progress.say(|| format!("copied {count} records"));
        Ok(())
    })?;
    sink.finish()?;
    Ok(format!("{count} records"))
}

/// Prints what the two differ in. An error if there is something.
fn compare(
    source: &Place,
    target: &Place,
    reach: &Reach,
    progress: &mut Progress,
) -> Result<(), MigrateError> {
    let a = reach.read(source, &BTreeSet::new(), progress)?;
    let b = reach.read(target, &verify::configured(&a.state), progress)?;
    let differences = verify::differences(&a, &b);
    for difference in &differences.lines {
        println!("{difference}");
    }
    if differences.reprinted > 0 {
        let count = differences.reprinted;
        println!("{count} versions are printed in another way, and have other guids");
    }
    match differences.lines.len() {
        0 => {
            println!("same: {}", counts(&a.state));
            Ok(())
        }
        places => {
            let (source, target) = (Box::new(source.clone()), Box::new(target.clone()));
            Err(MigrateError::Different { source, target, places })
        }
    }
}

/// How many subjects and versions a state has, in words.
fn counts(state: &weir_registry_core::State) -> String {
    let (subjects, versions) = verify::counts(state);
    format!("{subjects} subjects, {versions} versions")
}
