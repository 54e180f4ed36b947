//! bcrypt as htpasswd and others write it: `$2y$12$SALT-AND-HASH`.

use crate::random::random;

/// The most bytes of a password that bcrypt looks at.
pub(crate) const BCRYPT_BYTES_MAX: usize = 72;

/// The cost of what Weir makes: a quarter of a second of a core.
const COST_DEFAULT: u32 = 12;

/// The highest cost that is read: some seconds of a core. Each one more takes twice as long.
const COST_MAX: u32 = 16;

const COST_MIN: u32 = 4;

/// `$2y$12$`, a salt of 22 characters and a hash of 31.
const TEXT_BYTES: usize = 60;

pub(crate) struct Bcrypt {
    text: String,
    cost: u32,
}

impl Bcrypt {
    /// Hashes a password with a random salt. None if the system gives no random bytes.
    pub(crate) fn of(password: &str) -> Option<Bcrypt> {
        let salt = random::<16>()?;
        let parts = bcrypt::hash_with_salt(password, COST_DEFAULT, salt).ok()?;
        let text = parts.format_for_version(bcrypt::Version::TwoY);
        Some(Bcrypt { text, cost: COST_DEFAULT })
    }

    /// Returns true if a text looks like one, whether or not it is good.
    pub(crate) fn is_one(text: &str) -> bool {
        ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix))
    }

    /// Reads a hash. The error says what is wrong, without any of it.
    pub(crate) fn parse(text: &str) -> Result<Bcrypt, String> {
        if !Bcrypt::is_one(text) || text.len() != TEXT_BYTES {
            return Err(format!("expected $2y$COST$ and {} characters", TEXT_BYTES - 7));
        }
        let parts: bcrypt::HashParts =
            text.parse().map_err(|_| "it is no hash of bcrypt, or was cut".to_string())?;
        let cost = parts.get_cost();
        if !(COST_MIN..=COST_MAX).contains(&cost) {
            return Err(format!("its cost is {cost}: expected {COST_MIN} to {COST_MAX}"));
        }
        Ok(Bcrypt { text: text.to_string(), cost })
    }

    pub(crate) fn decoy(cost: u32) -> Bcrypt {
        let text = format!("$2y${cost:02}$CCCCCCCCCCCCCCCCCCCCC.......................");
        let missing = TEXT_BYTES.saturating_sub(text.len());
        Bcrypt { text: text + &".".repeat(missing), cost }
    }

    pub(crate) fn cost(&self) -> u32 {
        self.cost
    }

    /// Returns true if it was made of this password, or of one with the same first 72 bytes: that is all that bcrypt sees.
    pub(crate) fn matches(&self, password: &str) -> bool {
        bcrypt::verify(password, &self.text).unwrap_or(false)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of crypt_blowfish.
    const U_STAR_U: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    #[test]
    fn all_three_letters_are_read() {
        for letter in ["2a", "2b", "2y"] {
            let stored = Bcrypt::parse(&U_STAR_U.replace("2a", letter)).unwrap();
            assert!(stored.matches("U*U"), "{letter}");
            assert!(!stored.matches("U*U*"), "{letter}");
        }
    }

    #[test]
    fn what_is_no_hash_or_costs_minutes_is_refused() {
        for text in [
            "",
            "$2y$",
            "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2y$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2y$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2y$xx$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
            "$2y$05$CCCCCCCCCCCC=CCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2y$05$ééééééééééé.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWaaaaaaaaa",
        ] {
            assert!(Bcrypt::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_made_is_what_htpasswd_makes() {
        let made = Bcrypt::of("secret").unwrap();
        assert!(made.text().starts_with("$2y$12$"));
        assert!(Bcrypt::parse(made.text()).unwrap().matches("secret"));
    }

    #[test]
    fn a_decoy_is_computed_like_any_other() {
        assert!(Bcrypt::parse(&Bcrypt::decoy(5).text).is_ok());
    }
}
