//! Any text as `ssl.principal.mapping.rules`, then a distinguished name behind a line end: a name is found in bounded time, and
//! is not empty.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_access::MappingRules;

fuzz_target!(|text: &str| {
    let (rules, dn) = text.split_once('\n').unwrap_or((text, "CN=alice,OU=dev,O=Acme,C=CH"));
    let Ok(rules) = MappingRules::parse(rules) else { return };
    assert_ne!(rules.name(dn).as_deref(), Some(""), "an empty name is none");
});
