//! The address as the `next_url` of Improv, with which a browser or a phone has just brought a device into the network.
//!
//! "If the connection is successful [...] the gadget can optionally return a URL to the client to finish onboarding":
//! the person is at a browser already, and the login goes on there. <https://www.improv-wifi.com/serial/>, `/ble/`.

use alloc::vec::Vec;

/// The command that the result answers: the network's name and password have come.
pub const SEND_WIFI_SETTINGS: u8 = 0x01;
/// Of the serial protocol.
const HEADER: &[u8] = b"IMPROV";
const VERSION: u8 = 1;
const RPC_RESULT: u8 = 0x04;

/// The value of the RPC result characteristic (Bluetooth LE); `None` for an address of more than 252 bytes, which does
/// not fit.
pub fn rpc_result(command: u8, next_url: &str) -> Option<Vec<u8>> {
    let mut result = result_data(command, next_url)?;
    result.push(checksum(&result));
    Some(result)
}

/// The same as a packet of the serial protocol.
pub fn serial_packet(command: u8, next_url: &str) -> Option<Vec<u8>> {
    let data = result_data(command, next_url)?;
    let mut packet = Vec::with_capacity(HEADER.len() + 4 + data.len());
    packet.extend_from_slice(HEADER);
    packet.extend([VERSION, RPC_RESULT, u8::try_from(data.len()).ok()?]);
    packet.extend(data);
    packet.push(checksum(&packet));
    Some(packet)
}

/// The command, the length of what follows, and a list of strings each with its length.
fn result_data(command: u8, next_url: &str) -> Option<Vec<u8>> {
    let length = u8::try_from(next_url.len()).ok().filter(|length| *length <= 252)?;
    let mut data = Vec::with_capacity(next_url.len() + 3);
    data.extend([command, length + 1, length]);
    data.extend_from_slice(next_url.as_bytes());
    Some(data)
}

/// The sum of all bytes, of which the lowest eight bits are sent.
fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}
