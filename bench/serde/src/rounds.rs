//! Ways of doing one thing, measured in turns: all of them in each round, so that noise meets all alike.

use std::time::{Duration, Instant};

pub const ROUNDS: usize = 31;

/// Time for one way in one round.
const TURN: Duration = Duration::from_millis(4);

/// A way of doing something; it is told how often.
pub struct Way<'a> {
    pub name: &'static str,
    pub run: Box<dyn FnMut(usize) + 'a>,
}

/// Nanoseconds for one go, in each round.
pub struct Times(pub Vec<f64>);

impl Times {
    pub fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// How many times as long `a` takes as `b`: by the best of each, and in the middle round.
pub fn ratio(a: &Times, b: &Times) -> (f64, f64) {
    let mut rounds: Vec<f64> = a.0.iter().zip(&b.0).map(|(a, b)| a / b).collect();
    rounds.sort_by(f64::total_cmp);
    (a.min() / b.min(), rounds[rounds.len() / 2])
}

pub fn measure(ways: &mut [Way]) -> Vec<Times> {
    let counts: Vec<usize> = ways.iter_mut().map(calibrated).collect();
    let mut times: Vec<Times> = ways.iter().map(|_| Times(Vec::new())).collect();
    for _ in 0..ROUNDS {
        for ((way, count), times) in ways.iter_mut().zip(&counts).zip(&mut times) {
            let start = Instant::now();
            (way.run)(*count);
            times.0.push(start.elapsed().as_nanos() as f64 / *count as f64);
        }
    }
    times
}

/// How often it fits into a turn.
fn calibrated(way: &mut Way) -> usize {
    let mut count = 1;
    loop {
        let start = Instant::now();
        (way.run)(count);
        let taken = start.elapsed();
        if taken > TURN / 4 {
            return ((count as f64) * TURN.as_secs_f64() / taken.as_secs_f64()).max(1.0) as usize;
        }
        count *= 2;
    }
}
