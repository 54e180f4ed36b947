//! A tuple struct of one field: in Avro it is what it holds, as in serde.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Field, FieldsNamed, FieldsUnnamed};

use crate::attributes::{Container, Member};
use crate::fields::refused;
use crate::{Body, unfit};

pub fn of_tuple(container: &Container, fields: &FieldsUnnamed) -> syn::Result<Body> {
    match fields.unnamed.len() {
        1 => expand(container, &fields.unnamed[0], quote!(0)),
        0 => Err(syn::Error::new(fields.span(), "a struct of nothing has no Avro type")),
        _ => {
            let why = "a tuple struct of several fields has no Avro type: give its fields names";
            Err(syn::Error::new(fields.span(), why))
        }
    }
}

pub fn of_named(container: &Container, fields: &FieldsNamed) -> syn::Result<Body> {
    match fields.named.len() {
        1 => {
            let ident = &fields.named[0].ident;
            expand(container, &fields.named[0], quote!(#ident))
        }
        _ => {
            let why = "what is transparent holds one field";
            Err(syn::Error::new(fields.span(), why))
        }
    }
}

fn expand(container: &Container, field: &Field, at: TokenStream) -> syn::Result<Body> {
    container.has_no_name()?;
    let member = Member::of(&field.attrs)?;
    let kind = &field.ty;
    if member.skip || member.default.is_some() || !member.aliases.is_empty() {
        let why = "this field is the whole type: a schema says of it what it is, and no more";
        return Err(syn::Error::new_spanned(field, why));
    }
    if let Some(text) = &member.schema {
        let (write, read) = refused();
        let schema = quote!(schema.by_serde(#text););
        return Ok(Body { schema, write, read, ..Body::default() });
    }
    unfit::check(kind)?;
    let inner = quote!(<#kind as __typed::AvroType>);
    let schema = match &member.logical_type {
        None => quote!(#inner::schema(schema);),
        Some(text) => quote!(schema.logical(#text, |schema| #inner::schema(schema));),
    };
    Ok(Body {
        in_type: quote! {
            const BRANCHES: usize = #inner::BRANCHES;
            const MAY_BE_NULL: bool = #inner::MAY_BE_NULL;
            fn name() -> ::std::string::String {
                #inner::name()
            }
        },
        schema,
        write: quote!(__typed::AvroWrite::write(&self.#at, out, depth)),
        in_write: quote! {
            #[inline]
            fn write_branch(
                &self,
                first: usize,
                out: &mut ::std::vec::Vec<u8>,
                depth: usize,
            ) -> ::std::result::Result<(), __typed::CodecError> {
                __typed::AvroWrite::write_branch(&self.#at, first, out, depth)
            }
        },
        read: quote! {
            let value = <#kind as __typed::AvroRead<'__de>>::read(input, depth)?;
            ::std::result::Result::Ok(Self { #at: value })
        },
        in_read: quote! {
            #[inline]
            fn read_branch(
                index: usize,
                input: &mut __typed::Input<'__de>,
                depth: usize,
            ) -> ::std::result::Result<Self, __typed::CodecError> {
                let value = <#kind as __typed::AvroRead<'__de>>::read_branch(index, input, depth)?;
                ::std::result::Result::Ok(Self { #at: value })
            }
        },
    })
}
