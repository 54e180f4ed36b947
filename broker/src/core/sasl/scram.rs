//! SCRAM, RFC 5802 without channel binding, the server's side.

use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::Progress;

/// The rounds of a password that was set when the broker was started.
pub(super) const ROUNDS: u32 = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    Sha256 = 1,
    Sha512 = 2,
}

impl Mechanism {
    pub(super) const EVERY: [Mechanism; 2] = [Mechanism::Sha256, Mechanism::Sha512];

    pub(super) fn from_number(number: i8) -> Option<Mechanism> {
        Mechanism::EVERY.into_iter().find(|mechanism| *mechanism as i8 == number)
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Mechanism::Sha256 => hmac::HMAC_SHA256,
            Mechanism::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn hash(self) -> &'static digest::Algorithm {
        match self {
            Mechanism::Sha256 => &digest::SHA256,
            Mechanism::Sha512 => &digest::SHA512,
        }
    }

    fn rounds(self) -> pbkdf2::Algorithm {
        match self {
            Mechanism::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Mechanism::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }

    fn refused(self) -> String {
        let name = match self {
            Mechanism::Sha256 => "SCRAM-SHA-256",
            Mechanism::Sha512 => "SCRAM-SHA-512",
        };
        format!(
            "Authentication failed during authentication due to invalid credentials with SASL \
             mechanism {name}"
        )
    }
}

/// What the broker keeps of a password: enough to check it, not enough to log in with.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    pub(super) iterations: u32,
    salt: String,
    stored_key: String,
    server_key: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl Credential {
    /// Takes a password that the client has salted.
    pub(super) fn salted(
        mechanism: Mechanism,
        iterations: u32,
        salt: &[u8],
        salted_password: &[u8],
    ) -> Credential {
        let key = hmac::Key::new(mechanism.hmac(), salted_password);
        let client_key = hmac::sign(&key, b"Client Key");
        let stored_key = digest::digest(mechanism.hash(), client_key.as_ref());
        let server_key = hmac::sign(&key, b"Server Key");
        Credential {
            iterations,
            salt: STANDARD.encode(salt),
            stored_key: STANDARD.encode(stored_key),
            server_key: STANDARD.encode(server_key),
        }
    }

    pub(super) fn of_password(mechanism: Mechanism, password: &str, salt: &[u8]) -> Credential {
        let rounds = NonZeroU32::new(ROUNDS).unwrap_or(NonZeroU32::MIN);
        let mut salted = vec![0; mechanism.hash().output_len()];
        pbkdf2::derive(mechanism.rounds(), rounds, salt, password.as_bytes(), &mut salted);
        Credential::salted(mechanism, ROUNDS, salt, &salted)
    }
}

/// A login in which the client has said its name and got its challenge.
#[derive(Debug)]
pub(super) struct Exchange {
    mechanism: Mechanism,
    credential: Credential,
    user: String,
    nonce: String,
    /// The messages so far, which both sides sign.
    said: String,
    channel: String,
}

impl Exchange {
    pub(super) fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Reads the client's first message.
    pub(super) fn begin(
        mechanism: Mechanism,
        message: &[u8],
        credential: impl Fn(&str) -> Option<Credential>,
    ) -> Result<Progress, String> {
        let nonce = Uuid::new_v4().simple().to_string();
        Exchange::begin_with(mechanism, message, credential, &nonce)
    }

    fn begin_with(
        mechanism: Mechanism,
        message: &[u8],
        credential: impl Fn(&str) -> Option<Credential>,
        own_nonce: &str,
    ) -> Result<Progress, String> {
        let malformed = || mechanism.refused();
        let message = std::str::from_utf8(message).map_err(|_| malformed())?;
        let mut parts = message.splitn(3, ',');
        let (flag, authorization) = (parts.next(), parts.next());
        let (Some(flag @ ("n" | "y")), Some(authorization), Some(bare)) =
            (flag, authorization, parts.next())
        else {
            return Err(malformed());
        };
        let field = |name: &str| bare.split(',').find_map(|part| part.strip_prefix(name));
        let (Some(name), Some(client_nonce)) = (field("n="), field("r=")) else {
            return Err(malformed());
        };
        let user = name.replace("=2C", ",").replace("=3D", "=");
        let is_other = authorization.strip_prefix("a=").is_some_and(|other| other != name);
        let is_delegated = field("tokenauth=") == Some("true");
        let Some(credential) = credential(&user).filter(|_| !is_other && !is_delegated) else {
            return Err(mechanism.refused());
        };
        let nonce = format!("{client_nonce}{own_nonce}");
        let challenge = format!("r={nonce},s={},i={}", credential.salt, credential.iterations);
        let said = format!("{bare},{challenge}");
        let channel = format!("{flag},{authorization},");
        let exchange = Exchange { mechanism, credential, user, nonce, said, channel };
        Ok(Progress::Challenge(exchange, challenge))
    }

    /// Reads the client's last message, and shows in return that the broker knows the password, too.
    ///
    /// The client should say the nonce that it was told. librdkafka before 2.6.1 says its own once more before it, which
    /// Kafka 3.8 and 3.9 accept. Nothing is lost by it: the proof is over whatever the client said, and over the challenge.
    pub(super) fn finish(self, message: &[u8]) -> Result<Progress, String> {
        let refused = || self.mechanism.refused();
        let message = std::str::from_utf8(message).map_err(|_| refused())?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or_else(refused)?;
        let field = |name: &str| without_proof.split(',').find_map(|part| part.strip_prefix(name));
        let is_same = field("c=") == Some(STANDARD.encode(&self.channel).as_str())
            && field("r=").is_some_and(|nonce| nonce.ends_with(&self.nonce));
        let proof = STANDARD.decode(proof).map_err(|_| refused())?;
        let decoded = |text: &str| STANDARD.decode(text).map_err(|_| refused());
        let stored_key = decoded(&self.credential.stored_key)?;
        let server_key = decoded(&self.credential.server_key)?;
        let said = format!("{},{without_proof}", self.said);
        let sign =
            |key: &[u8]| hmac::sign(&hmac::Key::new(self.mechanism.hmac(), key), said.as_bytes());
        let signature = sign(&stored_key);
        if !is_same || proof.len() != signature.as_ref().len() {
            return Err(refused());
        }
        let client_key: Vec<u8> =
            proof.iter().zip(signature.as_ref()).map(|(shown, signed)| shown ^ signed).collect();
        let shown = digest::digest(self.mechanism.hash(), &client_key);
        if !bool::from(shown.as_ref().ct_eq(&stored_key)) {
            return Err(refused());
        }
        let answer = format!("v={}", STANDARD.encode(sign(&server_key)));
        Ok(Progress::Done { user: self.user, answer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3.
    fn example() -> Exchange {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let credential = Credential::of_password(Mechanism::Sha256, "pencil", &salt);
        let begun = Exchange::begin_with(
            Mechanism::Sha256,
            b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            |user| (user == "user").then(|| credential.clone()),
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        );
        let Ok(Progress::Challenge(exchange, challenge)) = begun else { panic!("no challenge") };
        assert_eq!(
            challenge,
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        exchange
    }

    #[test]
    fn the_example_of_rfc_7677_logs_in() {
        let last = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let Ok(Progress::Done { user, answer }) = example().finish(last) else { panic!("refused") };
        assert_eq!(user, "user");
        assert_eq!(answer, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_client_that_says_its_nonce_twice_logs_in() {
        let mechanism = Mechanism::Sha256;
        let exchange = example();
        let twice = format!("c=biws,r=rOprNGfwEbeRWgbNEkqO{}", exchange.nonce);
        let salt = STANDARD.decode(&exchange.credential.salt).unwrap();
        let mut salted = [0; 32];
        let rounds = NonZeroU32::new(ROUNDS).unwrap();
        pbkdf2::derive(mechanism.rounds(), rounds, &salt, b"pencil", &mut salted);
        let key = hmac::Key::new(mechanism.hmac(), &salted);
        let client_key = hmac::sign(&key, b"Client Key");
        let stored_key = digest::digest(mechanism.hash(), client_key.as_ref());
        let stored_key = hmac::Key::new(mechanism.hmac(), stored_key.as_ref());
        let signature = hmac::sign(&stored_key, format!("{},{twice}", exchange.said).as_bytes());
        let signed = client_key.as_ref().iter().zip(signature.as_ref());
        let proof: Vec<u8> = signed.map(|(key, signed)| key ^ signed).collect();
        let last = format!("{twice},p={}", STANDARD.encode(proof));
        assert!(matches!(exchange.finish(last.as_bytes()), Ok(Progress::Done { .. })));
    }

    #[test]
    fn a_wrong_proof_nonce_or_channel_is_refused() {
        for last in [
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "c=biws,r=other,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "c=eSws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=",
            "p=x",
            "",
        ] {
            assert!(example().finish(last.as_bytes()).is_err(), "{last}");
        }
    }

    #[test]
    fn an_unknown_user_and_a_broken_message_are_refused() {
        let nobody = |_: &str| None;
        for first in ["n,,n=user,r=abc", "n,,r=abc", "p=tls,,n=user,r=abc", "", "n,,", "\u{0}"] {
            let begun = Exchange::begin(Mechanism::Sha512, first.as_bytes(), nobody);
            assert!(begun.is_err(), "{first}");
        }
    }
}
