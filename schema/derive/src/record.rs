//! A struct with named fields: a record.

use proc_macro2::TokenStream;
use quote::quote;
use syn::FieldsNamed;

use crate::Body;
use crate::attributes::Container;
use crate::fields::{Around, FieldsCode, option};

pub fn expand(container: &Container, fields: &FieldsNamed) -> syn::Result<Body> {
    let around = Around { container, rename_all: container.rename_all.as_ref() };
    let code = FieldsCode::of(&around, fields)?;
    let (name, named) = named(container);
    let schemas = &code.schemas;
    let schema = quote! {
        #name
        schema.record::<Self>(#named, |schema| { #(#schemas)* });
    };
    let (write, read) = code.straight(quote!(Self));
    let written = &code.written;
    let write = match code.by_serde() {
        true => write,
        false => quote!(let Self { #(#written,)* .. } = self; #write),
    };
    Ok(Body { in_type: name_of(container), schema, write, read, ..Body::default() })
}

/// What types that have this one for a parameter call it.
pub fn name_of(container: &Container) -> TokenStream {
    let (made, _) = named(container);
    quote! {
        fn name() -> ::std::string::String {
            #made
            ::std::string::ToString::to_string(__name)
        }
    }
}

/// What a named type is called: what makes the name, and the argument that has it.
pub fn named(container: &Container) -> (TokenStream, TokenStream) {
    let Container { name, namespace, aliases, doc, parameters, .. } = container;
    let (namespace, doc) = (option(namespace), option(doc));
    let made = match name.contains('{') {
        false => quote!(let __name = #name;),
        true => quote! {
            let __name = __typed::name_of_generic(#name, &[#(#parameters),*]);
            let __name = __name.as_str();
        },
    };
    let argument = quote! {
        __typed::Named { name: __name, namespace: #namespace, aliases: &[#(#aliases),*], doc: #doc }
    };
    (made, argument)
}
