//! `#[derive(Avro)]`: a schema for a serde type, and code that writes and reads data of exactly that
//! schema, field after field. What it implements is documented in `weir_serde::typed`.

mod attributes;
mod fields;
mod generics;
mod names;
mod newtype;
mod record;
mod unfit;
mod variants;

use proc_macro::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, parse_macro_input};

/// Implements `AvroType`, `AvroWrite` and `AvroRead`:
///
/// | Rust | Avro |
/// |---|---|
/// | a struct with named fields | a record |
/// | a tuple struct of one field | what that field is; a `#[serde(transparent)]` struct too |
/// | an enum of names alone | an enum |
/// | an enum whose variants hold a type each | a union; `Null` holds none |
/// | a variant with named fields | a branch that is a record, called like the variant |
///
/// Names are serde's: `rename`, `rename_all` and `rename_all_fields` are obeyed, and `skip` leaves a field
/// out. Doc comments become `doc`. What serde cannot say:
///
/// * on a type: `#[avro(namespace = "shop", name = "Order", aliases = ["Purchase"])]`, and for an enum
///   `#[avro(default = "UNKNOWN")]`;
/// * on a field: `#[avro(aliases = ["mail"])]`; `#[avro(default = "0")]`, the default as JSON;
///   `#[avro(logical_type = "timestamp-micros")]` on an integer, bytes or a string;
///   `#[avro(schema = r#"{"type": "int", "logicalType": "date"}"#)]` for a type that has only serde's
///   implementations, such as a date of another crate. A type with such a field, and all that hold
///   it, is written and read over plans.
///
/// A type with parameters has one schema for each that it is used with. Where one schema has several,
/// they need names of their own: `#[avro(name = "PageOf{T}")]` puts there what Avro calls the `T`.
///
/// `#[avro(typed = "path")]` on a type says where `weir_serde::typed` is to be found.
///
/// What has no Avro schema does not compile, and is told where it stands: tuples and tuple structs of
/// several fields, `u64`, `usize` and 128-bit integers (`#[avro(schema = "\"long\"")]` has serde write them
/// where they fit), a variant without data that is not called `Null`, serde's `flatten`, `tag` and
/// `untagged`, an `Option` of what may be null itself.
#[proc_macro_derive(Avro, attributes(avro))]
pub fn avro(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> syn::Result<proc_macro2::TokenStream> {
    let container = attributes::Container::of(input)?;
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if container.transparent => {
                newtype::of_named(&container, fields)?
            }
            Fields::Named(fields) => record::expand(&container, fields)?,
            Fields::Unnamed(fields) => newtype::of_tuple(&container, fields)?,
            Fields::Unit => {
                let why = "a struct of nothing has no Avro type: a field of it would be `()`";
                return Err(syn::Error::new_spanned(&input.ident, why));
            }
        },
        Data::Enum(data) => variants::expand(&container, data)?,
        Data::Union(data) => {
            let why = "a Rust union says not what it holds";
            return Err(syn::Error::new_spanned(data.union_token, why));
        }
    };
    Ok(implementations(input, &container, body))
}

fn implementations(
    input: &DeriveInput,
    container: &attributes::Container,
    body: Body,
) -> proc_macro2::TokenStream {
    let Body { in_type, schema, in_write, write, in_read, read } = body;
    let (typed, name) = (&container.typed, &input.ident);
    let generics::Headers { typing, writing, reading, at } = generics::headers(input);
    let (_, own, _) = input.generics.split_for_impl();
    let (typing, _, type_where) = typing.split_for_impl();
    let (writing, _, write_where) = writing.split_for_impl();
    let (reading, _, read_where) = reading.split_for_impl();
    quote! {
        const _: () = {
            use #typed as __typed;

            #[automatically_derived]
            impl #typing __typed::AvroType for #name #own #type_where {
                type At<'__de> = #at;
                #in_type
                fn schema(schema: &mut __typed::SchemaText) {
                    #schema
                }
            }

            #[automatically_derived]
            impl #writing __typed::AvroWrite for #name #own #write_where {
                #[inline]
                fn write(
                    &self,
                    out: &mut ::std::vec::Vec<u8>,
                    depth: usize,
                ) -> ::std::result::Result<(), __typed::CodecError> {
                    #write
                }
                #in_write
            }

            #[automatically_derived]
            impl #reading __typed::AvroRead<'__de> for #name #own #read_where {
                #[inline]
                fn read(
                    input: &mut __typed::Input<'__de>,
                    depth: usize,
                ) -> ::std::result::Result<Self, __typed::CodecError> {
                    #read
                }
                #in_read
            }
        };
    }
}

/// What differs between records, enums, unions and newtypes.
#[derive(Default)]
struct Body {
    /// Further items of `AvroType`.
    in_type: proc_macro2::TokenStream,
    schema: proc_macro2::TokenStream,
    /// Further items of `AvroWrite`.
    in_write: proc_macro2::TokenStream,
    write: proc_macro2::TokenStream,
    /// Further items of `AvroRead`.
    in_read: proc_macro2::TokenStream,
    read: proc_macro2::TokenStream,
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn refused(input: &DeriveInput) -> String {
        expand(input).map(|_| String::new()).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn what_has_no_schema_is_told_why() {
        let inputs: [(DeriveInput, &str); 16] = [
            (
                parse_quote!(
                    struct Point(f64, f64);
                ),
                "give its fields names",
            ),
            (
                parse_quote!(
                    struct Nothing;
                ),
                "a struct of nothing",
            ),
            (
                parse_quote!(
                    struct Nothing();
                ),
                "a struct of nothing",
            ),
            (
                parse_quote!(
                    struct Count {
                        of: u64,
                    }
                ),
                "u64 does not fit Avro's widest number",
            ),
            (
                parse_quote!(
                    struct Count {
                        of: Vec<Option<u128>>,
                    }
                ),
                "u128 does not fit",
            ),
            (
                parse_quote!(
                    struct Count {
                        of: Box<[usize; 2]>,
                    }
                ),
                "usize does not fit",
            ),
            (
                parse_quote!(
                    struct Count(i128);
                ),
                "i128 does not fit",
            ),
            (
                parse_quote!(
                    struct Pair {
                        of: Vec<(i32, String)>,
                    }
                ),
                "a tuple has no Avro type",
            ),
            (
                parse_quote!(
                    enum Either {
                        Count(u64),
                        Null,
                    }
                ),
                "u64 does not fit",
            ),
            (
                parse_quote!(
                    enum Either {
                        Both { of: usize },
                        Null,
                    }
                ),
                "usize does not fit",
            ),
            (
                parse_quote!(
                    enum Either {
                        Text(String),
                        Empty,
                    }
                ),
                "call it `Null`",
            ),
            (
                parse_quote!(
                    enum Either {
                        Two(i32, i32),
                        Null,
                    }
                ),
                "holds one type",
            ),
            (
                parse_quote!(
                    enum Never {}
                ),
                "an enum of nothing",
            ),
            (parse_quote!(union Bits { a: i32, b: f32 }), "a Rust union"),
            (
                parse_quote!(
                    #[avro(name = "X")]
                    struct Id(String);
                ),
                "it has no name",
            ),
            (
                parse_quote!(
                    #[serde(untagged)]
                    enum Any {
                        Text(String),
                    }
                ),
                "serde's `untagged`",
            ),
        ];
        for (input, wanted) in inputs {
            let error = refused(&input);
            assert!(error.contains(wanted), "{}: {error:?}", input.ident);
        }
    }

    #[test]
    fn what_fits_by_a_schema_of_its_own_is_taken() {
        let inputs: [DeriveInput; 4] = [
            parse_quote!(
                struct Count {
                    #[avro(schema = "\"long\"")]
                    of: u64,
                }
            ),
            parse_quote!(
                struct Count(#[avro(schema = "\"long\"")] u64);
            ),
            parse_quote!(
                struct Sizes {
                    of: [i64; SIZE as usize],
                }
            ),
            parse_quote!(
                struct Own {
                    of: crate::u64,
                    unit: (),
                }
            ),
        ];
        for input in inputs {
            assert_eq!(refused(&input), "");
        }
    }
}
