//! A `weir` with access control: its files, its users, and the provider of its tokens.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, RequestBuilder};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Answer, Api};

use crate::process::Weir;

pub const PASSWORD: &str = "correct horse battery staple";
pub const ISSUER: &str = "https://provider.example";
pub const AUDIENCE: &str = "weir";

/// Alice owns what begins with `orders`, Bob reads it, the group `platform` may do everything.
pub const RULES: &str = r#"
[[rule]]
name = "owner"
allow = ["read", "write", "delete", "configure"]
to = ["user:alice"]
on = ["subject:orders*", "topic:orders*", "group:orders*"]

[[rule]]
name = "readers"
allow = ["read"]
to = ["user:bob", "group:analysts"]
on = ["subject:orders*", "topic:orders*"]

[[rule]]
name = "carol"
allow = ["read", "write"]
to = ["user:carol"]
on = ["subject:payments*"]

[[grant]]
role = "admin"
to = ["group:platform"]
on = ["*"]
"#;

/// The files that a `weir` with access control is told of.
pub struct House {
    folder: TempDir,
    provider: Ed25519KeyPair,
}

/// What somebody shows.
#[derive(Clone, Debug)]
pub enum Login {
    Nobody,
    Password(String, String),
    Bearer(String),
}

impl House {
    /// With rules, the users alice, bob and carol who have one password, and no keys.
    pub fn new(rules: &str) -> House {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let provider = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let house = House { folder: tempfile::tempdir().unwrap(), provider };
        std::fs::write(house.path("access.toml"), rules).unwrap();
        std::fs::write(house.path("jwks.json"), house.provider_keys().to_string()).unwrap();
        for user in ["alice", "bob", "carol"] {
            house.add_user(user, &[]);
        }
        house
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_string()
    }

    /// Runs a command of `weir` with something to read, and returns what it prints.
    pub fn command(&self, args: &[&str], input: &str) -> String {
        let mut command = Weir::command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn add_user(&self, name: &str, more: &[&str]) {
        let file = self.text("users");
        let args = ["user", "add", name, "--file", &file];
        self.command(&[&args, more].concat(), &format!("{PASSWORD}\n"));
    }

    /// Settings of access control by password and token, with the rules and an audit log.
    pub fn settings(&self) -> Vec<String> {
        let of = |flag: &str, value: String| [flag.to_string(), value];
        [
            of("--access-rules", self.text("access.toml")),
            of("--access-users", self.text("users")),
            of("--access-audit-log", self.text("audit.log")),
            of("--oidc-issuer", ISSUER.to_string()),
            of("--oidc-audience", AUDIENCE.to_string()),
            of("--oidc-jwks-file", self.text("jwks.json")),
        ]
        .concat()
    }

    /// A registry in memory with these settings and more.
    pub fn registry(&self, more: &[&str]) -> (Weir, Api) {
        let fixed = ["serve", "--roles", "registry", "--store", "memory"];
        let fixed = fixed.iter().chain(&["--registry-listener", "127.0.0.1:0"]);
        let settings = self.settings();
        let args: Vec<&str> = fixed
            .copied()
            .chain(settings.iter().map(String::as_str))
            .chain(more.iter().copied())
            .collect();
        let mut weir = Weir::start(&args);
        let api = weir.api("registry on");
        (weir, api)
    }

    fn provider_keys(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.provider.public_key());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "1", "x": x}]})
    }

    /// A token with these claims and the usual others.
    pub fn token(&self, claims: Value) -> Login {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut all = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": now + 600, "iat": now});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let header = json!({"alg": "EdDSA", "kid": "1", "typ": "at+jwt"});
        let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", part(&header), part(&all));
        let signature = URL_SAFE_NO_PAD.encode(self.provider.sign(signed.as_bytes()));
        Login::Bearer(format!("{signed}.{signature}"))
    }

    /// A token of somebody in the group `platform`.
    pub fn admin(&self) -> Login {
        self.token(json!({"sub": "dana", "groups": ["platform"]}))
    }

    /// The lines of the audit log.
    pub fn audited(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("audit.log")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A user with the password that all have.
pub fn user(name: &str) -> Login {
    Login::Password(name.to_string(), PASSWORD.to_string())
}

impl Login {
    pub fn on(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Login::Nobody => request,
            Login::Password(user, password) => request.basic_auth(user, Some(password)),
            Login::Bearer(token) => request.bearer_auth(token),
        }
    }

    pub async fn get(&self, api: &Api, path: &str) -> Answer {
        api.send(self.on(api.request(Method::GET, path))).await
    }

    pub async fn send(&self, api: &Api, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.on(api.request(method, path)).body(body.to_string());
        let media_type = "application/vnd.schemaregistry.v1+json";
        api.send(request.header("content-type", media_type)).await
    }

    /// Registers a record of a name.
    pub async fn register(&self, api: &Api, subject: &str, name: &str) -> Answer {
        let path = format!("/subjects/{subject}/versions");
        self.send(api, Method::POST, &path, &schema(name)).await
    }
}

/// A record of a name, as a request.
pub fn schema(name: &str) -> Value {
    let schema = json!({"type": "record", "name": name, "fields": []}).to_string();
    json!({"schema": schema})
}
