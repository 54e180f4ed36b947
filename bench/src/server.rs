//! A server under measurement: a child process, on ports that were free, killed when dropped.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{Result, http};

pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// `weir` with these arguments; `address` is the listener that will be asked.
    pub fn weir(address: SocketAddr, args: &[&str]) -> Result<Server> {
        let mut command = Command::new(weir_binary()?);
        command.args(args).env("WEIR_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::null());
        Ok(Server { child: command.spawn()?, address })
    }

    /// What a command starts; `address` is the listener that will be asked.
    pub fn of(command: &mut Command, address: SocketAddr) -> Result<Server> {
        command.env("WEIR_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::null());
        Ok(Server { child: command.spawn()?, address })
    }

    /// `weir serve --roles registry` with more arguments.
    pub fn registry(args: &[&str]) -> Result<Server> {
        let address = free_address()?;
        let listener = address.to_string();
        let fixed = ["serve", "--roles", "registry", "--registry-listener", &listener];
        Server::weir(address, &[&fixed, args].concat())
    }

    /// `weir serve` with registry and proxy, ready; the proxy is the listener that will be asked.
    pub async fn rest_proxy(bootstrap_servers: &str) -> Result<Server> {
        let (registry, proxy) = (free_address()?.to_string(), free_address()?);
        let proxy_listener = proxy.to_string();
        let args = ["serve", "--roles", "registry,proxy", "--store", "memory"];
        let listeners = ["--registry-listener", &registry, "--proxy-listener", &proxy_listener];
        let brokers = ["--bootstrap-servers", bootstrap_servers];
        let weir = Server::weir(proxy, &[&args[..], &listeners, &brokers].concat())?;
        http::ready(proxy).await?;
        Ok(weir)
    }

    /// This program's `bare-axum`, which answers every path with `body`.
    pub fn bare_axum(body: &[u8]) -> Result<Server> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare-axum", &address.port().to_string()]).stdin(Stdio::piped());
        let mut child = command.spawn()?;
        child.stdin.take().expect("it is piped").write_all(body)?;
        Ok(Server { child, address })
    }

    /// Waits until it has ended by itself.
    pub fn wait(mut self) -> Result {
        self.child.wait()?;
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

/// Builds the binary that is measured, beside this one.
pub fn build() -> Result {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let binaries = binaries()?;
    let target = binaries.parent().ok_or("this program is not in a target folder")?;
    let built = Command::new(cargo)
        .args(["build", "--profile", "dist", "--quiet", "-p", "weir", "--target-dir"])
        .arg(target)
        .current_dir(workspace())
        .status()?;
    if built.success() { Ok(()) } else { Err("weir does not build".into()) }
}

/// A folder on the disk where the build is: the system's own may be in memory.
pub fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("weir-bench-").tempdir_in(binaries()?)?)
}

/// An address of loopback that nobody has.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("bench is in the workspace")
}

/// `weir`, or what is named to be measured in its place.
pub fn weir_binary() -> Result<PathBuf> {
    match std::env::var_os("WEIR_BENCH_BINARY") {
        Some(binary) => Ok(binary.into()),
        None => Ok(binaries()?.join("weir")),
    }
}

pub fn binaries() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    Ok(this.parent().ok_or("this program is nowhere")?.to_path_buf())
}
