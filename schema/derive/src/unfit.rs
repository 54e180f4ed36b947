//! Types of Rust that no Avro type holds, told where they stand.

use syn::{GenericArgument, PathArguments, Type};

/// An error if a field's type is, or holds, a number that is wider than Avro's.
pub fn check(kind: &Type) -> syn::Result<()> {
    let mut stack = vec![kind];
    while let Some(kind) = stack.pop() {
        match kind {
            Type::Path(path) => {
                let Some(last) = path.path.segments.last() else { continue };
                if let (1, Some(why)) = (path.path.segments.len(), why(&last.ident.to_string())) {
                    return Err(syn::Error::new_spanned(kind, why));
                }
                if let PathArguments::AngleBracketed(arguments) = &last.arguments {
                    stack.extend(arguments.args.iter().filter_map(|argument| match argument {
                        GenericArgument::Type(kind) => Some(kind),
                        _ => None,
                    }));
                }
            }
            Type::Array(array) => stack.push(&array.elem),
            Type::Reference(reference) => stack.push(&reference.elem),
            Type::Slice(slice) => stack.push(&slice.elem),
            Type::Paren(inner) => stack.push(&inner.elem),
            Type::Group(inner) => stack.push(&inner.elem),
            Type::Tuple(tuple) if !tuple.elems.is_empty() => {
                let why = "a tuple has no Avro type: make it a struct with named fields";
                return Err(syn::Error::new_spanned(tuple, why));
            }
            _ => {}
        }
    }
    Ok(())
}

fn why(name: &str) -> Option<String> {
    let instead = match name {
        "u64" | "usize" => "`i64` or `u32`",
        "isize" => "`i64`",
        "u128" | "i128" => "`i64`, or a decimal in bytes",
        _ => return None,
    };
    Some(format!(
        "{name} does not fit Avro's widest number, a long of 64 bits with a sign: take {instead}, or say \
         `#[avro(schema = \"\\\"long\\\"\")]` on the field if its values fit"
    ))
}
