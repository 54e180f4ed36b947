//! What is logged, changed while the process runs.

use serde_json::json;
use weir_tests::Api;

use crate::process::Weir;

fn serve(args: &[&str]) -> (Weir, Api, Api) {
    let management = ["--bootstrap-servers", "127.0.0.1:1", "--management-listener", "127.0.0.1:0"];
    let mut weir = Weir::spawn(&mut Weir::serve_command(&[&management[..], args].concat()));
    let management = weir.api("management on");
    let registry = weir.api("registry on");
    (weir, management, registry)
}

#[tokio::test]
async fn the_filter_is_changed_by_a_request_and_goes_back() {
    let (mut weir, management, registry) = serve(&[]);
    management.get("/v1/log").await.is(json!({
        "filter": "info,rdkafka=off", "configured": "info,rdkafka=off"
    }));
    let changed = management.put("/v1/log", &json!({"filter": "info,weir::access=info"})).await;
    assert_eq!(changed.json["filter"], "info,weir::access=info", "{}", changed.text);
    registry.get("/subjects").await;
    weir.line("weir::access: GET /subjects 200");
    let short = json!({"filter": "warn", "for_s": 1});
    let changed = management.put("/v1/log", &short).await;
    assert!(changed.json["until"].is_string(), "{}", changed.text);
    weir.line("the settings say again what is logged");
    assert_eq!(management.get("/v1/log").await.json["filter"], "info,rdkafka=off");
    management.put("/v1/log", &json!({"filter": "debug"})).await;
    let back = management.put("/v1/log", &json!({"filter": null})).await;
    assert_eq!(back.json["filter"], "info,rdkafka=off", "{}", back.text);
    for wrong in [
        json!({"filter": "weir=loud"}),
        json!({"filter": "info", "for_s": 0}),
        json!({"filter": "info", "for": "10m"}),
        json!([]),
    ] {
        assert_eq!(management.put("/v1/log", &wrong).await.status, 400, "{wrong}");
    }
    // nobody has it but who runs the process
    assert_eq!(registry.get("/v1/log").await.status, 404);
}

#[tokio::test]
async fn where_the_listener_asks_for_a_login_the_filter_is_for_administrators() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    let rules = folder.path().join("access.toml");
    for name in ["root", "reader"] {
        let mut command = Weir::command(&["user", "add", "--file", users.to_str().unwrap(), name]);
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
        use std::io::Write;
        child.stdin.take().unwrap().write_all(b"secret-4711\n").unwrap();
        assert!(child.wait().unwrap().success());
    }
    std::fs::write(
        &rules,
        "[[rule]]\nallow = ['admin']\nto = ['user:root']\non = ['cluster:*']\n\
         [[rule]]\nallow = ['read']\nto = ['user:reader']\non = ['cluster:*']\n",
    )
    .unwrap();
    let files =
        ["--access-users", users.to_str().unwrap(), "--access-rules", rules.to_str().unwrap()];
    let listener = ["--management-listener", "127.0.0.1:0?authentication=required"];
    let args = ["--bootstrap-servers", "127.0.0.1:1"];
    let args = [&args[..], &files, &listener].concat();
    let mut weir = Weir::spawn(&mut Weir::serve_command(&args));
    let management = weir.api("management on");
    weir.api("registry on");
    for (name, status) in [("root", 200), ("reader", 403)] {
        let request = management.request(reqwest::Method::GET, "/v1/log");
        let answer = management.send(request.basic_auth(name, Some("secret-4711"))).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
    }
    assert_eq!(management.get("/v1/log").await.status, 401);
}

#[tokio::test]
async fn sighup_takes_the_filter_that_the_file_has_by_then() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.toml");
    std::fs::write(&file, "log = 'info,rdkafka=off'\n").unwrap();
    let (mut weir, management, _) = serve(&["--config", file.to_str().unwrap()]);
    std::fs::write(&file, "log = 'debug,rdkafka=off'\n").unwrap();
    weir.signal("HUP");
    weir.line("the file says anew what is logged");
    assert_eq!(management.get("/v1/log").await.json["filter"], "debug,rdkafka=off");
    // one that is wrong changes nothing
    std::fs::write(&file, "log = 'weir=loud'\n").unwrap();
    weir.signal("HUP");
    assert_eq!(management.get("/v1/log").await.json["configured"], "debug,rdkafka=off");
}
