//! OAuth: tokens for client credentials, fetched before they are needed. Source: RFC 6749, 4.4.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use reqwest::Url;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::error::ClientError;
use crate::failure::Failure;
use crate::reason::Reason;
use crate::redirect::without_password;

/// Part of a token's life after which the next is fetched, while the old one still serves.
const FRESH: f64 = 0.8;

/// Life of a token whose endpoint does not say.
const UNSAID: Duration = Duration::from_secs(300);

/// A client that gets its tokens from an authorization server.
#[derive(Clone)]
pub struct OAuth {
    /// Where tokens are given out.
    pub token_url: String,
    /// Who the client is.
    pub client_id: String,
    /// What only it knows.
    pub client_secret: String,
    /// Several are separated by spaces.
    pub scope: Option<String>,
}

pub(crate) struct Tokens {
    url: Url,
    client_id: String,
    client_secret: String,
    body: String,
    current: ArcSwapOption<Token>,
    asking: Mutex<()>,
}

pub(crate) struct Token {
    pub(crate) value: String,
    fresh_until: Instant,
    good_until: Instant,
    /// Whether the registry has ever let it pass.
    accepted: AtomicBool,
}

impl Token {
    pub(crate) fn accepted(&self) {
        if !self.accepted.load(Ordering::Relaxed) {
            self.accepted.store(true, Ordering::Relaxed);
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<f64>,
}

impl Tokens {
    pub(crate) fn new(config: OAuth) -> Result<Tokens, ClientError> {
        let wrong = |e| ClientError::Configuration(Reason::of(e).inside("the token's URL"));
        let url = Url::parse(&config.token_url).map_err(wrong)?;
        let mut form = url.clone();
        form.set_query(None);
        form.query_pairs_mut()
            .append_pair("grant_type", "client_credentials")
            .extend_pairs(config.scope.iter().map(|scope| ("scope", scope)));
        Ok(Tokens {
            body: form.query().unwrap_or_default().to_string(),
            url,
            client_id: config.client_id,
            client_secret: config.client_secret,
            current: ArcSwapOption::empty(),
            asking: Mutex::default(),
        })
    }

    /// A token to send. Whoever finds the old one not fresh any more fetches the next; the others send
    /// the old one while it is good, and wait when it is not.
    pub(crate) async fn token(&self, http: &reqwest::Client) -> Result<Arc<Token>, Failure> {
        let current = self.current.load_full();
        let good = match current {
            Some(token) if Instant::now() < token.fresh_until => return Ok(token),
            Some(token) if Instant::now() < token.good_until => Some(token),
            _ => None,
        };
        let _one_asks = match (&good, self.asking.try_lock()) {
            (_, Ok(one)) => one,
            (Some(token), Err(_)) => return Ok(token.clone()),
            (None, Err(_)) => self.asking.lock().await,
        };
        match self.current.load_full() {
            Some(token) if Instant::now() < token.fresh_until => return Ok(token),
            _ => {}
        }
        match (self.fetch(http).await, good) {
            (Ok(token), _) => {
                let token = Arc::new(token);
                self.current.store(Some(token.clone()));
                Ok(token)
            }
            (Err(_), Some(token)) => Ok(token), // there is time to try again
            (Err(failure), None) => Err(failure),
        }
    }

    /// Forgets a token that the registry has refused. Whether a new one is worth a try: it is if the
    /// old one has been good before, and was taken back.
    pub(crate) fn refused(&self, token: &Arc<Token>) -> bool {
        let current = self.current.load_full();
        if current.is_some_and(|current| Arc::ptr_eq(&current, token)) {
            self.current.store(None);
        }
        token.accepted.load(Ordering::Relaxed)
    }

    async fn fetch(&self, http: &reqwest::Client) -> Result<Token, Failure> {
        let asked = Instant::now();
        let request = http
            .post(self.url.clone())
            .basic_auth(&self.client_id, Some(&self.client_secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(self.body.clone());
        let lost = |e| Failure::passing(Reason::of(e).inside("the token endpoint"));
        let response = request.send().await.map_err(lost)?;
        let status = response.status();
        if status.is_redirection() {
            // a secret goes where it was meant to go, and nowhere else
            let location = response.headers().get("location");
            let location = location.map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned());
            let location = without_password(&location.unwrap_or_default());
            let why = format!(
                "the token endpoint answers {status} and names {location:?}, which is not followed"
            );
            return Err(Failure::last(ClientError::Configuration(why.into())));
        }
        let bytes = response.bytes().await.map_err(lost)?;
        if !status.is_success() {
            let said = String::from_utf8_lossy(&bytes[..bytes.len().min(500)]).into_owned();
            let why = format!("the token endpoint answers {status}: {said}");
            return Err(match status.is_server_error() || status.as_u16() == 429 {
                true => Failure::passing(why.into()),
                false => Failure::last(ClientError::Configuration(why.into())),
            });
        }
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|e| {
            let why = Reason::of(e).inside("the token endpoint's answer");
            Failure::last(ClientError::Protocol(why))
        })?;
        let life = answer.expires_in.and_then(|s| Duration::try_from_secs_f64(s).ok());
        let life = life.unwrap_or(UNSAID).min(Duration::from_secs(86_400 * 365));
        Ok(Token {
            value: answer.access_token,
            fresh_until: asked + life.mul_f64(FRESH),
            good_until: asked + life,
            accepted: AtomicBool::new(false),
        })
    }
}
