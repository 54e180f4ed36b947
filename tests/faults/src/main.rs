//! Three registries on three brokers, while things go wrong: `weir-faults --seed 7 --changes 300`. And records over
//! REST while brokers are killed: `weir-faults doubles --kills 100`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use weir_faults::{DoublesPlan, Plan, doubles, run};

/// Breaks a cluster again and again, and checks all that its clients were answered.
#[derive(Parser)]
struct Args {
    /// What goes wrong in which order, and what clients do.
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
    /// Leader changes.
    #[arg(long, default_value_t = 300)]
    changes: usize,
    #[arg(long, default_value_t = 50)]
    clients: usize,
    /// The binary [default: the one beside this].
    #[arg(long, global = true)]
    weir: Option<PathBuf>,
    /// A flag for `weir serve`; may be given often.
    #[arg(long = "flag", allow_hyphen_values = true)]
    flags: Vec<String>,
    #[command(subcommand)]
    instead: Option<Instead>,
}

#[derive(Subcommand)]
enum Instead {
    /// Kill leaders under writers over REST, and look for records that are lost or written twice.
    Doubles {
        #[arg(long, default_value_t = 100)]
        kills: usize,
        #[arg(long, default_value_t = 8)]
        writers: usize,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let beside = || std::env::current_exe().ok().map(|exe| exe.with_file_name("weir"));
    let Some(weir) = args.weir.or_else(beside).filter(|weir| weir.exists()) else {
        eprintln!("weir-faults: there is no weir here: `cargo build --release`, or --weir PATH");
        return ExitCode::FAILURE;
    };
    if let Some(Instead::Doubles { kills, writers }) = args.instead {
        let plan = DoublesPlan { weir, seed: args.seed, kills, writers };
        let report = doubles(&plan, |line| eprintln!("{line}")).await;
        println!("seed {}\n{report}", args.seed);
        return if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let plan = Plan {
        weir,
        seed: args.seed,
        changes: args.changes,
        clients: args.clients,
        flags: args.flags,
    };
    let report = run(&plan, |line| eprintln!("{line}")).await;
    println!("seed {}\n{report}", args.seed);
    if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
