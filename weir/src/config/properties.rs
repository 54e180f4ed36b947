//! The files of properties that Confluent's servers are started with.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::layers::Layers;
use super::problem::Problem;
use crate::confluent::properties_file::{BYTES_MAX, PropertiesFile, parse, server_of};
use crate::confluent::table::Server;
use crate::error::Error;

/// Reads the files that settings name for a server each, and those that arguments name, which are told apart by what they are called
/// and what they have. `roles` are the servers that run, if that is said: a file is for the only one.
pub fn files(
    others: &Layers,
    arguments: &[String],
    roles: Option<&[Server]>,
    problems: &mut Vec<Problem>,
) -> Result<Vec<PropertiesFile>, Error> {
    let mut files = Vec::new();
    for (key, server) in
        [("registry.properties", Server::Registry), ("proxy.properties", Server::Proxy)]
    {
        // what is wrong with it is found when the tree is read
        let named = others.value::<Option<PathBuf>>(key, &mut Vec::new());
        if let Some(path) = named.and_then(|named| named.value) {
            files.extend(read(&path, Some(server), None, problems)?);
        }
    }
    let only = roles.and_then(|roles| match roles {
        [only] => Some(*only),
        _ => None,
    });
    for path in arguments {
        files.extend(read(Path::new(path), None, only, problems)?);
    }
    Ok(files)
}

/// Reads a file for the server that is said, else for the one that it seems to be for, else for the one that runs.
fn read(
    path: &Path,
    said: Option<Server>,
    runs: Option<Server>,
    problems: &mut Vec<Problem>,
) -> Result<Option<PropertiesFile>, Error> {
    let unread = |source| Error::ReadFile { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unread)?;
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() as u64 > BYTES_MAX {
        let text =
            format!("{}: a file of properties has at most {BYTES_MAX} bytes", path.display());
        problems.push(Problem::missing(text));
        return Ok(None);
    }
    let properties = match parse(path, &bytes) {
        Ok(properties) => properties,
        Err(problem) => {
            problems.push(problem);
            return Ok(None);
        }
    };
    let Some(server) = said.or_else(|| server_of(path, &properties)).or(runs) else {
        let text = format!(
            "{}: it cannot be seen whether this is for the registry or for the proxy: say --registry-properties or \
             --proxy-properties FILE",
            path.display()
        );
        problems.push(Problem::missing(text));
        return Ok(None);
    };
    Ok(Some(PropertiesFile { server, path: path.into(), properties }))
}
