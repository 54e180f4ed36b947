//! Listeners: the protocols that they speak, who may connect, and what each of them carries.

pub mod authority;
mod cors;
mod frames;
mod http2;
mod management;
mod tls;

use weir_tests::Api;

use crate::process::Weir;

/// Nobody is helped by time: it is longer than a test takes.
const NEVER: &str = "3600000";

/// A registry in memory, with these flags.
fn registry(flags: &[&str]) -> (Weir, Api) {
    let fixed = ["serve", "--roles", "registry", "--store", "memory"];
    let mut weir =
        Weir::start(&[&fixed[..], &["--registry-listener", "127.0.0.1:0"], flags].concat());
    let api = weir.api("registry on");
    (weir, api)
}
