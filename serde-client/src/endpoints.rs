//! The registry's endpoints, typed.

use reqwest::Method;
use serde::de::IgnoredAny;
use weir_registry_api::{
    Association, CompatibilityAnswer, CompatibilityLevel, Config, ConfigUpdate, Context, ContextId,
    Guid, Mode, ModeBody, RegisterRequest, RegisterResponse, Schema, SchemaId, SchemaString,
    SchemaType, Subject, SubjectVersion, TagSchemaRequest, Version, VersionSpec,
};

use crate::client::RegistryClient;
use crate::error::ClientError;
use crate::ids::check_id;

impl RegistryClient {
    /// Names of subjects that begin with `prefix`.
    pub async fn subjects(&self, prefix: &str) -> Result<Vec<Subject>, ClientError> {
        self.get(&["subjects"], &[("subjectPrefix", prefix)]).await
    }

    /// Numbers of a subject's versions.
    pub async fn versions(&self, subject: &Subject) -> Result<Vec<Version>, ClientError> {
        self.get(&["subjects", subject.as_str(), "versions"], &[]).await
    }

    /// A version of a subject.
    pub async fn version(
        &self,
        subject: &Subject,
        version: VersionSpec,
    ) -> Result<Schema, ClientError> {
        let version = word(version);
        self.get(&["subjects", subject.as_str(), "versions", &version], &[]).await
    }

    /// Registers a schema, or finds it if it is there already.
    pub async fn register(
        &self,
        subject: &Subject,
        request: &RegisterRequest,
        normalize: bool,
    ) -> Result<RegisterResponse, ClientError> {
        let path = ["subjects", subject.as_str(), "versions"];
        self.send(Method::POST, &path, &normalized(normalize), Some(request)).await
    }

    /// The version under which a subject has a schema; error code 40403 if it has not.
    pub async fn lookup(
        &self,
        subject: &Subject,
        request: &RegisterRequest,
        normalize: bool,
    ) -> Result<Schema, ClientError> {
        let path = ["subjects", subject.as_str()];
        self.send(Method::POST, &path, &normalized(normalize), Some(request)).await
    }

    /// Whether a schema would be compatible with a version, and if not, why.
    pub async fn check_compatibility(
        &self,
        subject: &Subject,
        version: VersionSpec,
        request: &RegisterRequest,
    ) -> Result<CompatibilityAnswer, ClientError> {
        let version = word(version);
        let path = ["compatibility", "subjects", subject.as_str(), "versions", &version];
        self.send(Method::POST, &path, &[("verbose", "true")], Some(request)).await
    }

    /// Deletes a subject: softly, or for good once it is soft-deleted.
    pub async fn delete_subject(
        &self,
        subject: &Subject,
        permanent: bool,
    ) -> Result<Vec<Version>, ClientError> {
        let permanent = if permanent { "true" } else { "false" };
        let path = ["subjects", subject.as_str()];
        self.send(Method::DELETE, &path, &[("permanent", permanent)], None::<&()>).await
    }

    /// Deletes a version: softly, or for good once it is soft-deleted.
    pub async fn delete_version(
        &self,
        subject: &Subject,
        version: Version,
        permanent: bool,
    ) -> Result<Version, ClientError> {
        let permanent = if permanent { "true" } else { "false" };
        let version = version.to_string();
        let path = ["subjects", subject.as_str(), "versions", &version];
        self.send(Method::DELETE, &path, &[("permanent", permanent)], None::<&()>).await
    }

    /// The schema of an id, as the registry has it; not cached.
    pub async fn schema_by_id(&self, id: SchemaId) -> Result<SchemaString, ClientError> {
        check_id(id)?;
        self.get(&["schemas", "ids", &id.to_string()], &[]).await
    }

    /// The schema of a guid; not cached.
    pub async fn schema_by_guid(&self, guid: Guid) -> Result<SchemaString, ClientError> {
        self.get(&["schemas", "guids", &guid.to_string()], &[]).await
    }

    /// Subjects and versions that use the schema of an id.
    pub async fn versions_of_id(&self, id: SchemaId) -> Result<Vec<SubjectVersion>, ClientError> {
        check_id(id)?;
        self.get(&["schemas", "ids", &id.to_string(), "versions"], &[]).await
    }

    /// The compatibility that holds for a subject, or globally.
    pub async fn config(&self, subject: Option<&Subject>) -> Result<Config, ClientError> {
        match subject {
            None => self.get(&["config"], &[]).await,
            Some(subject) => {
                self.get(&["config", subject.as_str()], &[("defaultToGlobal", "true")]).await
            }
        }
    }

    /// Sets the compatibility level of a subject, or the global one.
    pub async fn set_compatibility(
        &self,
        subject: Option<&Subject>,
        level: CompatibilityLevel,
    ) -> Result<(), ClientError> {
        let update = ConfigUpdate {
            compatibility: Some(Some(level.name().into())),
            ..ConfigUpdate::default()
        };
        self.update_config(subject, &update).await
    }

    /// The mode that holds for a subject, or globally.
    pub async fn mode(&self, subject: Option<&Subject>) -> Result<Mode, ClientError> {
        let body: ModeBody = match subject {
            None => self.get(&["mode"], &[]).await?,
            Some(subject) => {
                self.get(&["mode", subject.as_str()], &[("defaultToGlobal", "true")]).await?
            }
        };
        Ok(body.mode)
    }

    /// The newest version of a subject whose metadata has all these properties.
    pub async fn latest_with_metadata(
        &self,
        subject: &Subject,
        properties: &[(&str, &str)],
    ) -> Result<Schema, ClientError> {
        let pairs = properties.iter().flat_map(|(key, value)| [("key", *key), ("value", *value)]);
        self.get(&["subjects", subject.as_str(), "metadata"], &pairs.collect::<Vec<_>>()).await
    }

    /// Ids of the schemas that refer to a version.
    pub async fn referenced_by(
        &self,
        subject: &Subject,
        version: VersionSpec,
    ) -> Result<Vec<SchemaId>, ClientError> {
        let version = word(version);
        self.get(&["subjects", subject.as_str(), "versions", &version, "referencedby"], &[]).await
    }

    /// Adds and removes tags, metadata and rules of a version, which makes a new one.
    pub async fn tag(
        &self,
        subject: &Subject,
        version: VersionSpec,
        request: &TagSchemaRequest,
    ) -> Result<RegisterResponse, ClientError> {
        let version = word(version);
        let path = ["subjects", subject.as_str(), "versions", &version, "tags"];
        self.send(Method::POST, &path, &[], Some(request)).await
    }

    /// Whether a schema would be compatible with all versions that the subject's level asks about.
    pub async fn check_all(
        &self,
        subject: &Subject,
        request: &RegisterRequest,
    ) -> Result<CompatibilityAnswer, ClientError> {
        let path = ["compatibility", "subjects", subject.as_str(), "versions"];
        self.send(Method::POST, &path, &[("verbose", "true")], Some(request)).await
    }

    /// Subjects that use the schema of an id.
    pub async fn subjects_of_id(&self, id: SchemaId) -> Result<Vec<Subject>, ClientError> {
        check_id(id)?;
        self.get(&["schemas", "ids", &id.to_string(), "subjects"], &[]).await
    }

    /// Contexts and ids in which a schema is known.
    pub async fn ids_of_guid(&self, guid: Guid) -> Result<Vec<ContextId>, ClientError> {
        self.get(&["schemas", "guids", &guid.to_string(), "ids"], &[]).await
    }

    /// The schema languages that the registry knows.
    pub async fn schema_types(&self) -> Result<Vec<SchemaType>, ClientError> {
        self.get(&["schemas", "types"], &[]).await
    }

    /// Contexts, the default one too.
    pub async fn contexts(&self) -> Result<Vec<Context>, ClientError> {
        self.get(&["contexts"], &[]).await
    }

    /// Changes fields of the configuration of a subject, or of the global one.
    pub async fn update_config(
        &self,
        subject: Option<&Subject>,
        update: &ConfigUpdate,
    ) -> Result<(), ClientError> {
        self.send::<IgnoredAny>(Method::PUT, &scoped("config", subject), &[], Some(update))
            .await
            .map(drop)
    }

    /// Forgets the configuration of a subject, or the global one.
    pub async fn delete_config(&self, subject: Option<&Subject>) -> Result<(), ClientError> {
        let path = scoped("config", subject);
        self.send::<IgnoredAny>(Method::DELETE, &path, &[], None::<&()>).await.map(drop)
    }

    /// Sets the mode of a subject, or the global one; `force` allows IMPORT where schemas are.
    pub async fn set_mode(
        &self,
        subject: Option<&Subject>,
        mode: Mode,
        force: bool,
    ) -> Result<(), ClientError> {
        let force = [("force", if force { "true" } else { "false" })];
        let body = ModeBody { mode };
        self.send::<IgnoredAny>(Method::PUT, &scoped("mode", subject), &force, Some(&body))
            .await
            .map(drop)
    }

    /// Forgets the mode of a subject, or the global one.
    pub async fn delete_mode(&self, subject: Option<&Subject>) -> Result<(), ClientError> {
        let path = scoped("mode", subject);
        self.send::<IgnoredAny>(Method::DELETE, &path, &[], None::<&()>).await.map(drop)
    }

    /// Subjects that a topic, or another resource, is associated with; `-` is any namespace.
    pub async fn associations(
        &self,
        namespace: &str,
        resource: &str,
    ) -> Result<Vec<Association>, ClientError> {
        self.get(&["associations", "resources", namespace, resource], &[]).await
    }
}

/// A version in a path.
fn word(version: VersionSpec) -> String {
    match version {
        VersionSpec::Latest => "latest".into(),
        VersionSpec::Number(number) => number.to_string(),
    }
}

fn scoped<'a>(what: &'a str, subject: Option<&'a Subject>) -> Vec<&'a str> {
    std::iter::once(what).chain(subject.map(Subject::as_str)).collect()
}

fn normalized(normalize: bool) -> [(&'static str, &'static str); 1] {
    [("normalize", if normalize { "true" } else { "false" })]
}
