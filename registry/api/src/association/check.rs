//! What a request for associations may say, before anybody looks at what is there, and its
//! defaults. Source: the `validate` methods of Confluent's requests.

use std::collections::BTreeSet;

use super::{
    AssociationOp, AssociationOps, AssociationRemoval, AssociationRequest, AssociationUpdate,
    Lifecycle, TOPIC,
};

/// Characters of a resource's name and of its namespace.
const NAME_CHARS_MAX: usize = 256;

/// Why a request for associations is refused, whatever is there: 42212.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAssociation {
    pub property: &'static str,
    pub detail: String,
}

/// What a resource's changes in a batch come to: those that stand together are one.
#[derive(Clone, Debug, PartialEq)]
pub enum AssociationRun {
    Create(AssociationRequest),
    Upsert(AssociationRequest),
    Delete { association_type: String, cascade_lifecycle: bool },
}

impl AssociationRequest {
    /// The request with its defaults put in. A dry run may be without an id. 42212.
    pub fn checked(mut self, is_create: bool, is_dry: bool) -> Result<Self, InvalidAssociation> {
        self.check_resource(is_dry)?;
        if self.associations.is_empty() {
            return Err(empty("associations"));
        }
        for update in &mut self.associations {
            update.check(is_create)?;
        }
        one_of_each_type(
            self.associations.iter().map(|update| update.association_type.as_deref()),
        )?;
        Ok(self)
    }

    fn check_resource(&mut self, is_dry: bool) -> Result<(), InvalidAssociation> {
        // a topic's name may have dots, which the reference refuses
        check_name("resourceName", self.resource_name.as_deref(), "_-.")?;
        check_name("resourceNamespace", self.resource_namespace.as_deref(), "_-")?;
        self.resource_id.take_if(|id| id.is_empty());
        if !is_dry && self.resource_id.is_none() {
            return Err(empty("resourceId"));
        }
        match self.resource_type.as_deref() {
            None | Some("" | TOPIC) => self.resource_type = Some(TOPIC.into()),
            Some(_) => return Err(invalid("resourceType", "must be 'topic'")),
        }
        Ok(())
    }
}

impl AssociationUpdate {
    fn check(&mut self, is_create: bool) -> Result<(), InvalidAssociation> {
        if is_create {
            self.fill_in()?;
        }
        if self.subject.as_ref().is_some_and(|s| s.is_empty() || s.contains(char::is_control)) {
            return Err(invalid("subject", "must not be empty"));
        }
        check_type(&mut self.association_type)?;
        if self.lifecycle == Some(Lifecycle::Weak) {
            if self.schema.is_some() {
                return Err(invalid("lifecycle", "cannot be WEAK when schema is provided"));
            }
            if self.frozen == Some(true) {
                let detail = "association with lifecycle of WEAK cannot be frozen=true";
                return Err(invalid("frozen", detail));
            }
        }
        Ok(())
    }

    /// A new association that comes with its schema owns its subject.
    fn fill_in(&mut self) -> Result<(), InvalidAssociation> {
        if self.schema.is_some() {
            if self.lifecycle == Some(Lifecycle::Weak) {
                let detail = "cannot be WEAK when schema is provided for create";
                return Err(invalid("lifecycle", detail));
            }
            if self.frozen == Some(false) {
                return Err(invalid(
                    "frozen",
                    "cannot be false when schema is provided for create",
                ));
            }
            self.lifecycle = Some(Lifecycle::Strong);
        }
        let lifecycle = *self.lifecycle.get_or_insert_default();
        self.frozen.get_or_insert(lifecycle == Lifecycle::Strong);
        Ok(())
    }
}

impl AssociationOps {
    /// The changes in their order, checked before any is made. 42212.
    pub fn runs(mut self, is_dry: bool) -> Result<Vec<AssociationRun>, InvalidAssociation> {
        let ops = std::mem::take(&mut self.associations);
        let mut resource = AssociationRequest {
            resource_name: self.resource_name,
            resource_namespace: self.resource_namespace,
            resource_id: self.resource_id,
            resource_type: self.resource_type,
            associations: Vec::new(),
        };
        resource.check_resource(is_dry)?;
        if ops.is_empty() {
            return Err(empty("associations"));
        }
        let mut runs = Vec::new();
        let mut types = Vec::new();
        for op in ops {
            let run = op.run(&resource)?;
            types.push(run.association_type().map(str::to_string));
            match (runs.last_mut(), run) {
                (Some(AssociationRun::Create(run)), AssociationRun::Create(next))
                | (Some(AssociationRun::Upsert(run)), AssociationRun::Upsert(next)) => {
                    run.associations.extend(next.associations);
                }
                (_, run) => runs.push(run),
            }
        }
        one_of_each_type(types.iter().map(Option::as_deref))?;
        Ok(runs)
    }
}

impl AssociationOp {
    fn run(self, resource: &AssociationRequest) -> Result<AssociationRun, InvalidAssociation> {
        let is_create = matches!(self, AssociationOp::Create(_));
        match self {
            AssociationOp::Create(mut update) | AssociationOp::Upsert(mut update) => {
                update.check(is_create)?;
                let request = AssociationRequest { associations: vec![update], ..resource.clone() };
                Ok(match is_create {
                    true => AssociationRun::Create(request),
                    false => AssociationRun::Upsert(request),
                })
            }
            AssociationOp::Delete(AssociationRemoval {
                mut association_type,
                cascade_lifecycle,
            }) => {
                check_type(&mut association_type)?;
                Ok(AssociationRun::Delete {
                    association_type: association_type.unwrap_or_default(),
                    cascade_lifecycle: cascade_lifecycle == Some(true),
                })
            }
        }
    }
}

impl AssociationRun {
    /// The type of the run's first change.
    fn association_type(&self) -> Option<&str> {
        match self {
            AssociationRun::Create(request) | AssociationRun::Upsert(request) => {
                request.associations.first()?.association_type.as_deref()
            }
            AssociationRun::Delete { association_type, .. } => Some(association_type),
        }
    }
}

fn check_name(
    property: &'static str,
    name: Option<&str>,
    punctuation: &str,
) -> Result<(), InvalidAssociation> {
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| empty(property))?;
    if name.chars().count() > NAME_CHARS_MAX {
        let detail = format!("exceeds max length of {NAME_CHARS_MAX}");
        return Err(InvalidAssociation { property, detail });
    }
    match name.chars().find(|c| !c.is_alphanumeric() && !punctuation.contains(*c)) {
        Some(c) => {
            let detail = format!("illegal character '{c}'");
            Err(InvalidAssociation { property, detail })
        }
        None => Ok(()),
    }
}

fn check_type(association_type: &mut Option<String>) -> Result<(), InvalidAssociation> {
    match association_type.as_deref() {
        None | Some("") => *association_type = Some("value".into()),
        Some("key" | "value") => {}
        Some(_) => return Err(invalid("associationType", "must be either 'key' or 'value'")),
    }
    Ok(())
}

fn one_of_each_type<'a>(
    types: impl Iterator<Item = Option<&'a str>>,
) -> Result<(), InvalidAssociation> {
    let mut seen = BTreeSet::new();
    for association_type in types.flatten() {
        if !seen.insert(association_type) {
            return Err(InvalidAssociation {
                property: "associationType",
                detail: format!(
                    "may only appear once per request, but '{association_type}' appears more than once"
                ),
            });
        }
    }
    Ok(())
}

fn empty(property: &'static str) -> InvalidAssociation {
    invalid(property, "cannot be null or empty")
}

fn invalid(property: &'static str, detail: &str) -> InvalidAssociation {
    InvalidAssociation { property, detail: detail.into() }
}
