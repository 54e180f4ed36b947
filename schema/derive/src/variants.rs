//! An enum: an Avro enum if its variants are names alone, else a union.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{DataEnum, Fields, FieldsNamed, Type, Variant};

use crate::attributes::{Container, Member};
use crate::fields::{Around, FieldsCode, option};
use crate::record::{name_of, named};
use crate::{Body, names, unfit};

pub fn expand(container: &Container, data: &DataEnum) -> syn::Result<Body> {
    if data.variants.is_empty() {
        let why = "an enum of nothing has no values to write";
        return Err(syn::Error::new(proc_macro2::Span::call_site(), why));
    }
    let members = data
        .variants
        .iter()
        .map(|variant| Named::of(container, variant))
        .collect::<syn::Result<Vec<_>>>()?;
    match data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit)) {
        true => Ok(symbols(container, data, &members)),
        false => branches(container, data, &members),
    }
}

/// What a variant is called, and what else is said of it.
struct Named {
    name: String,
    member: Member,
}

impl Named {
    fn of(container: &Container, variant: &Variant) -> syn::Result<Named> {
        let member = Member::of(&variant.attrs)?;
        if member.skip || member.schema.is_some() || member.default.is_some() {
            return Err(syn::Error::new_spanned(variant, "a variant can have but another name"));
        }
        let ident = variant.ident.unraw().to_string();
        let name = match (&member.rename, &container.rename_all) {
            (Some(name), _) => name.clone(),
            (None, None) => ident,
            (None, Some(rule)) => names::of_variant(&ident, &rule.value())
                .ok_or_else(|| syn::Error::new_spanned(rule, "serde has no such rule"))?,
        };
        Ok(Named { name, member })
    }
}

fn symbols(container: &Container, data: &DataEnum, members: &[Named]) -> Body {
    let idents: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let names = members.iter().map(|named| &named.name);
    let indices: Vec<_> = (0..members.len()).collect();
    let (count, default) = (members.len(), option(&container.default));
    let (name, named) = named(container);
    Body {
        in_type: name_of(container),
        schema: quote! {
            #name
            schema.symbols::<Self>(#named, &[#(#names),*], #default);
        },
        write: quote! {
            let _ = depth;
            let index: usize = match self { #(Self::#idents => #indices,)* };
            __typed::write_index(index, out);
            ::std::result::Result::Ok(())
        },
        read: quote! {
            let _ = depth;
            match __typed::read_index(input, #count)? {
                #(#indices => ::std::result::Result::Ok(Self::#idents),)*
                _ => ::std::unreachable!("an index is below the count"),
            }
        },
        ..Body::default()
    }
}

/// Code for one branch of a union.
struct Branch {
    schema: TokenStream,
    /// An arm that matches the value, once its index is to be written.
    write: TokenStream,
    /// An arm that matches the index.
    read: TokenStream,
}

fn branches(container: &Container, data: &DataEnum, members: &[Named]) -> syn::Result<Body> {
    let mut code = Vec::new();
    let mut may_be_null = false;
    for (index, (variant, named)) in data.variants.iter().zip(members).enumerate() {
        code.push(match &variant.fields {
            Fields::Unit => {
                may_be_null = true;
                null(variant, named, index)?
            }
            Fields::Named(fields) => record(container, variant, named, fields, index)?,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                held(variant, named, &fields.unnamed[0].ty, index)?
            }
            Fields::Unnamed(_) => {
                let why = "a branch of a union holds one type, `Card(Card)`, or fields with names";
                return Err(syn::Error::new_spanned(variant, why));
            }
        });
    }
    let schemas = code.iter().map(|branch| &branch.schema);
    let writes = code.iter().map(|branch| &branch.write);
    let reads = code.iter().map(|branch| &branch.read);
    let (count, name) = (members.len(), name_of(container));
    Ok(Body {
        in_type: quote! {
            #name
            const BRANCHES: usize = #count;
            const MAY_BE_NULL: bool = #may_be_null;
        },
        schema: quote!(schema.union(|schema| { #(#schemas)* });),
        write: quote!(__typed::AvroWrite::write_branch(self, 0, out, depth)),
        in_write: quote! {
            #[inline]
            fn write_branch(
                &self,
                first: usize,
                out: &mut ::std::vec::Vec<u8>,
                depth: usize,
            ) -> ::std::result::Result<(), __typed::CodecError> {
                __typed::check_depth(depth)?;
                match self { #(#writes)* }
            }
        },
        read: quote! {
            let index = __typed::read_index(input, #count)?;
            <Self as __typed::AvroRead<'__de>>::read_branch(index, input, depth)
        },
        in_read: quote! {
            #[inline]
            fn read_branch(
                index: usize,
                input: &mut __typed::Input<'__de>,
                depth: usize,
            ) -> ::std::result::Result<Self, __typed::CodecError> {
                __typed::check_depth(depth)?;
                match index {
                    #(#reads)*
                    _ => ::std::unreachable!("an index is below the count"),
                }
            }
        },
    })
}

fn null(variant: &Variant, named: &Named, index: usize) -> syn::Result<Branch> {
    let (ident, name) = (&variant.ident, &named.name);
    if !name.eq_ignore_ascii_case("null") {
        let why = "a variant that holds nothing is null in a union of types: call it `Null`, or have it \
                   hold a record without fields, `Empty {}`";
        return Err(syn::Error::new_spanned(variant, why));
    }
    Ok(Branch {
        schema: quote!(schema.branch(#name, |schema| <() as __typed::AvroType>::schema(schema));),
        write: quote! {
            Self::#ident => {
                __typed::write_index(first + #index, out);
                ::std::result::Result::Ok(())
            }
        },
        read: quote!(#index => ::std::result::Result::Ok(Self::#ident),),
    })
}

fn held(variant: &Variant, named: &Named, kind: &Type, index: usize) -> syn::Result<Branch> {
    unfit::check(kind)?;
    let (ident, name) = (&variant.ident, &named.name);
    Ok(Branch {
        schema: quote! {
            schema.branch(#name, |schema| <#kind as __typed::AvroType>::schema(schema));
        },
        write: quote! {
            Self::#ident(value) => {
                __typed::write_index(first + #index, out);
                __typed::AvroWrite::write(value, out, depth + 1)
            }
        },
        read: quote! {
            #index => <#kind as __typed::AvroRead<'__de>>::read(input, depth + 1).map(Self::#ident),
        },
    })
}

/// A variant with fields of its own: a record of the variant's name.
fn record(
    container: &Container,
    variant: &Variant,
    named: &Named,
    fields: &FieldsNamed,
    index: usize,
) -> syn::Result<Branch> {
    let Named { name, member } = named;
    let rename_all = member.rename_all.as_ref().or(container.rename_all_fields.as_ref());
    let code = FieldsCode::of(&Around { container, rename_all }, fields)?;
    let (ident, schemas) = (&variant.ident, &code.schemas);
    let (namespace, doc, aliases) =
        (option(&container.namespace), option(&member.doc), &member.aliases);
    let (write, read) = code.straight(quote!(Self::#ident));
    let written = if code.by_serde() { &Vec::new() } else { &code.written };
    Ok(Branch {
        schema: quote! {
            schema.branch(#name, |schema| {
                let named = __typed::Named {
                    name: #name,
                    namespace: #namespace,
                    aliases: &[#(#aliases),*],
                    doc: #doc,
                };
                schema.variant::<Self>(named, |schema| { #(#schemas)* });
            });
        },
        write: quote! {
            Self::#ident { #(#written,)* .. } => {
                __typed::write_index(first + #index, out);
                let depth = depth + 1;
                #write
            }
        },
        read: quote! {
            #index => {
                let depth = depth + 1;
                #read
            }
        },
    })
}
