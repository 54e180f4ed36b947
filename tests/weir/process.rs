//! `weir` as a child process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use weir_tests::Api;

/// Longer than anything takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `weir`; killed when dropped.
pub struct Weir {
    child: Child,
    lines: mpsc::Receiver<String>,
    /// What it has written so far.
    pub output: Vec<String>,
}

impl Weir {
    pub fn command(args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.args(args).env_remove("WEIR_LOG");
        command
    }

    /// `weir serve` with both parts, in memory, on ports that are free.
    pub fn serve_command(args: &[&str]) -> Command {
        let fixed = ["serve", "--store", "memory", "--registry-listener", "127.0.0.1:0"];
        Weir::command(&[&fixed[..], &["--proxy-listener", "127.0.0.1:0"], args].concat())
    }

    pub fn start(args: &[&str]) -> Weir {
        Weir::spawn(&mut Weir::command(args))
    }

    pub fn spawn(command: &mut Command) -> Weir {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = child.stdout.take().unwrap();
        let stderr = child.stderr.take().unwrap();
        for reader in [Box::new(stdout) as Box<dyn std::io::Read + Send>, Box::new(stderr)] {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(reader).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Weir { child, lines, output: Vec::new() }
    }

    /// The next line that contains `text`.
    pub fn line(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.output.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(error) => panic!("no line with {text:?} ({error}) in {:#?}", self.output),
            }
        }
    }

    /// The API whose address is in the next line that contains `text`.
    pub fn api(&mut self, text: &str) -> Api {
        let line = self.line(text);
        let url = line.split_whitespace().find(|word| word.starts_with("http")).unwrap();
        Api::at(url.trim_end_matches(',').to_string())
    }

    /// As [`Weir::api`], where lines are JSON.
    pub fn api_in_json(&mut self, text: &str) -> Api {
        let line = self.line(text);
        let begin = line.find("http://").unwrap();
        let is_of_url = |c: &char| !matches!(c, '"' | ' ' | ',');
        Api::at(line[begin..].chars().take_while(is_of_url).collect())
    }

    /// A registry on disk, on a port of its own.
    pub fn registry(folder: &Path) -> (Weir, Api) {
        let mut weir = Weir::start(&[
            "serve",
            "--roles",
            "registry",
            "--registry-listener",
            "127.0.0.1:0",
            "--data-dir",
            folder.to_str().unwrap(),
        ]);
        let api = weir.api("registry on");
        (weir, api)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory that it holds, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Sends a signal again and again until it ends.
    pub fn signal_until_end(&mut self, name: &str) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end: {:#?}", self.output);
            self.signal(name);
            #[expect(clippy::disallowed_methods, reason = "nothing else is to happen meanwhile")]
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(200)) {
                    self.output.push(line);
                }
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end: {:#?}", self.output);
            #[expect(clippy::disallowed_methods, reason = "nothing else is to happen meanwhile")]
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Weir {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
