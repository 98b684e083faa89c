use embedded_demo::output::improv::{SEND_WIFI_SETTINGS, rpc_result, serial_packet};

const URL: &str = "https://auth.example.com/device?user_code=WDJB-MJHT";

/// A client, as the protocol describes it: the strings of a result.
fn strings(data: &[u8]) -> Vec<String> {
    assert_eq!(data[0], SEND_WIFI_SETTINGS);
    assert_eq!(usize::from(data[1]), data.len() - 2);
    let mut rest = &data[2..];
    let mut strings = Vec::new();
    while let [length, after @ ..] = rest {
        let (string, after) = after.split_at(usize::from(*length));
        strings.push(String::from_utf8(string.to_vec()).unwrap());
        rest = after;
    }
    strings
}

fn without_checksum(bytes: &[u8]) -> &[u8] {
    let (checksum, rest) = bytes.split_last().unwrap();
    let sum: u32 = rest.iter().map(|byte| u32::from(*byte)).sum();
    assert_eq!(u32::from(*checksum), sum % 256);
    rest
}

#[test]
fn a_client_finds_the_address_in_the_result() {
    assert_eq!(strings(without_checksum(&rpc_result(SEND_WIFI_SETTINGS, URL).unwrap())), [URL]);
}

#[test]
fn a_client_finds_the_address_on_the_serial_line() {
    let packet = serial_packet(SEND_WIFI_SETTINGS, URL).unwrap();
    let packet = without_checksum(&packet);
    assert_eq!(packet[..8], *b"IMPROV\x01\x04");
    assert_eq!(usize::from(packet[8]), packet.len() - 9);
    assert_eq!(strings(&packet[9..]), [URL]);
}

#[test]
fn what_does_not_fit_is_not_sent_in_half() {
    let longest = "a".repeat(252);
    assert_eq!(
        strings(without_checksum(&rpc_result(SEND_WIFI_SETTINGS, &longest).unwrap())),
        std::slice::from_ref(&longest)
    );
    assert!(serial_packet(SEND_WIFI_SETTINGS, &longest).is_some());
    assert_eq!(rpc_result(SEND_WIFI_SETTINGS, &(longest.clone() + "a")), None);
    assert_eq!(serial_packet(SEND_WIFI_SETTINGS, &(longest + "a")), None);
}
