//! A rule of faults, and how it is written in a file or a request.

use std::time::Duration;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::ApiKey;
use serde::{Deserialize, Serialize};

use super::Subject;
use super::errors::{error_named, name_of};

/// The longest delay.
const DELAY_MAX_MS: u64 = 3_600_000;
/// The length of a pattern.
const PATTERN_BYTES_MAX: usize = 1024;

/// Which requests fail, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RuleText", into = "RuleText")]
pub struct Rule {
    /// The APIs; none stands for all of them.
    pub apis: Vec<ApiKey>,
    pub topic: Option<Pattern>,
    pub client_id: Option<Pattern>,
    pub group: Option<Pattern>,
    pub transactional_id: Option<Pattern>,
    /// The first request that can be struck, of those that the rule is about: 1 is the very first.
    pub from: u64,
    /// How many are struck; all if it is not said.
    pub count: Option<u64>,
    /// The chance of each to be struck.
    pub probability: Option<f64>,
    pub seed: u64,
    pub action: Action,
}

/// What is done to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// It is not handled, and answered with an error.
    Error(ResponseError),
    /// It is handled after a while.
    Delay(Duration),
    /// It is handled, and answered after a while.
    DelayAnswer(Duration),
    /// It is not handled, and the connection is closed.
    Drop,
    /// It is handled, and the connection is closed in the place of an answer.
    LoseAnswer,
    /// It is handled twice, and answered once.
    Duplicate,
    /// It is handled once the rule is taken away.
    Pause,
    /// Its producer or the member of a group that sends it is fenced before it is handled.
    Fence,
    /// The leaders' epochs of its topics go up before it is handled.
    MoveLeader,
}

impl Rule {
    /// A rule about every request, which strikes all of them.
    pub fn new(action: Action) -> Rule {
        Rule {
            apis: Vec::new(),
            topic: None,
            client_id: None,
            group: None,
            transactional_id: None,
            from: 1,
            count: None,
            probability: None,
            seed: 0,
            action,
        }
    }

    /// A rule that answers requests of an API with an error.
    pub fn error(api: ApiKey, error: ResponseError) -> Rule {
        Rule::new(Action::Error(error)).of_api(api)
    }

    #[must_use]
    pub fn of_api(mut self, api: ApiKey) -> Rule {
        self.apis.push(api);
        self
    }

    #[must_use]
    pub fn of_topic(mut self, topic: &str) -> Rule {
        self.topic = Some(Pattern::new(topic));
        self
    }

    #[must_use]
    pub fn of_client(mut self, client_id: &str) -> Rule {
        self.client_id = Some(Pattern::new(client_id));
        self
    }

    #[must_use]
    pub fn of_group(mut self, group: &str) -> Rule {
        self.group = Some(Pattern::new(group));
        self
    }

    #[must_use]
    pub fn of_transactional_id(mut self, transactional_id: &str) -> Rule {
        self.transactional_id = Some(Pattern::new(transactional_id));
        self
    }

    /// Strikes so many requests.
    #[must_use]
    pub fn times(mut self, count: u64) -> Rule {
        self.count = Some(count);
        self
    }

    /// Strikes no request before the nth.
    #[must_use]
    pub fn from_nth(mut self, nth: u64) -> Rule {
        self.from = nth;
        self
    }

    /// Strikes each request with this probability.
    #[must_use]
    pub fn by_chance(mut self, probability: f64, seed: u64) -> Rule {
        (self.probability, self.seed) = (Some(probability), seed);
        self
    }

    pub(super) fn is_about(&self, api: ApiKey, client_id: Option<&str>, subject: &Subject) -> bool {
        let one_of = |pattern: &Option<Pattern>, names: &[String]| {
            pattern.as_ref().is_none_or(|pattern| names.iter().any(|name| pattern.fits(name)))
        };
        let can_be_done = match self.action {
            Action::Fence => subject.fenceable.is_some(),
            Action::MoveLeader => !subject.topics.is_empty(),
            _ => true,
        };
        can_be_done
            && self.is_about_api(api)
            && self.is_about_client(client_id)
            && one_of(&self.topic, &subject.topics)
            && one_of(&self.group, &subject.groups)
            && one_of(&self.transactional_id, &subject.transactional_ids)
    }

    pub(super) fn is_about_api(&self, api: ApiKey) -> bool {
        self.apis.is_empty() || self.apis.contains(&api)
    }

    pub(super) fn is_about_client(&self, client_id: Option<&str>) -> bool {
        let fits = |pattern: &Pattern| pattern.fits(client_id.unwrap_or_default());
        self.client_id.as_ref().is_none_or(fits)
    }
}

/// A name, or what names begin with if it ends with `*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    pub fn new(text: &str) -> Pattern {
        Pattern(text.to_owned())
    }

    fn check(&self) -> Result<(), String> {
        if self.0.len() > PATTERN_BYTES_MAX {
            return Err(format!("a name has at most {PATTERN_BYTES_MAX} bytes"));
        }
        let beginning = self.0.strip_suffix('*').unwrap_or(&self.0);
        match beginning.contains('*') {
            true => Err(format!("{:?}: a * can only be the end of a name", self.0)),
            false => Ok(()),
        }
    }

    pub fn fits(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => self.0 == name,
        }
    }
}

/// A rule as people write it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api: Option<OneOrMore>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<Pattern>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<Pattern>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<Pattern>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transactional_id: Option<Pattern>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    action: ActionName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ErrorText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum ErrorText {
    Name(String),
    Code(i16),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionName {
    #[default]
    Error,
    Delay,
    DelayAnswer,
    Drop,
    LoseAnswer,
    Duplicate,
    Pause,
    Fence,
    MoveLeader,
}

impl TryFrom<RuleText> for Rule {
    type Error = String;

    fn try_from(text: RuleText) -> Result<Rule, String> {
        let names = match &text.api {
            None => &[][..],
            Some(OneOrMore::One(name)) => std::slice::from_ref(name),
            Some(OneOrMore::More(names)) if names.is_empty() => {
                return Err(
                    "api: the list is empty; without `api` a rule is about all of them".to_owned()
                );
            }
            Some(OneOrMore::More(names)) => names,
        };
        let apis = names.iter().map(|name| api_named(name)).collect::<Result<_, _>>()?;
        let patterns = [&text.topic, &text.client_id, &text.group, &text.transactional_id];
        patterns.into_iter().flatten().try_for_each(Pattern::check)?;
        if text.probability.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
            return Err("probability: expected a number from 0 to 1".to_owned());
        }
        if text.from == Some(0) {
            return Err("from: the first request is 1".to_owned());
        }
        let action = text.action()?;
        Ok(Rule {
            apis,
            topic: text.topic,
            client_id: text.client_id,
            group: text.group,
            transactional_id: text.transactional_id,
            from: text.from.unwrap_or(1),
            count: text.count,
            probability: text.probability,
            seed: text.seed.unwrap_or(0),
            action,
        })
    }
}

impl RuleText {
    fn action(&self) -> Result<Action, String> {
        let is_error = self.action == ActionName::Error;
        let is_delay = matches!(self.action, ActionName::Delay | ActionName::DelayAnswer);
        if self.error.is_some() && !is_error {
            return Err("error: only the action error has one".to_owned());
        }
        if self.delay_ms.is_some() && !is_delay {
            return Err("delay_ms: only the actions delay and delay_answer have one".to_owned());
        }
        Ok(match self.action {
            ActionName::Error => Action::Error(self.wanted_error()?),
            ActionName::Delay => Action::Delay(self.wanted_delay()?),
            ActionName::DelayAnswer => Action::DelayAnswer(self.wanted_delay()?),
            ActionName::Drop => Action::Drop,
            ActionName::LoseAnswer => Action::LoseAnswer,
            ActionName::Duplicate => Action::Duplicate,
            ActionName::Pause => Action::Pause,
            ActionName::Fence => Action::Fence,
            ActionName::MoveLeader => Action::MoveLeader,
        })
    }

    fn wanted_error(&self) -> Result<ResponseError, String> {
        let name = match &self.error {
            Some(ErrorText::Name(name)) => name.clone(),
            Some(ErrorText::Code(code)) => code.to_string(),
            None => {
                return Err("the action error needs an error: NOT_LEADER_OR_FOLLOWER".to_owned());
            }
        };
        error_named(&name).ok_or_else(|| format!("Kafka has no error {name}"))
    }

    fn wanted_delay(&self) -> Result<Duration, String> {
        match self.delay_ms {
            Some(ms) if ms <= DELAY_MAX_MS => Ok(Duration::from_millis(ms)),
            Some(_) => Err(format!("delay_ms: at most {DELAY_MAX_MS}")),
            None => Err("the action needs delay_ms".to_owned()),
        }
    }
}

impl From<Rule> for RuleText {
    fn from(rule: Rule) -> RuleText {
        let mut text = RuleText {
            topic: rule.topic,
            client_id: rule.client_id,
            group: rule.group,
            transactional_id: rule.transactional_id,
            from: Some(rule.from).filter(|from| *from > 1),
            count: rule.count,
            probability: rule.probability,
            seed: rule.probability.map(|_| rule.seed),
            ..RuleText::default()
        };
        let mut names: Vec<String> = rule.apis.iter().map(|api| format!("{api:?}")).collect();
        text.api = match names.len() {
            0 => None,
            1 => names.pop().map(OneOrMore::One),
            _ => Some(OneOrMore::More(names)),
        };
        let ms = |delay: Duration| u64::try_from(delay.as_millis()).unwrap_or(DELAY_MAX_MS);
        text.action = match rule.action {
            Action::Error(error) => {
                text.error = Some(ErrorText::Name(name_of(error)));
                ActionName::Error
            }
            Action::Delay(delay) => {
                text.delay_ms = Some(ms(delay));
                ActionName::Delay
            }
            Action::DelayAnswer(delay) => {
                text.delay_ms = Some(ms(delay));
                ActionName::DelayAnswer
            }
            Action::Drop => ActionName::Drop,
            Action::LoseAnswer => ActionName::LoseAnswer,
            Action::Duplicate => ActionName::Duplicate,
            Action::Pause => ActionName::Pause,
            Action::Fence => ActionName::Fence,
            Action::MoveLeader => ActionName::MoveLeader,
        };
        text
    }
}

/// An API that the broker has, by the name that Kafka's protocol guide gives it.
fn api_named(name: &str) -> Result<ApiKey, String> {
    let mut all = crate::apis::SUPPORTED.iter().map(|api| api.key);
    all.find(|key| format!("{key:?}").eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("api: the broker has no {name}"))
}
