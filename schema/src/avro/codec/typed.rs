//! Types that bring their Avro schema, and code that writes and reads data of exactly that schema.
//!
//! `#[derive(Avro)]` implements these traits beside serde's, which take over where the other side's
//! schema differs: [`TypeSchema`] says whether it does.
//!
//! | Rust | Avro |
//! |---|---|
//! | `()`, `bool`, `f32`, `f64` | null, boolean, float, double |
//! | `i8`, `i16`, `i32`, `u16` | int |
//! | `i64`, `u32` | long |
//! | `String`, `&str`, `Cow<str>` | string |
//! | `Vec<u8>`, `&[u8]` | bytes |
//! | `[u8; N]` | fixed, called `FixedN` |
//! | `Vec<T>`; `HashMap<String, T>`, `BTreeMap<String, T>` | array; map |
//! | `Option<T>` | `["null", T]`, in a record with the default null |
//! | `Box<T>`, `Arc<T>` | T |

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use super::bytes::{write_bytes, write_long};
use super::error::Step;
use super::to_json::too_deep;
use super::{CompileError, DEPTH_MAX, Plan};
use crate::avro::Schema;

pub use super::CodecError;
pub use super::bytes::Input;
pub use super::schema_text::{Field, Named, SchemaText};

/// A type with an Avro schema of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no Avro schema of its own",
    note = "derive `Avro` for it, or say `#[avro(schema = \"...\")]` on a field of a type that only \
            serde writes and reads"
)]
pub trait AvroType {
    /// The same type with what it borrows from data of this lifetime.
    type At<'de>;

    /// Writes the type's schema.
    fn schema(schema: &mut SchemaText);
}

/// A type that writes itself as data of its schema.
pub trait AvroWrite: AvroType {
    /// Appends the value; `depth` levels are around it.
    fn write(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError>;
}

/// A type that reads itself from data of its schema, and may borrow from it.
pub trait AvroRead<'de>: AvroType + Sized {
    fn read(input: &mut Input<'de>, depth: usize) -> Result<Self, CodecError>;
}

/// A type's schema.
#[derive(Debug)]
pub struct TypeSchema {
    /// As the registry is to have it.
    pub text: String,
    pub schema: Schema,
    is_straight: bool,
}

impl TypeSchema {
    /// The schema of `T`. It is an error if two types have one name, a default does not fit, or a
    /// variant is not called as the type that it holds.
    pub fn of<T: AvroType>() -> Result<TypeSchema, CompileError> {
        let mut text = SchemaText::default();
        T::schema(&mut text);
        let (text, is_straight) = text.finish()?;
        let schema = Schema::parse(&text).map_err(|e| CompileError(e.to_string()))?;
        Ok(TypeSchema { text, schema, is_straight })
    }

    /// Whether data of `writer` can be read by [`decode`], without a plan.
    pub fn reads(&self, plan: &Plan) -> bool {
        self.is_straight && plan.is_straight()
    }

    /// Whether [`encode`] writes data of `target`, another schema than the type's own.
    pub fn writes(&self, target: &Schema) -> bool {
        self.is_straight && Plan::compile(&self.schema, target).is_ok_and(|plan| plan.is_straight())
    }

    /// Whether [`encode`] writes data of the type's own schema.
    pub fn is_straight(&self) -> bool {
        self.is_straight
    }
}

/// Appends a value as data of its type's own schema. After an error `out` is as it was.
pub fn encode<T: AvroWrite + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = out.len();
    let result = value.write(out, 0);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Reads all of `data`, which is of the type's own schema.
pub fn decode<'de, T: AvroRead<'de>>(data: &'de [u8]) -> Result<T, CodecError> {
    let mut input = Input::new(data);
    let value = T::read(&mut input, 0)?;
    input.finish()?;
    Ok(value)
}

/// The same for a type that borrows nothing.
pub fn decode_owned<T: for<'de> AvroRead<'de>>(data: &[u8]) -> Result<T, CodecError> {
    decode(data)
}

/// What derived code calls.
#[doc(hidden)]
#[inline]
pub fn check_depth(depth: usize) -> Result<(), CodecError> {
    if depth >= DEPTH_MAX { Err(too_deep()) } else { Ok(()) }
}

#[doc(hidden)]
#[cold]
pub fn in_field(error: CodecError, name: &str) -> CodecError {
    error.inside(Step::Field(name.to_string()))
}

#[doc(hidden)]
#[cold]
pub fn not_straight() -> CodecError {
    CodecError::new("this type is written and read over a plan")
}

#[doc(hidden)]
#[inline]
pub fn write_index(index: usize, out: &mut Vec<u8>) {
    write_long(index as i64, out);
}

#[doc(hidden)]
#[inline]
pub fn read_index(input: &mut Input, count: usize) -> Result<usize, CodecError> {
    input.index(count)
}

/// Types that hold no others.
macro_rules! primitives {
    ($($rust:ty as $avro:literal: |$value:ident, $out:ident| $write:expr, |$input:ident| $read:expr;)*) => {$(
        impl AvroType for $rust {
            type At<'de> = $rust;

            fn schema(schema: &mut SchemaText) {
                schema.primitive($avro);
            }
        }

        impl AvroWrite for $rust {
            #[inline]
            fn write(&self, $out: &mut Vec<u8>, _depth: usize) -> Result<(), CodecError> {
                let $value = self;
                $write;
                Ok(())
            }
        }

        impl<'de> AvroRead<'de> for $rust {
            #[inline]
            fn read($input: &mut Input<'de>, _depth: usize) -> Result<Self, CodecError> {
                $read
            }
        }
    )*};
}

primitives! {
    () as "null": |_value, out| out.extend_from_slice(&[]), |_input| Ok(());
    bool as "boolean": |value, out| out.push(u8::from(*value)), |input| input.boolean();
    i8 as "int": |value, out| write_long(i64::from(*value), out), |input| narrow(input.int()?);
    i16 as "int": |value, out| write_long(i64::from(*value), out), |input| narrow(input.int()?);
    u16 as "int": |value, out| write_long(i64::from(*value), out), |input| narrow(input.int()?);
    i32 as "int": |value, out| write_long(i64::from(*value), out), |input| input.int();
    u32 as "long": |value, out| write_long(i64::from(*value), out), |input| narrow(input.long()?);
    i64 as "long": |value, out| write_long(*value, out), |input| input.long();
    f32 as "float": |value, out| out.extend_from_slice(&value.to_le_bytes()), |input| input.float();
    f64 as "double": |value, out| out.extend_from_slice(&value.to_le_bytes()), |input| input.double();
    String as "string": |value, out| write_bytes(value.as_bytes(), out), |input| input.string().map(String::from);
    Vec<u8> as "bytes": |value, out| write_bytes(value, out), |input| input.bytes().map(Vec::from);
}

fn narrow<T: Copy + std::fmt::Display, N: TryFrom<T>>(value: T) -> Result<N, CodecError> {
    N::try_from(value).map_err(|_| {
        let wanted = std::any::type_name::<N>();
        CodecError::new(format!("{value} is not of {wanted}"))
    })
}

/// Types that borrow.
macro_rules! borrowed {
    ($($rust:ty, at $at:ty, as $avro:literal: |$value:ident| $bytes:expr, |$input:ident| $read:expr;)*) => {$(
        impl<'a> AvroType for $rust {
            type At<'de> = $at;

            fn schema(schema: &mut SchemaText) {
                schema.primitive($avro);
            }
        }

        impl<'a> AvroWrite for $rust {
            #[inline]
            fn write(&self, out: &mut Vec<u8>, _depth: usize) -> Result<(), CodecError> {
                let $value = self;
                write_bytes($bytes, out);
                Ok(())
            }
        }

        impl<'de: 'a, 'a> AvroRead<'de> for $rust {
            #[inline]
            fn read($input: &mut Input<'de>, _depth: usize) -> Result<Self, CodecError> {
                $read
            }
        }
    )*};
}

borrowed! {
    &'a str, at &'de str, as "string": |value| value.as_bytes(), |input| input.string();
    Cow<'a, str>, at Cow<'de, str>, as "string": |value| value.as_bytes(), |input| input.string().map(Cow::Borrowed);
    &'a [u8], at &'de [u8], as "bytes": |value| value, |input| input.bytes();
}

/// A key of a map: a string, borrowed or not.
pub trait MapKey: AvroWrite {}

impl MapKey for String {}
impl MapKey for &str {}
impl MapKey for Cow<'_, str> {}

impl<const N: usize> AvroType for [u8; N] {
    type At<'de> = [u8; N];

    fn schema(schema: &mut SchemaText) {
        schema.fixed(N);
    }
}

impl<const N: usize> AvroWrite for [u8; N] {
    #[inline]
    fn write(&self, out: &mut Vec<u8>, _depth: usize) -> Result<(), CodecError> {
        out.extend_from_slice(self);
        Ok(())
    }
}

impl<'de, const N: usize> AvroRead<'de> for [u8; N] {
    #[inline]
    fn read(input: &mut Input<'de>, _depth: usize) -> Result<Self, CodecError> {
        input.array()
    }
}

impl<T: AvroType> AvroType for Option<T> {
    type At<'de> = Option<T::At<'de>>;

    fn schema(schema: &mut SchemaText) {
        schema.optional(T::schema);
    }
}

impl<T: AvroWrite> AvroWrite for Option<T> {
    #[inline]
    fn write(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError> {
        match self {
            None => {
                out.push(0);
                Ok(())
            }
            Some(value) => {
                out.push(2);
                value.write(out, depth + 1)
            }
        }
    }
}

impl<'de, T: AvroRead<'de>> AvroRead<'de> for Option<T> {
    #[inline]
    fn read(input: &mut Input<'de>, depth: usize) -> Result<Self, CodecError> {
        match input.index(2)? {
            0 => Ok(None),
            _ => T::read(input, depth + 1).map(Some),
        }
    }
}

impl<T: AvroType> AvroType for Vec<T> {
    type At<'de> = Vec<T::At<'de>>;

    fn schema(schema: &mut SchemaText) {
        schema.array(T::schema);
    }
}

impl<T: AvroWrite> AvroWrite for Vec<T> {
    #[inline]
    fn write(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError> {
        check_depth(depth)?;
        if !self.is_empty() {
            write_long(self.len() as i64, out);
        }
        for (i, value) in self.iter().enumerate() {
            value.write(out, depth + 1).map_err(|e| e.inside(Step::Index(i)))?;
        }
        out.push(0);
        Ok(())
    }
}

/// Bytes that an array reserves before its items are read.
const RESERVED_BYTES_MAX: usize = 1 << 20;

impl<'de, T: AvroRead<'de>> AvroRead<'de> for Vec<T> {
    #[inline]
    fn read(input: &mut Input<'de>, depth: usize) -> Result<Self, CodecError> {
        check_depth(depth)?;
        let mut values = Vec::new();
        loop {
            let (count, covered) = input.block_of_any()?;
            if count == 0 {
                return Ok(values);
            }
            values.reserve(covered.min(RESERVED_BYTES_MAX / size_of::<T>().max(1)));
            for _ in 0..count {
                match T::read(input, depth + 1) {
                    Ok(value) => values.push(value),
                    Err(error) => return Err(error.inside(Step::Index(values.len()))),
                }
            }
        }
    }
}

impl<K: MapKey, V: AvroType> AvroType for BTreeMap<K, V> {
    type At<'de> = BTreeMap<K::At<'de>, V::At<'de>>;

    fn schema(schema: &mut SchemaText) {
        schema.map(V::schema);
    }
}

impl<K: MapKey, V: AvroWrite> AvroWrite for BTreeMap<K, V> {
    fn write(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError> {
        write_map(self.len(), self.iter(), out, depth)
    }
}

impl<'de, K: MapKey + AvroRead<'de> + Ord, V: AvroRead<'de>> AvroRead<'de> for BTreeMap<K, V> {
    fn read(input: &mut Input<'de>, depth: usize) -> Result<Self, CodecError> {
        read_map(input, depth)
    }
}

impl<K: MapKey, V: AvroType, S> AvroType for HashMap<K, V, S> {
    type At<'de> = HashMap<K::At<'de>, V::At<'de>, S>;

    fn schema(schema: &mut SchemaText) {
        schema.map(V::schema);
    }
}

impl<K: MapKey, V: AvroWrite, S> AvroWrite for HashMap<K, V, S> {
    fn write(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError> {
        write_map(self.len(), self.iter(), out, depth)
    }
}

impl<'de, K, V, S> AvroRead<'de> for HashMap<K, V, S>
where
    K: MapKey + AvroRead<'de> + Eq + Hash,
    V: AvroRead<'de>,
    S: BuildHasher + Default,
{
    fn read(input: &mut Input<'de>, depth: usize) -> Result<Self, CodecError> {
        read_map(input, depth)
    }
}

fn write_map<'v, K: MapKey + 'v, V: AvroWrite + 'v>(
    length: usize,
    entries: impl Iterator<Item = (&'v K, &'v V)>,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), CodecError> {
    check_depth(depth)?;
    if length > 0 {
        write_long(length as i64, out);
    }
    for (i, (key, value)) in entries.enumerate() {
        key.write(out, depth + 1)?;
        value.write(out, depth + 1).map_err(|e| e.inside(Step::Index(i)))?;
    }
    out.push(0);
    Ok(())
}

fn read_map<'de, K: AvroRead<'de>, V: AvroRead<'de>, M: Default + Extend<(K, V)>>(
    input: &mut Input<'de>,
    depth: usize,
) -> Result<M, CodecError> {
    check_depth(depth)?;
    let (mut values, mut index) = (M::default(), 0);
    input.each(false, |input| {
        let key = K::read(input, depth + 1)?;
        let value = V::read(input, depth + 1).map_err(|e| e.inside(Step::Index(index)))?;
        values.extend([(key, value)]);
        index += 1;
        Ok(())
    })?;
    Ok(values)
}

/// Types that hold a value somewhere else.
macro_rules! pointers {
    ($($pointer:ident)*) => {$(
        impl<T: AvroType> AvroType for $pointer<T> {
            type At<'de> = $pointer<T::At<'de>>;

            fn schema(schema: &mut SchemaText) {
                T::schema(schema);
            }
        }

        impl<T: AvroWrite> AvroWrite for $pointer<T> {
            #[inline]
            fn write(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError> {
                T::write(self, out, depth)
            }
        }

        impl<'de, T: AvroRead<'de>> AvroRead<'de> for $pointer<T> {
            #[inline]
            fn read(input: &mut Input<'de>, depth: usize) -> Result<Self, CodecError> {
                T::read(input, depth).map($pointer::new)
            }
        }
    )*};
}

pointers!(Box Arc);
