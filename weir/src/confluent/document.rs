//! docs/confluent-settings.md, whose tables are made of the list of settings and of what each is to Weir.

use std::collections::BTreeMap;

use super::classify::{Judgement, classify};
use super::explain::counts;
use super::reference;
use super::table::{Server, TABLE, Verdict};
use crate::documented::assert_part;

const BEGIN: &str = "<!-- tables: written by a test, from the settings -->\n";

/// What the settings of Kafka's clients begin with.
const CLIENTS: [&str; 5] = ["kafkastore.", "client.", "producer.", "consumer.", "admin."];

fn client_prefix(server: Server, name: &str) -> Option<&'static str> {
    let of_clients = |prefix: &&str| {
        let row = super::table::find(server, name);
        name.starts_with(*prefix) && row.is_some_and(|row| row.name == format!("{prefix}*"))
    };
    CLIENTS.into_iter().find(of_clients)
}

fn cell(judged: &Judgement) -> String {
    let unless = match judged.harmless.is_empty() {
        true => String::new(),
        false => format!(" unless `{}`", judged.harmless.join("`, `")),
    };
    format!("{}{unless} | {}", judged.class.words(), judged.said)
}

fn default_of(text: &str) -> String {
    if text.is_empty() { "-".to_string() } else { format!("`{text}`") }
}

/// Settings of one server or of both, but for those of Kafka's clients.
fn own(is_wanted: impl Fn(&str) -> bool, server: Server) -> String {
    let mut text =
        "| setting | type | default | in Weir | how, why, or what to do |\n|---|---|---|---|---|\n"
            .to_string();
    for it in reference::all().filter(|it| it.server == server) {
        if !is_wanted(it.name) || client_prefix(server, it.name).is_some() {
            continue;
        }
        let judged = classify(server, it.name);
        let default = default_of(it.default);
        text += &format!("| `{}` | {} | {default} | {} |\n", it.name, it.type_name, cell(&judged));
    }
    text
}

/// Settings of Kafka's clients: a row for each name and what it is, with the prefixes of which that is true.
fn of_clients() -> String {
    let mut rows: BTreeMap<(String, String), Vec<&'static str>> = BTreeMap::new();
    for it in reference::all() {
        let Some(prefix) = client_prefix(it.server, it.name) else { continue };
        let rest = it.name.strip_prefix(prefix).unwrap_or(it.name);
        let said = cell(&classify(it.server, it.name));
        rows.entry((rest.to_string(), said)).or_default().push(prefix);
    }
    let mut text =
        "| setting | behind | in Weir | how, why, or what to do |\n|---|---|---|---|\n".to_string();
    for ((rest, said), mut prefixes) in rows {
        prefixes.sort_by_key(|prefix| CLIENTS.iter().position(|it| it == prefix));
        text += &format!("| `{rest}` | `{}` | {said} |\n", prefixes.join("` `"));
    }
    text
}

/// Rows of names that are not in the list of the reference: plugins, the images' scripts, Bitnami's names.
fn others() -> String {
    let is_listed = |server: Server, name: &str| match name.strip_suffix('*') {
        Some(prefix) => {
            reference::all().any(|it| fits(server, it.server) && it.name.starts_with(prefix))
        }
        None => reference::all().any(|it| fits(server, it.server) && it.name == name),
    };
    let mut text =
        "| setting | of | in Weir | how, why, or what to do |\n|---|---|---|---|\n".to_string();
    for row in TABLE.iter().filter(|row| !is_listed(row.server, row.name)) {
        let server = match row.server {
            Server::Registry => "registry",
            Server::Proxy => "proxy",
            Server::Both => "both",
        };
        let judged = match row.verdict {
            Verdict::Understood(how) => format!("understood | {how}"),
            Verdict::Ignored(why) => format!("without effect | {why}"),
            Verdict::Differs { why, .. } => format!("answered differently | {why}"),
            Verdict::Refused { instead, .. } => format!("refused at the start | {instead}"),
        };
        text += &format!("| `{}` | {server} | {judged} |\n", row.name);
    }
    text
}

fn fits(row: Server, server: Server) -> bool {
    row == Server::Both || row == server
}

fn documented() -> String {
    let is_common = |name: &str| {
        let [one, other] = [Server::Registry, Server::Proxy]
            .map(|server| reference::all().any(|it| it.server == server && it.name == name));
        one && other && classify(Server::Registry, name) == classify(Server::Proxy, name)
    };
    format!(
        "```text\n$ weir config explain\n{}```\n\n## Both servers\n\n{}\n## The registry\n\n{}\n## The REST proxy\n\n{}\n\
         ## Clients of Kafka\n\n\
         The settings of Kafka's Java clients are those of librdkafka where it has them; `kafkastore.` is the registry's, \
         the others are the proxy's.\n\n{}\n## Other names\n\nSettings of plugins and of older releases, variables of the \
         images' scripts, and names of Bitnami's image.\n\n{}",
        counts(),
        own(is_common, Server::Registry),
        own(|name| !is_common(name), Server::Registry),
        own(|name| !is_common(name), Server::Proxy),
        of_clients(),
        others(),
    )
}

/// `WEIR_WRITE_DOCS=1` writes them.
#[test]
fn the_document_has_every_setting_of_the_reference() {
    assert_part("confluent-settings.md", BEGIN, "", &format!("\n{}", documented()));
}
