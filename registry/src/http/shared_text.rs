//! Answers with schemas in them, whose texts are not copied for each reader: a long one is sent from where it is
//! kept. Hundreds of slow readers of one schema hold it once.

use std::borrow::Cow;
use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::http::Response;
use axum::response::IntoResponse;
use serde::Serialize;
use weir_http::Pieces;
use weir_registry_api::{RegisterResponse, RegistryError, Schema, SchemaString, SchemaText};

use super::answer::{Json, Refused};

/// Bytes of a text from which on it is shared. Below, a copy costs less than what an answer in pieces does.
const SHARED_BYTES_MIN: usize = 16 * 1024;

/// Bytes of a text alone that are made ready to be sent at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// What has a schema's text among its fields.
pub(super) trait HasText {
    fn text(&self) -> Option<&SchemaText>;
}

impl HasText for Schema {
    fn text(&self) -> Option<&SchemaText> {
        Some(&self.schema)
    }
}

impl HasText for SchemaString {
    fn text(&self) -> Option<&SchemaText> {
        Some(&self.schema)
    }
}

impl HasText for RegisterResponse {
    fn text(&self) -> Option<&SchemaText> {
        self.schema.as_ref()
    }
}

/// Something with a schema as the body.
pub(super) struct SchemaJson<T>(pub(super) T);

impl<T: Serialize + HasText> IntoResponse for SchemaJson<T> {
    fn into_response(self) -> axum::response::Response {
        match long_text(&self.0).cloned() {
            None => Json(self.0).into_response(),
            Some(text) => match in_pieces(&self.0, &text, Vec::new()) {
                Ok(pieces) => Response::new(Pieces::new(pieces).into()),
                Err(_) => Refused::from(RegistryError::Internal).into_response(),
            },
        }
    }
}

/// A long array of such things as the body, made while it is sent.
pub(super) struct JsonArray<I>(pub(super) I);

impl<I> IntoResponse for JsonArray<I>
where
    I: Iterator<Item: Serialize + HasText> + Send + 'static,
{
    fn into_response(self) -> axum::response::Response {
        let items = self.0.enumerate().flat_map(|(index, item)| {
            let start = if index > 0 { b",".to_vec() } else { Vec::new() };
            match written(&item, start) {
                Ok(pieces) => pieces.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        });
        let begin = std::iter::once(Ok::<_, serde_json::Error>(Bytes::from_static(b"[")));
        let end = std::iter::once(Ok(Bytes::from_static(b"]")));
        let chunks = begin.chain(items).chain(end);
        Response::new(Body::from_stream(futures_util::stream::iter(chunks)))
    }
}

/// The text, if it is long enough to be shared.
fn long_text<T: HasText>(value: &T) -> Option<&SchemaText> {
    value.text().filter(|text| text.json().len() >= SHARED_BYTES_MIN)
}

/// A value as JSON, behind what is written already.
fn written<T: Serialize + HasText>(
    value: &T,
    mut start: Vec<u8>,
) -> serde_json::Result<Vec<Bytes>> {
    match long_text(value) {
        Some(text) => in_pieces(value, text, start),
        None => {
            serde_json::to_writer(&mut start, value)?;
            Ok(vec![start.into()])
        }
    }
}

fn in_pieces<T: Serialize>(
    value: &T,
    text: &SchemaText,
    start: Vec<u8>,
) -> serde_json::Result<Vec<Bytes>> {
    let mut out = Around { text, pieces: Vec::new(), last: start };
    serde_json::to_writer(&mut out, value)?;
    out.end_piece();
    Ok(out.pieces)
}

/// Takes what serde writes, and the text itself where serde writes that: it does so in one call, with the text's own
/// place in memory.
struct Around<'t> {
    text: &'t SchemaText,
    pieces: Vec<Bytes>,
    last: Vec<u8>,
}

impl Around<'_> {
    fn end_piece(&mut self) {
        self.pieces.push(std::mem::take(&mut self.last).into());
    }
}

impl Write for Around<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if std::ptr::eq(bytes, self.text.json().as_bytes()) {
            self.end_piece();
            self.pieces.push(Bytes::from_owner(Shared(self.text.clone())));
        } else {
            self.last.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A text that is kept as long as somebody is sent it.
struct Shared(SchemaText);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.json().as_bytes()
    }
}

/// A schema's text alone as the body. A long one is unescaped while it is sent.
pub(super) struct RawText(pub(super) SchemaText);

impl IntoResponse for RawText {
    fn into_response(self) -> axum::response::Response {
        if self.0.json().len() < SHARED_BYTES_MIN {
            return Response::new(Body::from(self.0.text().into_owned()));
        }
        Response::new(Body::from_stream(futures_util::stream::iter(Unescaped::new(self.0))))
    }
}

/// A text in pieces.
struct Unescaped {
    text: SchemaText,
    /// What is given out already, of the text's JSON with its quotes.
    at: usize,
}

impl Unescaped {
    fn new(text: SchemaText) -> Unescaped {
        Unescaped { text, at: 1 }
    }
}

impl Iterator for Unescaped {
    type Item = serde_json::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let json = self.text.json();
        let json = &json[..json.len() - 1];
        if self.at >= json.len() {
            return None;
        }
        let end = piece_end(json, self.at);
        let piece = format!("\"{}\"", &json[self.at..end]);
        self.at = end;
        let unescaped = serde_json::from_str::<Cow<'_, str>>(&piece);
        Some(unescaped.map(|text| Bytes::from(text.into_owned())))
    }
}

/// Where a piece ends that begins here: between two letters, and not within what stands for one.
fn piece_end(json: &str, start: usize) -> usize {
    let bytes = json.as_bytes();
    let mut at = start;
    while at < bytes.len() && at - start < PIECE_BYTES {
        at += match (bytes[at], bytes.get(at + 1)) {
            (b'\\', Some(b'u')) if is_first_half(&bytes[at..]) => 12,
            (b'\\', Some(b'u')) => 6,
            (b'\\', _) => 2,
            _ => 1,
        };
    }
    let mut end = at.min(json.len());
    while !json.is_char_boundary(end) {
        end += 1;
    }
    end
}

/// Whether `\uD800` to `\uDBFF` stands here, which goes with another escape behind it.
fn is_first_half(escape: &[u8]) -> bool {
    matches!(escape.get(2), Some(b'd' | b'D'))
        && matches!(escape.get(3), Some(b'8' | b'9' | b'a' | b'b' | b'A' | b'B'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(text: SchemaText) -> SchemaString {
        let json = serde_json::json!({"schema": "", "schemaType": "JSON", "maxId": 3});
        SchemaString { schema: text, ..serde_json::from_value(json).unwrap() }
    }

    #[test]
    fn a_long_text_is_sent_from_where_it_is_kept() {
        let text = SchemaText::from("\"é\n".repeat(SHARED_BYTES_MIN));
        let value = schema(text.clone());
        let pieces = written(&value, b",".to_vec()).unwrap();
        assert_eq!(pieces.len(), 3);
        assert!(std::ptr::eq(&*pieces[1], text.json().as_bytes()));
        let expected = format!(",{}", serde_json::to_string(&value).unwrap());
        assert_eq!(pieces.concat(), expected.as_bytes());
        assert_eq!(written(&schema("short".into()), Vec::new()).unwrap().len(), 1);
    }

    #[test]
    fn a_text_in_pieces_is_the_text_wherever_they_end() {
        let escaped = r#"\u0041é\"\\\ud83d\ude00\n😀\u00e9"#;
        for shift in 0..40 {
            let json = format!("\"{}{}\"", "a".repeat(shift), escaped.repeat(PIECE_BYTES / 16));
            let text: SchemaText = serde_json::from_str(&json).unwrap();
            let pieces: Vec<_> = Unescaped::new(text.clone()).map(Result::unwrap).collect();
            assert!(pieces.len() > 2);
            assert_eq!(pieces.concat(), text.text().as_bytes(), "{shift}");
        }
        let empty = Unescaped::new("".into()).count();
        assert_eq!(empty, 0);
    }
}
