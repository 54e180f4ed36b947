//! Types that bring their Avro schema, and code that writes and reads data of exactly that schema.
//!
//! `#[derive(Avro)]` implements these traits beside serde's, which take over where the other side's
//! schema differs: [`TypeSchema`] says whether it does.
//!
//! | Rust | Avro |
//! |---|---|
//! | `()`, `bool`, `f32`, `f64` | null, boolean, float, double |
//! | `i8`, `i16`, `i32`, `u8`, `u16` | int |
//! | `i64`, `u32` | long |
//! | `String`, `&str`, `Cow<str>`; `char` | string; of one character |
//! | `Vec<u8>`, `&[u8]` | bytes |
//! | `[u8; N]` | fixed, called `FixedN` |
//! | `Vec<T>`; `[T; N]` | array; of as many items |
//! | `HashMap<String, T>`, `BTreeMap<String, T>` | map |
//! | `Option<T>` | `["null", T]`, in a record with the default null; the branches of a `T` that is a union stand beside null |
//! | `Box<T>`, `Arc<T>`, a tuple struct of one `T` | T |
//!
//! `u64`, `usize`, `i128` and `u128` have none: their values do not all fit Avro's widest number, a long.

mod holders;
mod scalars;

use super::bare::{drop_length, is_bytes};
use super::bytes::{write_bytes, write_long};
use super::error::Step;
use super::to_json::too_deep;
use super::{CompileError, DEPTH_MAX, Plan};
use crate::avro::Schema;

pub use holders::MapKey;

pub use super::CodecError;
pub use super::bytes::Input;
pub use super::schema_text::{Field, Named, SchemaText};

/// A type with an Avro schema of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no Avro schema of its own",
    note = "derive `Avro` for it, or say `#[avro(schema = \"...\")]` on a field of a type that only \
            serde writes and reads",
    note = "Avro's widest number is the long: `u64`, `usize` and 128-bit integers do not fit it; take \
            `i64` or `u32`, or say `#[avro(schema = \"\\\"long\\\"\")]` on the field if its values fit"
)]
pub trait AvroType {
    /// This type, borrowing from data of the lifetime `'de`.
    type At<'de>;

    /// Branches that the type takes in a union around it: several if it is a union itself.
    #[doc(hidden)]
    const BRANCHES: usize = 1;

    /// Whether null is one of its values.
    #[doc(hidden)]
    const MAY_BE_NULL: bool = false;

    /// Writes the type's schema.
    fn schema(schema: &mut SchemaText);

    /// What a type that has this one for a parameter calls it: `Order`, `string`, `array_long`. It is made
    /// without the schema, which may have that very type in it.
    #[doc(hidden)]
    fn name() -> String {
        let mut text = SchemaText::default();
        Self::schema(&mut text);
        text.simple_name()
    }

    /// The name of any number of values of this type in a row.
    #[doc(hidden)]
    fn name_of_many() -> String {
        format!("array_{}", Self::name())
    }

    /// The schema of any number of it in a row: an array, but for bytes.
    #[doc(hidden)]
    fn schema_of_many(schema: &mut SchemaText) {
        schema.array(Self::schema);
    }

    /// The schema of so many of it in a row.
    #[doc(hidden)]
    fn schema_of_exactly(_count: usize, schema: &mut SchemaText) {
        schema.array(Self::schema);
    }
}

/// A type that writes itself as data of its schema.
pub trait AvroWrite: AvroType {
    /// Appends the value; `depth` levels are around it.
    fn write(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError>;

    /// Appends the value as a branch of a union at that depth: the type's branches begin at `first`.
    #[doc(hidden)]
    #[inline]
    fn write_branch(
        &self,
        first: usize,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), CodecError> {
        write_index(first, out);
        self.write(out, depth + 1)
    }

    #[doc(hidden)]
    #[inline]
    fn write_many(values: &[Self], out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError>
    where
        Self: Sized,
    {
        holders::write_array(values, out, depth)
    }

    #[doc(hidden)]
    #[inline]
    fn write_exactly(values: &[Self], out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError>
    where
        Self: Sized,
    {
        holders::write_array(values, out, depth)
    }
}

/// A type that reads itself from data of its schema, and may borrow from it.
pub trait AvroRead<'de>: AvroType + Sized {
    /// Reads a value; `depth` levels are around it.
    fn read(input: &mut Input<'de>, depth: usize) -> Result<Self, CodecError>;

    /// Reads what a union at that depth says is of this one of the type's branches.
    #[doc(hidden)]
    #[inline]
    fn read_branch(
        _index: usize,
        input: &mut Input<'de>,
        depth: usize,
    ) -> Result<Self, CodecError> {
        Self::read(input, depth + 1)
    }

    #[doc(hidden)]
    #[inline]
    fn read_many(input: &mut Input<'de>, depth: usize) -> Result<Vec<Self>, CodecError> {
        holders::read_array(input, depth)
    }

    #[doc(hidden)]
    #[inline]
    fn read_exactly<const N: usize>(
        input: &mut Input<'de>,
        depth: usize,
    ) -> Result<[Self; N], CodecError> {
        let values: Vec<Self> = holders::read_array(input, depth)?;
        let found = values.len();
        let wrong = |_| CodecError::new(format!("an array has {found} items and not {N}"));
        values.try_into().map_err(wrong)
    }
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

    /// Returns true if [`decode_over`] reads the plan's data.
    pub fn reads(&self, plan: &Plan) -> bool {
        self.is_straight && plan.is_straight()
    }

    /// Returns true if [`encode`] writes data of `target`, another schema than the type's own.
    pub fn writes(&self, target: &Schema) -> bool {
        self.is_straight
            && is_bytes(&self.schema) == is_bytes(target)
            && Plan::compile(&self.schema, target).is_ok_and(|plan| plan.is_straight())
    }

    /// Returns true if [`encode`] writes data of the type's own schema.
    pub fn is_straight(&self) -> bool {
        self.is_straight
    }

    /// What writes a record's payload: [`encode`], but that top-level `bytes` have no length. See
    /// [`Encoder::for_payloads`](super::Encoder::for_payloads).
    pub fn payload_writer<T: AvroWrite + ?Sized>(&self) -> PayloadWriter<T> {
        match is_bytes(&self.schema) {
            true => encode_bare::<T>,
            false => encode::<T>,
        }
    }
}

/// Appends a value; after an error what it appends to is as it was.
pub type PayloadWriter<T> = fn(&T, &mut Vec<u8>) -> Result<(), CodecError>;

/// Appends a value as data of its type's own schema. After an error `out` is as it was.
pub fn encode<T: AvroWrite + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = out.len();
    let result = value.write(out, 0);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn encode_bare<T: AvroWrite + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = out.len();
    encode(value, out)?;
    drop_length(start, out);
    Ok(())
}

/// Reads all of `data`, which is of the type's own schema.
pub fn decode<'de, T: AvroRead<'de>>(data: &'de [u8]) -> Result<T, CodecError> {
    finished(Input::new(data))
}

/// [`decode`] for a type that borrows nothing.
pub fn decode_owned<T: for<'de> AvroRead<'de>>(data: &[u8]) -> Result<T, CodecError> {
    decode(data)
}

/// Reads all of `data`, which the plan reads as the type has it: [`TypeSchema::reads`] says so.
#[inline]
pub fn decode_over<'de, T: AvroRead<'de>>(plan: &Plan, data: &'de [u8]) -> Result<T, CodecError> {
    finished(plan.input(data))
}

/// [`decode_over`] for a type that borrows nothing.
#[inline]
pub fn decode_owned_over<T: for<'de> AvroRead<'de>>(
    plan: &Plan,
    data: &[u8],
) -> Result<T, CodecError> {
    decode_over(plan, data)
}

#[inline]
fn finished<'de, T: AvroRead<'de>>(mut input: Input<'de>) -> Result<T, CodecError> {
    let value = T::read(&mut input, 0)?;
    input.finish()?;
    Ok(value)
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

/// The name of a generic type that says what it is of: each parameter in braces is replaced.
#[doc(hidden)]
pub fn name_of_generic(pattern: &str, parameters: &[(&str, String)]) -> String {
    let replace = |name: String, (parameter, by): &(&str, String)| {
        name.replace(&format!("{{{parameter}}}"), by)
    };
    parameters.iter().fold(pattern.to_string(), replace)
}
