//! How much of the process strangers may take: flags, Confluent's variables for the same, and what follows from
//! the descriptors that there are.

use std::time::Duration;

use weir_http::Limits;

use crate::cli::LimitArgs;
use crate::confluent::{Env, PROXY_PREFIX, REGISTRY_PREFIX, number};

/// Flags win over the environment of Confluent's servers, and that over what is usual for so many descriptors.
pub fn limits(args: &LimitArgs, env: &Env, descriptors: usize) -> Result<Limits, String> {
    let usual = Limits::for_descriptors(descriptors);
    let count = |given: Option<u64>| given.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let time = |given: Option<u64>, usual| given.map_or(usual, Duration::from_millis);
    let connections_max = match count(args.connections_max) {
        Some(max) => max,
        None => confluents_connections(env)?.unwrap_or(usual.connections_max),
    };
    let idle_timeout_ms = match args.idle_timeout_ms {
        Some(ms) => Some(ms),
        None => both::<u64>(env, "IDLE_TIMEOUT_MS")?.into_iter().filter(|ms| *ms > 0).max(),
    };
    let per_address = count(args.connections_per_address_max);
    Ok(Limits {
        connections_max,
        connections_per_address_max: per_address
            .unwrap_or_else(|| Limits::per_address(connections_max)),
        body_bytes_sum_max: count(args.body_bytes_sum_max).unwrap_or(usual.body_bytes_sum_max),
        body_wait: time(args.body_wait_ms, usual.body_wait),
        body_timeout: time(args.body_timeout_ms, usual.body_timeout),
        answer_stall_timeout: time(args.answer_stall_timeout_ms, usual.answer_stall_timeout),
        answer_timeout: time(args.answer_timeout_ms, usual.answer_timeout),
        idle_timeout: time(idle_timeout_ms, usual.idle_timeout),
    })
}

/// The smallest of those that are set: who limits one server's connections has them limited.
fn confluents_connections(env: &Env) -> Result<Option<usize>, String> {
    let of_servers = both::<usize>(env, "SERVER_CONNECTION_LIMIT")?;
    let of_connectors = both(env, "CONNECTOR_CONNECTION_LIMIT")?;
    Ok(of_servers.into_iter().chain(of_connectors).filter(|max| *max > 0).min())
}

/// A number of the registry's variables and of the proxy's.
fn both<T: std::str::FromStr>(env: &Env, name: &str) -> Result<Vec<T>, String> {
    let mut found = Vec::new();
    for prefix in [REGISTRY_PREFIX, PROXY_PREFIX] {
        found.extend(number(env, &format!("{prefix}{name}"))?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::{Cli, Command};

    fn read(flags: &[&str], env: &[(&str, &str)]) -> Result<Limits, String> {
        let Command::Serve(args) = Cli::parse_from(["weir", "serve"].iter().chain(flags)).command
        else {
            unreachable!("serve was asked for")
        };
        let env = env.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        limits(&args.limits, &env, 1024)
    }

    #[test]
    fn a_limit_is_the_flags_or_confluents_or_the_usual_one() {
        assert_eq!(read(&[], &[]), Ok(Limits::for_descriptors(1024)));
        let confluents = [
            ("SCHEMA_REGISTRY_SERVER_CONNECTION_LIMIT", "100"),
            ("KAFKA_REST_CONNECTOR_CONNECTION_LIMIT", "80"),
            ("KAFKA_REST_SERVER_CONNECTION_LIMIT", "0"),
            ("KAFKA_REST_IDLE_TIMEOUT_MS", "7000"),
        ];
        let found = read(&[], &confluents).unwrap();
        assert_eq!((found.connections_max, found.connections_per_address_max), (80, 40));
        assert_eq!(found.idle_timeout, Duration::from_secs(7));
        let flags = ["--connections-max", "9", "--idle-timeout-ms", "5", "--body-wait-ms", "0"];
        let found = read(&flags, &confluents).unwrap();
        assert_eq!((found.connections_max, found.connections_per_address_max), (9, 4));
        assert_eq!(
            (found.idle_timeout, found.body_wait),
            (Duration::from_millis(5), Duration::ZERO)
        );
        let wrong = ("SCHEMA_REGISTRY_IDLE_TIMEOUT_MS", "soon");
        assert!(read(&[], &[wrong]).unwrap_err().contains(wrong.0));
    }

    /// The document has each flag with its variable and its default.
    #[test]
    fn the_document_has_all_limits() {
        let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/settings.md");
        let document = std::fs::read_to_string(document).unwrap();
        let serve = Cli::command().find_subcommand("serve").unwrap().clone();
        let of_weir = |arg: &&clap::Arg| {
            arg.get_env().is_some_and(|name| name.to_string_lossy().starts_with("WEIR_"))
        };
        let mut seen = 0;
        for arg in serve.get_arguments().filter(of_weir) {
            let name = arg.get_env().unwrap().to_string_lossy().into_owned();
            let row = format!("| `--{}` | `{name}` |", arg.get_long().unwrap());
            assert!(document.contains(&row), "docs/settings.md has no {row}");
            seen += 1;
        }
        assert_eq!(seen, 10);
    }
}
