use embedded_demo::output::ndef::{type_2_tag, uri_message};

/// A reader, as RTD URI 1.0 and NDEF 1.0 describe it. Gives the URI of the only record.
fn read(message: &[u8]) -> String {
    let (flags, type_length) = (message[0], message[1]);
    assert_eq!(flags & 0xC0, 0xC0, "message begin and end");
    assert_eq!(flags & 0x28, 0, "no chunk, no identifier");
    assert_eq!(flags & 0x07, 0x01, "an NFC Forum well-known type");
    assert_eq!(type_length, 1);
    let (length, rest) = if flags & 0x10 == 0 {
        (u32::from_be_bytes(message[2..6].try_into().unwrap()) as usize, &message[6..])
    } else {
        (usize::from(message[2]), &message[3..])
    };
    assert_eq!(rest[0], b'U');
    assert_eq!(rest[1..].len(), length);
    let beginning = ["", "http://www.", "https://www.", "http://", "https://"][usize::from(rest[1])];
    format!("{beginning}{}", std::str::from_utf8(&rest[2..]).unwrap())
}

/// The message in a Type 2 Tag's data area.
fn message_in(data: &[u8]) -> &[u8] {
    assert_eq!(data[0], 0x03);
    let (length, rest) = if data[1] == 0xFF {
        (usize::from(u16::from_be_bytes([data[2], data[3]])), &data[4..])
    } else {
        (usize::from(data[1]), &data[2..])
    };
    assert_eq!(rest[length..], [0xFE]);
    &rest[..length]
}

/// RTD URI 1.0, appendix A.1: the record for `http://www.nfc.com`.
#[test]
fn the_example_of_the_specification_comes_out() {
    assert_eq!(uri_message("http://www.nfc.com"), b"\xD1\x01\x08\x55\x01nfc.com");
}

#[test]
fn every_address_comes_back_however_long() {
    let long = format!("https://auth.example.com/device?user_code={}", "A".repeat(300));
    for uri in [
        "https://auth.example.com/device?user_code=WDJB-MJHT",
        "https://www.example.com/link",
        "http://127.0.0.1:8080/device",
        "coap://box/login",
        &long,
        &long[..252 + "https://".len()],
        &long[..253 + "https://".len()],
        &long[..254 + "https://".len()],
        &long[..255 + "https://".len()],
    ] {
        assert_eq!(read(&uri_message(uri)), uri);
        assert_eq!(message_in(&type_2_tag(uri)), uri_message(uri));
    }
    // What embedded devices have room for: an NTAG213 holds 144 bytes.
    assert_eq!(type_2_tag("https://auth.example.com/device?user_code=WDJB-MJHT").len(), 51);
}
