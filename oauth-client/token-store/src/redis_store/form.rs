//! How a record stands under its key.

use zeroize::Zeroizing;

use super::value::Stored;
use crate::record_files::{Unreadable, record_of};
use crate::record_json::to_json;
use crate::{StoreError, TokenKey, TokenRecord};
#[cfg(feature = "sealed-file")]
use crate::{record_files::RecordFormat as _, sealed_file_store::Sealed};

pub(super) const NAME: &str = "Redis";
#[cfg(feature = "sealed-file")]
const SEALED_NAME: &str = "sealed Redis";

/// As in a file, or sealed as in a file.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Plain,
    #[cfg(feature = "sealed-file")]
    Sealed(Sealed),
}

#[cfg_attr(not(feature = "sealed-file"), expect(clippy::unnecessary_wraps, reason = "only a key can fail"))]
impl Form {
    pub(super) const fn store(&self) -> &'static str {
        match self {
            Self::Plain => NAME,
            #[cfg(feature = "sealed-file")]
            Self::Sealed(_) => SEALED_NAME,
        }
    }

    /// No two forms share a key or a lock.
    pub(super) const fn prefix(&self) -> &'static str {
        match self {
            Self::Plain => "",
            #[cfg(feature = "sealed-file")]
            Self::Sealed(_) => Sealed::PREFIX,
        }
    }

    pub(super) const fn is_sealed(&self) -> bool {
        !matches!(self, Self::Plain)
    }

    pub(super) fn prepare(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Plain => Ok(()),
            #[cfg(feature = "sealed-file")]
            Self::Sealed(sealed) => sealed.prepare().map_err(|error| error.of_store(SEALED_NAME)),
        }
    }

    pub(super) fn decode(&self, key: &TokenKey, stored: &Stored) -> Result<Option<TokenRecord>, Unreadable> {
        let bytes = match stored {
            Stored::Nothing => return Ok(None),
            Stored::NoString => return Err(Unreadable::Damaged),
            Stored::Bytes(bytes) => bytes,
        };
        match self {
            Self::Plain => record_of(key, bytes),
            #[cfg(feature = "sealed-file")]
            Self::Sealed(sealed) => sealed.decode(key, bytes.clone()),
        }
        .map(Some)
    }

    pub(super) fn encode(&mut self, record: &TokenRecord) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        match self {
            Self::Plain => Ok(to_json(record)),
            #[cfg(feature = "sealed-file")]
            Self::Sealed(sealed) => sealed.encode(record).map_err(|error| error.of_store(SEALED_NAME)),
        }
    }
}
