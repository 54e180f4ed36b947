//! Types that hold no others: numbers, text, bytes.

use std::borrow::Cow;

use super::{
    AvroRead, AvroType, AvroWrite, CodecError, Input, SchemaText, write_bytes, write_long,
};

/// Types that hold no others.
macro_rules! primitives {
    ($($rust:ty as $avro:literal: |$value:ident, $out:ident| $write:expr, |$input:ident| $read:expr;)*) => {$(
        impl AvroType for $rust {
            type At<'de> = $rust;

            fn schema(schema: &mut SchemaText) {
                schema.primitive($avro);
            }

            fn name() -> String {
                $avro.into()
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
    char as "string": |value, out| write_bytes(value.encode_utf8(&mut [0; 4]).as_bytes(), out), |input| character(input.string()?);
}

fn character(text: &str) -> Result<char, CodecError> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(CodecError::new(format!("{text:?} is not one character"))),
    }
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

            fn name() -> String {
                $avro.into()
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

impl AvroType for () {
    type At<'de> = ();

    const MAY_BE_NULL: bool = true;

    fn schema(schema: &mut SchemaText) {
        schema.primitive("null");
    }

    fn name() -> String {
        "null".into()
    }
}

impl AvroWrite for () {
    #[inline]
    fn write(&self, _out: &mut Vec<u8>, _depth: usize) -> Result<(), CodecError> {
        Ok(())
    }
}

impl AvroRead<'_> for () {
    #[inline]
    fn read(_input: &mut Input<'_>, _depth: usize) -> Result<Self, CodecError> {
        Ok(())
    }
}

/// One byte is a number; several in a row are bytes.
impl AvroType for u8 {
    type At<'de> = u8;

    fn schema(schema: &mut SchemaText) {
        schema.primitive("int");
    }

    fn name() -> String {
        "int".into()
    }

    fn name_of_many() -> String {
        "bytes".into()
    }

    fn schema_of_many(schema: &mut SchemaText) {
        schema.primitive("bytes");
    }

    fn schema_of_exactly(count: usize, schema: &mut SchemaText) {
        schema.fixed(count);
    }
}

impl AvroWrite for u8 {
    #[inline]
    fn write(&self, out: &mut Vec<u8>, _depth: usize) -> Result<(), CodecError> {
        write_long(i64::from(*self), out);
        Ok(())
    }

    #[inline]
    fn write_many(values: &[u8], out: &mut Vec<u8>, _depth: usize) -> Result<(), CodecError> {
        write_bytes(values, out);
        Ok(())
    }

    #[inline]
    fn write_exactly(values: &[u8], out: &mut Vec<u8>, _depth: usize) -> Result<(), CodecError> {
        out.extend_from_slice(values);
        Ok(())
    }
}

impl<'de> AvroRead<'de> for u8 {
    #[inline]
    fn read(input: &mut Input<'de>, _depth: usize) -> Result<u8, CodecError> {
        narrow(input.int()?)
    }

    #[inline]
    fn read_many(input: &mut Input<'de>, _depth: usize) -> Result<Vec<u8>, CodecError> {
        input.bytes().map(Vec::from)
    }

    #[inline]
    fn read_exactly<const N: usize>(
        input: &mut Input<'de>,
        _depth: usize,
    ) -> Result<[u8; N], CodecError> {
        input.array()
    }
}
