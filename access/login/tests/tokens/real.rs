//! A provider that others have written, unchanged: oidc-provider for node, which is a certified OpenID Connect provider.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use weir_login::TokenVerifier;
use weir_login::tokens::{TokenOptions, Tokens};

use crate::{AUDIENCE, refused};

/// The folder of node's packages; `tests/run` installs them.
const VARIABLE: &str = "WEIR_TEST_NODE";

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/node/provider.mjs");

/// The provider in a process of its own, which ends with the test.
struct Node {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    issuer: String,
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
}

impl Node {
    /// Returns none where node's packages are not installed. In CI they have to be.
    fn start() -> Option<Node> {
        if std::env::var_os(VARIABLE).is_none() {
            let why = format!("skipped provider.mjs: no {VARIABLE}; `tests/run` sets it");
            assert!(std::env::var_os("CI").is_none(), "{why}");
            eprintln!("{why}");
            return None;
        }
        let mut process = Command::new("node")
            .arg(SCRIPT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut node = Node { process, input, output, issuer: String::new() };
        node.issuer = node.line(|line| line.starts_with("http://"));
        Some(node)
    }

    /// Lets the provider do something.
    fn tell(&mut self, command: &str) {
        writeln!(self.input, "{command}").unwrap();
        self.line(|line| line == command);
    }

    /// The next line that is meant for a test: the provider's own notices come between.
    fn line(&mut self, is_meant: impl Fn(&str) -> bool) -> String {
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the provider has ended");
            if is_meant(line.trim_end()) {
                return line.trim_end().to_string();
            }
        }
    }

    fn options(&self) -> TokenOptions {
        TokenOptions {
            issuer: self.issuer.clone(),
            audiences: vec![AUDIENCE.to_string()],
            groups_claim: Some("groups".to_string()),
            client_ids: vec!["app".to_string()],
            token_types: vec!["at+jwt".to_string()],
            required_scopes: vec!["weir.read".to_string()],
            ..TokenOptions::default()
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A token for the client's own credentials.
async fn token(http: &reqwest::Client, issuer: &str, scope: &str) -> String {
    let response = http
        .post(format!("{issuer}/token"))
        .basic_auth("app", Some("secret"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("grant_type=client_credentials&scope={scope}"))
        .send()
        .await
        .unwrap();
    let text = response.text().await.unwrap();
    serde_json::from_str::<Given>(&text).unwrap_or_else(|e| panic!("{e}: {text}")).access_token
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

#[tokio::test]
async fn tokens_of_a_real_provider_are_taken() {
    let Some(node) = Node::start() else { return };
    let tokens = Tokens::start(node.options()).unwrap();
    let token = token(&http(), &node.issuer, "weir.read").await;
    let identity = tokens.verify(&token).await.unwrap().identity;
    assert_eq!(&*identity.name, "app");
    assert_eq!(identity.groups.iter().map(|group| &**group).collect::<Vec<_>>(), ["crew", "tower"]);
    assert_eq!(identity.roles.iter().map(|role| &**role).collect::<Vec<_>>(), ["scope:weir.read"]);
    let other = self::token(&http(), &node.issuer, "weir.write").await;
    refused(tokens.verify(&other).await, "lacks the scope");
}

/// The provider signs with a new key at once, of another kind each time, while tokens are asked for and used.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_of_a_real_provider_rotate_under_load_without_a_failure() {
    const ROTATIONS: usize = 3;
    const TOKENS_EACH: usize = 40;
    let Some(mut node) = Node::start() else { return };
    let options = TokenOptions { unknown_key_pause: std::time::Duration::ZERO, ..node.options() };
    let tokens = Arc::new(Tokens::start(options).unwrap());
    let issuer = node.issuer.clone();
    let first = token(&http(), &issuer, "weir.read").await;
    let used = Arc::new(Mutex::new(0));
    let bearers: Vec<_> = (0..4)
        .map(|_| {
            let (tokens, used, issuer) = (tokens.clone(), used.clone(), issuer.clone());
            tokio::spawn(async move {
                let http = http();
                loop {
                    let token = token(&http, &issuer, "weir.read").await;
                    tokens.verify(&token).await.unwrap();
                    let mut used = used.lock().unwrap();
                    *used += 1;
                    if *used >= (ROTATIONS + 1) * TOKENS_EACH {
                        return;
                    }
                }
            })
        })
        .collect();
    for rotation in 1..=ROTATIONS {
        while *used.lock().unwrap() < rotation * TOKENS_EACH {
            assert!(!bearers.iter().any(|bearer| bearer.is_finished()), "a token was refused");
            tokio::task::yield_now().await;
        }
        tokio::task::block_in_place(|| node.tell("rotate"));
    }
    for bearer in bearers {
        bearer.await.unwrap();
    }
    assert_eq!(tokens.generation(), 0);
    // a key that is withdrawn is known until the keys are fetched again, here for a token of the newest
    assert!(tokens.verify(&first).await.is_ok());
    tokio::task::block_in_place(|| {
        node.tell("rotate");
        node.tell("withdraw");
    });
    let newest = token(&http(), &issuer, "weir.read").await;
    assert!(tokens.verify(&newest).await.is_ok());
    refused(tokens.verify(&first).await, "is not the provider's");
    assert_eq!(tokens.generation(), 1);
}
