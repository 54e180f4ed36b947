//! A service of systemd's `Type=notify`, whose socket is ours.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::process::Weir;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the service has told, line by line, until one begins with `last`.
fn told(socket: &UnixDatagram, last: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{error}: {lines:?}"));
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        lines.extend(text.lines().map(str::to_string));
        if text.lines().any(|line| line.starts_with(last)) {
            return lines;
        }
    }
}

#[test]
fn systemd_is_told_of_start_reload_life_and_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = Weir::serve_command(&["--roles", "registry"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000");
    let mut weir = Weir::spawn(&mut command);
    let lines = told(&socket, "READY=1");
    assert!(lines.iter().any(|line| line == "STATUS=ready"), "{lines:?}");
    told(&socket, "WATCHDOG=1");
    weir.signal("HUP");
    let lines = told(&socket, "READY=1");
    let at = |begins: &str| lines.iter().position(|line| line.starts_with(begins));
    let (reloading, time) = (at("RELOADING=1").unwrap(), at("MONOTONIC_USEC=").unwrap());
    assert_eq!(time, reloading + 1, "both are in one message: {lines:?}");
    told(&socket, "WATCHDOG=1");
    weir.signal("TERM");
    told(&socket, "STOPPING=1");
    assert!(weir.wait().success());
}

#[test]
fn systemd_is_told_what_a_start_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let kafka = ["--bootstrap-servers", "127.0.0.1:1"];
    let mut command = Weir::serve_command(&kafka);
    command.env("NOTIFY_SOCKET", &path);
    let _weir = Weir::spawn(&mut command);
    let lines = told(&socket, "STATUS=starting: kafka: ");
    let lines = [lines, told(&socket, "EXTEND_TIMEOUT_USEC=")].concat();
    assert!(!lines.iter().any(|line| line == "READY=1"), "{lines:?}");
}
