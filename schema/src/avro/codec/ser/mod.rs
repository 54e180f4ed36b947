//! Any serde type to Avro data.
//!
//! Structs and maps are records (fields in any order, missing ones by their defaults), `Option`s
//! are unions with null, a newtype variant is the branch of its name, a unit variant is an enum's
//! symbol. A bare value in a union takes the first branch that it fits exactly, else one that it
//! widens to.

mod compound;

use serde::Serialize;
use serde::ser::Serializer;

use compound::{Compound, Entries, Items, ItemsOf};

use super::bytes::{write_bytes, write_long};
use super::logical::Logical;
use super::plan::{Encoder, Op, OpId, Plan, UnionOp};
use super::record::{Block, RecordWriter};
use super::to_json::too_deep;
use super::{CodecError, DEPTH_MAX};

impl Encoder {
    /// Appends `value` to `out`. After an error `out` is as it was.
    pub fn encode<T: Serialize + ?Sized>(
        &self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let start = out.len();
        let result = value.serialize(Ser {
            plan: &self.plan,
            op: self.plan.op(self.plan.root()),
            out,
            depth: 0,
        });
        self.end(result, start, out)
    }
}

struct Ser<'a> {
    plan: &'a Plan,
    op: &'a Op,
    out: &'a mut Vec<u8>,
    depth: usize,
}

impl<'a> Ser<'a> {
    #[cold]
    fn mismatch<T>(&self, found: &str) -> Result<T, CodecError> {
        Err(CodecError::new(format!("{found} is not {}", self.op.describe())))
    }

    #[inline]
    fn child(&mut self, op: OpId) -> Result<Ser<'_>, CodecError> {
        self.check_depth()?;
        Ok(Ser { plan: self.plan, op: self.plan.op(op), out: self.out, depth: self.depth + 1 })
    }

    #[inline]
    fn check_depth(&self) -> Result<(), CodecError> {
        if self.depth >= DEPTH_MAX { Err(too_deep()) } else { Ok(()) }
    }

    /// If this is a union, writes the index of the first branch that one of `wanted` accepts, the
    /// first of them first, and goes on as that branch.
    #[inline]
    fn into_branch(mut self, wanted: &[fn(&Op) -> bool]) -> Ser<'a> {
        if let Op::Union(union) = self.op {
            match union.only.map(|index| (index as usize, union.branches[index as usize].0)) {
                Some((index, op)) if wanted.iter().any(|fits| fits(self.plan.op(op))) => {
                    self.take_branch(union, index);
                }
                _ => return self.into_first(wanted),
            }
        }
        self
    }

    /// The same for a union of many branches, or where it depends on the value.
    #[inline(never)]
    fn into_first<F: Fn(&Op) -> bool>(mut self, wanted: &[F]) -> Ser<'a> {
        if let Op::Union(union) = self.op {
            let position =
                |fits: &F| union.branches.iter().position(|(op, _)| fits(self.plan.op(*op)));
            if let Some(index) = wanted.iter().find_map(position) {
                self.take_branch(union, index);
            }
        }
        self
    }

    #[inline]
    fn take_branch(&mut self, union: &UnionOp, index: usize) {
        write_long(index as i64, self.out);
        self.op = self.plan.op(union.branches[index].0);
        self.depth += 1;
    }

    fn integer(self, value: i64) -> Result<(), CodecError> {
        let wanted: [fn(&Op) -> bool; 3] = [
            |op| matches!(op, Op::Int(_)),
            |op| matches!(op, Op::Long(_)),
            |op| matches!(op, Op::Float | Op::Double),
        ];
        let small = i32::try_from(value).is_ok();
        let ser = self.into_branch(&wanted[usize::from(!small)..]);
        match ser.op {
            Op::Int(_) if small => write_long(value, ser.out),
            Op::Long(_) => write_long(value, ser.out),
            // a number that would come back as another is not that number
            Op::Float if value as f32 as i64 == value && value != i64::MAX => {
                ser.out.extend_from_slice(&(value as f32).to_le_bytes());
            }
            Op::Double if value as f64 as i64 == value && value != i64::MAX => {
                ser.out.extend_from_slice(&(value as f64).to_le_bytes());
            }
            _ => return ser.mismatch(&value.to_string()),
        }
        Ok(())
    }

    /// Text for a logical type whose data is none.
    #[inline(never)]
    fn text(self, value: &str) -> Result<(), CodecError> {
        let is_logical = |op: &Op| match op {
            Op::Int(logical) | Op::Long(logical) => logical.text_to_number(value).is_some(),
            Op::Bytes(logical) => logical.text_to_bytes(value, None).is_some(),
            Op::Fixed(size, logical) => logical.text_to_bytes(value, Some(*size)).is_some(),
            _ => false,
        };
        let wanted: [&dyn Fn(&Op) -> bool; 4] = [
            &|op| matches!(op, Op::String),
            &|op| matches!(op, Op::Enum(e) if e.position(value).is_some()),
            &is_logical,
            &|op| matches!(op, Op::Bytes(Logical::None)),
        ];
        let ser = self.into_first(&wanted);
        match ser.op {
            Op::String | Op::Bytes(Logical::None) => write_bytes(value.as_bytes(), ser.out),
            Op::Enum(e) => match e.position(value) {
                Some(index) => write_long(index as i64, ser.out),
                None => return ser.mismatch(value),
            },
            Op::Int(logical) | Op::Long(logical) => match logical.text_to_number(value) {
                Some(number) => write_long(number, ser.out),
                None => return ser.mismatch(&format!("{value:?}")),
            },
            Op::Bytes(logical) => match logical.text_to_bytes(value, None) {
                Some(bytes) => write_bytes(&bytes, ser.out),
                None => return ser.mismatch(&format!("{value:?}")),
            },
            Op::Fixed(size, logical) => match logical.text_to_bytes(value, Some(*size)) {
                Some(bytes) => ser.out.extend_from_slice(&bytes),
                None => return ser.mismatch(&format!("{value:?}")),
            },
            _ => return ser.mismatch("a string"),
        }
        Ok(())
    }

    /// The branch of a union, or the record itself, that a Rust name means.
    #[inline]
    fn into_named(mut self, name: &'static str) -> Result<Ser<'a>, CodecError> {
        let Op::Union(union) = self.op else { return Ok(self) };
        // one that is called exactly so comes before one of that name in some namespace
        let full = union
            .branches
            .iter()
            .position(|(_, branch)| branch.as_ref().is_some_and(|b| *b.name == *name));
        let simple = || {
            union.branches.iter().position(|(_, branch)| {
                branch.as_ref().is_some_and(|b| b.seen.is(name, b.simple_name()))
            })
        };
        let lower = || {
            union.branches.iter().position(|(_, branch)| {
                branch.as_ref().is_some_and(|b| b.simple_name().eq_ignore_ascii_case(name))
            })
        };
        match full.or_else(simple).or_else(lower) {
            Some(index) => {
                self.take_branch(union, index);
                Ok(self)
            }
            None => self.mismatch(name),
        }
    }

    #[inline]
    fn fields(
        self,
        name: Option<&'static str>,
        length: Option<usize>,
    ) -> Result<Compound<'a>, CodecError> {
        let ser = match self.op {
            Op::Union(_) => self.into_branch_of_fields(name)?,
            _ => self,
        };
        ser.check_depth()?;
        match ser.op {
            Op::Record(record) => Ok(Compound::Record { writer: RecordWriter::new(record), ser }),
            Op::Map(values) => {
                let block = Block::new(length, ser.out);
                Ok(Compound::Map { block, values: *values, ser })
            }
            _ => ser.mismatch(name.unwrap_or("a map")),
        }
    }

    fn into_branch_of_fields(self, name: Option<&'static str>) -> Result<Ser<'a>, CodecError> {
        let record: fn(&Op) -> bool = |op| matches!(op, Op::Record(_));
        let map: fn(&Op) -> bool = |op| matches!(op, Op::Map(_));
        let by_name = match (self.op, name) {
            (Op::Union(union), Some(name)) if union.only.is_none() => union
                .branches
                .iter()
                .any(|(_, b)| b.as_ref().is_some_and(|b| b.simple_name() == name)),
            _ => false,
        };
        match name {
            Some(name) if by_name => self.into_named(name),
            Some(_) => Ok(self.into_branch(&[record, map])),
            None => Ok(self.into_branch(&[map, record])),
        }
    }

    #[inline]
    fn items(self, length: Option<usize>) -> Result<Items<'a>, CodecError> {
        let array: fn(&Op) -> bool = |op| matches!(op, Op::Array { .. });
        let bytes: fn(&Op) -> bool = |op| matches!(op, Op::Bytes(_) | Op::Fixed(..));
        let ser = self.into_branch(&[array, bytes]);
        ser.check_depth()?;
        let (block, kind) = match ser.op {
            Op::Array { items, .. } => (Block::new(length, ser.out), ItemsOf::Array(*items)),
            Op::Bytes(_) => (Block::new(length, ser.out), ItemsOf::Bytes),
            Op::Fixed(size, _) => (Block::new(None, ser.out), ItemsOf::Fixed(*size)),
            _ => return ser.mismatch("a sequence"),
        };
        Ok(Items { block, kind, ser })
    }
}

impl<'a> Serializer for Ser<'a> {
    type Ok = ();
    type Error = CodecError;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), CodecError> {
        let ser = self.into_branch(&[|op| matches!(op, Op::Boolean)]);
        match ser.op {
            Op::Boolean => {
                ser.out.push(u8::from(value));
                Ok(())
            }
            _ => ser.mismatch("a bool"),
        }
    }

    fn serialize_i8(self, value: i8) -> Result<(), CodecError> {
        self.integer(i64::from(value))
    }

    fn serialize_i16(self, value: i16) -> Result<(), CodecError> {
        self.integer(i64::from(value))
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<(), CodecError> {
        match self.op {
            Op::Int(_) => {
                write_long(i64::from(value), self.out);
                Ok(())
            }
            _ => self.integer(i64::from(value)),
        }
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), CodecError> {
        match self.op {
            Op::Long(_) => {
                write_long(value, self.out);
                Ok(())
            }
            _ => self.integer(value),
        }
    }

    fn serialize_u8(self, value: u8) -> Result<(), CodecError> {
        self.integer(i64::from(value))
    }

    fn serialize_u16(self, value: u16) -> Result<(), CodecError> {
        self.integer(i64::from(value))
    }

    fn serialize_u32(self, value: u32) -> Result<(), CodecError> {
        self.integer(i64::from(value))
    }

    fn serialize_u64(self, value: u64) -> Result<(), CodecError> {
        match i64::try_from(value) {
            Ok(value) => self.integer(value),
            Err(_) => self.mismatch(&value.to_string()),
        }
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), CodecError> {
        let ser = self.into_branch(&[|op| matches!(op, Op::Float), |op| matches!(op, Op::Double)]);
        match ser.op {
            Op::Float => ser.out.extend_from_slice(&value.to_le_bytes()),
            Op::Double => ser.out.extend_from_slice(&f64::from(value).to_le_bytes()),
            _ => return ser.mismatch("an f32"),
        }
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), CodecError> {
        let ser = self.into_branch(&[|op| matches!(op, Op::Double), |op| matches!(op, Op::Float)]);
        match ser.op {
            Op::Double => ser.out.extend_from_slice(&value.to_le_bytes()),
            Op::Float if value.is_infinite() || (value as f32).is_finite() || value.is_nan() => {
                ser.out.extend_from_slice(&(value as f32).to_le_bytes());
            }
            _ => return ser.mismatch("an f64"),
        }
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), CodecError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), CodecError> {
        let is_text: fn(&Op) -> bool = |op| matches!(op, Op::String);
        match self.op {
            Op::String => write_bytes(value.as_bytes(), self.out),
            Op::Union(UnionOp { branches, only: Some(only), .. })
                if is_text(self.plan.op(branches[*only as usize].0)) =>
            {
                write_long(i64::from(*only), self.out);
                write_bytes(value.as_bytes(), self.out);
            }
            _ => return self.text(value),
        }
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), CodecError> {
        let ser =
            self.into_branch(&[|op| matches!(op, Op::Bytes(_)), |op| matches!(op, Op::Fixed(..))]);
        match ser.op {
            Op::Bytes(_) => write_bytes(value, ser.out),
            Op::Fixed(size, _) if *size == value.len() => ser.out.extend_from_slice(value),
            _ => return ser.mismatch(&format!("{} bytes", value.len())),
        }
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), CodecError> {
        match self.op {
            Op::Union(UnionOp { null: Some(null), .. }) => {
                write_long(i64::from(*null), self.out);
                Ok(())
            }
            _ => self.serialize_unit(),
        }
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CodecError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), CodecError> {
        let ser = self.into_branch(&[|op| matches!(op, Op::Null)]);
        match ser.op {
            Op::Null => Ok(()),
            _ => ser.mismatch("null"),
        }
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), CodecError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), CodecError> {
        let ser = self.into_branch(&[|op| matches!(op, Op::Enum(_))]);
        match ser.op {
            Op::Enum(e) => match e.index_of(variant, index) {
                Some(index) => {
                    write_long(index as i64, ser.out);
                    Ok(())
                }
                None => ser.mismatch(variant),
            },
            _ => ser.into_named(variant)?.serialize_unit(),
        }
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        value.serialize(self.into_named(variant)?)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'a>, CodecError> {
        self.items(len)
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Items<'a>, CodecError> {
        self.items(Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        len: usize,
    ) -> Result<Items<'a>, CodecError> {
        self.items(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items<'a>, CodecError> {
        self.into_named(variant)?.items(Some(len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Entries<'a>, CodecError> {
        Ok(Entries { fields: self.fields(None, len)?, key: String::new() })
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Compound<'a>, CodecError> {
        self.fields(Some(name), Some(len))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'a>, CodecError> {
        self.into_named(variant)?.fields(Some(variant), Some(len))
    }

    fn is_human_readable(&self) -> bool {
        true // times and uuids as text: Avro strings; a schema says bytes where it wants bytes
    }
}
