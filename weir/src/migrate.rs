//! `weir migrate`: the flags, as `weir_migrate` takes them.

use std::collections::BTreeMap;

use weir_migrate::{Comparison, Options, Place};

use crate::cli::MigrateArgs;
use crate::config::flags::named;
use crate::error::Error;
use crate::files::read_file;

/// Does what the flags say.
pub async fn run(args: MigrateArgs) -> Result<(), Error> {
    weir_migrate::run(options(&args)?).await.map_err(Error::Migrate)
}

fn options(args: &MigrateArgs) -> Result<Options, Error> {
    let place = |text: &str| text.parse::<Place>().map_err(Error::Place);
    Ok(Options {
        from: place(&args.from)?,
        to: place(&args.to)?,
        comparison: match (args.verify_only, args.verify) {
            (true, _) => Comparison::Only,
            (false, true) => Comparison::Afterwards,
            (false, false) => Comparison::Never,
        },
        force: args.force,
        contexts_as_names: args.contexts_as_names,
        kafka: kafka(&args.kafka)?,
        ca_pem: args.ca.as_deref().map(read_file).transpose()?,
    })
}

/// What `--kafka` says, each time that it is given.
fn kafka(given: &[String]) -> Result<BTreeMap<String, String>, Error> {
    let setting = |text: &String| match named(text) {
        Ok((name, value)) => Ok((name.to_string(), value.to_string())),
        Err(name) => Err(Error::NotASetting { flag: "--kafka", given: name.to_string() }),
    };
    given.iter().map(setting).collect()
}
