//! `weir migrate`: the flags, as `weir_migrate` takes them.

use weir_migrate::{Comparison, Options, Place};

use crate::cli::MigrateArgs;
use crate::settings::{kafka_flags, read_file};

/// Does what the flags say. The error is what is to be told.
pub async fn run(args: MigrateArgs) -> Result<(), String> {
    weir_migrate::run(options(&args)?).await.map_err(|error| error.to_string())
}

fn options(args: &MigrateArgs) -> Result<Options, String> {
    let place = |text: &str| text.parse::<Place>().map_err(|error| error.to_string());
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
        kafka: kafka_flags(&args.kafka)?,
        ca_pem: args.ca.as_deref().map(read_file).transpose()?,
    })
}
