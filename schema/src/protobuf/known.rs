//! Files that every schema may import without a reference: Protobuf's own, Google's common types
//! and Confluent's. Source: Confluent `ProtobufSchema#KNOWN_DEPENDENCIES`.

use std::sync::LazyLock;

use super::element::File;
use super::names::Names;
use super::read::read;
use crate::budget::Budget;

macro_rules! known {
    ($($path:literal)*) => { &[$(($path, include_str!(concat!("known/", $path)))),*] };
}

const TEXTS: &[(&str, &str)] = known!(
    "confluent/meta.proto"
    "confluent/type/decimal.proto"
    "google/protobuf/any.proto"
    "google/protobuf/api.proto"
    "google/protobuf/descriptor.proto"
    "google/protobuf/duration.proto"
    "google/protobuf/empty.proto"
    "google/protobuf/field_mask.proto"
    "google/protobuf/source_context.proto"
    "google/protobuf/struct.proto"
    "google/protobuf/timestamp.proto"
    "google/protobuf/type.proto"
    "google/protobuf/wrappers.proto"
    "google/type/calendar_period.proto"
    "google/type/color.proto"
    "google/type/date.proto"
    "google/type/datetime.proto"
    "google/type/dayofweek.proto"
    "google/type/decimal.proto"
    "google/type/expr.proto"
    "google/type/fraction.proto"
    "google/type/interval.proto"
    "google/type/latlng.proto"
    "google/type/money.proto"
    "google/type/month.proto"
    "google/type/phone_number.proto"
    "google/type/postal_address.proto"
    "google/type/quaternion.proto"
    "google/type/timeofday.proto"
);

static FILES: LazyLock<Vec<(&str, File)>> = LazyLock::new(|| {
    TEXTS
        .iter()
        .map(|(path, text)| (*path, read(text, &Budget::default()).expect("a bundled file")))
        .collect()
});

static NAMES: LazyLock<Names<'static>> =
    LazyLock::new(|| Names::of_known(FILES.iter().map(|(_, file)| file)));

/// The bundled file at an import path.
pub fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|(known, _)| *known == path).map(|(_, file)| file)
}

/// The names of all bundled files.
pub fn names() -> &'static Names<'static> {
    &NAMES
}
