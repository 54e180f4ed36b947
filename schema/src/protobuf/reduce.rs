//! Files with something left out.

use super::element::{Field, File, Message, Opt, Type};

/// Drops what a descriptor says and a text need not: `json_name`s that follow from the name.
pub fn drop_implied(file: &mut File) {
    each_field(&mut file.types, &mut |field| {
        if field.json_name.as_deref() == Some(json_name(&field.name).as_str()) {
            field.json_name = None;
        }
    });
    for field in file.extends.iter_mut().flat_map(|extend| &mut extend.fields) {
        field.json_name = None;
    }
}

/// A file without custom options (but Confluent's), extension ranges and extensions.
pub fn without_extensions(file: &File) -> File {
    let mut file = file.clone();
    file.extends.clear();
    each_options(&mut file, &mut |options| {
        options.retain(|option| !option.is_extension || option.name.starts_with("confluent."));
    });
    each_message(&mut file.types, &mut |message| {
        message.extensions.clear();
        message.extends.clear();
    });
    file
}

fn each_message(types: &mut [Type], visit: &mut impl FnMut(&mut Message)) {
    for declared in types {
        if let Type::Message(message) = declared {
            one_message(message, visit);
        }
    }
}

fn one_message(message: &mut Message, visit: &mut impl FnMut(&mut Message)) {
    visit(message);
    let oneofs = message.oneofs.iter_mut().flat_map(|oneof| &mut oneof.groups);
    for group in message.groups.iter_mut().chain(oneofs) {
        one_message(&mut group.body, visit);
    }
    each_message(&mut message.types, visit);
}

fn each_field(types: &mut [Type], visit: &mut impl FnMut(&mut Field)) {
    each_message(types, &mut |message| {
        let oneofs = message.oneofs.iter_mut().flat_map(|oneof| &mut oneof.fields);
        message.fields.iter_mut().chain(oneofs).for_each(&mut *visit);
    });
}

fn each_options(file: &mut File, visit: &mut impl FnMut(&mut Vec<Opt>)) {
    visit(&mut file.options);
    each_field(&mut file.types, &mut |field| visit(&mut field.options));
    for declared in &mut file.types {
        type_options(declared, visit);
    }
    for service in &mut file.services {
        visit(&mut service.options);
        service.rpcs.iter_mut().for_each(|rpc| visit(&mut rpc.options));
    }
}

fn type_options(declared: &mut Type, visit: &mut impl FnMut(&mut Vec<Opt>)) {
    match declared {
        Type::Enum(enumeration) => {
            visit(&mut enumeration.options);
            enumeration.constants.iter_mut().for_each(|constant| visit(&mut constant.options));
        }
        Type::Message(message) => one_message(message, &mut |message| {
            visit(&mut message.options);
            message.oneofs.iter_mut().for_each(|oneof| visit(&mut oneof.options));
            let oneofs = message.oneofs.iter_mut().flat_map(|oneof| &mut oneof.groups);
            message.groups.iter_mut().chain(oneofs).for_each(|g| visit(&mut g.options));
            for nested in &mut message.types {
                if let Type::Enum(_) = nested {
                    type_options(nested, visit);
                }
            }
        }),
    }
}

/// The name that a field has in JSON if nobody says another.
fn json_name(name: &str) -> String {
    let mut capital = false;
    let letters = name.chars().filter_map(|character| {
        let raised = std::mem::replace(&mut capital, character == '_');
        match character {
            '_' => None,
            _ if raised => Some(character.to_ascii_uppercase()),
            _ => Some(character),
        }
    });
    letters.collect()
}
