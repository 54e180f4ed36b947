//! Every endpoint that the client has, against the registry.

use weir_serde::api::{
    CompatibilityLevel, Config, ConfigUpdate, Context, EntityType, Metadata, Mode, Reference,
    RegisterRequest, SchemaEntity, SchemaTags, SchemaType, Subject, TagSchemaRequest, VersionSpec,
};
use weir_serde::{ClientError, RegistryClient};

use super::{STOCK, counted};

fn subject(name: &str) -> Subject {
    Subject::new(name).unwrap()
}

fn request(schema: &str) -> RegisterRequest {
    RegisterRequest { schema: Some(schema.into()), ..Default::default() }
}

async fn registered(client: &RegistryClient, name: &str, schema: &str) -> Subject {
    client.register(&subject(name), &request(schema), false).await.unwrap();
    subject(name)
}

#[tokio::test]
async fn versions_are_found_by_metadata_references_and_guid() {
    let (client, _) = counted().await;
    let stock = registered(&client, "stock", STOCK).await;
    let properties = [("owner".to_string(), "ada".to_string())].into();
    let with_metadata = RegisterRequest {
        metadata: Some(Metadata { properties, ..Default::default() }),
        ..request(STOCK)
    };
    let owned = client.register(&stock, &with_metadata, false).await.unwrap();
    let found = client.latest_with_metadata(&stock, &[("owner", "ada")]).await.unwrap();
    assert_eq!(found.id, owned.id);
    let error = client.latest_with_metadata(&stock, &[("owner", "eve")]).await.unwrap_err();
    assert!(matches!(error, ClientError::Registry { code: 40403, .. }), "{error:?}");

    let reference = Reference { name: "Stock".into(), subject: stock.clone(), version: 2 };
    let list = RegisterRequest {
        references: vec![reference],
        ..request(r#"{"type":"array","items":"Stock"}"#)
    };
    let list = client.register(&subject("stocks"), &list, false).await.unwrap();
    let latest = VersionSpec::Latest;
    assert_eq!(client.referenced_by(&stock, latest).await.unwrap(), [list.id]);
    assert_eq!(client.subjects_of_id(list.id).await.unwrap(), [subject("stocks")]);
    let ids = client.ids_of_guid(list.guid.unwrap()).await.unwrap();
    assert_eq!(ids.iter().map(|same| same.id).collect::<Vec<_>>(), [list.id]);
    assert_eq!(ids[0].context, Context::new(".").unwrap());
}

#[tokio::test]
async fn tags_make_a_new_version() {
    let (client, _) = counted().await;
    let stock = registered(&client, "stock", STOCK).await;
    let price = SchemaTags {
        schema_entity: SchemaEntity {
            entity_path: "Stock.price".into(),
            entity_type: EntityType::Field,
        },
        tags: vec!["MONEY".into()],
    };
    let tags = TagSchemaRequest { tags_to_add: vec![price], ..Default::default() };
    let tagged = client.tag(&stock, VersionSpec::Latest, &tags).await.unwrap();
    let latest = client.version(&stock, VersionSpec::Latest).await.unwrap();
    assert_eq!((latest.version.0, latest.id), (2, tagged.id));
    assert!(latest.schema.text().contains("MONEY"));
}

#[tokio::test]
async fn a_check_asks_about_all_versions_that_the_level_does() {
    let (client, _) = counted().await;
    let stock = registered(&client, "stock", STOCK).await;
    assert!(client.check_all(&stock, &request(STOCK)).await.unwrap().is_compatible);
    let answer = client.check_all(&stock, &request("\"long\"")).await.unwrap();
    assert!(!answer.is_compatible);
    assert_eq!(answer.incompatibilities.unwrap()[0].version.0, 1);
}

#[tokio::test]
async fn configuration_and_modes_are_set_and_forgotten() {
    let (client, _) = counted().await;
    let stock = registered(&client, "stock", STOCK).await;
    for place in [Some(&stock), None] {
        let before = client.config(place).await.unwrap();
        let update = ConfigUpdate {
            compatibility: Some(Some("FULL".into())),
            compatibility_group: Some(Some("major".into())),
            ..Default::default()
        };
        client.update_config(place, &update).await.unwrap();
        let after = client.config(place).await.unwrap();
        let wanted = Config {
            compatibility_level: Some(CompatibilityLevel::Full),
            compatibility_group: Some("major".into()),
            ..before.clone()
        };
        assert_eq!(after, wanted);
        client.delete_config(place).await.unwrap();
        assert_eq!(client.config(place).await.unwrap(), before);

        client.set_mode(place, Mode::Readonly, false).await.unwrap();
        assert_eq!(client.mode(place).await.unwrap(), Mode::Readonly);
        client.delete_mode(place).await.unwrap();
        assert_eq!(client.mode(place).await.unwrap(), Mode::Readwrite);
    }
    let error = client.set_mode(None, Mode::Import, false).await.unwrap_err();
    assert!(matches!(error, ClientError::Registry { code: 42205, .. }), "{error:?}");
    client.set_mode(None, Mode::Import, true).await.unwrap();
    assert_eq!(client.mode(None).await.unwrap(), Mode::Import);
}

#[tokio::test]
async fn what_a_registry_knows_is_listed() {
    let (client, _) = counted().await;
    registered(&client, ":.eu:stock", STOCK).await;
    let contexts = [".", ".eu"].map(|name| Context::new(name).unwrap());
    assert_eq!(client.contexts().await.unwrap(), contexts);
    let mut types = client.schema_types().await.unwrap();
    types.sort_by_key(|language| language.name().to_string());
    assert_eq!(types, [SchemaType::Avro, SchemaType::Json, SchemaType::Protobuf]);
    assert!(client.associations("-", "stocks").await.unwrap().is_empty());
}
