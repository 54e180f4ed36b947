//! Quotas of clients. They are kept and shown, and do not slow anybody down: this is no broker which
//! many clients compete for.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_client_quotas_request::{EntryData as Alteration, OpData};
use kafka_protocol::messages::alter_client_quotas_response::{
    EntityData as AlteredEntity, EntryData as Altered,
};
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
};
use kafka_protocol::protocol::StrBytes;
use serde::{Deserialize, Serialize};

use super::refusal::{Refusal, text, verdict};
use super::{Call, Core, Entry, Handled, Key, Operation, Resource};

/// How many entities have quotas.
const ENTITIES_MAX: usize = 10_000;
const ENTITY_TYPES: [&str; 3] = ["user", "client-id", "ip"];

/// The entity that a quota is for, by types; no name is the default of a type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct QuotaEntity(BTreeMap<String, Option<String>>);

#[derive(Debug, Default)]
pub struct Quotas {
    set: BTreeMap<QuotaEntity, BTreeMap<String, f64>>,
}

impl Quotas {
    /// Takes over an entry of the journal.
    pub(super) fn load(
        &mut self,
        entity: QuotaEntity,
        value: Option<serde_json::Value>,
    ) -> std::io::Result<()> {
        match value {
            Some(value) => self.set.insert(entity, serde_json::from_value(value)?),
            None => self.set.remove(&entity),
        };
        Ok(())
    }
}

/// Which names of a type are asked for.
enum Wanted {
    Name(String),
    Default,
    Any,
}

impl Core {
    pub(crate) fn describe_client_quotas(
        &mut self,
        call: &Call,
        request: DescribeClientQuotasRequest,
    ) -> Handled<DescribeClientQuotasResponse> {
        let refused = |refusal: Refusal| {
            Handled::Now(
                DescribeClientQuotasResponse::default()
                    .with_error_code(refusal.code())
                    .with_error_message(refusal.text())
                    .with_entries(None),
            )
        };
        if !self.may(call, Operation::DescribeConfigs, Resource::Cluster) {
            return refused(ResponseError::ClusterAuthorizationFailed.into());
        }
        let wanted = match wanted(request.components) {
            Ok(wanted) => wanted,
            Err(refusal) => return refused(refusal),
        };
        let entries = self
            .quotas
            .set
            .iter()
            .filter(|(entity, _)| is_wanted(entity, &wanted, request.strict))
            .map(|(entity, values)| described(entity, values))
            .collect();
        let response = DescribeClientQuotasResponse::default().with_error_message(Some(text("")));
        Handled::Now(response.with_entries(Some(entries)))
    }

    pub(crate) fn alter_client_quotas(
        &mut self,
        call: &Call,
        request: AlterClientQuotasRequest,
    ) -> Handled<AlterClientQuotasResponse> {
        let is_allowed = self.may(call, Operation::AlterConfigs, Resource::Cluster);
        let mut seen = BTreeSet::new();
        let mut entries = Vec::new();
        for alteration in request.entries {
            let entity = alteration.entity.iter().map(|part| {
                AlteredEntity::default()
                    .with_entity_type(part.entity_type.clone())
                    .with_entity_name(part.entity_name.clone())
            });
            let entity: Vec<_> = entity.collect();
            let altered = match is_allowed {
                true => self.alter_quota(call, alteration, &mut seen, request.validate_only),
                false => Err(ResponseError::ClusterAuthorizationFailed.into()),
            };
            let (code, message) = verdict(&altered);
            entries.push(
                Altered::default()
                    .with_error_code(code)
                    .with_error_message(message)
                    .with_entity(entity),
            );
        }
        Handled::Now(AlterClientQuotasResponse::default().with_entries(entries))
    }

    fn alter_quota(
        &mut self,
        call: &Call,
        alteration: Alteration,
        seen: &mut BTreeSet<QuotaEntity>,
        validate_only: bool,
    ) -> Result<(), Refusal> {
        let entity = entity_of(&alteration)?;
        if !seen.insert(entity.clone()) {
            return Err(invalid(format!("Ignoring duplicate entity {entity:?}")));
        }
        let mut values = self.quotas.set.get(&entity).cloned().unwrap_or_default();
        for op in &alteration.ops {
            check_quota(&entity, op)?;
            match op.remove {
                true => values.remove(op.key.as_str()),
                false => values.insert(op.key.to_string(), op.value),
            };
        }
        if validate_only {
            return Ok(());
        }
        let is_new = !self.quotas.set.contains_key(&entity);
        if is_new && self.quotas.set.len() >= ENTITIES_MAX {
            let message = format!("This broker has quotas of {ENTITIES_MAX} entities, its limit.");
            return Err(Refusal::new(ResponseError::PolicyViolation, message));
        }
        let is_empty = values.is_empty();
        let value = (!is_empty).then(|| serde_json::to_value(&values)).transpose();
        let value = value.map_err(std::io::Error::from)?;
        let key = Key::Quota(serde_json::to_string(&entity).map_err(std::io::Error::from)?);
        self.journal.write(vec![Entry { key, value }], call.now)?;
        match is_empty {
            true => self.quotas.set.remove(&entity),
            false => self.quotas.set.insert(entity, values),
        };
        Ok(())
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(ResponseError::InvalidRequest, message)
}

fn entity_of(alteration: &Alteration) -> Result<QuotaEntity, Refusal> {
    let mut entity = BTreeMap::new();
    for part in &alteration.entity {
        let kind = part.entity_type.as_str();
        if !ENTITY_TYPES.contains(&kind) {
            return Err(invalid(format!("Unhandled client quota entity type: {kind}")));
        }
        let name = part.entity_name.as_ref().map(StrBytes::to_string);
        if name.as_deref() == Some("") {
            return Err(invalid(format!("Empty {kind} not supported")));
        }
        entity.insert(kind.to_owned(), name);
    }
    if entity.is_empty() {
        return Err(invalid("Invalid empty client quota entity"));
    }
    if entity.len() > 1 && entity.contains_key("ip") {
        return Err(invalid(
            "Invalid quota entity combination, IP entity should not be combined with User or ClientId",
        ));
    }
    Ok(QuotaEntity(entity))
}

/// Says what is wrong with the change of one quota.
fn check_quota(entity: &QuotaEntity, op: &OpData) -> Result<(), Refusal> {
    let key = op.key.as_str();
    let is_ip = entity.0.contains_key("ip");
    let is_whole = match (key, is_ip) {
        ("connection_creation_rate", true) => true,
        ("producer_byte_rate" | "consumer_byte_rate", false) => true,
        ("request_percentage" | "controller_mutation_rate", false) => false,
        _ => return Err(invalid(format!("Invalid configuration key {key}"))),
    };
    if op.remove {
        return Ok(());
    }
    if is_whole && op.value.fract() != 0.0 {
        return Err(invalid(format!("{key} cannot be a fractional value.")));
    }
    let least_is_zero = is_ip && op.value == 0.0;
    if op.value > 0.0 && op.value.is_finite() || least_is_zero {
        return Ok(());
    }
    Err(invalid(format!("Quota {key} must be greater than 0")))
}

fn wanted(components: Vec<ComponentData>) -> Result<BTreeMap<String, Wanted>, Refusal> {
    let mut wanted = BTreeMap::new();
    for component in components {
        let kind = component.entity_type.to_string();
        if !ENTITY_TYPES.contains(&kind.as_str()) {
            let message = format!("Unsupported entity type {kind}");
            return Err(Refusal::new(ResponseError::UnsupportedVersion, message));
        }
        let name = component._match.map(|name| name.to_string());
        let filter = match (component.match_type, name) {
            (0, Some(name)) => Wanted::Name(name),
            (1, None) => Wanted::Default,
            (2, None) => Wanted::Any,
            (number, _) => return Err(invalid(format!("Unexpected match type {number}"))),
        };
        if wanted.insert(kind.clone(), filter).is_some() {
            return Err(invalid(format!("Duplicate filter component entity type {kind}")));
        }
    }
    Ok(wanted)
}

fn is_wanted(entity: &QuotaEntity, wanted: &BTreeMap<String, Wanted>, is_strict: bool) -> bool {
    let fits = |(kind, wanted): (&String, &Wanted)| match (entity.0.get(kind), wanted) {
        (Some(_), Wanted::Any) => true,
        (Some(name), Wanted::Default) => name.is_none(),
        (Some(name), Wanted::Name(wanted)) => name.as_ref() == Some(wanted),
        (None, _) => false,
    };
    wanted.iter().all(fits) && (!is_strict || entity.0.len() == wanted.len())
}

fn described(entity: &QuotaEntity, values: &BTreeMap<String, f64>) -> EntryData {
    let part = |(kind, name): (&String, &Option<String>)| {
        EntityData::default()
            .with_entity_type(text(kind))
            .with_entity_name(name.as_deref().map(text))
    };
    let value =
        |(key, value): (&String, &f64)| ValueData::default().with_key(text(key)).with_value(*value);
    EntryData::default()
        .with_entity(entity.0.iter().map(part).collect())
        .with_values(values.iter().map(value).collect())
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::alter_client_quotas_request::EntityData;

    use super::*;
    use crate::apis::Request;
    use crate::core::CoreSettings;
    use crate::core::harness::{Harness, response_of};

    fn alter(broker: &mut Harness, kind: &str, key: &str, value: f64) -> i16 {
        let entity = EntityData::default()
            .with_entity_type(text(kind))
            .with_entity_name(Some(text("alice")));
        let op = OpData::default().with_key(text(key)).with_value(value);
        let entry = Alteration::default().with_entity(vec![entity]).with_ops(vec![op]);
        let request = AlterClientQuotasRequest::default().with_entries(vec![entry]);
        let response = broker.ask(1, Request::AlterClientQuotas(request));
        response_of!(AlterClientQuotas, response).entries[0].error_code
    }

    #[test]
    fn a_quota_is_shown_after_a_restart_and_a_wrong_one_never() {
        let mut broker = Harness::new(CoreSettings::default());
        assert_eq!(alter(&mut broker, "user", "producer_byte_rate", 1000.0), 0);
        let invalid = ResponseError::InvalidRequest.code();
        for (kind, key, value) in [
            ("user", "producer_byte_rate", 0.5),
            ("user", "producer_byte_rate", -1.0),
            ("user", "request_percentage", f64::NAN),
            ("user", "connection_creation_rate", 1.0),
            ("group", "producer_byte_rate", 1.0),
            ("ip", "producer_byte_rate", 1.0),
        ] {
            assert_eq!(alter(&mut broker, kind, key, value), invalid, "{kind} {key} {value}");
        }
        let mut broker = broker.restart();
        let request = DescribeClientQuotasRequest::default();
        let response = broker.ask(1, Request::DescribeClientQuotas(request));
        let entries = response_of!(DescribeClientQuotas, response).entries.unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].values[0].value, 1000.0);
    }
}
