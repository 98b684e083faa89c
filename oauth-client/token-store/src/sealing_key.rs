//! The key that seals records.

use std::fmt;
use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::StoreProblem;

const KEY_BYTES: usize = 32;
pub(crate) const KEY_ID_BYTES: usize = 16;
/// With padding or without: people and programs write both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// 32 random bytes that records are sealed with. Clones share them; they are overwritten when the last one
/// goes, and are in no `Debug`.
#[derive(Clone)]
pub struct SealingKey(Arc<Zeroizing<[u8; KEY_BYTES]>>);

impl SealingKey {
    /// A new one from the system's randomness.
    pub fn generate() -> Result<Self, StoreProblem> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        draw(&mut *bytes)?;
        Ok(Self(Arc::new(bytes)))
    }

    /// The key that is `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(Arc::new(Zeroizing::new(*bytes)))
    }

    /// The key in a file: 32 bytes as they are, or in Base64 (RFC 4648 §4) with white space around it.
    pub fn from_file(bytes: &[u8]) -> Result<Self, StoreProblem> {
        if let Ok(bytes) = bytes.try_into() {
            return Ok(Self::from_bytes(bytes));
        }
        let not_a_key = StoreProblem::InvalidKey { reason: "a key is 32 bytes, as they are or in Base64" };
        let mut decoded = Zeroizing::new([0; KEY_BYTES]);
        match BASE64.decode_slice(bytes.trim_ascii(), &mut *decoded) {
            Ok(KEY_BYTES) => Ok(Self(Arc::new(decoded))),
            _ => Err(not_a_key),
        }
    }

    /// One line of Base64, for a file.
    #[must_use]
    pub fn expose_base64(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(KEY_BYTES.div_ceil(3) * 4 + 1));
        BASE64.encode_string(self.expose(), &mut text);
        text.push('\n');
        text
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Tells one key from another, and nothing else about it.
    pub(crate) fn id(&self) -> [u8; KEY_ID_BYTES] {
        let mut hash = Sha256::new();
        hash.update(b"oauth-token-store: name of a sealing key\0");
        hash.update(self.expose());
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&hash.finalize()[..KEY_ID_BYTES]);
        id
    }
}

/// Fills `bytes` from the system's randomness.
pub(crate) fn draw(bytes: &mut [u8]) -> Result<(), StoreProblem> {
    getrandom::fill(bytes).map_err(|error| StoreProblem::Io {
        operation: "draw random bytes",
        source: io::Error::other(error.to_string()),
    })
}

/// The key stays out of it.
impl fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("SealingKey").finish_non_exhaustive()
    }
}
