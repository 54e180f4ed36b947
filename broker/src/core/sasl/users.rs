//! Users with passwords: those of the settings, and those that clients have made for SCRAM.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_protocol::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResult,
};
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
};
use kafka_protocol::protocol::StrBytes;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::scram::{Credential, Mechanism};
use super::{LoginSettings, User};
use crate::core::refusal::{Refusal, text, verdict};
use crate::core::{Call, Core, Entry, Handled, Key, Operation, Resource};

/// How many credentials are kept.
const CREDENTIALS_MAX: usize = 10_000;
/// The rounds that Kafka allows.
const ROUNDS_MIN: i32 = 4096;
const ROUNDS_MAX: i32 = 16_384;

type Credentials = BTreeMap<(String, Mechanism), Credential>;

#[derive(Debug, Default)]
pub struct Users {
    fixed: Vec<User>,
    fixed_credentials: Credentials,
    credentials: Credentials,
}

impl Users {
    pub(in crate::core) fn new(settings: &LoginSettings) -> Users {
        let fixed = settings.users.clone();
        let credential = |user: &User, mechanism| {
            let salt = Uuid::new_v4();
            let credential = Credential::of_password(mechanism, &user.password, salt.as_bytes());
            ((user.name.clone(), mechanism), credential)
        };
        let fixed_credentials = fixed
            .iter()
            .flat_map(|user| Mechanism::EVERY.map(|mechanism| credential(user, mechanism)))
            .collect();
        Users { fixed, fixed_credentials, credentials: BTreeMap::new() }
    }

    /// Takes over an entry of the journal.
    pub(in crate::core) fn load(
        &mut self,
        user: String,
        mechanism: Mechanism,
        value: Option<serde_json::Value>,
    ) -> std::io::Result<()> {
        match value {
            Some(value) => {
                self.credentials.insert((user, mechanism), serde_json::from_value(value)?);
            }
            None => {
                self.credentials.remove(&(user, mechanism));
            }
        }
        Ok(())
    }

    pub(super) fn is_password(&self, user: &str, password: &str) -> bool {
        let is = |found: &User| {
            found.name == user && found.password.as_bytes().ct_eq(password.as_bytes()).into()
        };
        self.fixed.iter().any(is)
    }

    /// What clients have made goes before what was set at the start.
    pub(super) fn credential(&self, user: &str, mechanism: Mechanism) -> Option<Credential> {
        let key = (user.to_owned(), mechanism);
        self.credentials.get(&key).or_else(|| self.fixed_credentials.get(&key)).cloned()
    }

    fn described(&self, user: &str) -> Vec<CredentialInfo> {
        let info = |mechanism: Mechanism| {
            let credential = self.credential(user, mechanism)?;
            let iterations = i32::try_from(credential.iterations).unwrap_or(i32::MAX);
            Some(
                CredentialInfo::default()
                    .with_mechanism(mechanism as i8)
                    .with_iterations(iterations),
            )
        };
        Mechanism::EVERY.into_iter().filter_map(info).collect()
    }

    fn names(&self) -> BTreeSet<String> {
        let all = self.fixed_credentials.keys().chain(self.credentials.keys());
        all.map(|(user, _)| user.clone()).collect()
    }
}

/// What one user's credential becomes.
enum Alteration {
    Delete(ScramCredentialDeletion),
    Upsert(ScramCredentialUpsertion),
}

impl Alteration {
    fn user(&self) -> &StrBytes {
        match self {
            Alteration::Delete(deletion) => &deletion.name,
            Alteration::Upsert(upsertion) => &upsertion.name,
        }
    }

    fn mechanism(&self) -> i8 {
        match self {
            Alteration::Delete(deletion) => deletion.mechanism,
            Alteration::Upsert(upsertion) => upsertion.mechanism,
        }
    }
}

impl Core {
    pub(crate) fn describe_user_scram_credentials(
        &mut self,
        call: &Call,
        request: DescribeUserScramCredentialsRequest,
    ) -> Handled<DescribeUserScramCredentialsResponse> {
        let response = DescribeUserScramCredentialsResponse::default();
        if !self.may(call, Operation::Describe, Resource::Cluster) {
            let error = ResponseError::ClusterAuthorizationFailed.code();
            return Handled::Now(response.with_error_code(error));
        }
        let named: Vec<String> = request
            .users
            .unwrap_or_default()
            .into_iter()
            .map(|user| user.name.to_string())
            .collect();
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<&String> = named.iter().filter(|user| !seen.insert(*user)).collect();
        let names =
            if named.is_empty() { self.users.names() } else { named.iter().cloned().collect() };
        let results = names.iter().map(|user| {
            let infos = self.users.described(user);
            let refused = |error: ResponseError, message: String| {
                DescribeUserScramCredentialsResult::default()
                    .with_error_code(error.code())
                    .with_error_message(Some(StrBytes::from_string(message)))
            };
            let result = if twice.contains(user) {
                let message = format!(
                    "Cannot describe SCRAM credentials for the same user twice in a single request: {user}"
                );
                refused(ResponseError::DuplicateResource, message)
            } else if infos.is_empty() {
                let message =
                    format!("Attempt to describe a user credential that does not exist: {user}");
                refused(ResponseError::ResourceNotFound, message)
            } else {
                DescribeUserScramCredentialsResult::default()
                    .with_error_message(Some(text("")))
                    .with_credential_infos(infos)
            };
            result.with_user(text(user))
        });
        let results = results.collect();
        Handled::Now(response.with_error_message(Some(text(""))).with_results(results))
    }

    pub(crate) fn alter_user_scram_credentials(
        &mut self,
        call: &Call,
        request: AlterUserScramCredentialsRequest,
    ) -> Handled<AlterUserScramCredentialsResponse> {
        let deletions = request.deletions.into_iter().map(Alteration::Delete);
        let upsertions = request.upsertions.into_iter().map(Alteration::Upsert);
        let alterations: Vec<Alteration> = deletions.chain(upsertions).collect();
        let mut by_user: BTreeMap<StrBytes, Vec<Alteration>> = BTreeMap::new();
        for alteration in alterations {
            by_user.entry(alteration.user().clone()).or_default().push(alteration);
        }
        let is_allowed = self.may(call, Operation::Alter, Resource::Cluster);
        let results = by_user.into_iter().map(|(user, alterations)| {
            let altered = match is_allowed {
                true => self.alter_credentials(call, &user, alterations),
                false => Err(ResponseError::ClusterAuthorizationFailed.into()),
            };
            let (code, message) = verdict(&altered);
            AlterUserScramCredentialsResult::default()
                .with_user(user)
                .with_error_code(code)
                .with_error_message(message)
        });
        let results = results.collect();
        Handled::Now(AlterUserScramCredentialsResponse::default().with_results(results))
    }

    /// Alters the credential of one user, which a request may do once.
    fn alter_credentials(
        &mut self,
        call: &Call,
        user: &str,
        alterations: Vec<Alteration>,
    ) -> Result<(), Refusal> {
        let mut checked = None;
        for alteration in alterations {
            if checked.is_some() {
                let message = "A user credential cannot be altered twice in the same request";
                return Err(Refusal::new(ResponseError::DuplicateResource, message));
            }
            checked = Some(self.check_alteration(user, &alteration)?);
        }
        let Some((mechanism, credential)) = checked else { return Ok(()) };
        let key = Key::ScramCredential { user: user.to_owned(), mechanism };
        let value = credential.as_ref().map(serde_json::to_value).transpose();
        let value = value.map_err(std::io::Error::from)?;
        self.journal.write(vec![Entry { key, value }], call.now)?;
        let key = (user.to_owned(), mechanism);
        match credential {
            Some(credential) => self.users.credentials.insert(key, credential),
            None => self.users.credentials.remove(&key),
        };
        Ok(())
    }

    fn check_alteration(
        &self,
        user: &str,
        alteration: &Alteration,
    ) -> Result<(Mechanism, Option<Credential>), Refusal> {
        let unacceptable = |why| Err(Refusal::new(ResponseError::UnacceptableCredential, why));
        if user.is_empty() {
            return unacceptable("Username must not be empty");
        }
        let mechanism = Mechanism::from_number(alteration.mechanism()).ok_or_else(|| {
            let message = "Unknown SCRAM mechanism";
            Refusal::new(ResponseError::UnsupportedSaslMechanism, message)
        })?;
        let key = (user.to_owned(), mechanism);
        match alteration {
            Alteration::Delete(_) if !self.users.credentials.contains_key(&key) => {
                Err(Refusal::new(
                    ResponseError::ResourceNotFound,
                    "Attempt to delete a user credential that does not exist",
                ))
            }
            Alteration::Delete(_) => Ok((mechanism, None)),
            Alteration::Upsert(upsertion) => match upsertion.iterations {
                ..ROUNDS_MIN => unacceptable("Too few iterations"),
                rounds if rounds > ROUNDS_MAX => unacceptable("Too many iterations"),
                _ if self.users.credentials.len() >= CREDENTIALS_MAX => {
                    unacceptable("This broker has no room for more credentials")
                }
                rounds => Ok((
                    mechanism,
                    Some(Credential::salted(
                        mechanism,
                        rounds.unsigned_abs(),
                        &upsertion.salt,
                        &upsertion.salted_password,
                    )),
                )),
            },
        }
    }
}
