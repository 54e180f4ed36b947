//! What a type's parameters have to be.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, GenericParam, Generics, Lifetime, LifetimeParam, TypeParam, parse_quote};

/// The parameters of the three implementations.
pub struct Headers {
    pub typing: Generics,
    pub writing: Generics,
    /// With the lifetime `'__de` of the data, which all others are within.
    pub reading: Generics,
    /// The type with what it borrows from data of the lifetime `'__de`.
    pub at: TokenStream,
}

pub fn headers(input: &DeriveInput) -> Headers {
    let generics = &input.generics;
    let bounded = |bound: fn(&mut TypeParam)| {
        let mut generics = generics.clone();
        generics.type_params_mut().for_each(bound);
        generics
    };
    let mut reading = bounded(|t| t.bounds.push(parse_quote!(__typed::AvroRead<'__de>)));
    let mut data = LifetimeParam::new(Lifetime::new("'__de", proc_macro2::Span::call_site()));
    data.bounds = generics.lifetimes().map(|l| l.lifetime.clone()).collect();
    reading.params.insert(0, GenericParam::Lifetime(data));
    Headers {
        typing: bounded(|t| t.bounds.push(parse_quote!(__typed::AvroType))),
        writing: bounded(|t| t.bounds.push(parse_quote!(__typed::AvroWrite))),
        reading,
        at: at(input),
    }
}

fn at(input: &DeriveInput) -> TokenStream {
    let (name, generics) = (&input.ident, &input.generics);
    if generics.params.is_empty() {
        return quote!(#name);
    }
    // what a type wants of its parameters, nobody can promise of those that borrow from the data
    let wants = generics.where_clause.is_some()
        || generics.type_params().any(|parameter| !parameter.bounds.is_empty());
    let parameters = generics.params.iter().map(|parameter| match parameter {
        GenericParam::Lifetime(_) => quote!('__de),
        GenericParam::Type(TypeParam { ident, .. }) => match wants {
            true => quote!(#ident),
            false => quote!(<#ident as __typed::AvroType>::At<'__de>),
        },
        GenericParam::Const(parameter) => {
            let ident = &parameter.ident;
            quote!(#ident)
        }
    });
    quote!(#name<#(#parameters),*>)
}
