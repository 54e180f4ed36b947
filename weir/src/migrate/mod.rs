//! `weir migrate`: copies a registry from any place that holds one to any other, and compares them.
//!
//! A place of records (a topic, a folder, a dump) gives its records as they are, so that what is copied
//! from one to another is the log itself. A running registry has only what it shows: it is walked, and
//! filled through its mode IMPORT.

mod backup_v3;
mod contents;
mod dump;
mod foreign;
mod http;
mod import;
mod live;
mod place;
mod progress;
mod records;
mod verify;

use std::collections::BTreeSet;

use tokio::runtime::Handle;

use crate::cli::MigrateArgs;
use crate::settings::{kafka_flags, read_file};
use contents::Reach;
use place::Place;
use progress::Progress;
use records::{Sink, Source};

/// Logs block, so all of it is on a thread of its own.
pub async fn run(args: MigrateArgs) -> Result<(), String> {
    let runtime = Handle::current();
    let done = tokio::task::spawn_blocking(move || migrate(&args, runtime)).await;
    done.map_err(|panic| panic.to_string())?
}

fn migrate(args: &MigrateArgs, runtime: Handle) -> Result<(), String> {
    let (source, target) = (Place::parse(&args.from)?, Place::parse(&args.to)?);
    let compares = args.verify || args.verify_only;
    for place in [&source, &target].into_iter().filter(|place| !place.can_be_read_again()) {
        if compares {
            return Err(format!("{place} cannot be read again to be compared; say a file's name"));
        }
    }
    let reach = reach(args, runtime)?;
    let mut progress = Progress::new();
    if args.verify_only {
        return compare(&source, &target, &reach, &mut progress);
    }
    let copied = match &target {
        Place::Live(_) => to_registry((&source, &target), &reach, args, &mut progress)?,
        _ => to_records((&source, &target), &reach, args.force, &mut progress)?,
    };
    let counted = |count: u64, what: &str| match count {
        0 => String::new(),
        count => format!(", {count} {what}"),
    };
    let passed_over = counted(progress.passed_over, "passed over");
    let missing = counted(progress.missing, "not copied");
    let summary = format!("copied {copied}{passed_over}{missing}: {source} -> {target}");
    match target {
        // where the dump goes
        Place::Pipe => eprintln!("{summary}"),
        _ => println!("{summary}"),
    }
    if progress.missing > 0 {
        return Err("what was not copied is missing in the target".to_string());
    }
    if args.verify {
        return compare(&source, &target, &reach, &mut Progress::quiet());
    }
    Ok(())
}

fn reach(args: &MigrateArgs, runtime: Handle) -> Result<Reach, String> {
    let kafka = kafka_flags(&args.kafka)?;
    let ca_pem = args.ca.as_deref().map(read_file).transpose()?;
    Ok(Reach { kafka, ca_pem, runtime })
}

fn not_empty(place: &Place) -> String {
    format!("{place} is not empty; --force copies to it all the same")
}

/// What was copied, in words.
fn to_registry(
    (source, target): (&Place, &Place),
    reach: &Reach,
    args: &MigrateArgs,
    progress: &mut Progress,
) -> Result<String, String> {
    let force = args.force;
    let api = reach.api(target)?.ok_or_else(|| format!("{target} is no registry"))?;
    reach.runtime.block_on(async {
        api.check().await?;
        match force || live::is_empty(&api).await? {
            true => Ok(()),
            false => Err(not_empty(target)),
        }
    })?;
    let contents = contents::read(source, reach, &BTreeSet::new(), progress)?;
    let in_contexts = verify::subjects_in_contexts(&contents.state);
    let as_names = args.contexts_as_names || in_contexts == 0;
    if !as_names && !reach.runtime.block_on(live::knows_contexts(&api))? {
        return Err(format!(
            "{target} knows no contexts, and {in_contexts} subjects of {source} are in some: each context numbers \
             its schemas for itself, so their ids would take the place of others. Copy to a registry that \
             knows contexts; --contexts-as-names copies all the same"
        ));
    }
    let imported = import::import(&api, &contents.state, force, progress);
    reach.runtime.block_on(imported)?;
    let (subjects, versions) = verify::counts(&contents.state);
    Ok(format!("{subjects} subjects, {versions} versions"))
}

fn to_records(
    (source, target): (&Place, &Place),
    reach: &Reach,
    force: bool,
    progress: &mut Progress,
) -> Result<String, String> {
    if let Some(api) = reach.api(source)? {
        reach.runtime.block_on(api.check())?;
        let mut sink = Sink::open(target, &reach.kafka, force)?;
        let state = reach.runtime.block_on(live::walk(&api, &BTreeSet::new(), progress))?.state;
        for (offset, record) in (0..).zip(state.records()) {
            sink.push(offset, live::dated(&state, &record), progress)?;
        }
        sink.finish()?;
        let (subjects, versions) = verify::counts(&state);
        return Ok(format!("{subjects} subjects, {versions} versions"));
    }
    let source = Source::open(source, &reach.kafka)?;
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

/// An error if they differ.
fn compare(
    source: &Place,
    target: &Place,
    reach: &Reach,
    progress: &mut Progress,
) -> Result<(), String> {
    let a = contents::read(source, reach, &BTreeSet::new(), progress)?;
    let b = contents::read(target, reach, &verify::configured(&a.state), progress)?;
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
            let (subjects, versions) = verify::counts(&a.state);
            println!("same: {subjects} subjects, {versions} versions");
            Ok(())
        }
        count => Err(format!("{source} and {target} differ in {count} places")),
    }
}
