//! SCRAM, RFC 5802 without channel binding, as Kafka has it.

use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};

use crate::security::Mechanism;

/// Rounds that are believed: more would let a server keep us busy.
const ROUNDS_MAX: u32 = 10_000_000;

/// A dialogue in which both sides show that they know the password.
pub(crate) struct Scram<'a> {
    algorithms: (pbkdf2::Algorithm, hmac::Algorithm, &'static digest::Algorithm),
    password: &'a str,
    client_first_bare: String,
    nonce: String,
}

/// What the server has to show.
pub(crate) struct ServerProof {
    key: hmac::Key,
    said: String,
}

impl<'a> Scram<'a> {
    pub(crate) fn new(
        mechanism: Mechanism,
        username: &str,
        password: &'a str,
        nonce: String,
    ) -> Self {
        let escaped = username.replace('=', "=3D").replace(',', "=2C");
        Scram {
            algorithms: match mechanism {
                Mechanism::ScramSha512 => {
                    (pbkdf2::PBKDF2_HMAC_SHA512, hmac::HMAC_SHA512, &digest::SHA512)
                }
                _ => (pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256, &digest::SHA256),
            },
            password,
            client_first_bare: format!("n={escaped},r={nonce}"),
            nonce,
        }
    }

    pub(crate) fn first(&self) -> String {
        format!("n,,{}", self.client_first_bare)
    }

    /// The answer to the server's first message.
    pub(crate) fn last(&self, server_first: &str) -> Result<(String, ServerProof), String> {
        let part = |name: &str| {
            let found = server_first.split(',').find_map(|p| p.strip_prefix(name));
            found.ok_or_else(|| format!("the server's SCRAM message has no {name}"))
        };
        let (nonce, salt, rounds) = (part("r=")?, part("s=")?, part("i=")?);
        if !nonce.starts_with(&self.nonce) || nonce == self.nonce {
            return Err("the server answers to somebody else".to_string());
        }
        let salt = STANDARD.decode(salt).map_err(|e| format!("the server's salt: {e}"))?;
        let rounds: u32 = rounds.parse().map_err(|e| format!("the server's rounds: {e}"))?;
        let rounds = NonZeroU32::new(rounds)
            .filter(|rounds| rounds.get() <= ROUNDS_MAX)
            .ok_or_else(|| format!("the server wants {rounds} rounds"))?;
        let (pbkdf2, hmac_algorithm, hash) = self.algorithms;
        let mut salted = vec![0; hash.output_len()];
        pbkdf2::derive(pbkdf2, rounds, &salt, self.password.as_bytes(), &mut salted);
        let salted = hmac::Key::new(hmac_algorithm, &salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let stored_key = digest::digest(hash, client_key.as_ref());
        let without_proof = format!("c=biws,r={nonce}");
        let said = format!("{},{server_first},{without_proof}", self.client_first_bare);
        let signature =
            hmac::sign(&hmac::Key::new(hmac_algorithm, stored_key.as_ref()), said.as_bytes());
        let proof: Vec<u8> =
            client_key.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let server_key = hmac::sign(&salted, b"Server Key");
        let key = hmac::Key::new(hmac_algorithm, server_key.as_ref());
        let last = format!("{without_proof},p={}", STANDARD.encode(proof));
        Ok((last, ServerProof { key, said }))
    }
}

impl ServerProof {
    /// Whether the server knows the password too.
    pub(crate) fn check(&self, server_last: &str) -> Result<(), String> {
        let Some(shown) = server_last.strip_prefix("v=") else {
            return Err(format!("the server refuses: {server_last}"));
        };
        let shown = STANDARD.decode(shown.trim()).map_err(|e| e.to_string())?;
        hmac::verify(&self.key, self.said.as_bytes(), &shown)
            .map_err(|_| "the server does not know the password".to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3.
    #[test]
    fn the_example_of_rfc_7677() {
        let nonce = "rOprNGfwEbeRWgbNEkqO".to_string();
        let scram = Scram::new(Mechanism::ScramSha256, "user", "pencil", nonce);
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let (last, proof) = scram
            .last("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
            .unwrap();
        assert_eq!(
            last,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        proof.check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
        assert!(proof.check("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").is_err());
        assert!(proof.check("e=invalid-proof").is_err());
        assert!(scram.last("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096").is_err());
    }
}
