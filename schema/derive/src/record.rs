//! A struct with named fields: a record.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::FieldsNamed;
use syn::ext::IdentExt;

use crate::Body;
use crate::attributes::{Container, Member};
use crate::names;

pub fn expand(container: &Container, fields: &FieldsNamed) -> syn::Result<Body> {
    let mut schemas = Vec::new();
    let mut writes = Vec::new();
    let mut reads = Vec::new();
    let mut idents = Vec::new();
    let mut by_serde = false;
    for (number, field) in fields.named.iter().enumerate() {
        let (ident, kind) = (field.ident.as_ref().expect("a named field"), &field.ty);
        let member = Member::of(&field.attrs)?;
        // not the field's own name, which may be that of something around
        let read = format_ident!("__field_{number}");
        idents.push(quote!(#ident: #read));
        if member.skip {
            let default = default(container, &member, ident);
            reads.push(quote!(let #read = #default;));
            continue;
        }
        let name = field_name(container, &member, &ident.unraw().to_string())?;
        schemas.push(field_schema(&name, &member, kind));
        by_serde |= member.schema.is_some();
        writes.push(quote! {
            __at = #name;
            if let ::std::result::Result::Err(e) = __typed::AvroWrite::write(&self.#ident, out, depth + 1) {
                break '__fields e;
            }
        });
        reads.push(quote! {
            __at = #name;
            let #read = match <#kind as __typed::AvroRead<'de>>::read(input, depth + 1) {
                ::std::result::Result::Ok(value) => value,
                ::std::result::Result::Err(e) => break '__fields e,
            };
        });
    }
    let named = named(container);
    let schema = quote!(schema.record::<Self>(#named, |schema| { #(#schemas)* }););
    let (write, read) = match (by_serde, writes.is_empty()) {
        (true, _) => refused(),
        (false, true) => of_nothing(&idents, &reads),
        (false, false) => straight(&idents, &writes, &reads),
    };
    Ok(Body { schema, write, read })
}

/// For a record that only serde writes and reads.
fn refused() -> (TokenStream, TokenStream) {
    let refuse = quote! {
        let _ = depth;
        ::std::result::Result::Err(__typed::not_straight())
    };
    (quote!(let _ = out; #refuse), quote!(let _ = input; #refuse))
}

/// For a record without fields in the data.
fn of_nothing(idents: &[TokenStream], reads: &[TokenStream]) -> (TokenStream, TokenStream) {
    let read = quote! {
        let _ = input;
        __typed::check_depth(depth)?;
        #(#reads)*
        ::std::result::Result::Ok(Self { #(#idents),* })
    };
    (quote!(let _ = out; __typed::check_depth(depth)), read)
}

/// Field after field, with one way out for the errors of all.
fn straight(
    idents: &[TokenStream],
    writes: &[TokenStream],
    reads: &[TokenStream],
) -> (TokenStream, TokenStream) {
    let all_or_error = |steps: &[TokenStream], done: TokenStream| {
        quote! {
            __typed::check_depth(depth)?;
            let mut __at = "";
            let __error = '__fields: {
                #(#steps)*
                return ::std::result::Result::Ok(#done);
            };
            ::std::result::Result::Err(__typed::in_field(__error, __at))
        }
    };
    (all_or_error(writes, quote!(())), all_or_error(reads, quote!(Self { #(#idents),* })))
}

/// What serde gives a field that it does not read.
fn default(container: &Container, member: &Member, ident: &syn::Ident) -> TokenStream {
    match (&member.default_by, container.has_default) {
        (Some(path), _) => quote!(#path()),
        (None, true) => quote!(<Self as ::std::default::Default>::default().#ident),
        (None, false) => quote!(::std::default::Default::default()),
    }
}

/// What a named type is called, as an argument.
pub fn named(container: &Container) -> TokenStream {
    let Container { name, namespace, aliases, doc, .. } = container;
    let (namespace, doc) = (option(namespace), option(doc));
    quote!(__typed::Named { name: #name, namespace: #namespace, aliases: &[#(#aliases),*], doc: #doc })
}

pub fn option(text: &Option<String>) -> TokenStream {
    match text {
        Some(text) => quote!(::std::option::Option::Some(#text)),
        None => quote!(::std::option::Option::None),
    }
}

fn field_name(container: &Container, member: &Member, ident: &str) -> syn::Result<String> {
    if let Some(name) = &member.rename {
        return Ok(name.clone());
    }
    match &container.rename_all {
        None => Ok(ident.to_string()),
        Some(rule) => names::of_field(ident, &rule.value())
            .ok_or_else(|| syn::Error::new_spanned(rule, "serde has no such rule")),
    }
}

fn field_schema(name: &str, member: &Member, kind: &syn::Type) -> TokenStream {
    let Member { aliases, doc, default, logical_type, schema, .. } = member;
    let (doc, default, logical_type) = (option(doc), option(default), option(logical_type));
    let written = match schema {
        Some(text) => quote!(|schema| schema.by_serde(#text)),
        None => quote!(|schema| <#kind as __typed::AvroType>::schema(schema)),
    };
    quote! {
        schema.field(__typed::Field {
            name: #name,
            aliases: &[#(#aliases),*],
            doc: #doc,
            default: #default,
            logical_type: #logical_type,
        }, #written);
    }
}
