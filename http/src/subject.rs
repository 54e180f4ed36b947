//! The subject of a certificate as text: RFC 2253 in the form in which Java's `X500Principal` writes it, which is what
//! Kafka and its rules for principals' names have.

use std::fmt::Write;

use crate::der::{OBJECT_IDENTIFIER, SEQUENCE, SET, any, certificate_fields, element};

/// Attributes that have a name; all others are written by their numbers.
const NAMED: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
];

/// Types of strings.
const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
const TELETEX: u8 = 0x14;
const IA5: u8 = 0x16;
const GENERAL: u8 = 0x1b;
const UNIVERSAL: u8 = 0x1c;
const BMP: u8 = 0x1e;

/// The subject of a certificate in DER, the most specific part first; none if it cannot be read.
pub(crate) fn of_certificate(der: &[u8]) -> Option<String> {
    let (mut names, _) = element(certificate_fields(der)?.subject, SEQUENCE)?;
    let mut parts = Vec::new();
    while !names.is_empty() {
        let (name, rest) = element(names, SET)?;
        parts.push(relative_name(name)?);
        names = rest;
    }
    parts.reverse();
    Some(parts.join(","))
}

/// One part of a name: mostly one attribute, else several with `+` between them.
fn relative_name(mut attributes: &[u8]) -> Option<String> {
    let mut written = String::new();
    while !attributes.is_empty() {
        let (attribute, rest) = element(attributes, SEQUENCE)?;
        if !written.is_empty() {
            written.push('+');
        }
        write_attribute(attribute, &mut written)?;
        attributes = rest;
    }
    Some(written)
}

fn write_attribute(attribute: &[u8], out: &mut String) -> Option<()> {
    let (oid, value) = element(attribute, OBJECT_IDENTIFIER)?;
    let numbers = dotted(oid)?;
    let name = NAMED.iter().find(|(known, _)| *known == numbers).map(|(_, name)| *name);
    out.push_str(name.unwrap_or(&numbers));
    out.push('=');
    let (tag, content, _) = any(value)?;
    match name.and_then(|_| text(tag, content)) {
        Some(text) => escape(&text, out),
        None => {
            out.push('#');
            let whole = &value[..value.len() - any(value)?.2.len()];
            for byte in whole {
                write!(out, "{byte:02x}").ok()?;
            }
        }
    }
    Some(())
}

/// An object identifier in numbers: `2.5.4.3`.
fn dotted(oid: &[u8]) -> Option<String> {
    let mut numbers: Vec<u128> = Vec::new();
    let mut number: u128 = 0;
    for byte in oid {
        number = number.checked_mul(128)? + u128::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(number);
            number = 0;
        }
    }
    // the first two numbers are in one
    let first = numbers.first()?;
    let two = [(first / 40).min(2), first - (first / 40).min(2) * 40];
    let all = two.iter().chain(&numbers[1..]);
    Some(all.map(u128::to_string).collect::<Vec<_>>().join("."))
}

/// A string of one of the types that names may have. What is not in its encoding is replaced.
fn text(tag: u8, content: &[u8]) -> Option<String> {
    Some(match tag {
        UTF8 => String::from_utf8_lossy(content).into_owned(),
        PRINTABLE | IA5 => content.iter().map(|byte| ascii(*byte)).collect(),
        TELETEX | GENERAL => content.iter().map(|byte| char::from(*byte)).collect(),
        BMP => {
            let units = content.chunks(2).map(|unit| match unit {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0xfffd,
            });
            let decoded = char::decode_utf16(units);
            decoded.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        UNIVERSAL => {
            let number = |unit: &[u8]| u32::from_be_bytes(unit.try_into().unwrap_or([0xff; 4]));
            let chars = content.chunks(4).map(|unit| char::from_u32(number(unit)));
            chars.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => return None,
    })
}

fn ascii(byte: u8) -> char {
    if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER }
}

/// Writes a value so that nothing in it looks like the next attribute.
fn escape(value: &str, out: &mut String) {
    let is_blank = |c: char| matches!(c, ' ' | '\r');
    let lead = value.len() - value.trim_start_matches(is_blank).len();
    let trail = value.trim_end_matches(is_blank).len();
    for (at, c) in value.char_indices() {
        match c {
            ',' | '=' | '+' | '<' | '>' | '#' | ';' | '"' | '\\' => out.extend(['\\', c]),
            '\0' => out.push_str("\\00"),
            c if at < lead || at >= trail => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::string::BmpString;
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    use super::*;

    fn subject(names: &[(DnType, &str)]) -> String {
        let mut name = DistinguishedName::new();
        for (kind, value) in names {
            name.push(kind.clone(), *value);
        }
        of_name(name)
    }

    fn of_name(name: DistinguishedName) -> String {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name = name;
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        of_certificate(certificate.der()).unwrap()
    }

    #[test]
    fn a_subject_is_written_as_kafka_has_it() {
        let name = [
            (DnType::CountryName, "DE"),
            (DnType::OrganizationName, "Weir, Inc."),
            (DnType::OrganizationalUnitName, "a+b=c"),
            (DnType::CommonName, "Bob Smith"),
        ];
        assert_eq!(subject(&name), r"CN=Bob Smith,OU=a\+b\=c,O=Weir\, Inc.,C=DE");
        assert_eq!(subject(&[]), "");
    }

    #[test]
    fn nothing_in_a_name_looks_like_another_attribute() {
        for (value, written) in [
            ("admin,OU=x", r"CN=admin\,OU\=x"),
            (" two ends ", r"CN=\ two ends\ "),
            ("#a\"<b>;\\", "CN=\\#a\\\"\\<b\\>\\;\\\\"),
            ("a\0b", r"CN=a\00b"),
            ("Zo\u{eb}", "CN=Zo\u{eb}"),
        ] {
            assert_eq!(subject(&[(DnType::CommonName, value)]), written);
        }
    }

    #[test]
    fn an_attribute_without_a_name_is_written_in_numbers() {
        let email = DnType::CustomDnType(vec![1, 2, 840, 113549, 1, 9, 1]);
        assert_eq!(subject(&[(email, "a@b")]), "1.2.840.113549.1.9.1=#0c03614062");
    }

    #[test]
    fn other_encodings_are_read() {
        let mut name = DistinguishedName::new();
        let value = DnValue::BmpString(BmpString::try_from("Zo\u{eb}").unwrap());
        name.push(DnType::CommonName, value);
        assert_eq!(of_name(name), "CN=Zo\u{eb}");
    }

    /// What `X500Principal.getName()` says of certificates that openssl made.
    #[test]
    fn names_of_openssl_are_written_as_java_writes_them() {
        let folder = tempfile::tempdir().unwrap();
        for (subject, more, written) in [
            (
                "/C=DE/ST=Bayern/L=M\\/\u{fc}nchen/O=Weir, Inc./CN=Bob \"x\" <y>;z",
                "-utf8",
                "CN=Bob \\\"x\\\" \\<y\\>\\;z,O=Weir\\, Inc.,L=M/\u{fc}nchen,ST=Bayern,C=DE",
            ),
            (
                "/DC=org/DC=example/UID=7+CN=multi/emailAddress=a@b.c/title=Dr/serialNumber=99",
                "-multivalue-rdn",
                "2.5.4.5=#13023939,2.5.4.12=#0c024472,1.2.840.113549.1.9.1=#16056140622e63,CN=multi+UID=7,\
                 DC=example,DC=org",
            ),
            ("/CN=#lead /O= two  ", "-utf8", r"O=\ two\ \ ,CN=\#lead\ "),
            ("/street=Road 1/SN=Smith/CN=x", "-utf8", "CN=x,2.5.4.4=#0c05536d697468,STREET=Road 1"),
        ] {
            let path = folder.path().join("cert.der");
            let fixed =
                ["req", "-x509", "-nodes", "-newkey", "ec", "-outform", "DER", "-days", "9"];
            let curve = ["-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "/dev/null", "-out"];
            let made = std::process::Command::new("openssl")
                .args([&fixed[..], &curve].concat())
                .arg(&path)
                .args(["-subj", subject, more])
                .output()
                .unwrap();
            assert!(made.status.success(), "{made:?}");
            #[expect(clippy::disallowed_methods, reason = "a test may wait for its disk")]
            let der = std::fs::read(&path).unwrap();
            assert_eq!(of_certificate(&der).unwrap(), written);
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_subject() {
        let certificate = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
        let der = certificate.cert.der();
        for length in 0..der.len() {
            let _ = of_certificate(&der[..length]); // it does not panic
        }
        assert_eq!(of_certificate(&[]), None);
        assert_eq!(dotted(&[]), None);
        assert_eq!(dotted(&[0xff; 30]), None);
    }
}
