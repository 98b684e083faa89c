//! `application/x-www-form-urlencoded`, and the query of a URL.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// `name=value&..`, with everything but letters and digits percent-encoded.
pub(super) fn encode(parameters: &[(&str, &str)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// One name or value, encoded.
pub(super) fn escape(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Every byte as `%XX`: what no decoder may take for the text itself.
pub(super) fn escape_every_byte(text: &str) -> String {
    let escaped: Vec<_> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    escaped.concat()
}

/// `url` with these parameters behind those that it has.
pub(super) fn with_query(url: &str, parameters: &[(&str, &str)]) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{}", encode(parameters))
}

/// The decoded values of a parameter in the query of `url`.
pub(super) fn query_values(url: &str, name: &str) -> Vec<String> {
    let query = url.split('#').next().unwrap_or_default().split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(given, _)| decode(given) == name).map(|(_, value)| decode(value)).collect()
}

/// The value of a parameter that is there once.
pub(super) fn query_value(url: &str, name: &str) -> Option<String> {
    let [value] = <[String; 1]>::try_from(query_values(url, name)).ok()?;
    Some(value)
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}
