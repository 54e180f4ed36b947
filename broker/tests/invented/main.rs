//! Requests of any API in any version, with arbitrary fields: nothing panics, and every answer can
//! be written. `fuzz/` does the same for longer.

mod requests;
mod session;

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};
use weir_broker::apis::SUPPORTED;

use session::Session;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_request_gets_an_answer_that_can_be_written(
        steps in vec(vec(any::<u8>(), 3..80), 1..60),
    ) {
        let mut session = Session::new();
        for step in &steps {
            session.step(step);
        }
        session.pass(std::time::Duration::from_secs(100_000));
    }

    #[test]
    fn any_bytes_are_a_request_or_an_error(
        api in any::<proptest::sample::Index>(),
        version in 0i16..20,
        body in vec(any::<u8>(), 0..60),
    ) {
        let api = SUPPORTED[api.index(SUPPORTED.len())];
        Session::new().raw(api.key as i16, version.min(api.max), body.into());
    }
}

#[test]
fn every_api_and_version_can_be_invented() {
    for api in SUPPORTED {
        for version in api.min..=api.max {
            let key = api.key as i16;
            let found = (0..2000u64).any(|seed| {
                let choices: Vec<u8> = (1..81u64)
                    .map(|at| {
                        ((seed + 1) * at).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0]
                    })
                    .collect();
                requests::body(key, version, &choices).is_some()
            });
            assert!(found, "{:?} version {version}", api.key);
        }
    }
}
