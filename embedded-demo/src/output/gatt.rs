//! The address as a GATT characteristic, which a phone nearby reads over Bluetooth LE: the attribute protocol's PDUs
//! (Bluetooth Core Specification 5.4, volume 3, parts F and G), without a radio.
//!
//! It serves one service with one characteristic, URI (0x2AB6), of which nothing can be written. What the radio's stack
//! hands over as a PDU of the fixed channel 4 is answered; a product's stack, which has a server of its own, takes the
//! value alone. **No radio has seen this**: it is tested byte by byte.
//!
//! Only addresses go here, never a `device_code` or a token. Whoever is in reach reads them, some hundred metres with a
//! good antenna: give [`View::Code`](crate::View::Code)'s `verification_uri`, and the one with the code in it only
//! while somebody who stands at the device has asked for it, by a button for instance. Any other channel than one for
//! "people in close proximity" lets strangers sign the device in as themselves (RFC 8628 §5.7); RFC 10027 asks for
//! proximity too, and says what it is worth.

use alloc::vec::Vec;

/// Of the only service: assigned to nobody.
pub const SERVICE: u128 = 0x61098a93_3429_40a0_8bc2_32343c1007bb;
/// The characteristic's type: URI (Assigned Numbers, 3.8.1).
pub const URI: u16 = 0x2AB6;
/// The handle of its value.
pub const VALUE_HANDLE: u16 = 3;

/// "The maximum length of an attribute value shall be 512 octets" (part F, 3.2.9).
const MAX_VALUE_BYTES: usize = 512;
/// What every client can read at once (part G, 5.2.1), and what this server can.
const DEFAULT_MTU: u16 = 23;
const SERVER_MTU: u16 = 247;
/// GATT's types (Assigned Numbers, 3.2 and 3.3).
const PRIMARY_SERVICE: u16 = 0x2800;
const CHARACTERISTIC: u16 = 0x2803;
const SERVICE_HANDLE: u16 = 1;
const CHARACTERISTIC_HANDLE: u16 = 2;
/// A characteristic's property (part G, 3.3.1.1): it can be read.
const READ: u8 = 0x02;
/// What stands around the 16 bits of a short UUID (part B, 2.5.1).
const BASE_UUID: u128 = 0x0000_0000_0000_1000_8000_0080_5F9B_34FB;
const COMMAND_FLAG: u8 = 0x40;
const CONFIRMATION: u8 = 0x1E;

/// A server for one client.
#[derive(Clone, Debug)]
pub struct AttributeServer<'a> {
    uri: &'a str,
    mtu: usize,
}

/// Why a request is refused (part F, 3.4.1.1).
#[derive(Clone, Copy)]
enum Refusal {
    InvalidHandle = 0x01,
    InvalidPdu = 0x04,
    RequestNotSupported = 0x06,
    InvalidOffset = 0x07,
    AttributeNotFound = 0x0A,
    UnsupportedGroupType = 0x10,
}

impl<'a> AttributeServer<'a> {
    /// A server of `uri`, for a client that has just connected; `None` for more bytes than a value may have.
    pub const fn new(uri: &'a str) -> Option<Self> {
        if uri.len() > MAX_VALUE_BYTES { None } else { Some(Self { uri, mtu: DEFAULT_MTU as usize }) }
    }

    /// The answer to what the client sent; `None` where it wants none.
    pub fn answer(&mut self, pdu: &[u8]) -> Option<Vec<u8>> {
        let (opcode, parameters) = pdu.split_first()?;
        if opcode & COMMAND_FLAG != 0 || *opcode == CONFIRMATION {
            return None;
        }
        let result = match (*opcode, parameters) {
            (0x02, &[low, high]) => Ok(self.exchange_mtu(u16::from_le_bytes([low, high]))),
            (0x0A, &[low, high]) => self.read(u16::from_le_bytes([low, high])),
            (0x0C, &[low, high, offset_low, offset_high]) => {
                let offset = u16::from_le_bytes([offset_low, offset_high]);
                self.read_blob(u16::from_le_bytes([low, high]), offset)
            }
            (0x08 | 0x10, &[start_low, start_high, end_low, end_high, ref kind @ ..]) => {
                let start = u16::from_le_bytes([start_low, start_high]);
                let end = u16::from_le_bytes([end_low, end_high]);
                match uuid(kind) {
                    Some(kind) if *opcode == 0x08 => self.read_by_type(start, end, kind),
                    Some(kind) => self.read_by_group_type(start, end, kind),
                    None => Err((0, Refusal::InvalidPdu)),
                }
            }
            (0x02 | 0x08 | 0x0A | 0x0C | 0x10, _) => Err((0, Refusal::InvalidPdu)),
            _ => Err((0, Refusal::RequestNotSupported)),
        };
        Some(result.unwrap_or_else(|(handle, refusal)| {
            let [low, high] = handle.to_le_bytes();
            [0x01, *opcode, low, high, refusal as u8].into()
        }))
    }

    /// Both may send so much from now on (part F, 3.4.2).
    fn exchange_mtu(&mut self, client: u16) -> Vec<u8> {
        self.mtu = usize::from(client.clamp(DEFAULT_MTU, SERVER_MTU));
        pdu(0x03, &[&SERVER_MTU.to_le_bytes()])
    }

    fn read(&self, handle: u16) -> Answer {
        let value = self.value(handle).ok_or((handle, Refusal::InvalidHandle))?;
        Ok(pdu(0x0B, &[self.beginning(&value, 1)]))
    }

    /// What is longer than one answer, from `offset` on (part F, 3.4.4.5).
    fn read_blob(&self, handle: u16, offset: u16) -> Answer {
        let value = self.value(handle).ok_or((handle, Refusal::InvalidHandle))?;
        // "greater than the length": at its end there is one more answer, an empty one.
        let rest = value.get(usize::from(offset)..).ok_or((handle, Refusal::InvalidOffset))?;
        Ok(pdu(0x0D, &[self.beginning(rest, 1)]))
    }

    /// The discovery of characteristics, and a value whose handle is unknown (part F, 3.4.4.1).
    fn read_by_type(&self, start: u16, end: u16, kind: u128) -> Answer {
        check_range(start, end)?;
        let kinds =
            [(SERVICE_HANDLE, PRIMARY_SERVICE), (CHARACTERISTIC_HANDLE, CHARACTERISTIC), (VALUE_HANDLE, URI)];
        let found = kinds
            .into_iter()
            .find(|(handle, of_kind)| (start..=end).contains(handle) && long(*of_kind) == kind);
        let (handle, value) = found
            .and_then(|(handle, _)| Some((handle, self.value(handle)?)))
            .ok_or((start, Refusal::AttributeNotFound))?;
        let value = self.beginning(&value, 4);
        Ok(pdu(0x09, &[&[length_byte(value.len() + 2)], &handle.to_le_bytes(), value]))
    }

    /// The discovery of services (part F, 3.4.4.9).
    fn read_by_group_type(&self, start: u16, end: u16, kind: u128) -> Answer {
        check_range(start, end)?;
        if kind != long(PRIMARY_SERVICE) {
            return Err((start, Refusal::UnsupportedGroupType));
        }
        let value = self
            .value(SERVICE_HANDLE)
            .filter(|_| (start..=end).contains(&SERVICE_HANDLE))
            .ok_or((start, Refusal::AttributeNotFound))?;
        let handles = [SERVICE_HANDLE.to_le_bytes(), VALUE_HANDLE.to_le_bytes()];
        Ok(pdu(0x11, &[&[length_byte(value.len() + 4)], handles.as_flattened(), &value]))
    }

    fn value(&self, handle: u16) -> Option<Vec<u8>> {
        match handle {
            SERVICE_HANDLE => Some(SERVICE.to_le_bytes().into()),
            // Its properties, the handle of its value, its type (part G, 3.3.1).
            CHARACTERISTIC_HANDLE => {
                Some([&[READ][..], &VALUE_HANDLE.to_le_bytes(), &URI.to_le_bytes()].concat())
            }
            VALUE_HANDLE => Some(self.uri.into()),
            _ => None,
        }
    }

    /// As much of `value` as fits behind `taken` bytes of a PDU.
    fn beginning<'v>(&self, value: &'v [u8], taken: usize) -> &'v [u8] {
        value.get(..self.mtu - taken).unwrap_or(value)
    }
}

/// A PDU, or the handle that is the trouble and what it is.
type Answer = Result<Vec<u8>, (u16, Refusal)>;

fn pdu(opcode: u8, parameters: &[&[u8]]) -> Vec<u8> {
    [&[&[opcode][..]], parameters].concat().concat()
}

/// "If the starting handle is greater than the ending handle or the starting handle is 0x0000".
fn check_range(start: u16, end: u16) -> Result<(), (u16, Refusal)> {
    if start == 0 || start > end { Err((start, Refusal::InvalidHandle)) } else { Ok(()) }
}

/// A type in 2 or 16 bytes, as one of 16.
fn uuid(bytes: &[u8]) -> Option<u128> {
    match bytes.try_into() {
        Ok(short) => Some(long(u16::from_le_bytes(short))),
        Err(_) => bytes.try_into().ok().map(u128::from_le_bytes),
    }
}

fn long(short: u16) -> u128 {
    (u128::from(short) << 96) | BASE_UUID
}

/// It fits: no value is longer than the MTU.
fn length_byte(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}
