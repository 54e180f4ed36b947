# What one does here; `just` lists it.

default:
    @just --list

# registry, proxy and a Kafka broker for development on this machine
dev:
    cargo run --release -- dev

# all tests, as CI runs them
test *args:
    tests/run {{args}}

# format, dependencies, lints, documentation, tests
ci:
    .ci/run

# the documentation as a site, at http://127.0.0.1:8000
docs:
    docs/build serve

# licences, sources and bans of all dependencies
deny:
    .ci/deny

# compare with Apache Avro's Java library: as many pairs of schemas as you like
oracle pairs="100000" seed="1":
    tests/java/fetch
    WEIR_ORACLE_PAIRS={{pairs}} WEIR_ORACLE_SEED={{seed}} cargo test --release -p weir-schema --test java -- --nocapture

# startup, get-by-id, register, produce, avro, or all
bench what="all":
    cargo run --profile dist -p weir-bench -- {{what}}

# the serde client beside other crates: small, order, wide, or all
bench-serde what="":
    cargo run --release --manifest-path bench/serde/Cargo.toml -- {{what}}

# fuzz targets, each for some seconds
fuzz seconds="60":
    fuzz/run {{seconds}}
