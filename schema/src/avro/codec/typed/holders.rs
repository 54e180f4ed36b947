//! Types that hold others: options, arrays, maps, pointers.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use super::{
    AvroRead, AvroType, AvroWrite, CodecError, Input, SchemaText, Step, check_depth, in_field,
    write_long,
};

impl<T: AvroType> AvroType for Option<T> {
    type At<'de> = Option<T::At<'de>>;

    const BRANCHES: usize = 1 + T::BRANCHES;

    const MAY_BE_NULL: bool = true;

    fn schema(schema: &mut SchemaText) {
        const {
            assert!(
                !T::MAY_BE_NULL,
                "an Option of a type that may be null itself: `None` and `Some` of that null would be the same in Avro"
            );
        }
        schema.optional(T::schema);
    }

    fn name() -> String {
        format!("optional_{}", T::name())
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
            Some(value) => value.write_branch(1, out, depth),
        }
    }
}

impl<'de, T: AvroRead<'de>> AvroRead<'de> for Option<T> {
    #[inline]
    fn read(input: &mut Input<'de>, depth: usize) -> Result<Self, CodecError> {
        match input.index(Self::BRANCHES)? {
            0 => Ok(None),
            branch => T::read_branch(branch - 1, input, depth).map(Some),
        }
    }
}

impl<T: AvroType> AvroType for Vec<T> {
    type At<'de> = Vec<T::At<'de>>;

    fn schema(schema: &mut SchemaText) {
        T::schema_of_many(schema);
    }

    fn name() -> String {
        T::name_of_many()
    }
}

impl<T: AvroWrite> AvroWrite for Vec<T> {
    #[inline]
    fn write(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError> {
        T::write_many(self, out, depth)
    }
}

impl<'de, T: AvroRead<'de>> AvroRead<'de> for Vec<T> {
    #[inline]
    fn read(input: &mut Input<'de>, depth: usize) -> Result<Self, CodecError> {
        T::read_many(input, depth)
    }
}

impl<T: AvroType, const N: usize> AvroType for [T; N] {
    type At<'de> = [T::At<'de>; N];

    fn schema(schema: &mut SchemaText) {
        T::schema_of_exactly(N, schema);
    }

    fn name() -> String {
        format!("{}_{N}", T::name_of_many())
    }
}

impl<T: AvroWrite, const N: usize> AvroWrite for [T; N] {
    #[inline]
    fn write(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError> {
        T::write_exactly(self, out, depth)
    }
}

impl<'de, T: AvroRead<'de>, const N: usize> AvroRead<'de> for [T; N] {
    #[inline]
    fn read(input: &mut Input<'de>, depth: usize) -> Result<Self, CodecError> {
        T::read_exactly(input, depth)
    }
}

#[inline]
pub(super) fn write_array<T: AvroWrite>(
    values: &[T],
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), CodecError> {
    check_depth(depth)?;
    if !values.is_empty() {
        write_long(values.len() as i64, out);
    }
    for (i, value) in values.iter().enumerate() {
        value.write(out, depth + 1).map_err(|e| e.inside(Step::Index(i)))?;
    }
    out.push(0);
    Ok(())
}

/// Bytes that an array reserves before its items are read.
const RESERVED_BYTES_MAX: usize = 1 << 20;

#[inline]
pub(super) fn read_array<'de, T: AvroRead<'de>>(
    input: &mut Input<'de>,
    depth: usize,
) -> Result<Vec<T>, CodecError> {
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

/// A key of a map: a string, borrowed or not.
pub trait MapKey: AvroWrite + AsRef<str> {}

impl MapKey for String {}
impl MapKey for &str {}
impl MapKey for Cow<'_, str> {}

impl<K: MapKey, V: AvroType> AvroType for BTreeMap<K, V> {
    type At<'de> = BTreeMap<K::At<'de>, V::At<'de>>;

    fn schema(schema: &mut SchemaText) {
        schema.map(V::schema);
    }

    fn name() -> String {
        format!("map_{}", V::name())
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

    fn name() -> String {
        format!("map_{}", V::name())
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
    for (key, value) in entries {
        key.write(out, depth + 1)?;
        value.write(out, depth + 1).map_err(|e| in_field(e, key.as_ref()))?;
    }
    out.push(0);
    Ok(())
}

fn read_map<'de, K: MapKey + AvroRead<'de>, V: AvroRead<'de>, M: Default + Extend<(K, V)>>(
    input: &mut Input<'de>,
    depth: usize,
) -> Result<M, CodecError> {
    check_depth(depth)?;
    let mut values = M::default();
    input.each(false, |input| {
        let key = K::read(input, depth + 1)?;
        let value = V::read(input, depth + 1).map_err(|e| in_field(e, key.as_ref()))?;
        values.extend([(key, value)]);
        Ok(())
    })?;
    Ok(values)
}

/// Types that hold a value somewhere else.
macro_rules! pointers {
    ($($pointer:ident)*) => {$(
        impl<T: AvroType> AvroType for $pointer<T> {
            type At<'de> = $pointer<T::At<'de>>;

            const BRANCHES: usize = T::BRANCHES;

            const MAY_BE_NULL: bool = T::MAY_BE_NULL;

            fn schema(schema: &mut SchemaText) {
                T::schema(schema);
            }

            fn name() -> String {
                T::name()
            }
        }

        impl<T: AvroWrite> AvroWrite for $pointer<T> {
            #[inline]
            fn write(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError> {
                T::write(self, out, depth)
            }

            #[inline]
            fn write_branch(
                &self,
                first: usize,
                out: &mut Vec<u8>,
                depth: usize,
            ) -> Result<(), CodecError> {
                T::write_branch(self, first, out, depth)
            }
        }

        impl<'de, T: AvroRead<'de>> AvroRead<'de> for $pointer<T> {
            #[inline]
            fn read(input: &mut Input<'de>, depth: usize) -> Result<Self, CodecError> {
                T::read(input, depth).map($pointer::new)
            }

            #[inline]
            fn read_branch(
                index: usize,
                input: &mut Input<'de>,
                depth: usize,
            ) -> Result<Self, CodecError> {
                T::read_branch(index, input, depth).map($pointer::new)
            }
        }
    )*};
}

pointers!(Box Arc);
