//! Schemas in a file, so that a consumer can start while the registry is down.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::codec::Known;
use crate::error::ClientError;
use crate::fetched::Fetched;
use crate::frame::SchemaName;
use crate::reason::Reason;

/// What the file says that it is; another number means another layout.
const FORMAT: &str = "weir-serde schemas 1";

#[derive(Serialize, Deserialize)]
struct File {
    format: String,
    schemas: Vec<Fetched>,
}

/// Writes what a cache knows, whole or not at all.
pub(crate) fn save(path: &Path, cache: &Cache) -> Result<usize, ClientError> {
    let view = cache.known.view();
    // a schema known by its id and by its guid is written once for each: they are found by either
    let schemas: Vec<Fetched> = view.values().map(|known| known.fetched.clone()).collect();
    let count = schemas.len();
    let file = File { format: FORMAT.into(), schemas };
    let text = serde_json::to_vec_pretty(&file).map_err(|e| wrong(path, e))?;
    let beside = path.with_extension("part");
    std::fs::write(&beside, text).map_err(|e| wrong(&beside, e))?;
    std::fs::rename(&beside, path).map_err(|e| wrong(path, e))?;
    Ok(count)
}

pub(crate) fn load(path: &Path, cache: &Cache) -> Result<(), ClientError> {
    let text = std::fs::read(path).map_err(|e| wrong(path, e))?;
    let file: File = serde_json::from_slice(&text).map_err(|e| wrong(path, e))?;
    if file.format != FORMAT {
        let why = format!("it is {:?} and not {FORMAT:?}", file.format);
        return Err(unreadable(path, why.into()));
    }
    for fetched in file.schemas {
        let names = [fetched.id.map(SchemaName::Id), fetched.guid.map(SchemaName::Guid)];
        let known = Arc::new(Known::new(fetched)?);
        for name in names.into_iter().flatten() {
            cache.known.insert(name, known.clone());
        }
    }
    Ok(())
}

fn wrong(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> ClientError {
    unreadable(path, Reason::of(error))
}

fn unreadable(path: &Path, why: Reason) -> ClientError {
    ClientError::Configuration(why.inside(&path.display().to_string()))
}
