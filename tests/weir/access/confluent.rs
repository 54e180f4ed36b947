//! Confluent's BASIC authentication, taken over with its files and variables.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;
use weir_tests::Api;

use crate::process::Weir;

/// A registry that is started as Confluent's container is, with users of Jetty's file.
fn registry(folder: &Path, roles: &str) -> (Weir, Api) {
    let users = folder.join("password.properties");
    let text = "# users\nada: secret,admin\nbea: OBF:1xmk1w261u9r1w1c1xmq,developer\nmax: MD5:5ebe2294ecd0e0f08eab7690d2a6ee69\n";
    std::fs::write(&users, text).unwrap();
    let jaas = folder.join("jaas.conf");
    let module = "org.eclipse.jetty.jaas.spi.PropertyFileLoginModule";
    let section = format!("{module} required file=\"{}\" debug=\"false\";", users.display());
    std::fs::write(&jaas, format!("SchemaRegistry {{\n  {section}\n}};\n")).unwrap();
    let mut command = Weir::command(&["serve", "--roles", "registry", "--store", "memory"]);
    command
        .env("SCHEMA_REGISTRY_LISTENERS", "http://127.0.0.1:0")
        .env("SCHEMA_REGISTRY_AUTHENTICATION_METHOD", "BASIC")
        .env("SCHEMA_REGISTRY_AUTHENTICATION_REALM", "SchemaRegistry")
        .env("SCHEMA_REGISTRY_AUTHENTICATION_ROLES", roles)
        .env("SCHEMA_REGISTRY_AUTHENTICATION_SKIP_PATHS", "/schemas/types")
        .env(
            "SCHEMA_REGISTRY_OPTS",
            format!("-Djava.security.auth.login.config={}", jaas.display()),
        );
    let mut weir = Weir::spawn(&mut command);
    let api = weir.api("registry on");
    (weir, api)
}

async fn status(api: &Api, login: &str) -> u16 {
    let request = api.request(Method::GET, "/subjects");
    let basic = format!("Basic {}", STANDARD.encode(login));
    api.send(request.header("authorization", basic)).await.status.as_u16()
}

#[tokio::test]
async fn users_roles_realm_and_open_paths_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let (_weir, api) = registry(folder.path(), "admin,developer");
    assert_eq!(status(&api, "ada:secret").await, 200);
    assert_eq!(status(&api, "ada:Secret").await, 401);
    // known, and without a role
    assert_eq!(status(&api, "max:secret").await, 403);
    let answer = api.request(Method::GET, "/subjects").send().await.unwrap();
    assert_eq!(answer.headers()["www-authenticate"], "Basic realm=\"SchemaRegistry\"");
    api.get("/schemas/types").await.is(json!(["JSON", "PROTOBUF", "AVRO"]));
    assert_eq!(api.post("/schemas/types", &json!({})).await.status, 401);
}

#[tokio::test]
async fn a_star_is_any_role_and_two_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let (_weir, api) = registry(folder.path(), "*");
    assert_eq!((status(&api, "ada:secret").await, status(&api, "max:secret").await), (200, 403));
    let (_weir, api) = registry(folder.path(), "**");
    assert_eq!((status(&api, "ada:secret").await, status(&api, "max:secret").await), (200, 200));
}
