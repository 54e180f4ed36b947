//! Bytes that a string says by their numbers: `"\377"`. Strings are kept as text, in which such a
//! byte of 0x80 and above is a character of its own, from the end of the last private use area. So
//! it is printed as it was written, and is that byte where a descriptor wants bytes: protoc takes
//! `"\377"` and `"ÿ"` for different things.

/// The character of byte 0.
const FIRST: u32 = 0x10_ff00;

/// What a string holds for a byte that was said by its number.
pub fn character(byte: u8) -> char {
    match byte {
        0x80.. => char::from_u32(FIRST + u32::from(byte)).expect("a private character"),
        _ => char::from(byte),
    }
}

/// The byte that a character of a string stands for, if it was said by its number.
pub fn byte(character: char) -> Option<u8> {
    let byte = u8::try_from(u32::from(character).checked_sub(FIRST)?).ok()?;
    (byte >= 0x80).then_some(byte)
}

/// The bytes of a string.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for character in text.chars() {
        match byte(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    bytes
}

/// A printed text with characters for its bytes, `ÿ` for `\377`: what Confluent's registry prints,
/// and Weir has, so that a text that was stored so is found.
pub fn as_characters(printed: &str) -> String {
    let mut out = String::with_capacity(printed.len());
    let mut rest = printed;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let digits = escape.get(1..4).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        let length = match digits.filter(|byte| *byte >= 0x80) {
            Some(byte) => {
                out.push(char::from(byte));
                4
            }
            None => {
                // the backslash and what it escapes, which is ASCII
                let length = escape.len().min(2);
                out.push_str(&escape[..length]);
                length
            }
        };
        rest = &escape[length..];
    }
    out.push_str(rest);
    out
}
