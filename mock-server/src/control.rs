//! What a test or a developer decides in a person's place.

use std::error::Error;
use std::fmt;

use crate::authorization_server::AuthorizationServer;
use crate::clock::Timestamp;
use crate::device_codes::{Decision, DeviceLogin};

/// A device login that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingDevice {
    /// The code as the device shows it.
    pub user_code: String,
    /// The client that asked.
    pub client_id: String,
    /// The scope that it asked for, tokens separated by spaces.
    pub scope: String,
    /// Seconds until the code expires.
    pub expires_in: u64,
}

/// Why a decision about a device login could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlError {
    /// No device login has this user code.
    UnknownUserCode,
    /// The code has expired.
    Expired,
    /// It was approved or denied before.
    AlreadyDecided,
}

impl fmt::Display for ControlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UnknownUserCode => "no device login has this user code: see the list of pending ones",
            Self::Expired => "the user code has expired: let the device ask for a new one",
            Self::AlreadyDecided => "the device login was approved or denied before",
        })
    }
}

impl Error for ControlError {}

impl AuthorizationServer {
    /// Approves the device login that shows `user_code`, read as a person types it.
    pub fn approve(&mut self, now: Timestamp, user_code: &str) -> Result<(), ControlError> {
        self.undecided(now, user_code)?.decision = Decision::Approved;
        Ok(())
    }

    /// Denies the device login that shows `user_code`.
    pub fn deny(&mut self, now: Timestamp, user_code: &str) -> Result<(), ControlError> {
        self.undecided(now, user_code)?.decision = Decision::Denied;
        Ok(())
    }

    /// Lets the code expire now, approved or not.
    pub fn expire(&mut self, now: Timestamp, user_code: &str) -> Result<(), ControlError> {
        let login = self.device_codes.by_typed_code(user_code).ok_or(ControlError::UnknownUserCode)?;
        login.expires_at = login.expires_at.min(now);
        Ok(())
    }

    /// Device logins that wait for a person, oldest first.
    pub fn pending(&self, now: Timestamp) -> Vec<PendingDevice> {
        let describe = |login: &DeviceLogin| PendingDevice {
            user_code: login.user_code.clone(),
            client_id: login.client_id.to_owned(),
            scope: login.scope.to_parameter(),
            expires_in: login.expires_at.since(now).as_secs(),
        };
        self.device_codes.pending(now).map(describe).collect()
    }

    fn undecided(&mut self, now: Timestamp, user_code: &str) -> Result<&mut DeviceLogin, ControlError> {
        let login = self.device_codes.by_typed_code(user_code).ok_or(ControlError::UnknownUserCode)?;
        if login.decision != Decision::Pending {
            return Err(ControlError::AlreadyDecided);
        }
        if login.is_expired(now) {
            return Err(ControlError::Expired);
        }
        Ok(login)
    }
}
