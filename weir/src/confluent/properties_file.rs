//! Files of properties in Java's syntax, as `schema-registry-start` and `kafka-rest-start` take them.

use std::path::Path;
use std::sync::Arc;

use super::properties::unescape;
use super::table::Server;
use crate::config::problem::Problem;
use crate::config::source::Source;

/// What a file may have; more is not a file with settings.
pub const BYTES_MAX: u64 = 1 << 20;

/// A property of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProperty {
    /// Where it begins, from 1.
    pub line: usize,
    pub name: String,
    pub value: String,
}

/// Reads a file's bytes: UTF-8, or ISO-8859-1 where they are not. `path` is what problems call it.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<FileProperty>, Problem> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_string(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    };
    let mut properties = Vec::new();
    for (line, text) in logical_lines(&text) {
        let (name, value) = split(&text);
        if let Some(escape) = bad_escape(&text) {
            let place = Source::File { path: path.into(), line, column: 1 };
            let why = format!("{escape} is not \\uXXXX with four digits of 16");
            return Err(Problem::at(&place, why));
        }
        properties.push(FileProperty { line, name: unescape(name), value: unescape(value) });
    }
    Ok(properties)
}

/// Lines with those that a backslash at their end joins to them, and the number of the first; no empty lines and no comments.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = text.split('\n').enumerate();
    let mut all = Vec::new();
    while let Some((index, line)) = lines.next() {
        let line = line.trim_start_matches(is_blank);
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_string();
        while goes_on(&whole) {
            whole.pop();
            let Some((_, next)) = lines.next() else { break };
            whole.push_str(next.trim_start_matches(is_blank));
        }
        all.push((index + 1, whole));
    }
    all
}

/// Whether a line ends with a backslash that no other one makes a letter.
fn goes_on(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

/// Name and value, both with their escapes: they are apart by `=`, `:` or blanks.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let ends = |c: char| is_blank(c) || matches!(c, '=' | ':');
    let end = line.char_indices().find(|(_, c)| {
        let is_end = !escaped && ends(*c);
        escaped = !escaped && *c == '\\';
        is_end
    });
    let (name, rest) = line.split_at(end.map_or(line.len(), |(at, _)| at));
    let rest = rest.trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (name, rest.trim_start_matches(is_blank))
}

/// The first `\u` without four digits.
fn bad_escape(line: &str) -> Option<String> {
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c != '\\' || rest.next() != Some('u') {
            continue;
        }
        let digits: String = rest.clone().take(4).collect();
        if digits.len() < 4 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Some(format!("\\u{digits}"));
        }
    }
    None
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

/// Whose settings a file has: its name says so, or a property that only one of the servers has. None if neither does.
pub fn server_of(path: &Path, properties: &[FileProperty]) -> Option<Server> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let named = |text: &str| name.as_ref().is_some_and(|name| name.contains(text));
    let has = |is: &dyn Fn(&str) -> bool| properties.iter().any(|property| is(&property.name));
    let of_registry = named("schema-registry") || has(&|name| name.starts_with("kafkastore."));
    let of_proxy = named("kafka-rest") || has(&|name| name == "bootstrap.servers");
    match (of_registry, of_proxy) {
        (true, false) => Some(Server::Registry),
        (false, true) => Some(Server::Proxy),
        _ => None,
    }
}

/// The properties of one of the servers' files.
#[derive(Clone, Debug)]
pub struct PropertiesFile {
    pub server: Server,
    pub path: Arc<Path>,
    pub properties: Vec<FileProperty>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<(usize, String, String)> {
        let found = parse(Path::new("a.properties"), bytes).unwrap();
        found.into_iter().map(|it| (it.line, it.name, it.value)).collect()
    }

    #[test]
    fn a_file_has_what_java_reads_in_it() {
        let text = "# a comment\n! another\n\n  listeners = http://0.0.0.0:8081  \n\
            kafkastore.topic:_schemas\nhost.name sr.example\r\ndebug\n\
            a\\ name\\:with\\=all : x = y\nlong = one,\\\n   two,\\\r\n\t# no comment\n\
            backslash = a\\\\\nnext = \\u00e9\\t.\nempty=\nlast \\\n";
        let is = |line, name: &str, value: &str| (line, name.to_string(), value.to_string());
        let expected = [
            is(4, "listeners", "http://0.0.0.0:8081  "),
            is(5, "kafkastore.topic", "_schemas"),
            is(6, "host.name", "sr.example"),
            is(7, "debug", ""),
            is(8, "a name:with=all", "x = y"),
            is(9, "long", "one,two,# no comment"),
            is(12, "backslash", "a\\"),
            is(13, "next", "\u{e9}\t."),
            is(14, "empty", ""),
            is(15, "last", ""),
        ];
        assert_eq!(read(text.as_bytes()), expected);
        // UTF-8, and what is not
        assert_eq!(read("a=\u{e9}".as_bytes())[0].2, "\u{e9}");
        assert_eq!(read(b"a=\xe9")[0].2, "\u{e9}");
        assert!(read(b"").is_empty());
    }

    #[test]
    fn a_wrong_escape_is_an_error_with_its_line() {
        let error = parse(Path::new("a.properties"), b"a=1\nb=\\u12g4").unwrap_err().to_string();
        assert_eq!(error, "a.properties:2:1: \\u12g4 is not \\uXXXX with four digits of 16");
        assert!(parse(Path::new("a"), b"a=\\\\u12").is_ok());
    }

    #[test]
    fn whose_a_file_is_can_be_seen() {
        let of = |path: &str, text: &str| {
            server_of(Path::new(path), &parse(Path::new(path), text.as_bytes()).unwrap())
        };
        assert_eq!(
            of("/etc/schema-registry/schema-registry.properties", ""),
            Some(Server::Registry)
        );
        assert_eq!(of("/etc/kafka-rest/kafka-rest.properties", ""), Some(Server::Proxy));
        assert_eq!(of("sr.properties", "kafkastore.topic=t"), Some(Server::Registry));
        assert_eq!(of("a.properties", "bootstrap.servers=k:9092"), Some(Server::Proxy));
        assert_eq!(of("a.properties", "listeners=http://:1"), None);
    }
}
