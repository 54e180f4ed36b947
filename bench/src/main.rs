//! `weir-bench`: what Weir claims about speed, runnable by anyone. README.md says how to read it.
//!
//! Where a process is measured, it is the binary that is packaged, as a child with its own ports and its own
//! folder. What it is compared with is measured in the same run, in turns with it.

mod access;
mod attack;
mod avro;
mod bare_axum;
mod check;
mod cluster;
mod disk;
mod get_by_id;
mod http;
mod kafka;
mod load;
mod numbers;
mod observe;
mod process;
mod produce;
mod producer;
mod register;
mod relay;
mod rest;
mod rules;
mod server;
mod size;
mod spread;
mod startup;
mod table;
mod ways;

use std::process::ExitCode;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const USAGE: &str = "usage: cargo run --profile dist -p weir-bench -- \
                     startup|get-by-id|access|observe|register|size|check|cluster|produce|spread|rest|rules|avro|all|attack [NAME]";

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("weir-bench: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &[&str]) -> Result {
    if cfg!(debug_assertions) {
        return Err("a debug build tells nothing: say --profile dist".into());
    }
    match args {
        ["startup"] => startup::run().await,
        ["get-by-id"] => get_by_id::run().await,
        ["access"] => access::run().await,
        ["observe"] => observe::run().await,
        ["register"] => register::run().await,
        ["size"] => size::run().await,
        ["check"] => check::run().await,
        ["cluster"] => cluster::run().await,
        ["produce"] => produce::run().await,
        ["spread"] => spread::run().await,
        ["rest"] => rest::run().await,
        ["rules"] => rules::run(),
        ["avro"] => avro::run(),
        ["all"] => {
            startup::run().await?;
            get_by_id::run().await?;
            access::run().await?;
            observe::run().await?;
            register::run().await?;
            size::run().await?;
            check::run().await?;
            cluster::run().await?;
            produce::run().await?;
            spread::run().await?;
            rest::run().await?;
            rules::run()?;
            avro::run()
        }
        ["attack"] => attack::run("all").await,
        ["attack", which] => attack::run(which).await,
        ["bare-axum", port] => bare_axum::run(port.parse()?).await,
        _ => Err(USAGE.into()),
    }
}
