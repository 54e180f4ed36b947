//! Values: what a text of a layer means, by type.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::path::PathBuf;

use tracing::level_filters::LevelFilter;
use weir_broker::core::check_advertised_host;
use weir_http::{AllowedHost, IpNet, Password};
use weir_registry_api::CompatibilityLevel;

use super::problem::{Problem, Reason};
use super::setting::{Setting, Shape};
use super::source::Source;

/// A text, and where it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    pub text: String,
    pub source: Source,
}

/// The text is left out: it may be a password.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").field("source", &self.source).finish_non_exhaustive()
    }
}

/// What a layer has for a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    One(Text),
    /// A list, and where it stands as a whole.
    Many(Source, Vec<Text>),
    Named(BTreeMap<String, Text>),
}

/// A value of the tree, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    pub value: T,
    pub source: Source,
}

impl<T> Deref for Sourced<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// librdkafka's settings or a topic's, with where each comes from.
pub type Names = BTreeMap<String, Text>;

/// What one text can be.
pub trait Scalar: Sized {
    const SHAPE: Shape;

    /// An error says what was expected, and what was found where that cannot be secret.
    fn parse(text: &str, setting: &Setting) -> Result<Self, Reason>;
}

/// The type of a field of the tree.
pub trait Value: Sized {
    const SHAPE: Shape;

    fn read(given: &Given, setting: &Setting) -> Result<Self, Problem>;

    /// What it is where no layer has a value and there is no default.
    fn unset() -> Option<Self>;
}

fn one<T: Scalar>(text: &Text, setting: &Setting) -> Result<T, Problem> {
    let read = T::parse(&text.text, setting);
    read.map_err(|why| match &text.source {
        Source::File { .. } => Problem::at(&text.source, format!("{}: {why}", setting.key)),
        _ => Problem::at(&text.source, why.0),
    })
}

fn wrong_shape(given: &Given, setting: &Setting) -> Problem {
    let source = match given {
        Given::One(text) => Some(text.source.clone()),
        Given::Many(source, _) => Some(source.clone()),
        Given::Named(names) => names.values().next().map(|text| text.source.clone()),
    };
    let text = format!("{}: expected {}", setting.key, setting.shape.words());
    Problem { source, text, waivable: false }
}

impl<T: Scalar> Value for T {
    const SHAPE: Shape = T::SHAPE;

    fn read(given: &Given, setting: &Setting) -> Result<T, Problem> {
        match given {
            Given::One(text) => one(text, setting),
            _ => Err(wrong_shape(given, setting)),
        }
    }

    fn unset() -> Option<T> {
        None
    }
}

/// An empty text takes back what lower layers say.
impl<T: Scalar> Value for Option<T> {
    const SHAPE: Shape = T::SHAPE;

    fn read(given: &Given, setting: &Setting) -> Result<Option<T>, Problem> {
        match given {
            Given::One(text) if text.text.trim().is_empty() && T::SHAPE == Shape::Text => Ok(None),
            Given::One(text) => one(text, setting).map(Some),
            _ => Err(wrong_shape(given, setting)),
        }
    }

    fn unset() -> Option<Option<T>> {
        Some(None)
    }
}

impl<T: Scalar> Value for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);

    fn read(given: &Given, setting: &Setting) -> Result<Vec<T>, Problem> {
        match given {
            Given::Many(_, texts) => texts.iter().map(|text| one(text, setting)).collect(),
            _ => Err(wrong_shape(given, setting)),
        }
    }

    fn unset() -> Option<Vec<T>> {
        Some(Vec::new())
    }
}

impl Value for Names {
    const SHAPE: Shape = Shape::Names;

    fn read(given: &Given, setting: &Setting) -> Result<Names, Problem> {
        match given {
            Given::Named(names) => Ok(names.clone()),
            _ => Err(wrong_shape(given, setting)),
        }
    }

    fn unset() -> Option<Names> {
        Some(Names::new())
    }
}

/// `true` and `false` in any case, as in Java.
impl Scalar for bool {
    const SHAPE: Shape = Shape::Switch;

    fn parse(text: &str, _: &Setting) -> Result<bool, Reason> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("{:?} is neither true nor false", text.trim()).into()),
        }
    }
}

fn integer(text: &str, setting: &Setting, max: u64) -> Result<u64, Reason> {
    let (min, max) = (setting.min, setting.max.min(max));
    let number = text.trim().parse::<u64>().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| {
        let bounds = match max == Setting::NEW.max {
            true => format!("of at least {min}"),
            false => format!("from {min} to {max}"),
        };
        let found = Some(text.trim()).filter(|text| !text.is_empty()).unwrap_or("nothing");
        format!("expected a whole number {bounds}, found {found}").into()
    })
}

macro_rules! integers {
    ($($integer:ty),*) => {
        $(impl Scalar for $integer {
            const SHAPE: Shape = Shape::Integer;

            fn parse(text: &str, setting: &Setting) -> Result<$integer, Reason> {
                let max = u64::try_from(<$integer>::MAX).unwrap_or(u64::MAX);
                let number = integer(text, setting, max)?;
                <$integer>::try_from(number).map_err(|_| "expected a smaller number".into())
            }
        })*
    };
}

integers!(u16, u32, u64, usize);

impl Scalar for String {
    const SHAPE: Shape = Shape::Text;

    fn parse(text: &str, _: &Setting) -> Result<String, Reason> {
        Ok(text.trim().to_string())
    }
}

impl Scalar for PathBuf {
    const SHAPE: Shape = Shape::Text;

    fn parse(text: &str, _: &Setting) -> Result<PathBuf, Reason> {
        match text.is_empty() {
            true => Err("expected a path, found nothing".into()),
            false => Ok(PathBuf::from(text)),
        }
    }
}

/// A network, or one address.
impl Scalar for IpNet {
    const SHAPE: Shape = Shape::Text;

    fn parse(text: &str, _: &Setting) -> Result<IpNet, Reason> {
        let network = text.parse::<IpNet>().ok();
        let network = network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        network.ok_or_else(|| {
            format!("{text} is not a network: expected 10.0.0.0/8 or an address").into()
        })
    }
}

/// A password is taken as it stands.
impl Scalar for Password {
    const SHAPE: Shape = Shape::Text;

    fn parse(text: &str, _: &Setting) -> Result<Password, Reason> {
        Ok(Password::new(text))
    }
}

impl Scalar for AllowedHost {
    const SHAPE: Shape = Shape::Text;

    fn parse(text: &str, _: &Setting) -> Result<AllowedHost, Reason> {
        text.parse().map_err(Reason)
    }
}

impl Scalar for CompatibilityLevel {
    const SHAPE: Shape = Shape::Choice(&[
        "none",
        "backward",
        "forward",
        "full",
        "backward_transitive",
        "forward_transitive",
        "full_transitive",
    ]);

    fn parse(text: &str, _: &Setting) -> Result<CompatibilityLevel, Reason> {
        let level = text.trim();
        level.parse().map_err(|_| {
            let expected = <CompatibilityLevel as Scalar>::SHAPE.words();
            format!("{level} is not a compatibility level: expected {expected}").into()
        })
    }
}

/// Declares an enum whose variants are words.
macro_rules! choice {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[$variant_meta])* $variant),* }

        impl Scalar for $name {
            const SHAPE: Shape = Shape::Choice(&[$($word),*]);

            fn parse(text: &str, _: &Setting) -> Result<$name, Reason> {
                match text.trim().to_ascii_lowercase().as_str() {
                    $($word => Ok($name::$variant),)*
                    _ => Err(format!("expected {}, found {:?}", <$name as Scalar>::SHAPE.words(), text.trim()).into()),
                }
            }
        }
    };
}

choice! {
    /// What a process runs.
    pub enum Role {
        Registry = "registry",
        Proxy = "proxy",
    }
}

choice! {
    /// Where the registry keeps its log.
    pub enum Store {
        /// On disk, in `registry.data_dir`.
        Sled = "sled",
        /// Nowhere: everything is gone when the process ends.
        Memory = "memory",
        /// In a compacted topic, as Confluent's registry does; nodes that share it elect a leader.
        Kafka = "kafka",
    }
}

choice! {
    /// A format of files with users.
    pub enum UsersFormat {
        /// What the file looks like.
        Auto = "auto",
        Weir = "weir",
        /// `password.properties`
        Jetty = "jetty",
        Karapace = "karapace",
    }
}

choice! {
    /// A version of TLS.
    pub enum TlsVersion {
        Tls12 = "1.2",
        Tls13 = "1.3",
    }
}

choice! {
    /// What https listeners ask of their clients.
    pub enum ClientAuthMode {
        /// Nothing.
        None = "none",
        /// A certificate, which they need not have.
        Optional = "optional",
        /// A certificate.
        Required = "required",
    }
}

choice! {
    /// Whether a listener's clients have to log in, where there is access control.
    pub enum Authentication {
        None = "none",
        Required = "required",
    }
}

choice! {
    /// What a listener speaks.
    pub enum Scheme {
        Http = "http",
        Https = "https",
    }
}

choice! {
    /// How lines of the log are written.
    pub enum LogFormat {
        /// For people: time, level, target, message, and fields as `name=value`.
        Text = "text",
        /// An object a line.
        Json = "json",
    }
}

choice! {
    /// Which traces are recorded, in OpenTelemetry's words.
    pub enum TraceSampler {
        AlwaysOn = "always_on",
        AlwaysOff = "always_off",
        Ratio = "traceidratio",
        ParentOrAlwaysOn = "parentbased_always_on",
        ParentOrAlwaysOff = "parentbased_always_off",
        ParentOrRatio = "parentbased_traceidratio",
    }
}

/// Says what is wrong with a filter of the log. A word that is no level would be taken for the only target that is logged.
pub fn check_log_filter(text: &str) -> Result<(), String> {
    if text.contains(['[', '{']) {
        // the patterns of such parts can take any time and memory
        return Err(
            "spans and fields are not filtered: expected a level, or TARGET=LEVEL".to_string()
        );
    }
    tracing_subscriber::EnvFilter::try_new(text)
        .map_err(|error| format!("expected a level, or targets with levels: {error}"))?;
    let is_word = |part: &&str| !part.is_empty() && !part.contains('=');
    let mut words = text.split(',').map(str::trim).filter(is_word);
    match words.find(|word| word.parse::<LevelFilter>().is_err()) {
        Some(word) => Err(format!(
            "`{word}` is no level: expected error, warn, info, debug, trace or off, or TARGET=LEVEL"
        )),
        None => Ok(()),
    }
}

/// Which lines are logged, in the words of tracing's filters: `info,rdkafka=off`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(pub String);

impl Scalar for LogFilter {
    const SHAPE: Shape = Shape::Text;

    fn parse(text: &str, _: &Setting) -> Result<LogFilter, Reason> {
        check_log_filter(text)?;
        Ok(LogFilter(text.to_string()))
    }
}

/// The protocol that Kafka's listeners name before their address; the broker of `weir dev` has no other.
const PLAINTEXT: &str = "PLAINTEXT://";

/// Where the broker of `weir dev` listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerListener(pub SocketAddr);

impl Scalar for BrokerListener {
    const SHAPE: Shape = Shape::Text;

    fn parse(text: &str, _: &Setting) -> Result<BrokerListener, Reason> {
        let address = text.trim().strip_prefix(PLAINTEXT).unwrap_or(text.trim());
        let address = match address.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => address.to_string(),
        };
        let parsed = address.parse().map(BrokerListener);
        parsed.map_err(|_| {
            format!("{} is not an ADDRESS:PORT: expected 127.0.0.1:9092", text.trim()).into()
        })
    }
}

/// Where clients are told to find the broker of `weir dev`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvertisedListener {
    pub host: String,
    pub port: u16,
}

impl fmt::Display for AdvertisedListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Scalar for AdvertisedListener {
    const SHAPE: Shape = Shape::Text;

    fn parse(text: &str, _: &Setting) -> Result<AdvertisedListener, Reason> {
        let address = text.trim().strip_prefix(PLAINTEXT).unwrap_or(text.trim());
        let parsed = address.rsplit_once(':').and_then(|(host, port)| {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let port = port.parse().ok().filter(|port| *port > 0)?;
            (!host.is_empty()).then(|| AdvertisedListener { host: host.to_string(), port })
        });
        let is_nowhere =
            |listener: &AdvertisedListener| check_advertised_host(&listener.host).is_err();
        if parsed.as_ref().is_some_and(is_nowhere) {
            let text = text.trim();
            return Err(
                format!("{text} is no address that a client can connect to: say a name").into()
            );
        }
        parsed.ok_or_else(|| {
            format!("{} is not HOST:PORT: expected localhost:9092", text.trim()).into()
        })
    }
}
