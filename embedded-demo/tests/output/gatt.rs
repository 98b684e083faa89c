use embedded_demo::output::gatt::{AttributeServer, SERVICE, URI, VALUE_HANDLE};
use proptest::prelude::*;

const SHORT: &str = "https://a.example/d";
const ADDRESS: &str = "https://auth.example.com/device";

fn answer(pdu: &[u8]) -> Vec<u8> {
    AttributeServer::new(ADDRESS).unwrap().answer(pdu).unwrap()
}

/// A client, as the specification describes it: a read, then blobs until one is not full (part G, 4.8.3).
fn read_long_value(server: &mut AttributeServer<'_>, mtu: usize) -> Vec<u8> {
    let [low, high] = VALUE_HANDLE.to_le_bytes();
    let first = server.answer(&[0x0A, low, high]).unwrap();
    assert_eq!(first[0], 0x0B);
    let mut value = first[1..].to_vec();
    let mut is_full = first.len() == mtu;
    while is_full {
        let offset = u16::try_from(value.len()).unwrap().to_le_bytes();
        let blob = server.answer(&[0x0C, low, high, offset[0], offset[1]]).unwrap();
        assert_eq!(blob[0], 0x0D);
        assert!(blob.len() <= mtu);
        value.extend_from_slice(&blob[1..]);
        is_full = blob.len() == mtu;
    }
    value
}

/// Core Specification 5.4, volume 3, part F, 3.4.4.3 to 3.4.4.6: opcode, handle and offset with the low byte first.
#[test]
fn an_address_is_read_in_one_piece_or_in_several() {
    let mut server = AttributeServer::new(SHORT).unwrap();
    assert_eq!(server.answer(b"\x0A\x03\x00").unwrap(), b"\x0Bhttps://a.example/d");
    assert_eq!(
        answer(b"\x0A\x03\x00"),
        b"\x0Bhttps://auth.example.c",
        "22 bytes, as the smallest MTU has them"
    );
    assert_eq!(answer(b"\x0C\x03\x00\x16\x00"), b"\x0Dom/device");
    assert_eq!(answer(b"\x0C\x03\x00\x00\x00"), b"\x0Dhttps://auth.example.c");
    assert_eq!(answer(b"\x0C\x03\x00\x1F\x00"), b"\x0D", "at the end of 31 bytes");
}

/// Part F, 3.4.1.1: opcode 0x01, the request's opcode, the handle, the error.
#[test]
fn what_cannot_be_is_refused_by_its_error() {
    for (request, error) in [
        (&b"\x0A\x04\x00"[..], &b"\x01\x0A\x04\x00\x01"[..]),
        (b"\x0A\x00\x00", b"\x01\x0A\x00\x00\x01"),
        (b"\x0A\xFF\xFF", b"\x01\x0A\xFF\xFF\x01"),
        (b"\x0C\x09\x00\x00\x00", b"\x01\x0C\x09\x00\x01"),
        (b"\x0C\x03\x00\x20\x00", b"\x01\x0C\x03\x00\x07"),
        (b"\x0C\x03\x00\xFF\xFF", b"\x01\x0C\x03\x00\x07"),
        // Too short, too long.
        (b"\x0A\x03", b"\x01\x0A\x00\x00\x04"),
        (b"\x0A\x03\x00\x00", b"\x01\x0A\x00\x00\x04"),
        (b"\x0C\x03\x00\x00", b"\x01\x0C\x00\x00\x04"),
        (b"\x02\x17", b"\x01\x02\x00\x00\x04"),
        (b"\x08\x01\x00\xFF\xFF\x03", b"\x01\x08\x00\x00\x04"),
        // A write, and what no request is.
        (b"\x12\x03\x00http://evil.example", b"\x01\x12\x00\x00\x06"),
        (b"\x16\x03\x00\x00\x00x", b"\x01\x16\x00\x00\x06"),
        (b"\x3F", b"\x01\x3F\x00\x00\x06"),
    ] {
        assert_eq!(answer(request), error, "{request:x?}");
    }
}

/// Part F, 3.3.1: a command and a confirmation get no answer, and change nothing.
#[test]
fn what_wants_no_answer_gets_none() {
    let mut server = AttributeServer::new(ADDRESS).unwrap();
    for pdu in [&b""[..], b"\x52\x03\x00http://evil.example", b"\xD2\x03\x00x", b"\x1E"] {
        assert_eq!(server.answer(pdu), None, "{pdu:x?}");
    }
    assert_eq!(read_long_value(&mut server, 23), ADDRESS.as_bytes());
}

/// Part F, 3.4.4.9 and 3.4.4.1; part G, 4.4.1 and 4.6.1.
#[test]
fn a_client_finds_the_service_and_its_characteristic() {
    // Primary services from 0x0001 to 0xFFFF: each of 20 bytes, from handle 1 to handle 3.
    let services = answer(b"\x10\x01\x00\xFF\xFF\x00\x28");
    assert_eq!(services[..6], *b"\x11\x14\x01\x00\x03\x00");
    assert_eq!(services[6..], *b"\xBB\x07\x10\x3C\x34\x32\xC2\x8B\xA0\x40\x29\x34\x93\x8A\x09\x61");
    assert_eq!(SERVICE, 0x61098a93_3429_40a0_8bc2_32343c1007bb);
    // The client goes on behind what it has found, until there is nothing.
    assert_eq!(answer(b"\x10\x04\x00\xFF\xFF\x00\x28"), b"\x01\x10\x04\x00\x0A");
    // Secondary services are none that can be asked for so.
    assert_eq!(answer(b"\x10\x01\x00\xFF\xFF\x03\x28"), b"\x01\x10\x01\x00\x10");
    // Characteristics from 1 to 3: of 7 bytes, handle 2, to be read, value at handle 3, 0x2AB6.
    assert_eq!(answer(b"\x08\x01\x00\x03\x00\x03\x28"), b"\x09\x07\x02\x00\x02\x03\x00\xB6\x2A");
    assert_eq!(answer(b"\x08\x03\x00\x03\x00\x03\x28"), b"\x01\x08\x03\x00\x0A");
    assert_eq!(URI, 0x2AB6);
    // By its type, short or long, whoever knows it already: as much as fits.
    let value = b"\x09\x15\x03\x00https://auth.exampl";
    assert_eq!(answer(b"\x08\x01\x00\xFF\xFF\xB6\x2A"), value);
    let long = b"\x08\x01\x00\xFF\xFF\xFB\x34\x9B\x5F\x80\x00\x00\x80\x00\x10\x00\x00\xB6\x2A\x00\x00";
    assert_eq!(answer(long), value);
    // No range: "the starting handle is greater than the ending handle or [..] 0x0000".
    assert_eq!(answer(b"\x08\x03\x00\x01\x00\x03\x28"), b"\x01\x08\x03\x00\x01");
    assert_eq!(answer(b"\x10\x00\x00\xFF\xFF\x00\x28"), b"\x01\x10\x00\x00\x01");
}

/// Part F, 3.4.2: the smaller of both sides' counts, 23 at least.
#[test]
fn a_client_with_room_gets_more_at_once() {
    let long = format!("https://auth.example.com/device?user_code={}", "A".repeat(400));
    for (client, mtu) in [(b"\x40\x00", 64), (b"\x05\x02", 247), (b"\xFF\xFF", 247), (b"\x10\x00", 23)] {
        let mut server = AttributeServer::new(&long).unwrap();
        let answer = server.answer(&[0x02, client[0], client[1]]).unwrap();
        assert_eq!(answer, b"\x03\xF7\x00", "what this server reads: 247");
        assert_eq!(server.answer(b"\x0A\x03\x00").unwrap().len(), mtu);
        assert_eq!(read_long_value(&mut server, mtu), long.as_bytes());
    }
}

#[test]
fn addresses_of_up_to_512_bytes_are_served_whole_and_longer_ones_not_at_all() {
    for length in [0, 1, 21, 22, 23, 43, 44, 45, 511, 512] {
        let uri = "a".repeat(length);
        assert_eq!(read_long_value(&mut AttributeServer::new(&uri).unwrap(), 23), uri.as_bytes(), "{length}");
    }
    assert!(AttributeServer::new(&"a".repeat(513)).is_none());
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer_that_fits_and_change_no_address(
        pdus in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..24), 0..20),
    ) {
        let mut server = AttributeServer::new(ADDRESS).unwrap();
        for pdu in pdus {
            let answer = server.answer(&pdu).unwrap_or_default();
            prop_assert!(answer.len() <= 247);
        }
        let [low, high] = [23, 0];
        server.answer(&[0x02, low, high]);
        prop_assert_eq!(read_long_value(&mut server, 23), ADDRESS.as_bytes());
    }
}
