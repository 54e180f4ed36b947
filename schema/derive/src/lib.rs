//! `#[derive(Avro)]`: a schema for a serde type, and code that writes and reads data of exactly that
//! schema, field after field. What it implements is documented in `weir_serde::typed`.

mod attributes;
mod names;
mod record;
mod variants;

use proc_macro::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, parse_macro_input};

/// Implements `AvroType`, `AvroWrite` and `AvroRead` for a struct with named fields (a record), an enum
/// of names alone (an enum), or an enum whose variants hold a type each (a union; `Null` holds none).
///
/// Names are serde's: `rename` and `rename_all` are obeyed, and `skip` leaves a field out. Doc comments
/// become `doc`. What serde cannot say:
///
/// * on a type: `#[avro(namespace = "shop", name = "Order", aliases = ["Purchase"])]`, and for an enum
///   `#[avro(default = "UNKNOWN")]`;
/// * on a field: `#[avro(aliases = ["mail"])]`; `#[avro(default = "0")]`, the default as JSON;
///   `#[avro(logical_type = "timestamp-micros")]` on an integer, bytes or a string;
///   `#[avro(schema = r#"{"type": "int", "logicalType": "date"}"#)]` for a type that has only serde's
///   implementations, such as a date of another crate. A type with such a field, and all that hold
///   it, is written and read over plans.
///
/// `#[avro(typed = "path")]` on a type says where `weir_serde::typed` is to be found.
#[proc_macro_derive(Avro, attributes(avro))]
pub fn avro(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> syn::Result<proc_macro2::TokenStream> {
    if let Some(parameter) = input.generics.type_params().next() {
        let why = "a type with parameters has no one schema";
        return Err(syn::Error::new_spanned(parameter, why));
    }
    if let Some(parameter) = input.generics.const_params().next() {
        let why = "a type with parameters has no one schema";
        return Err(syn::Error::new_spanned(parameter, why));
    }
    let container = attributes::Container::of(input)?;
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => record::expand(&container, fields)?,
            other => {
                let why = "a record has fields with names";
                return Err(syn::Error::new_spanned(other, why));
            }
        },
        Data::Enum(data) => variants::expand(&container, data)?,
        Data::Union(data) => {
            let why = "a Rust union says not what it holds";
            return Err(syn::Error::new_spanned(data.union_token, why));
        }
    };
    let Body { schema, write, read } = body;
    let typed = &container.typed;
    let name = &input.ident;
    let (_, own, _) = input.generics.split_for_impl();
    let own_lifetimes = &input.generics.params;
    let other = input.generics.lifetimes().map(|_| quote!('de));
    let bounds = input.generics.lifetimes().map(|l| &l.lifetime);
    let at = match input.generics.lifetimes().next() {
        Some(_) => quote!(#name<#(#other),*>),
        None => quote!(#name),
    };
    Ok(quote! {
        const _: () = {
            use #typed as __typed;

            #[automatically_derived]
            impl<#own_lifetimes> __typed::AvroType for #name #own {
                type At<'de> = #at;
                fn schema(schema: &mut __typed::SchemaText) {
                    #schema
                }
            }

            #[automatically_derived]
            impl<#own_lifetimes> __typed::AvroWrite for #name #own {
                #[inline]
                fn write(
                    &self,
                    out: &mut ::std::vec::Vec<u8>,
                    depth: usize,
                ) -> ::std::result::Result<(), __typed::CodecError> {
                    #write
                }
            }

            #[automatically_derived]
            impl<'de: #(#bounds +)*, #own_lifetimes> __typed::AvroRead<'de> for #name #own {
                #[inline]
                fn read(
                    input: &mut __typed::Input<'de>,
                    depth: usize,
                ) -> ::std::result::Result<Self, __typed::CodecError> {
                    #read
                }
            }
        };
    })
}

/// What differs between records, enums and unions.
struct Body {
    schema: proc_macro2::TokenStream,
    write: proc_macro2::TokenStream,
    read: proc_macro2::TokenStream,
}
