//! Asking again what Kafka means to be asked again: a leader or a coordinator that is being elected, has
//! moved, or fell a moment ago. All questions of the proxy that may be asked twice go through [`again`].

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::error::ProxyError;

/// The pause after the first answer that passes; each is twice the one before, up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// Asks until the answer is one that stays, or `within` is over; then the last answer counts.
pub(crate) async fn again<T, F>(within: Duration, question: impl Fn() -> F) -> Result<T, ProxyError>
where
    F: Future<Output = Result<T, ProxyError>>,
{
    let deadline = Instant::now() + within;
    let mut pause = PAUSE_MIN;
    let mut last = None;
    loop {
        match timeout_at(deadline, question()).await {
            Ok(Err(error)) if passes(&error) => last = Some(error),
            Ok(answer) => return answer,
            Err(_) => {
                let reason = format!("Kafka has not answered in {within:?}");
                return Err(last.unwrap_or(ProxyError::Retriable { reason }));
            }
        }
        if Instant::now() + pause >= deadline
            && let Some(error) = last
        {
            return Err(error);
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Returns true if the same question may be answered otherwise a little later.
fn passes(error: &ProxyError) -> bool {
    matches!(error, ProxyError::Retriable { .. } | ProxyError::BrokerNotAvailable { .. })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn no_leader() -> ProxyError {
        ProxyError::Retriable { reason: "no leader".to_string() }
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_passes_is_asked_again() {
        let asked = Cell::new(0);
        let question = || async {
            asked.set(asked.get() + 1);
            if asked.get() < 4 { Err(no_leader()) } else { Ok(asked.get()) }
        };
        assert_eq!(again(Duration::from_secs(5), question).await, Ok(4));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_stays_is_the_answer_at_once() {
        let begun = Instant::now();
        let answer: Result<(), _> =
            again(Duration::from_secs(5), || async { Err(ProxyError::TopicNotFound) }).await;
        assert_eq!((answer, begun.elapsed()), (Err(ProxyError::TopicNotFound), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_bounds_pauses_and_questions() {
        let begun = Instant::now();
        let answer: Result<(), _> =
            again(Duration::from_secs(5), || async { Err(no_leader()) }).await;
        assert_eq!(answer, Err(no_leader()));
        assert!(begun.elapsed() <= Duration::from_secs(5));
        let hanging = again(Duration::from_secs(5), std::future::pending::<Result<(), ProxyError>>);
        assert!(matches!(hanging.await, Err(ProxyError::Retriable { .. })));
    }
}
