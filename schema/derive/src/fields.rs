//! Named fields in a row, of a struct or of a variant.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{FieldsNamed, Ident, LitStr};

use crate::attributes::{Container, Member};
use crate::{names, unfit};

/// What is said around the fields.
pub struct Around<'a> {
    pub container: &'a Container,
    pub rename_all: Option<&'a LitStr>,
}

/// Code for all fields.
#[derive(Default)]
pub struct FieldsCode {
    /// What says each field's schema.
    pub schemas: Vec<TokenStream>,
    /// `name: __field_0`: binds the fields that are written, or makes the value.
    pub written: Vec<TokenStream>,
    pub made: Vec<TokenStream>,
    writes: Vec<TokenStream>,
    reads: Vec<TokenStream>,
    by_serde: bool,
}

impl FieldsCode {
    pub fn of(around: &Around, fields: &FieldsNamed) -> syn::Result<FieldsCode> {
        let mut code = FieldsCode::default();
        for (number, field) in fields.named.iter().enumerate() {
            let (ident, kind) = (field.ident.as_ref().expect("a named field"), &field.ty);
            let member = Member::of(&field.attrs)?;
            // not the field's own name, which may be that of something around
            let at = format_ident!("__field_{number}");
            code.made.push(quote!(#ident: #at));
            if member.skip {
                let default = default(around.container, &member, ident);
                code.reads.push(quote!(let #at = #default;));
                continue;
            }
            let name = field_name(around, &member, &ident.unraw().to_string())?;
            code.schemas.push(field_schema(&name, &member, kind));
            code.written.push(quote!(#ident: #at));
            if member.schema.is_some() {
                code.by_serde = true;
                continue;
            }
            unfit::check(kind)?;
            code.writes.push(quote! {
                __at = #name;
                if let ::std::result::Result::Err(e) = __typed::AvroWrite::write(#at, out, depth + 1) {
                    break '__fields e;
                }
            });
            code.reads.push(quote! {
                __at = #name;
                let #at = match <#kind as __typed::AvroRead<'__de>>::read(input, depth + 1) {
                    ::std::result::Result::Ok(value) => value,
                    ::std::result::Result::Err(e) => break '__fields e,
                };
            });
        }
        Ok(code)
    }

    /// Writes the fields that `written` has bound, and reads them as `this` of them.
    pub fn straight(&self, this: TokenStream) -> (TokenStream, TokenStream) {
        let made = &self.made;
        match (self.by_serde, self.writes.is_empty()) {
            (true, _) => refused(),
            (false, true) => {
                let reads = &self.reads;
                let read = quote! {
                    let _ = input;
                    __typed::check_depth(depth)?;
                    #(#reads)*
                    ::std::result::Result::Ok(#this { #(#made),* })
                };
                (quote!(let _ = out; __typed::check_depth(depth)), read)
            }
            (false, false) => (
                all_or_error(&self.writes, quote!(())),
                all_or_error(&self.reads, quote!(#this { #(#made),* })),
            ),
        }
    }

    /// Whether only serde writes and reads one of the fields.
    pub fn by_serde(&self) -> bool {
        self.by_serde
    }
}

/// Field after field, with one way out for the errors of all.
fn all_or_error(steps: &[TokenStream], done: TokenStream) -> TokenStream {
    quote! {
        __typed::check_depth(depth)?;
        let mut __at = "";
        let __error = '__fields: {
            #(#steps)*
            return ::std::result::Result::Ok(#done);
        };
        ::std::result::Result::Err(__typed::in_field(__error, __at))
    }
}

/// For what only serde writes and reads.
pub fn refused() -> (TokenStream, TokenStream) {
    let refuse = quote! {
        let _ = depth;
        ::std::result::Result::Err(__typed::not_straight())
    };
    (quote!(let _ = out; #refuse), quote!(let _ = input; #refuse))
}

/// What serde gives a field that it does not read.
fn default(container: &Container, member: &Member, ident: &Ident) -> TokenStream {
    match (&member.default_by, container.has_default) {
        (Some(path), _) => quote!(#path()),
        (None, true) => quote!(<Self as ::std::default::Default>::default().#ident),
        (None, false) => quote!(::std::default::Default::default()),
    }
}

pub fn option(text: &Option<String>) -> TokenStream {
    match text {
        Some(text) => quote!(::std::option::Option::Some(#text)),
        None => quote!(::std::option::Option::None),
    }
}

fn field_name(around: &Around, member: &Member, ident: &str) -> syn::Result<String> {
    if let Some(name) = &member.rename {
        return Ok(name.clone());
    }
    match around.rename_all {
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
