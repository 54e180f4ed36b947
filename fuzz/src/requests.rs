//! Requests of any API in any version with arbitrary fields, one after the other, against a broker's
//! core in memory: nothing panics, and every answer can be written in its version.
//!
//! An input is frames of a length byte and as many bytes. Odd lengths are requests that are made up
//! field by field, even ones are taken as the bytes of a request.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use weir_broker::apis::SUPPORTED;

#[path = "../../broker/tests/invented/requests.rs"]
mod requests;
#[path = "../../broker/tests/invented/session.rs"]
mod session;

fuzz_target!(|bytes: &[u8]| {
    let mut session = session::Session::new();
    let mut rest = bytes;
    while let Some(length) = rest.split_off_first() {
        let frame = rest.split_off(..usize::from(*length).min(rest.len())).unwrap_or_default();
        match frame {
            _ if length % 2 == 1 => session.step(frame),
            [api, version, body @ ..] => {
                let api = SUPPORTED[usize::from(*api) % SUPPORTED.len()];
                let body = bytes::Bytes::copy_from_slice(body);
                session.raw(api.key as i16, i16::from(*version), body);
            }
            _ => {}
        }
    }
    session.pass(Duration::from_secs(10_000_000));
});
