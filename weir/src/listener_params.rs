//! What a listener says behind the `?` of its URL: settings of this listener alone.

use std::path::PathBuf;

use weir_http::AllowedHost;

use crate::config::problem::Reason;
use crate::config::setting::Setting;
use crate::config::value::{Authentication, ClientAuthMode, Scalar};
use weir_access::nearest;

/// Settings of one listener, each of which counts before those of its server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenerParams {
    pub client_auth: Option<ClientAuthMode>,
    pub client_ca: Vec<PathBuf>,
    pub client_crl: Option<PathBuf>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Whether clients of this listener have to log in.
    pub authentication: Option<Authentication>,
    /// More names by which clients may ask for it.
    pub hosts: Vec<AllowedHost>,
}

const NAMES: [&str; 7] =
    ["client-auth", "client-ca", "client-crl", "cert", "key", "authentication", "hosts"];

impl ListenerParams {
    /// Reads `NAME=VALUE&NAME=VALUE`. `client-ca` and `hosts` may stand there several times.
    pub fn parse(text: &str) -> Result<ListenerParams, Reason> {
        let mut params = ListenerParams::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            params.take(name, value)?;
        }
        Ok(params)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Reason> {
        match name {
            "client-auth" => once(name, &mut self.client_auth, value),
            "client-ca" => {
                self.client_ca.push(scalar(name, value)?);
                Ok(())
            }
            "client-crl" => once(name, &mut self.client_crl, value),
            "cert" => once(name, &mut self.cert, value),
            "key" => once(name, &mut self.key, value),
            "authentication" => once(name, &mut self.authentication, value),
            "hosts" => {
                self.hosts.push(scalar(name, value)?);
                Ok(())
            }
            _ => Err(match nearest(name, NAMES.into_iter()) {
                Some(near) => format!("a listener has no setting {name}: is {near} meant?").into(),
                None => format!(
                    "a listener has no setting {name}: expected one of {}",
                    NAMES.join(", ")
                )
                .into(),
            }),
        }
    }

    /// Returns the name of a setting that only https listeners have, if there is one.
    pub fn of_tls(&self) -> Option<&'static str> {
        [
            ("client-auth", self.client_auth.is_some()),
            ("client-ca", !self.client_ca.is_empty()),
            ("client-crl", self.client_crl.is_some()),
            ("cert", self.cert.is_some()),
            ("key", self.key.is_some()),
        ]
        .into_iter()
        .find(|(_, is_there)| *is_there)
        .map(|(name, _)| name)
    }
}

fn once<T: Scalar>(name: &str, place: &mut Option<T>, value: &str) -> Result<(), Reason> {
    match place.replace(scalar(name, value)?) {
        Some(_) => Err(format!("{name} stands there twice").into()),
        None => Ok(()),
    }
}

fn scalar<T: Scalar>(name: &str, value: &str) -> Result<T, Reason> {
    T::parse(value, &Setting::NEW).map_err(|Reason(why)| format!("{name}: {why}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_has_settings_of_its_own() {
        let text = "client-auth=required&client-ca=/a.pem&client-ca=/b.pem&authentication=none&hosts=a.example";
        let params = ListenerParams::parse(text).unwrap();
        assert_eq!(params.client_auth, Some(ClientAuthMode::Required));
        assert_eq!(params.client_ca, ["/a.pem", "/b.pem"].map(PathBuf::from));
        assert_eq!(params.authentication, Some(Authentication::None));
        assert_eq!(params.hosts, ["a.example".parse().unwrap()]);
        assert_eq!(params.of_tls(), Some("client-auth"));
        assert_eq!(ListenerParams::parse(""), Ok(ListenerParams::default()));
    }

    #[test]
    fn what_is_wrong_with_a_listeners_setting_is_said() {
        for (text, said) in [
            ("client_auth=none", "is client-auth meant?"),
            ("clientauth=none", "is client-auth meant?"),
            ("tls=none", "expected one of client-auth, client-ca"),
            ("client-auth=perhaps", "client-auth: expected one of none, optional, required"),
            ("cert=", "cert: expected a path"),
            ("key=a&key=b", "key stands there twice"),
            ("hosts=a b", "hosts: a b"),
        ] {
            let Reason(why) = ListenerParams::parse(text).unwrap_err();
            assert!(why.contains(said), "{text}: {why}");
        }
    }
}
