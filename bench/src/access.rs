//! `access`: what it costs to know who asks and what they may do, on `GET /schemas/ids/{id}` over TLS on kept connections:
//! a cached password, a cached token, each with 10,000 rules, beside the same server without access control.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::CertificateParams;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::Result;
use crate::server::{self, Server};
use crate::ways::{self, SUBJECT, Way};

/// Rules that concern the principal, beside as many that concern others.
const RULES: usize = 10_000;

const PASSWORD: &str = "a password of the benchmark";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "weir";

pub async fn run() -> Result {
    server::build()?;
    let folder = server::folder()?;
    let files = Files::write(folder.path())?;
    let mut ways = Vec::new();
    let way = |name, args: &[&str], authorization: Option<String>| -> Result<Way> {
        let (cert, key) = (files.path("cert.pem"), files.path("key.pem"));
        let tls = ["--store", "memory", "--tls-cert", &cert, "--tls-key", &key];
        let server = Server::registry(&[&tls, args].concat())?;
        let mut way = Way::new(name, server);
        (way.authorization, way.tls) = (authorization, Some(files.tls.clone()));
        Ok(way)
    };
    let (users, rules) = (files.path("users"), files.path("access.toml"));
    let jwks = files.path("jwks.json");
    ways.push(way("TLS alone", &[], None)?);
    let basic = format!("Basic {}", STANDARD.encode(format!("alice:{PASSWORD}")));
    let login = ["--access-users", &users, "--access-rules", &rules];
    ways.push(way("password, rules", &login, Some(basic))?);
    let bearer = format!("Bearer {}", files.token);
    let login = ["--oidc-issuer", ISSUER, "--oidc-audience", AUDIENCE, "--oidc-jwks-file", &jwks];
    let login = [&login[..], &["--access-rules", &rules]].concat();
    ways.push(way("token, rules", &login, Some(bearer))?);

    let what = format!(
        "access: GET /schemas/ids/{{id}} over TLS, {RULES} rules for the principal and as many for others"
    );
    ways::compare(&what, &mut ways).await
}

/// What the servers are given, and what a client needs.
struct Files<'f> {
    folder: &'f Path,
    token: String,
    tls: TlsConnector,
}

impl Files<'_> {
    fn write(folder: &Path) -> Result<Files<'_>> {
        let tls = certificate(folder)?;
        add_user(&folder.join("users"))?;
        fs::write(folder.join("access.toml"), rules())?;
        let token = sign(&folder.join("jwks.json"))?;
        Ok(Files { folder, token, tls })
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

/// Writes `cert.pem` and `key.pem`, and trusts them.
fn certificate(folder: &Path) -> Result<TlsConnector> {
    let key = rcgen::KeyPair::generate()?;
    let certificate = CertificateParams::new(["localhost".to_string()])?.self_signed(&key)?;
    fs::write(folder.join("cert.pem"), certificate.pem())?;
    fs::write(folder.join("key.pem"), key.serialize_pem())?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificate.der().to_vec()))?;
    let provider = Arc::new(crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Makes the user `alice`, by the command that people use.
fn add_user(file: &Path) -> Result {
    let mut command = Command::new(server::weir_binary()?);
    command.args(["user", "add", "alice", "--file"]).arg(file);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let mut stdin = child.stdin.take().expect("it is piped");
    writeln!(stdin, "{PASSWORD}")?;
    drop(stdin);
    if child.wait()?.success() { Ok(()) } else { Err("weir user add failed".into()) }
}

/// Rules of which one lets `alice` use the subject; what else there is for alice and for others does not.
fn rules() -> String {
    let mut text = String::new();
    for who in ["alice", "bob"] {
        for number in 0..RULES {
            let _ = write!(
                text,
                "[[rule]]\nname = \"{who}-{number}\"\nallow = [\"read\"]\nto = [\"user:{who}\"]\n\
                 on = [\"subject:team-{number}-*\"]\n\n"
            );
        }
    }
    let _ = write!(
        text,
        "[[rule]]\nname = \"measurements\"\nallow = [\"read\", \"write\"]\nto = [\"user:alice\"]\n\
         on = [\"subject:{SUBJECT}\"]\n"
    );
    text
}

/// Writes a provider's keys, and returns a token that one of them has signed.
fn sign(jwks: &Path) -> Result<String> {
    let failed = |_| "ring makes no key";
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(failed)?;
    let key = Ed25519KeyPair::from_pkcs8(document.as_ref()).map_err(|_| "ring reads no key")?;
    let public = URL_SAFE_NO_PAD.encode(key.public_key());
    let keys = json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "1", "x": public}
    ]});
    fs::write(jwks, keys.to_string())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "1"});
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 3600,
        "scope": "schemas", "groups": ["payments", "platform"],
    });
    let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    Ok(format!("{signed}.{signature}"))
}
