//! The address as an NFC tag's content: an NDEF message with one URI record (NFC Forum, NDEF 1.0 and RTD URI 1.0).

use alloc::vec::Vec;

/// Message begin, message end, short record; an NFC Forum well-known type.
const ONLY_RECORD: u8 = 0b1100_0001;
const SHORT_RECORD: u8 = 0b0001_0000;
/// The type's name.
const URI: u8 = b'U';
/// What a URI record may leave out at the beginning (RTD URI 1.0, table 3), longer ones first.
const ABBREVIATIONS: [(u8, &str); 4] =
    [(0x02, "https://www."), (0x01, "http://www."), (0x04, "https://"), (0x03, "http://")];
/// The message's tag in the memory of a Type 2 Tag, and the end of that memory.
const NDEF_MESSAGE: u8 = 0x03;
const TERMINATOR: u8 = 0xFE;
/// In place of a length: two bytes with it follow.
const LONG: u8 = 0xFF;

/// The message: what a Type 4 Tag serves, or a reader's emulated card.
pub fn uri_message(uri: &str) -> Vec<u8> {
    let abbreviation = ABBREVIATIONS.iter().find(|(_, beginning)| uri.starts_with(beginning));
    let (identifier, rest) = match abbreviation {
        Some((identifier, beginning)) => (*identifier, uri.get(beginning.len()..).unwrap_or_default()),
        None => (0x00, uri),
    };
    let length = rest.len() + 1;
    let mut message = Vec::with_capacity(length + 7);
    if let Ok(length) = u8::try_from(length) {
        message.extend([ONLY_RECORD | SHORT_RECORD, 1, length]);
    } else {
        message.extend([ONLY_RECORD, 1]);
        message.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
    message.extend([URI, identifier]);
    message.extend_from_slice(rest.as_bytes());
    message
}

/// The same as the data area of a Type 2 Tag, from its block 4 on: in a length field, with its end.
pub fn type_2_tag(uri: &str) -> Vec<u8> {
    let message = uri_message(uri);
    let mut data = Vec::with_capacity(message.len() + 5);
    data.push(NDEF_MESSAGE);
    let length = u8::try_from(message.len()).unwrap_or(LONG);
    data.push(length);
    if length == LONG {
        data.extend(u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes());
    }
    data.extend(message);
    data.push(TERMINATOR);
    data
}
