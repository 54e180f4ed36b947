//! What `weir key` does to a keys file.

use std::path::Path;
use std::time::SystemTime;

use super::expiry::{day, written};
use super::secret::{KeyId, KeySecret, PREFIX};
use super::{Keys, file};
use crate::edit::{CommandError, Held};
use crate::names::{Memberships, check_name};
use crate::problem::Unusable;

/// The beginning of a file that a command makes.
const HEAD: &str = "# API keys of Weir: id:sha256:name:role,role:group,group:created:expires\n# Changed by `weir key create` and `revoke`, and by hand. The secrets are not in it.\n";

/// A key that was made. Its secret is nowhere else.
pub struct Created {
    pub id: String,
    pub secret: String,
}

impl Created {
    /// The key as it stands behind `Authorization: Bearer`.
    pub fn bearer(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, self.secret)
    }
}

/// A key as `weir key list` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    pub id: String,
    pub name: String,
    pub memberships: Memberships,
    /// `2027-01-01T12:00:00Z`
    pub expires: Option<String>,
    pub is_expired: bool,
}

/// Makes a key, and the file if there is none. The name is the principal's: several keys may have it.
pub fn create(
    file: &Path,
    name: &str,
    memberships: &Memberships,
    expires: Option<SystemTime>,
    now: SystemTime,
) -> Result<Created, CommandError> {
    check_name(name).map_err(CommandError::Refused)?;
    memberships.check().map_err(CommandError::Refused)?;
    let id = KeyId::new().ok_or(CommandError::NoRandom)?;
    let secret = KeySecret::new(&id).ok_or(CommandError::NoRandom)?;
    let too_far = || CommandError::Refused("the time is too far away".to_string());
    let expires = match expires {
        Some(at) => written(at).ok_or_else(too_far)?,
        None => String::new(),
    };
    let (roles, groups) = (memberships.roles.join(","), memberships.groups.join(","));
    let digest = secret.digest();
    let created = day(now).unwrap_or_default();
    let line = format!("{id}:{digest}:{name}:{roles}:{groups}:{created}:{expires}");
    hold(file)?.add_line(HEAD, &line)?;
    Ok(Created { id: id.to_string(), secret: secret.text().to_string() })
}

/// Takes a key out of a file, by its id. A whole key is taken too, and only its id is looked at.
pub fn revoke(file: &Path, id: &str) -> Result<(), CommandError> {
    let id = id.strip_prefix(PREFIX).unwrap_or(id);
    let id = id.split('_').next().unwrap_or(id);
    let held = hold(file)?;
    let line = file::entries(held.text()).find(|(_, entry)| entry.split(':').next() == Some(id));
    // not the id, which may be a secret that was pasted in its place
    let unknown = || CommandError::Refused("there is no key with this id".to_string());
    let (number, _) = line.ok_or_else(unknown)?;
    held.change_line(number, None)
}

/// All keys of a file, in its order.
pub fn list(file: &Path, now: SystemTime) -> Result<Vec<ListedKey>, Unusable> {
    let keys = Keys::open(file)?.0.current();
    let mut keys: Vec<_> = keys.0.iter().collect();
    keys.sort_by_key(|(_, key)| key.line);
    let listed = keys.into_iter().map(|(id, key)| ListedKey {
        id: id.to_string(),
        name: key.identity.name.to_string(),
        memberships: Memberships::of(&key.identity),
        expires: key.expires.and_then(written),
        is_expired: key.expires.is_some_and(|expires| expires <= now),
    });
    Ok(listed.collect())
}

/// Holds a file that has no mistakes.
fn hold(file: &Path) -> Result<Held, CommandError> {
    let held = Held::open(file)?;
    match file::parse(held.text()) {
        Ok(_) => Ok(held),
        Err(problems) => {
            Err(CommandError::Unusable(Unusable { file: held.path().to_path_buf(), problems }))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_key_is_shown_once_and_listed_without_its_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let now = SystemTime::now();
        let expires = Some(now + Duration::from_secs(10));
        let made = create(&file, "billing", &Memberships::default(), expires, now).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(&made.secret) && text.contains(&made.id));
        let listed = list(&file, now + Duration::from_secs(20)).unwrap();
        assert_eq!((listed[0].id.as_str(), listed[0].is_expired), (made.id.as_str(), true));
        assert!(!list(&file, now).unwrap()[0].is_expired);
        revoke(&file, &made.bearer()).unwrap();
        assert!(list(&file, now).unwrap().is_empty());
        assert!(revoke(&file, &made.id).is_err());
    }

    #[test]
    fn a_file_with_mistakes_is_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        std::fs::write(&file, "something else\n").unwrap();
        let now = SystemTime::now();
        assert!(create(&file, "billing", &Memberships::default(), None, now).is_err());
        assert!(
            create(&folder.path().join("new"), "a:b", &Memberships::default(), None, now).is_err()
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "something else\n");
    }
}
