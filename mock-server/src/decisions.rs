//! What is decided in a person's place, as methods of the server.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::authorization_server::AuthorizationServer;
use crate::clients::Client;
use crate::clock::Timestamp;
use crate::device_codes::{Decision, DeviceLogin};
use crate::journal::RecordedRequest;
use crate::login_timeline::LoginEvent;
use crate::person::Person;

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

/// Names a device login.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhichDevice<'a> {
    /// By its user code, read as a person types it.
    UserCode(&'a str),
    /// By its device code, a secret.
    DeviceCode(&'a str),
    /// The oldest one that waits for a person.
    Next,
}

impl<'a> From<&'a str> for WhichDevice<'a> {
    fn from(user_code: &'a str) -> Self {
        Self::UserCode(user_code)
    }
}

impl<'a> From<&'a String> for WhichDevice<'a> {
    fn from(user_code: &'a String) -> Self {
        Self::UserCode(user_code)
    }
}

/// Without the device code.
impl fmt::Debug for WhichDevice<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UserCode(user_code) => user_code,
            Self::DeviceCode(_) => "by device code",
            Self::Next => "next",
        })
    }
}

/// Why a decision about a device login could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlError {
    /// No device login has this user code.
    UnknownUserCode,
    /// No device login has this device code.
    UnknownDeviceCode,
    /// No device login waits for a person.
    NonePending,
    /// No client is registered with this `client_id`.
    UnknownClient,
    /// The scope is not supported.
    UnknownScope,
    /// Nobody with this subject can sign in.
    UnknownUser,
    /// The code has expired.
    Expired,
    /// It was approved or denied before.
    AlreadyDecided,
    /// The server keeps as many tokens as it can.
    TooManyTokens,
    /// The server speaks plain HTTP: there is no TLS handshake.
    NotOverTls,
    /// The certificate is one of your own: nobody here can sign another in its place.
    NoAuthority,
}

impl fmt::Display for ControlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UnknownUserCode => "no device login has this user code: see the list of pending ones",
            Self::UnknownDeviceCode => "no device login has this device code",
            Self::NonePending => "no device login waits for a person",
            Self::UnknownClient => "no client is registered with this client_id: see the list of clients",
            Self::UnknownScope => "the scope is not supported: see scopes_supported in the metadata",
            Self::UnknownUser => "nobody with this name can sign in here: see the list of users",
            Self::Expired => "the user code has expired: let the device ask for a new one",
            Self::AlreadyDecided => "the device login was approved or denied before",
            Self::TooManyTokens => "too many tokens are good: let some expire, or reset the server",
            Self::NotOverTls => "the server speaks plain HTTP: start it with TLS to break handshakes",
            Self::NoAuthority => {
                "expired, not_yet_valid and wrong_host need a certificate that the server made: only its authority can sign them"
            }
        })
    }
}

impl Error for ControlError {}

impl AuthorizationServer {
    /// Approves a device login in the place of the first user; a text is a user code, read as a person types it.
    pub fn approve<'a>(
        &mut self,
        now: Timestamp,
        device: impl Into<WhichDevice<'a>>,
    ) -> Result<(), ControlError> {
        let person = self.people.first();
        let (login, now) = self.undecided(now, device.into())?;
        login.approve(now, person);
        Ok(())
    }

    /// Approves a device login in the place of the user whose subject is `user`.
    pub fn approve_as<'a>(
        &mut self,
        now: Timestamp,
        device: impl Into<WhichDevice<'a>>,
        user: &str,
    ) -> Result<(), ControlError> {
        let person = self.people.find(user).map(Arc::clone).ok_or(ControlError::UnknownUser)?;
        let (login, now) = self.undecided(now, device.into())?;
        login.approve(now, person);
        Ok(())
    }

    /// Denies a device login.
    pub fn deny<'a>(
        &mut self,
        now: Timestamp,
        device: impl Into<WhichDevice<'a>>,
    ) -> Result<(), ControlError> {
        let (login, now) = self.undecided(now, device.into())?;
        login.deny(now);
        Ok(())
    }

    /// Lets the code of a device login expire now, approved or not.
    pub fn expire<'a>(
        &mut self,
        now: Timestamp,
        device: impl Into<WhichDevice<'a>>,
    ) -> Result<(), ControlError> {
        let now = self.virtual_time(now);
        self.find_login(now, device.into())?.expire(now);
        Ok(())
    }

    /// Answers the next poll of a device login that waits for a person with `slow_down`.
    pub fn slow_down<'a>(
        &mut self,
        now: Timestamp,
        device: impl Into<WhichDevice<'a>>,
    ) -> Result<(), ControlError> {
        let (login, now) = self.undecided(now, device.into())?;
        login.script.slow_down_next();
        login.timeline.note(now, LoginEvent::SlowDownAsked);
        self.device_codes.have_scripts = true;
        Ok(())
    }

    /// Device logins that wait for a person, oldest first.
    pub fn pending(&self, now: Timestamp) -> Vec<PendingDevice> {
        let now = self.virtual_time(now);
        let describe = |login: &DeviceLogin| PendingDevice {
            user_code: login.user_code.clone(),
            client_id: login.client.id.clone(),
            scope: login.scope.to_parameter(),
            expires_in: login.expires_at.since(now).as_secs(),
        };
        self.device_codes.pending(now).map(describe).collect()
    }

    /// What clients did so far, oldest first (the latest ten thousand requests).
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &RecordedRequest> {
        self.journal.iter()
    }

    /// Registers a client, or replaces the one with the same `client_id`; true if it is a new one.
    pub fn put_client(&mut self, client: Client) -> bool {
        self.clients.put(client)
    }

    /// Forgets a client; true if there was one. What it holds already stays good.
    pub fn remove_client(&mut self, client_id: &str) -> bool {
        self.clients.remove(client_id)
    }

    /// The registered clients.
    pub fn clients(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter()
    }

    /// Adds someone who can sign in, or replaces who has the same subject; true if they are new.
    pub fn put_user(&mut self, person: Person) -> bool {
        self.people.put(person)
    }

    /// Forgets someone; true if they were known. What they approved stays good.
    pub fn remove_user(&mut self, subject: &str) -> bool {
        self.people.remove(subject)
    }

    /// Everyone who can sign in.
    pub fn users(&self) -> impl Iterator<Item = &Person> {
        self.people.iter()
    }

    /// The login, and the virtual time of the decision about it.
    fn undecided(
        &mut self,
        now: Timestamp,
        device: WhichDevice<'_>,
    ) -> Result<(&mut DeviceLogin, Timestamp), ControlError> {
        let now = self.virtual_time(now);
        let login = self.find_login(now, device)?;
        if login.decision != Decision::Pending {
            return Err(ControlError::AlreadyDecided);
        }
        if login.is_expired(now) {
            return Err(ControlError::Expired);
        }
        Ok((login, now))
    }

    fn find_login(
        &mut self,
        virtual_now: Timestamp,
        device: WhichDevice<'_>,
    ) -> Result<&mut DeviceLogin, ControlError> {
        self.revision.note_change();
        match device {
            WhichDevice::UserCode(typed) => {
                self.device_codes.by_typed_code(typed).ok_or(ControlError::UnknownUserCode)
            }
            WhichDevice::DeviceCode(code) => {
                self.device_codes.by_device_code(code).ok_or(ControlError::UnknownDeviceCode)
            }
            WhichDevice::Next => self.device_codes.next_pending(virtual_now).ok_or(ControlError::NonePending),
        }
    }
}
