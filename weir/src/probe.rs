//! `weir probe`: asks a server of this machine how it is, for health checks of images without curl, and for scripts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use weir_http::{AllowedHost, Certificate};

use crate::cli::ProbeArgs;
use crate::config::Configuration;
use crate::confluent::Env;
use crate::error::Error;
use crate::face::{Face, FaceListener};
use crate::settings::Settings;
use crate::shown_url::shown_url;
use crate::tls::own_client;

/// Bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A server to ask, and what to ask it with.
struct Target {
    url: Url,
    /// The name to ask for, where the listener wants one.
    host: Option<String>,
    client: reqwest::Client,
}

/// What a server has answered.
enum Outcome {
    Good(String),
    Bad(String),
}

/// Part of what a server says of itself.
#[derive(Deserialize)]
struct Said {
    status: String,
    reason: Option<String>,
    #[serde(default)]
    checks: Vec<SaidCheck>,
}

#[derive(Deserialize)]
struct SaidCheck {
    name: String,
    ok: bool,
    #[serde(default = "yes")]
    required: bool,
    since: Option<String>,
    reason: Option<String>,
}

fn yes() -> bool {
    true
}

/// Asks, and prints a line for each server that was asked. The exit code is 0 if all of them are as they should be, else 1.
pub fn run(args: &ProbeArgs, env: &Env) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let targets = match &args.url {
        Some(url) => given(url, args).map(|target| vec![target]),
        None => configured(args, env),
    };
    let targets = match targets {
        Ok(targets) => targets,
        Err(error) => return failed(&error),
    };
    let mut is_good = true;
    for target in targets {
        let timeout = Duration::from_millis(args.timeout_ms);
        let asked = runtime.block_on(async { tokio::time::timeout(timeout, ask(&target)).await });
        let outcome = asked
            .unwrap_or_else(|_| Outcome::Bad(format!("no answer within {} ms", args.timeout_ms)));
        let (good, line) = match outcome {
            Outcome::Good(line) => (true, line),
            Outcome::Bad(line) => (false, line),
        };
        is_good &= good;
        say(&format!("{}: {line}", shown_url(target.url.as_str())));
    }
    // whatever still looks a name up is not waited for
    runtime.shutdown_background();
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn failed(error: &dyn fmt::Display) -> ExitCode {
    say(&format!("cannot ask: {error}"));
    ExitCode::FAILURE
}

fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}"); // nobody may be reading
}

/// The server that the command line names. One on loopback may show any certificate.
fn given(text: &str, args: &ProbeArgs) -> Result<Target, Error> {
    let text = if text.contains("://") { text.to_string() } else { format!("http://{text}") };
    let wrong = |why: &dyn fmt::Display| Error::Probe(format!("{}: {why}", shown_url(&text)));
    let mut url = Url::parse(&text).map_err(|error| wrong(&error))?;
    let host = url.host_str().ok_or_else(|| wrong(&"there is no host"))?;
    let is_loopback = host == "localhost"
        || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    let path = url.path().trim_end_matches('/').to_string();
    if !["/healthz", "/readyz", "/startupz"].iter().any(|probe| path.ends_with(probe)) {
        url.set_path(&format!("{path}{}", args.path()));
    }
    install_cryptography();
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_danger_accept_invalid_certs(is_loopback);
    let client = client.build().map_err(Error::HttpClient)?;
    Ok(Target { url, host: None, client })
}

/// The servers that `weir serve` runs with the same settings: the management listener if there is one, which knows of all
/// that runs, else the first listener of each product.
fn configured(args: &ProbeArgs, env: &Env) -> Result<Vec<Target>, Error> {
    install_cryptography();
    let Configuration { settings, .. } = Configuration::of_serve(&args.flags.0, env)?;
    let Settings { registry, proxy, management, .. } = &settings;
    let faces: &[&Face] = match management.listeners.is_empty() {
        true => &[registry, proxy],
        false => &[management],
    };
    // an http listener has nothing to agree on
    let asked = |face: &&Face| {
        let clear = face.listeners.iter().find(|listener| !listener.https);
        clear.or(face.listeners.first()).cloned()
    };
    let targets = faces.iter().filter_map(asked);
    targets.map(|listener| of_listener(&listener, args)).collect()
}

fn of_listener(listener: &FaceListener, args: &ProbeArgs) -> Result<Target, Error> {
    let wrong = |why: &dyn fmt::Display| Error::Probe(format!("{}: {why}", listener.url));
    let mut address = listener.url.resolve().map_err(|error| wrong(&error))?;
    if address.port() == 0 {
        return Err(wrong(&"its port is not known before it is open: say which URL to ask"));
    }
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let scheme = if listener.https { "https" } else { "http" };
    let url = format!("{scheme}://{address}{}{}", listener.url.prefix, args.path());
    let url = Url::parse(&url).map_err(|error| wrong(&error))?;
    let client = match &listener.tls {
        // as the process itself asks its own listeners: by the certificate that they show, whatever names are in it
        Some(tls) => {
            let certificate =
                Certificate::open(tls.identity.clone()).map_err(Error::Certificate)?;
            own_client(certificate)?
        }
        None => reqwest::Client::builder().no_proxy().build().map_err(Error::HttpClient)?,
    };
    let host = listener.url.params.hosts.iter().find_map(|host| match host {
        AllowedHost::Any => None,
        AllowedHost::Named { name, port: Some(port) } => Some(format!("{name}:{port}")),
        AllowedHost::Named { name, port: None } => Some(name.clone()),
    });
    Ok(Target { url, host, client })
}

async fn ask(target: &Target) -> Outcome {
    let mut request = target.client.get(target.url.clone());
    if let Some(host) = &target.host {
        request = request.header("host", host);
    }
    let mut answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return Outcome::Bad(cause(&error)),
    };
    let status = answer.status();
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    let said = match serde_json::from_slice::<Said>(&body) {
        Ok(said) => said.line(),
        Err(_) => format!("{status}, and the answer is not that of a probe"),
    };
    match status.is_success() {
        true => Outcome::Good(said),
        false => Outcome::Bad(said),
    }
}

impl Said {
    fn line(&self) -> String {
        let checks = self.checks.iter().filter(|check| !check.ok && check.required);
        let checks = checks.map(|check| {
            let reason = check.reason.as_deref().unwrap_or("it does not work");
            let since = check.since.as_ref().map(|since| format!(" (since {since})"));
            format!("{}: {reason}{}", check.name, since.unwrap_or_default())
        });
        let reasons: Vec<String> = self.reason.iter().cloned().chain(checks).collect();
        let line = match reasons.is_empty() {
            true => self.status.clone(),
            false => format!("{}: {}", self.status, reasons.join("; ")),
        };
        line.replace(char::is_control, " ")
    }
}

/// What has happened: the last of the errors that are behind one.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    match last.downcast_ref::<std::io::Error>() {
        // without the number of the system's error
        Some(error) if error.raw_os_error().is_some() => error.kind().to_string(),
        _ => last.to_string(),
    }
}

fn install_cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default(); // it may be there
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_what_keeps_requests_away_and_nothing_else() {
        let said: Said = serde_json::from_str(
            r#"{"status":"not ready","checks":[
                {"name":"log","ok":true,"required":true,"since":"2026-11-29T12:00:00Z"},
                {"name":"kafka","ok":false,"required":true,"since":"2026-11-29T12:00:00Z","reason":"refused"},
                {"name":"certificate","ok":false,"required":false,"reason":"expired"}]}"#,
        )
        .unwrap();
        assert_eq!(said.line(), "not ready: kafka: refused (since 2026-11-29T12:00:00Z)");
        let said: Said = serde_json::from_str(r#"{"status":"draining"}"#).unwrap();
        assert_eq!(said.line(), "draining");
    }
}
