//! What a config is called, what it takes, and what it says of itself.

/// The type of a value, as the protocol names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    String,
    Int,
    Short,
    Long,
    Double,
    List,
    Password,
}

impl Kind {
    /// The number which DescribeConfigs answers with.
    pub fn code(self) -> i8 {
        match self {
            Kind::Boolean => 1,
            Kind::String => 2,
            Kind::Int => 3,
            Kind::Short => 4,
            Kind::Long => 5,
            Kind::Double => 6,
            Kind::List => 7,
            Kind::Password => 9,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Boolean => "BOOLEAN",
            Kind::String => "STRING",
            Kind::Int => "INT",
            Kind::Short => "SHORT",
            Kind::Long => "LONG",
            Kind::Double => "DOUBLE",
            Kind::List => "LIST",
            Kind::Password => "PASSWORD",
        }
    }
}

/// Which values of its type a config takes.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    Any,
    AtLeast(i64),
    Between(i64, i64),
    /// Any of a range, or this one value besides.
    BetweenOr(i64, i64, i64),
    /// One of these words; in a list, each element.
    OneOf(&'static [&'static str]),
    /// The word `*`, or pairs of a partition and a broker, `0:1,1:1`.
    Replicas,
}

/// A config that the broker knows.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    pub name: &'static str,
    pub kind: Kind,
    /// `None` says that it has no value unless it is set.
    pub default: Option<&'static str>,
    pub check: Check,
    /// The config of the broker which a topic's config falls back to.
    pub broker_name: Option<&'static str>,
    pub doc: &'static str,
}

impl Definition {
    /// Says what is wrong with a value, in Kafka's words.
    pub fn check(&self, value: &str) -> Result<(), String> {
        let value = value.trim();
        match self.kind {
            Kind::Boolean if is_boolean(value) => Ok(()),
            Kind::Boolean => Err(self.bad(value, "Expected value to be either true or false")),
            Kind::Int => self.whole(value, i64::from(i32::MIN), i64::from(i32::MAX)),
            Kind::Short => self.whole(value, i64::from(i16::MIN), i64::from(i16::MAX)),
            Kind::Long => self.whole(value, i64::MIN, i64::MAX),
            Kind::Double => self.fraction(value),
            Kind::List => elements(value).try_for_each(|element| self.word(element)),
            Kind::String | Kind::Password => self.word(value),
        }
    }

    fn whole(&self, value: &str, min: i64, max: i64) -> Result<(), String> {
        match value.parse::<i64>() {
            Ok(number) if (min..=max).contains(&number) => self.range(number as f64, value),
            _ => Err(self.not_a_number(value)),
        }
    }

    fn fraction(&self, value: &str) -> Result<(), String> {
        let number = value.parse::<f64>().map_err(|_| self.not_a_number(value))?;
        self.range(number, &format!("{number:?}"))
    }

    fn not_a_number(&self, value: &str) -> String {
        self.bad(value, &format!("Not a number of type {}", self.kind.name()))
    }

    fn range(&self, number: f64, shown: &str) -> Result<(), String> {
        let (min, max) = match self.check {
            Check::AtLeast(min) => (Some(min), None),
            Check::BetweenOr(_, _, other) if number == other as f64 => (None, None),
            Check::Between(min, max) | Check::BetweenOr(min, max, _) => (Some(min), Some(max)),
            Check::Any | Check::OneOf(_) | Check::Replicas => (None, None),
        };
        if let Some(min) = min.filter(|min| number.is_nan() || number < *min as f64) {
            return Err(self.bad(shown, &format!("Value must be at least {min}")));
        }
        match max.filter(|max| number > *max as f64) {
            Some(max) => Err(self.bad(shown, &format!("Value must be no more than {max}"))),
            None => Ok(()),
        }
    }

    fn word(&self, word: &str) -> Result<(), String> {
        match self.check {
            Check::OneOf(words) if !words.contains(&word) => {
                Err(self.bad(word, &format!("String must be one of: {}", words.join(", "))))
            }
            Check::Replicas if word != "*" && !is_replica(word) => Err(self
                .bad(word, "it has to be '*' or a list of replicas, [partitionId]:[brokerId],..")),
            _ => Ok(()),
        }
    }

    fn bad(&self, value: &str, why: &str) -> String {
        format!("Invalid value {value} for configuration {}: {why}", self.name)
    }
}

/// The elements of a list, without the white space around them.
pub fn elements(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|element| !element.is_empty())
}

fn is_boolean(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
}

fn is_replica(word: &str) -> bool {
    let is_number = |part: &str| part.parse::<u32>().is_ok();
    word.split_once(':')
        .is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
}
