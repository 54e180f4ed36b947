//! Asking again what Kafka means to be asked again: a leader or a coordinator that is being elected, has
//! moved, or fell a moment ago. All questions that may be asked twice go through [`again`].

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use weir_trace::{Kind, Phase, Step};

use crate::code::Code;
use crate::fault::Fault;

/// What a pause is for the request that asks.
const PAUSE: Step = Step::new(Phase::Kafka, "kafka pause", Kind::Internal);

/// The pause after the first answer that passes; each is twice the one before, up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// An error that may be a fault of Kafka's.
pub trait Fallible: From<Fault> {
    /// The fault that it is, if it is one.
    fn fault(&self) -> Option<&Fault>;
}

impl Fallible for Fault {
    fn fault(&self) -> Option<&Fault> {
        Some(self)
    }
}

/// Asks until the answer is one that stays ([`Code::may_pass`]), or `within` is over; then the last answer counts.
/// [`Code::TimedOut`] if there was none.
pub async fn again<T, E, F>(within: Duration, question: impl Fn() -> F) -> Result<T, E>
where
    E: Fallible,
    F: Future<Output = Result<T, E>>,
{
    let deadline = Instant::now() + within;
    let mut pause = PAUSE_MIN;
    let mut last = None;
    loop {
        match timeout_at(deadline, question()).await {
            Ok(Err(error)) if may_pass(&error) => last = Some(error),
            Ok(answer) => return answer,
            Err(_) => {
                let late = || {
                    Fault::new(
                        Code::TimedOut,
                        format!("Kafka has not answered in {} s", within.as_secs()),
                    )
                };
                return Err(last.unwrap_or_else(|| late().into()));
            }
        }
        if Instant::now() + pause >= deadline
            && let Some(error) = last
        {
            return Err(error);
        }
        weir_trace::wait(PAUSE, sleep(pause)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

fn may_pass(error: &impl Fallible) -> bool {
    error.fault().is_some_and(|fault| fault.code.may_pass())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn gone() -> Fault {
        Code::UnknownTopicOrPartition.into()
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_passes_is_asked_again() {
        let asked = Cell::new(0);
        let question = || async {
            asked.set(asked.get() + 1);
            if asked.get() < 4 { Err(Fault::no_leader()) } else { Ok(asked.get()) }
        };
        assert_eq!(again(Duration::from_secs(5), question).await, Ok(4));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_stays_is_the_answer_at_once() {
        let begun = Instant::now();
        let answer: Result<(), _> = again(Duration::from_secs(5), || async { Err(gone()) }).await;
        assert_eq!((answer, begun.elapsed()), (Err(gone()), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_bounds_pauses_and_questions() {
        let begun = Instant::now();
        let answer: Result<(), _> =
            again(Duration::from_secs(5), || async { Err(Fault::no_leader()) }).await;
        assert_eq!(answer, Err(Fault::no_leader()));
        assert!(begun.elapsed() <= Duration::from_secs(5));
        let hanging = again(Duration::from_secs(5), std::future::pending::<Result<(), Fault>>);
        assert_eq!(hanging.await.unwrap_err().code, Code::TimedOut);
    }
}
