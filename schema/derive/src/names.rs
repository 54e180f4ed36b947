//! Names as serde makes them. Source: serde.rs, "Container attributes", `rename_all`.

/// A field's name under a rule of `rename_all`; `None` if there is no such rule.
pub fn of_field(name: &str, rule: &str) -> Option<String> {
    Some(match rule {
        "lowercase" | "snake_case" => name.to_string(),
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => name.to_ascii_uppercase(),
        "PascalCase" => pascal(name),
        "camelCase" => with_lower_start(&pascal(name)),
        "kebab-case" => name.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => name.to_ascii_uppercase().replace('_', "-"),
        _ => return None,
    })
}

/// A variant's name under a rule of `rename_all`.
pub fn of_variant(name: &str, rule: &str) -> Option<String> {
    let snake = || {
        let mut snake = String::new();
        for (i, c) in name.char_indices() {
            if i > 0 && c.is_uppercase() {
                snake.push('_');
            }
            snake.push(c.to_ascii_lowercase());
        }
        snake
    };
    Some(match rule {
        "PascalCase" => name.to_string(),
        "lowercase" => name.to_ascii_lowercase(),
        "UPPERCASE" => name.to_ascii_uppercase(),
        "camelCase" => with_lower_start(name),
        "snake_case" => snake(),
        "SCREAMING_SNAKE_CASE" => snake().to_ascii_uppercase(),
        "kebab-case" => snake().replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => snake().to_ascii_uppercase().replace('_', "-"),
        _ => return None,
    })
}

fn pascal(name: &str) -> String {
    let mut pascal = String::new();
    for word in name.split('_') {
        let mut letters = word.chars();
        pascal.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        pascal.push_str(letters.as_str());
    }
    pascal
}

fn with_lower_start(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
