//! Requests on their way to the core and back, with the faults that were asked for.

use kafka_protocol::error::ResponseError;
use tokio::sync::oneshot;

use super::shell::{Answer, Shell};
use crate::apis::{Request, Response};
use crate::core::Caller;
use crate::faults::{Action, Pattern, Strike, Subject};

/// What comes of a request.
#[derive(Debug)]
pub enum Outcome {
    Answer(Answer),
    /// The client expects no answer.
    Nothing,
    /// The connection is closed.
    Close,
}

impl Shell {
    /// Hands a request to the core, and does to it what the faults say.
    pub async fn ask_with_faults(&self, caller: Caller, version: i16, request: Request) -> Outcome {
        if self.faults().is_empty() {
            return outcome(self.ask_checked(caller, version, request).await).await;
        }
        if let Some(refused) = self.without_session(&caller, &request) {
            return Outcome::Answer(Answer::Ready(refused));
        }
        let subject = self.subject(&request);
        let client_id = caller.client_id.as_deref();
        match self.faults().strike(request.key(), client_id, &subject) {
            Some(strike) => self.struck(strike, subject, caller, version, request).await,
            None => outcome(self.ask_checked(caller, version, request).await).await,
        }
    }

    async fn struck(
        &self,
        strike: Strike,
        subject: Subject,
        caller: Caller,
        version: i16,
        request: Request,
    ) -> Outcome {
        let (rule, api) = (strike.rule.0, request.key());
        match strike.is_first {
            true => tracing::info!("fault {rule} strikes for the first time: {api:?}"),
            false => tracing::debug!("fault {rule} strikes: {api:?}"),
        }
        match strike.action {
            Action::Error(error) => {
                return self.refused(error, strike.topic, caller, version, request).await;
            }
            Action::Drop => return Outcome::Close,
            Action::Delay(delay) => tokio::time::sleep(delay).await,
            Action::Pause => self.faults().lifted(strike.rule).await,
            Action::Fence => {
                let fencing = subject.fenceable.and_then(|fenceable| fenceable.request());
                if let Some((version, fencing)) = fencing {
                    outcome(self.ask_checked(caller.clone(), version, fencing).await).await;
                }
            }
            Action::MoveLeader => self.move_leaders(&subject.topics),
            Action::DelayAnswer(delay) => {
                let answer = outcome(self.ask_checked(caller, version, request).await).await;
                tokio::time::sleep(delay).await;
                return answer;
            }
            Action::LoseAnswer => {
                outcome(self.ask_checked(caller, version, request).await).await;
                return Outcome::Close;
            }
            Action::Duplicate => {
                let first = self.ask_checked(caller.clone(), version, request.clone()).await;
                drop(self.ask_checked(caller, version, request).await);
                return outcome(first).await;
            }
        }
        outcome(self.ask_checked(caller, version, request).await).await
    }

    /// Refuses a request, which is not handled.
    async fn refused(
        &self,
        error: ResponseError,
        topic: Option<Pattern>,
        caller: Caller,
        version: i16,
        request: Request,
    ) -> Outcome {
        match request {
            // the answer names the brokers, or no client could go on
            Request::Metadata(request) => {
                let request = request.with_allow_auto_topic_creation(false);
                let asked = self.ask(caller, version, Request::Metadata(request));
                match outcome(asked).await {
                    Outcome::Answer(Answer::Ready(answer)) => {
                        Outcome::Answer(Answer::Ready(spoilt(answer, error, topic)))
                    }
                    other => other,
                }
            }
            Request::Produce(request) if request.acks == 0 => Outcome::Close,
            request => Outcome::Answer(Answer::Ready(request.refusal(version, error.code()))),
        }
    }

    /// Has a client name its partitions again, if a rule could be about one of them: within a session it names none.
    fn without_session(&self, caller: &Caller, request: &Request) -> Option<Response> {
        let lost = request.session_lost()?;
        let client_id = caller.client_id.as_deref();
        self.faults().ask_for_topics(request.key(), client_id).then_some(lost)
    }
}

/// Waits for the core's answer.
async fn outcome(asked: oneshot::Receiver<Option<Answer>>) -> Outcome {
    match asked.await {
        Ok(Some(answer)) => Outcome::Answer(answer),
        Ok(None) => Outcome::Nothing,
        // the connection or the broker is gone
        Err(_) => Outcome::Close,
    }
}

/// Metadata in which topics have an error in the place of their partitions.
fn spoilt(answer: Response, error: ResponseError, topic: Option<Pattern>) -> Response {
    let Response::Metadata(mut metadata) = answer else { return answer };
    for found in &mut metadata.topics {
        let name = found.name.as_ref().map_or("", |name| name.as_str());
        if topic.as_ref().is_none_or(|topic| topic.fits(name)) {
            found.error_code = error.code();
            found.partitions.clear();
        }
    }
    Response::Metadata(metadata)
}
