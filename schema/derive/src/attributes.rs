//! What `#[avro(..)]`, `#[serde(..)]` and doc comments say.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, DeriveInput, Expr, ExprLit, GenericParam, Lit, LitStr, Path, Token, parse_quote,
};

/// What of serde's a schema cannot follow.
const BEYOND: [&str; 10] = [
    "flatten", "tag", "content", "untagged", "from", "try_from", "into", "remote", "with", "getter",
];

/// What is said of a type.
pub struct Container {
    pub name: String,
    pub namespace: Option<String>,
    pub aliases: Vec<String>,
    pub doc: Option<String>,
    pub default: Option<String>,
    pub rename_all: Option<LitStr>,
    /// How the fields of an enum's variants are renamed.
    pub rename_all_fields: Option<LitStr>,
    /// Whether it is what its one field is.
    pub transparent: bool,
    /// Where something is said that only a type with a name can have.
    named_at: Option<Span>,
    /// For each of the type's parameters, its name and what makes the word that stands for it.
    pub parameters: Vec<TokenStream>,
    /// Whether serde takes what is missing from the type's own default.
    pub has_default: bool,
    /// Where the traits are.
    pub typed: Path,
}

/// What is said of a field or a variant.
#[derive(Default)]
pub struct Member {
    pub rename: Option<String>,
    pub aliases: Vec<String>,
    pub doc: Option<String>,
    /// As JSON.
    pub default: Option<String>,
    pub logical_type: Option<String>,
    /// As JSON, for types that have only serde's implementations.
    pub schema: Option<String>,
    pub skip: bool,
    /// How a variant's fields are renamed.
    pub rename_all: Option<LitStr>,
    /// The function that makes what serde does not read.
    pub default_by: Option<Path>,
}

impl Container {
    pub fn of(input: &DeriveInput) -> syn::Result<Container> {
        let mut container = Container {
            name: input.ident.unraw().to_string(),
            namespace: None,
            aliases: Vec::new(),
            doc: doc(&input.attrs),
            default: None,
            rename_all: None,
            rename_all_fields: None,
            transparent: false,
            named_at: None,
            parameters: parameters(input),
            has_default: false,
            typed: parse_quote!(::weir_serde::typed),
        };
        let mut serde_name = None;
        each(&input.attrs, "serde", |meta| {
            match word(&meta).as_str() {
                "rename_all" => container.rename_all = Some(rule(&meta)?),
                "rename_all_fields" => container.rename_all_fields = Some(rule(&meta)?),
                "transparent" => container.transparent = true,
                "rename" => serde_name = Some(text(&meta)?),
                "default" => {
                    container.has_default = true;
                    pass(&meta)?;
                }
                beyond if BEYOND.contains(&beyond) => return Err(cannot(&meta)),
                _ => pass(&meta)?,
            }
            Ok(())
        })?;
        container.name = serde_name.unwrap_or(container.name);
        each(&input.attrs, "avro", |meta| {
            if !meta.path.is_ident("typed") {
                container.named_at = Some(meta.path.span());
            }
            match word(&meta).as_str() {
                "name" => container.name = text(&meta)?,
                "namespace" => container.namespace = Some(text(&meta)?),
                "aliases" => container.aliases = texts(&meta)?,
                "default" => container.default = Some(text(&meta)?),
                "typed" => container.typed = meta.value()?.parse::<LitStr>()?.parse()?,
                _ => return Err(meta.error("expected name, namespace, aliases or default")),
            }
            Ok(())
        })?;
        Ok(container)
    }

    /// An error if something is said that a type without a name of its own cannot have.
    pub fn has_no_name(&self) -> syn::Result<()> {
        let why = "this type is in Avro what its one field is: it has no name, alias or default";
        self.named_at.map_or(Ok(()), |at| Err(syn::Error::new(at, why)))
    }
}

/// What says each parameter of a type in its name.
fn parameters(input: &DeriveInput) -> Vec<TokenStream> {
    let word = |parameter: &GenericParam| match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(parameter) => {
            let (ident, name) = (&parameter.ident, parameter.ident.to_string());
            Some(quote!((#name, <#ident as __typed::AvroType>::name())))
        }
        GenericParam::Const(parameter) => {
            let (ident, name) = (&parameter.ident, parameter.ident.to_string());
            Some(quote!((#name, ::std::string::ToString::to_string(&#ident))))
        }
    };
    input.generics.params.iter().filter_map(word).collect()
}

impl Member {
    pub fn of(attributes: &[Attribute]) -> syn::Result<Member> {
        let mut member = Member { doc: doc(attributes), ..Member::default() };
        each(attributes, "avro", |meta| {
            match word(&meta).as_str() {
                "aliases" => member.aliases = texts(&meta)?,
                "default" => member.default = Some(text(&meta)?),
                "logical_type" => member.logical_type = Some(text(&meta)?),
                "schema" => member.schema = Some(text(&meta)?),
                _ => {
                    return Err(meta.error("expected aliases, default, logical_type or schema"));
                }
            }
            Ok(())
        })?;
        each(attributes, "serde", |meta| {
            match word(&meta).as_str() {
                "rename" => member.rename = Some(text(&meta)?),
                "skip" => member.skip = true,
                "rename_all" => member.rename_all = Some(rule(&meta)?),
                "default" if meta.input.peek(Token![=]) => {
                    member.default_by = Some(meta.value()?.parse::<LitStr>()?.parse()?);
                }
                "skip_serializing_if" if member.default.is_some() => {
                    let why = "a value that is not written would be read as the schema's default";
                    return Err(meta.error(why));
                }
                // with a schema, serde alone writes and reads the field
                "with" | "serialize_with" | "deserialize_with" if member.schema.is_some() => {
                    pass(&meta)?
                }
                "serialize_with" | "deserialize_with" | "skip_serializing"
                | "skip_deserializing" | "other" => return Err(cannot(&meta)),
                beyond if BEYOND.contains(&beyond) => return Err(cannot(&meta)),
                _ => pass(&meta)?,
            }
            Ok(())
        })?;
        Ok(member)
    }
}

fn each(
    attributes: &[Attribute],
    name: &str,
    mut meta: impl FnMut(ParseNestedMeta) -> syn::Result<()>,
) -> syn::Result<()> {
    for attribute in attributes.iter().filter(|a| a.path().is_ident(name)) {
        attribute.parse_nested_meta(&mut meta)?;
    }
    Ok(())
}

fn word(meta: &ParseNestedMeta) -> String {
    meta.path.get_ident().map(ToString::to_string).unwrap_or_default()
}

fn text(meta: &ParseNestedMeta) -> syn::Result<String> {
    if meta.input.peek(syn::token::Paren) {
        return Err(meta.error("a schema has one name for what is written and what is read"));
    }
    Ok(meta.value()?.parse::<LitStr>()?.value())
}

/// A rule of names, the same for what is written and what is read.
fn rule(meta: &ParseNestedMeta) -> syn::Result<LitStr> {
    if meta.input.peek(syn::token::Paren) {
        return Err(meta.error("a schema has one name for what is written and what is read"));
    }
    meta.value()?.parse()
}

fn texts(meta: &ParseNestedMeta) -> syn::Result<Vec<String>> {
    let list;
    let value = meta.value()?;
    syn::bracketed!(list in value);
    let texts = Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?;
    Ok(texts.iter().map(LitStr::value).collect())
}

/// Passes over what has no meaning here.
fn pass(meta: &ParseNestedMeta) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let inner;
        syn::parenthesized!(inner in meta.input);
        inner.parse::<TokenStream>()?;
    }
    Ok(())
}

fn cannot(meta: &ParseNestedMeta) -> syn::Error {
    let word = word(meta);
    meta.error(format!("an Avro schema cannot follow serde's `{word}`; write the schema by hand"))
}

fn doc(attributes: &[Attribute]) -> Option<String> {
    let lines: Vec<String> = attributes
        .iter()
        .filter(|a| a.path().is_ident("doc"))
        .filter_map(|a| match &a.meta.require_name_value().ok()?.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value().trim().to_string()),
            _ => None,
        })
        .collect();
    match lines.is_empty() {
        true => None,
        false => Some(lines.join("\n").trim().to_string()),
    }
}
