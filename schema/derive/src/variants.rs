//! An enum: an Avro enum if its variants are names alone, else a union.

use quote::quote;
use syn::ext::IdentExt;
use syn::{DataEnum, Fields, Type, Variant};

use crate::Body;
use crate::attributes::{Container, Member};
use crate::names;
use crate::record::{named, option};

pub fn expand(container: &Container, data: &DataEnum) -> syn::Result<Body> {
    if data.variants.is_empty() {
        let why = "an enum of nothing has no values to write";
        return Err(syn::Error::new(proc_macro2::Span::call_site(), why));
    }
    let names = data
        .variants
        .iter()
        .map(|variant| variant_name(container, variant))
        .collect::<syn::Result<Vec<_>>>()?;
    match data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit)) {
        true => symbols(container, data, &names),
        false => branches(data, &names),
    }
}

fn symbols(container: &Container, data: &DataEnum, names: &[String]) -> syn::Result<Body> {
    let idents: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let indices: Vec<_> = (0..names.len()).collect();
    let (count, named, default) = (names.len(), named(container), option(&container.default));
    Ok(Body {
        schema: quote!(schema.symbols::<Self>(#named, &[#(#names),*], #default);),
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
    })
}

fn branches(data: &DataEnum, names: &[String]) -> syn::Result<Body> {
    let mut schemas = Vec::new();
    let mut writes = Vec::new();
    let mut reads = Vec::new();
    for (index, (variant, name)) in data.variants.iter().zip(names).enumerate() {
        let ident = &variant.ident;
        match held(variant)? {
            None => {
                schemas.push(quote!(schema.branch(#name, |schema| <() as __typed::AvroType>::schema(schema));));
                writes.push(quote! {
                    Self::#ident => {
                        __typed::write_index(#index, out);
                        ::std::result::Result::Ok(())
                    }
                });
                reads.push(quote!(#index => ::std::result::Result::Ok(Self::#ident),));
            }
            Some(kind) => {
                schemas.push(quote! {
                    schema.branch(#name, |schema| <#kind as __typed::AvroType>::schema(schema));
                });
                writes.push(quote! {
                    Self::#ident(value) => {
                        __typed::write_index(#index, out);
                        __typed::AvroWrite::write(value, out, depth + 1)
                    }
                });
                reads.push(quote! {
                    #index => <#kind as __typed::AvroRead<'de>>::read(input, depth + 1).map(Self::#ident),
                });
            }
        }
    }
    let count = names.len();
    Ok(Body {
        schema: quote!(schema.union(|schema| { #(#schemas)* });),
        write: quote! {
            __typed::check_depth(depth)?;
            match self { #(#writes)* }
        },
        read: quote! {
            __typed::check_depth(depth)?;
            match __typed::read_index(input, #count)? {
                #(#reads)*
                _ => ::std::unreachable!("an index is below the count"),
            }
        },
    })
}

/// The type that a branch holds; `None` for null.
fn held(variant: &Variant) -> syn::Result<Option<&Type>> {
    match &variant.fields {
        Fields::Unit => Ok(None),
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Ok(Some(&fields.unnamed[0].ty)),
        _ => {
            let why = "a branch of a union holds one type: `Card(Card)`";
            Err(syn::Error::new_spanned(variant, why))
        }
    }
}

fn variant_name(container: &Container, variant: &Variant) -> syn::Result<String> {
    let member = Member::of(&variant.attrs)?;
    if member.skip || member.schema.is_some() || member.default.is_some() {
        return Err(syn::Error::new_spanned(variant, "a variant can have but another name"));
    }
    match (&member.rename, &container.rename_all) {
        (Some(name), _) => Ok(name.clone()),
        (None, None) => Ok(variant.ident.unraw().to_string()),
        (None, Some(rule)) => names::of_variant(&variant.ident.unraw().to_string(), &rule.value())
            .ok_or_else(|| syn::Error::new_spanned(rule, "serde has no such rule")),
    }
}
