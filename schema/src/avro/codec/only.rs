//! Serializers that take one kind of value and refuse the rest: a map's key, a byte of bytes.

use serde::Serialize;
use serde::ser::{Impossible, Serializer};

use super::CodecError;

/// Takes one kind of value and refuses the rest.
macro_rules! only {
    ($name:ty as $this:ident -> $ok:ty, $what:literal, { $($method:ident: $kind:ty => |$value:ident| $body:expr),* }, [$($refused:ident: $refused_kind:ty),*]) => {
        impl Serializer for $name {
            type Ok = $ok;
            type Error = CodecError;
            type SerializeSeq = Impossible<$ok, CodecError>;
            type SerializeTuple = Impossible<$ok, CodecError>;
            type SerializeTupleStruct = Impossible<$ok, CodecError>;
            type SerializeTupleVariant = Impossible<$ok, CodecError>;
            type SerializeMap = Impossible<$ok, CodecError>;
            type SerializeStruct = Impossible<$ok, CodecError>;
            type SerializeStructVariant = Impossible<$ok, CodecError>;

            $(fn $method(self, $value: $kind) -> Result<$ok, CodecError> { let $this = self; Ok($body) })*
            $(fn $refused(self, _: $refused_kind) -> Result<$ok, CodecError> { refuse($what) })*

            fn serialize_none(self) -> Result<$ok, CodecError> { refuse($what) }
            fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<$ok, CodecError> { value.serialize(self) }
            fn serialize_unit(self) -> Result<$ok, CodecError> { refuse($what) }
            fn serialize_unit_struct(self, _: &'static str) -> Result<$ok, CodecError> { refuse($what) }
            fn serialize_unit_variant(self, _: &'static str, _: u32, _variant: &'static str) -> Result<$ok, CodecError> { refuse($what) }
            fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<$ok, CodecError> { value.serialize(self) }
            fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: &'static str, _: u32, _: &'static str, _: &T) -> Result<$ok, CodecError> { refuse($what) }
            fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, CodecError> { refuse($what) }
            fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, CodecError> { refuse($what) }
            fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, CodecError> { refuse($what) }
            fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self::SerializeTupleVariant, CodecError> { refuse($what) }
            fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, CodecError> { refuse($what) }
            fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, CodecError> { refuse($what) }
            fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self::SerializeStructVariant, CodecError> { refuse($what) }
        }
    };
}

/// Appends a map's key.
pub(super) struct Text<'k>(pub(super) &'k mut String);

/// Takes a byte.
pub(super) struct Byte;

impl Text<'_> {
    fn show(self, key: impl std::fmt::Display) {
        use std::fmt::Write;
        write!(self.0, "{key}").expect("a string takes all");
    }
}

only!(Text<'_> as text -> (), "a map's key is a string", {
    serialize_str: &str => |v| text.0.push_str(v),
    serialize_char: char => |v| text.0.push(v),
    serialize_i8: i8 => |v| text.show(v),
    serialize_i16: i16 => |v| text.show(v),
    serialize_i32: i32 => |v| text.show(v),
    serialize_i64: i64 => |v| text.show(v),
    serialize_u8: u8 => |v| text.show(v),
    serialize_u16: u16 => |v| text.show(v),
    serialize_u32: u32 => |v| text.show(v),
    serialize_u64: u64 => |v| text.show(v),
    serialize_bool: bool => |v| text.show(v)
}, [serialize_f32: f32, serialize_f64: f64, serialize_bytes: &[u8]]);

only!(Byte as _byte -> u8, "bytes are written from a sequence of u8", {
    serialize_u8: u8 => |v| v
}, [serialize_str: &str, serialize_char: char, serialize_i8: i8, serialize_i16: i16,
    serialize_i32: i32, serialize_i64: i64, serialize_u16: u16, serialize_u32: u32,
    serialize_u64: u64, serialize_bool: bool, serialize_f32: f32, serialize_f64: f64,
    serialize_bytes: &[u8]]);

fn refuse<T>(what: &str) -> Result<T, CodecError> {
    Err(CodecError::new(what))
}
