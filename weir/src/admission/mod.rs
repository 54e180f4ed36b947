//! Who comes in, and what they may do: what the settings of access control come to.

mod rules;

pub use rules::text_of;

use std::sync::Arc;
use std::time::Duration;

use weir_access::{Identity, MappingRules};
use weir_http::{Audit, AuditTarget, Caller, Door, DoorOptions, ON_BEHALF, VoucherKey};
use weir_login::tokens::{TokenOptions, Tokens};
use weir_login::{CertificateName, Format, Keys, Logins, Sources, TokenVerifier, Users};
use weir_registry::Registry;
use weir_serde::RequestSigner;

use crate::config::tree::{Oidc, Tree};
use crate::config::value::{Authentication, UsersFormat};
use crate::error::Error;
use crate::face::Face;
use crate::listen::Hangups;
use crate::listeners::ListenerUrl;
use crate::served::ServiceKind;
use rules::FollowedRules;

/// Access control of a process.
#[derive(Clone)]
pub struct Access {
    /// None: nothing says who may come in, and everybody does.
    door: Option<Arc<Door>>,
    /// With which the proxy of this process tells the registry of this process on whose behalf it asks.
    own_key: VoucherKey,
    /// What verifies tokens, if a provider is named.
    tokens: Option<Arc<Tokens>>,
}

impl Access {
    /// Opens what the settings name, and follows its files from now on. To be called within a runtime.
    pub fn open(
        tree: &Tree,
        faces: &[(ServiceKind, &Face)],
        hangups: &Hangups,
    ) -> Result<Access, Error> {
        let asked: Vec<_> = faces.iter().flat_map(|(_, face)| face.client_auth()).collect();
        let certificates = match asked.iter().any(|asked| asked.required) {
            true => Certificates::Needed,
            false if asked.is_empty() => Certificates::NotAsked,
            false => Certificates::Optional,
        };
        let own_key = VoucherKey::random().map_err(Error::Access)?;
        let tokens = tokens(&tree.oidc)?;
        let door = open_door(tree, tokens.clone(), certificates, hangups)?;
        Ok(Access { door, own_key, tokens })
    }

    /// No access control: everybody comes in.
    pub fn none() -> Result<Access, Error> {
        let own_key = VoucherKey::random().map_err(Error::Access)?;
        Ok(Access { door: None, own_key, tokens: None })
    }

    pub fn tokens(&self) -> Option<&Arc<Tokens>> {
        self.tokens.as_ref()
    }

    pub fn door(&self) -> Option<&Arc<Door>> {
        self.door.as_ref()
    }

    /// The door of a listener, which may say for itself whether its clients have to log in.
    pub fn door_for(
        &self,
        said: Option<Authentication>,
        url: &ListenerUrl,
    ) -> Result<Option<&Arc<Door>>, Error> {
        match (said, &self.door) {
            (Some(Authentication::None), Some(_)) => {
                tracing::warn!(
                    "{url} asks for no login: whoever reaches it may do everything there"
                );
                Ok(None)
            }
            (Some(Authentication::None), None) => Ok(None),
            (Some(Authentication::Required), None) => Err(Error::Access(format!(
                "{url}: authentication is required, and there are no users, keys, tokens or certificates to log in with"
            ))),
            (_, door) => Ok(door.as_ref()),
        }
    }

    /// Believes the nodes that share a registry's log, and the proxy of this process, on whose behalf they ask.
    pub fn believe_nodes_of(&self, registry: Registry) {
        let Some(door) = &self.door else { return };
        let own = self.own_key.clone();
        door.believe(Box::new(move || {
            let mut keys = registry.voucher_keys();
            keys.push(own.clone());
            keys
        }));
    }

    /// Tells the registry of this process, which is below a path, on whose behalf each request of its proxy is.
    pub fn signer_for(&self, caller: &Caller, prefix: &str) -> RequestSigner {
        let identity = caller.identity().cloned().unwrap_or_else(Identity::anonymous);
        let (key, prefix) = (self.own_key.clone(), prefix.to_string());
        Arc::new(move |method, asked| {
            let asked = asked.strip_prefix(&prefix)?;
            Some((ON_BEHALF.clone(), key.for_request(&identity, method, asked)))
        })
    }
}

/// Reads what the settings name, and follows nothing: for who only wants to know whether it can be used.
pub fn check(tree: &Tree) -> Result<(), Error> {
    let access = &tree.access;
    access.rules.as_deref().map(rules::read).transpose()?;
    open_users(tree)?;
    open_keys(tree)?;
    token_options(&tree.oidc)?;
    drop(certificate_name(tree)?);
    open_paths(tree)?;
    Ok(())
}

/// How clients are asked for certificates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Certificates {
    NotAsked,
    /// They are a login where there are others or rules: alone they keep nobody out.
    Optional,
    Needed,
}

/// The door; none if nothing says who may come in.
fn open_door(
    tree: &Tree,
    tokens: Option<Arc<Tokens>>,
    certificates: Certificates,
    hangups: &Hangups,
) -> Result<Option<Arc<Door>>, Error> {
    let access = &tree.access;
    let sources = Sources {
        realm: access.realm.value.clone(),
        users: users(tree, hangups)?,
        keys: keys(tree, hangups)?,
        tokens: tokens.map(|tokens| tokens as Arc<dyn TokenVerifier>),
        certificate_name: Some(certificate_name(tree)?)
            .filter(|_| certificates != Certificates::NotAsked),
        required_roles: Some(access.required_roles.value.clone()),
    };
    let has_logins = sources.users.is_some()
        || sources.keys.is_some()
        || sources.tokens.is_some()
        || certificates == Certificates::Needed;
    if !has_logins && access.rules.is_none() {
        if certificates == Certificates::Optional {
            tracing::warn!(
                "clients are asked for certificates, and nobody who has none is kept out: say client-auth=required, \
                 or name another login or rules"
            );
        }
        return Ok(None);
    }
    if !has_logins && certificates == Certificates::NotAsked {
        tracing::warn!("there are rules and no way to log in: everybody is `anonymous`");
    }
    let logins = Arc::new(Logins::new(sources));
    let policy = access.rules.as_deref().map(rules::read).transpose()?;
    if policy.is_none() {
        tracing::warn!("there are no rules (access.rules): whoever logs in may do everything");
    }
    let entrance = logins.clone();
    let door = Door::new(DoorOptions {
        authenticator: logins,
        policy,
        may_enter: Box::new(move |identity| entrance.may_enter(identity)),
        open_paths: open_paths(tree)?,
        audit: audit(tree)?,
    });
    let door = door.map_err(Error::Access)?;
    if let Some(path) = access.rules.value.clone() {
        let rules = FollowedRules::new(path, door.clone());
        tokio::spawn(weir_http::reload::follow(rules, hangups.subscribe()));
    }
    Ok(Some(door))
}

fn open_paths(tree: &Tree) -> Result<Vec<String>, Error> {
    let paths = tree.access.open_paths.iter().filter(|path| !path.is_empty());
    match paths.clone().find(|path| !path.starts_with('/')) {
        Some(path) => {
            Err(Error::Access(format!("access.open_paths: {path} does not begin with /")))
        }
        None => Ok(paths.cloned().collect()),
    }
}

fn users(tree: &Tree, hangups: &Hangups) -> Result<Option<Arc<Users>>, Error> {
    let Some(users) = open_users(tree)?.map(Arc::new) else { return Ok(None) };
    let (followed, told) = (users.clone(), hangups.subscribe());
    tokio::spawn(async move { followed.follow(told).await });
    Ok(Some(users))
}

fn open_users(tree: &Tree) -> Result<Option<Users>, Error> {
    let Some(path) = tree.access.users.as_deref() else { return Ok(None) };
    let format = match tree.access.users_format.value {
        UsersFormat::Auto => None,
        UsersFormat::Weir => Some(Format::Weir),
        UsersFormat::Jetty => Some(Format::Jetty),
        UsersFormat::Karapace => Some(Format::Karapace),
    };
    let users = Users::open(path, format);
    users.map(Some).map_err(|unusable| Error::Access(format!("access.users: {unusable}")))
}

fn keys(tree: &Tree, hangups: &Hangups) -> Result<Option<Arc<Keys>>, Error> {
    let Some(keys) = open_keys(tree)?.map(Arc::new) else { return Ok(None) };
    let (followed, told) = (keys.clone(), hangups.subscribe());
    tokio::spawn(async move { followed.follow(told).await });
    Ok(Some(keys))
}

fn open_keys(tree: &Tree) -> Result<Option<Keys>, Error> {
    let Some(path) = tree.access.keys.as_deref() else { return Ok(None) };
    let keys = Keys::open(path);
    keys.map(Some).map_err(|unusable| Error::Access(format!("access.keys: {unusable}")))
}

/// What verifies tokens, if a provider is named.
fn tokens(oidc: &Oidc) -> Result<Option<Arc<Tokens>>, Error> {
    let Some(options) = token_options(oidc)? else { return Ok(None) };
    let tokens = Tokens::start(options).map_err(|why| Error::Access(format!("oidc.{why}")))?;
    Ok(Some(Arc::new(tokens)))
}

fn token_options(oidc: &Oidc) -> Result<Option<TokenOptions>, Error> {
    let Some(issuer) = oidc.issuer.value.clone() else {
        let names_keys = oidc.jwks_url.value.is_some() || oidc.jwks_file.value.is_some();
        return match names_keys {
            true => Err(Error::Access("oidc.issuer is missing: whose tokens are taken?".into())),
            false => Ok(None),
        };
    };
    let options = TokenOptions {
        issuer,
        jwks_url: oidc.jwks_url.value.clone(),
        jwks_file: oidc.jwks_file.value.clone(),
        audiences: oidc.audiences.value.clone(),
        name_claim: oidc.name_claim.value.clone(),
        groups_claim: Some(oidc.groups_claim.value.clone()).filter(|claim| !claim.is_empty()),
        roles_claim: oidc.roles_claim.value.clone(),
        required_scopes: oidc.required_scopes.value.clone(),
        leeway: Duration::from_secs(*oidc.leeway_s),
        client_ids: oidc.client_ids.value.clone(),
        token_types: oidc.token_types.value.clone(),
        ca: oidc.ca.value.clone(),
        refresh: Duration::from_secs(*oidc.refresh_s),
        ..TokenOptions::default()
    };
    options.check().map_err(|why| Error::Access(format!("oidc.{why}")))?;
    Ok(Some(options))
}

fn certificate_name(tree: &Tree) -> Result<CertificateName, Error> {
    let rules = MappingRules::parse(&tree.access.certificate_names)
        .map_err(|why| Error::Access(format!("access.certificate_names: {why}")))?;
    Ok(Box::new(move |subject| rules.name(subject)))
}

fn audit(tree: &Tree) -> Result<Option<Audit>, Error> {
    let access = &tree.access;
    let Some(target) = access.audit_log.as_deref() else { return Ok(None) };
    let opened = Audit::open(match target {
        "stdout" => AuditTarget::Stdout,
        path => AuditTarget::File {
            path: path.into(),
            bytes_max: *access.audit_log_bytes_max,
            kept: *access.audit_logs_kept,
        },
    });
    opened.map(Some).map_err(|error| Error::Access(format!("access.audit_log: {target}: {error}")))
}
