//! What finding the schema costs beside reading the data, and whether threads get into each other's way.

use std::hint::black_box;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use weir_serde::testing::TestRegistry;
use weir_serde::{Avro, AvroDeserializer, AvroSerializer, Part, typed};

use crate::rounds::{Times, Way, measure, ratio};

#[derive(Serialize, Deserialize, Avro)]
struct Tick {
    at: i64,
}

const GO: usize = 4_000_000;

pub fn run() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let registry = TestRegistry::start();
    let serializer = AvroSerializer::<Tick>::derived(registry.client()).expect("a schema");
    let deserializer = AvroDeserializer::<Tick>::derived(registry.client()).expect("a schema");
    let payload = runtime
        .block_on(serializer.serialize("ticks", Part::Value, &Tick { at: 5 }))
        .expect("a registry");
    runtime.block_on(deserializer.deserialize(&payload)).expect("a payload");
    let mut ways = [
        Way { name: "framed", run: Box::new(|count| read(&deserializer, &payload, count)) },
        Way {
            name: "bare",
            run: Box::new(|count| {
                for _ in 0..count {
                    black_box(typed::decode::<Tick>(black_box(&payload[5..])).expect("read"));
                }
            }),
        },
    ];
    let [framed, bare] = measure(&mut ways).try_into().unwrap_or_else(|_| unreachable!());
    println!("id to codec and framing: {:.1} ns (asked: at most 10)", framed.min() - bare.min());
    let alone = read_for(1, &deserializer, &payload);
    let both = read_for(2, &deserializer, &payload);
    let (best, _) = ratio(&Times(both), &Times(alone));
    println!(
        "a read with two threads at it / with one: {best:.2} (1: they share nothing that is written)"
    );
}

fn read_for(threads: usize, deserializer: &AvroDeserializer<Tick>, payload: &[u8]) -> Vec<f64> {
    (0..9)
        .map(|_| {
            let start = Instant::now();
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| read(deserializer, payload, GO));
                }
            });
            start.elapsed().as_nanos() as f64 / GO as f64
        })
        .collect()
}

/// One place that reads, as in a consumer's loop.
fn read(deserializer: &AvroDeserializer<Tick>, payload: &[u8], count: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        for _ in 0..count {
            black_box(deserializer.deserialize(black_box(payload)).await.expect("read"));
        }
    });
}
