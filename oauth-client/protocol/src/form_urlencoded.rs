//! `application/x-www-form-urlencoded` as RFC 6749 Appendix B uses it.

use alloc::string::String;
use alloc::vec::Vec;

/// How a space is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// `+`, as the media type has it: for request bodies.
    Plus,
    /// `%20`, which a form decoder and a percent decoder both read: for HTTP Basic and for URLs.
    Percent,
}

/// RFC 3986 §2.1: "should use uppercase hexadecimal digits".
const HEX_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Encodes `text` and appends it to `out`.
pub(crate) fn encode_into(out: &mut String, text: &str, space: Space) {
    for &byte in text.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            b' ' if space == Space::Plus => out.push('+'),
            _ => {
                out.push('%');
                out.extend([byte >> 4, byte & 0xF].map(|digit| char::from(HEX_DIGITS[usize::from(digit)])));
            }
        }
    }
}

/// Appends `name=value`, with a `&` before it if `out` holds a pair already.
pub(crate) fn append_pair(out: &mut String, name: &str, value: &str, space: Space) {
    if !out.is_empty() && !out.ends_with(['?', '&']) {
        out.push('&');
    }
    encode_into(out, name, space);
    out.push('=');
    encode_into(out, value, space);
}

/// The pairs of a form or a query, in order; what is no UTF-8 after decoding becomes U+FFFD.
pub(crate) fn decode(form: &str) -> Vec<(String, String)> {
    form.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_component(name), decode_component(value))
        })
        .collect()
}

fn decode_component(component: &str) -> String {
    let mut decoded = Vec::with_capacity(component.len());
    let mut bytes = component.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let mut ahead = bytes.clone();
                match (ahead.next().and_then(hex_digit), ahead.next().and_then(hex_digit)) {
                    (Some(high), Some(low)) => {
                        decoded.push(high << 4 | low);
                        bytes = ahead;
                    }
                    _ => decoded.push(b'%'),
                }
            }
            other => decoded.push(other),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6749_appendix_b() {
        let mut encoded = String::new();
        encode_into(&mut encoded, " %&+£€", Space::Plus);
        assert_eq!(encoded, "+%25%26%2B%C2%A3%E2%82%AC");
    }

    #[test]
    fn a_space_for_basic_and_urls_is_percent_encoded() {
        let mut encoded = String::new();
        encode_into(&mut encoded, "a b+c", Space::Percent);
        assert_eq!(encoded, "a%20b%2Bc");
    }

    #[test]
    fn broken_escapes_are_kept_as_they_are() {
        assert_eq!(
            decode("a=%&b=%4&c=%zz&d=%41&=e&f"),
            [
                ("a".into(), "%".into()),
                ("b".into(), "%4".into()),
                ("c".into(), "%zz".into()),
                ("d".into(), "A".into()),
                (String::new(), "e".into()),
                ("f".into(), String::new()),
            ]
        );
    }
}
