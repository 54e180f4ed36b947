//! `docs/dev-clients.md` says what the tests hold: `WEIR_WRITE_DOCS=1` writes it.

use std::path::Path;

use crate::clients::{ALL, COLUMNS, Client, PROGRAMS, Steps};

const BEGIN: &str = "<!-- clients: written by a test, from what it holds -->\n";
const END: &str = "<!-- end of clients -->\n";

#[test]
fn the_page_of_clients_says_what_the_tests_hold() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/dev-clients.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let expected = format!("{head}{BEGIN}{}{END}{tail}", tables());
    if std::env::var_os("WEIR_WRITE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert!(page == expected, "docs/dev-clients.md is not what the tests hold: WEIR_WRITE_DOCS=1");
}

fn tables() -> String {
    let mut text = String::from("\n## Clients\n\n| column | what passed means |\n|---|---|\n");
    for column in &COLUMNS {
        text += &format!("| {} | {} |\n", column.title, column.about);
    }
    let titles: Vec<&str> = COLUMNS.iter().map(|column| column.title).collect();
    text += &format!("\n| client | language | version | {} | more |\n", titles.join(" | "));
    text += &format!("|{}\n", "---|".repeat(COLUMNS.len() + 4));
    ALL.iter().for_each(|client| text += &row(client));
    text += "\n## Programs\n\n| program | version | what passed |\n|---|---|---|\n";
    for program in PROGRAMS {
        let (name, version) = (program.name, program.version.text());
        text += &format!("| {name} | {version} | {} |\n", words(&program.steps()));
    }
    text + "\n"
}

fn row(client: &Client) -> String {
    let cells =
        client.columns.iter().zip(&COLUMNS).map(|(steps, column)| cell(steps, column.steps));
    let cells: Vec<String> = cells.collect();
    let (name, language, version) = (client.name, client.language, client.version.text());
    let more = if client.more.is_empty() { "–".to_string() } else { words(client.more) };
    format!("| {name} | {language} | {version} | {} | {more} |\n", cells.join(" | "))
}

/// "passed" if the client does all of the column, a dash if it has no calls for any of it; else what it does.
fn cell(steps: Steps, column: Steps) -> String {
    let extra: Vec<&str> = steps.iter().filter(|step| !column.contains(step)).copied().collect();
    let is_whole = column.iter().all(|step| steps.contains(step));
    match (steps.is_empty(), is_whole, extra.is_empty()) {
        (true, ..) => "–".to_string(),
        (_, true, true) => "passed".to_string(),
        (_, true, false) => format!("passed, also {}", words(&extra)),
        _ => words(steps),
    }
}

/// Names of steps as one reads them.
fn words(steps: &[&str]) -> String {
    steps.iter().map(|step| step.replace('_', " ")).collect::<Vec<_>>().join(", ")
}
