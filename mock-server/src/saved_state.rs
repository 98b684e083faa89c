//! What outlives a restart: codes, tokens, clients, people, the clock and the key of the forms.
//!
//! What a run of tests asks for (faults, scripts) and what it saw (journal, verdicts) ends with the run.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::authorization_codes::AuthorizationCodes;
use crate::authorization_server::{AuthorizationServer, csrf_key};
use crate::clients::Client;
use crate::clock::{Timestamp, VirtualClock};
use crate::device_codes::DeviceCodes;
use crate::issued_tokens::IssuedTokens;
use crate::person::Person;
use crate::settings::Settings;

/// Says what a file is before anything else of it is read.
#[derive(Deserialize, Serialize)]
struct Envelope<State> {
    format: Format,
    version: u32,
    state: State,
}

#[derive(Deserialize, Serialize)]
enum Format {
    #[serde(rename = "mock-server state")]
    MockServerState,
}

/// The version that this release writes and reads.
const VERSION: u32 = 1;

/// The state of a server, its own or as it was read.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SavedState<'a> {
    clock: VirtualClock,
    saved_at: Timestamp,
    drawn: u64,
    csrf_secret: [u8; 32],
    clients: Vec<Kept<'a, Client>>,
    users: Vec<Kept<'a, Person>>,
    device_codes: Kept<'a, DeviceCodes>,
    authorization_codes: Kept<'a, AuthorizationCodes>,
    tokens: Kept<'a, IssuedTokens>,
    tenants: BTreeMap<String, SavedState<'a>>,
}

/// A part of the state: lent to be written, owned once it was read.
#[derive(Serialize)]
#[serde(untagged)]
enum Kept<'a, T> {
    Lent(&'a T),
    Owned(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Kept<'_, T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Owned)
    }
}

impl<T> Kept<'_, T> {
    /// `None` for what was only lent, which no reading gives.
    fn owned(self) -> Option<T> {
        match self {
            Self::Owned(part) => Some(part),
            Self::Lent(_) => None,
        }
    }
}

/// Why a saved state cannot be used.
#[derive(Debug)]
pub(crate) enum UnusableState {
    Damaged(serde_json::Error),
    OfVersion(u32),
}

impl fmt::Display for UnusableState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(error) => write!(formatter, "it is damaged or no state of a mock-server: {error}"),
            Self::OfVersion(version) => {
                write!(formatter, "it is of version {version}, and this mock-server knows version {VERSION}")
            }
        }
    }
}

impl AuthorizationServer {
    /// The state as a text, to be read by [`restored`](Self::restored).
    pub(crate) fn saved(&self, now: Timestamp) -> Result<Vec<u8>, serde_json::Error> {
        let envelope = Envelope { format: Format::MockServerState, version: VERSION, state: self.lend(now) };
        serde_json::to_vec(&envelope)
    }

    fn lend(&self, now: Timestamp) -> SavedState<'_> {
        SavedState {
            clock: self.clock,
            saved_at: now,
            drawn: self.randomness.drawn(),
            csrf_secret: self.csrf_secret,
            clients: self.clients.iter().map(Kept::Lent).collect(),
            users: self.people.iter().map(Kept::Lent).collect(),
            device_codes: Kept::Lent(&self.device_codes),
            authorization_codes: Kept::Lent(&self.authorization_codes),
            tokens: Kept::Lent(&self.tokens),
            tenants: self.tenants.iter().map(|(name, tenant)| (name.clone(), tenant.lend(now))).collect(),
        }
    }

    /// The server that was saved, under these settings: where both name a client or a person, the settings win.
    pub(crate) fn restored(settings: Settings, saved: &[u8], now: Timestamp) -> Result<Self, UnusableState> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(rename = "format")]
            _format: Format,
            version: u32,
        }
        let head: Head = serde_json::from_slice(saved).map_err(UnusableState::Damaged)?;
        if head.version != VERSION {
            return Err(UnusableState::OfVersion(head.version));
        }
        let envelope: Envelope<SavedState<'_>> =
            serde_json::from_slice(saved).map_err(UnusableState::Damaged)?;
        let mut server = Self::new(settings, now);
        server.take_up(envelope.state, now);
        Ok(server)
    }

    fn take_up(&mut self, saved: SavedState<'_>, now: Timestamp) {
        // Time went on while the server was away, unless its clock stands still.
        self.clock = saved.clock.gone_on(saved.saved_at, now);
        self.randomness.skip(saved.drawn);
        self.csrf_secret = saved.csrf_secret;
        self.csrf_key = csrf_key(&saved.csrf_secret);
        for client in saved.clients.into_iter().filter_map(Kept::owned) {
            if self.clients.find(&client.id).is_none() {
                self.clients.put(client);
            }
        }
        for person in saved.users.into_iter().filter_map(Kept::owned) {
            if self.people.find(&person.subject).is_none() {
                self.people.put(person);
            }
        }
        self.device_codes = saved.device_codes.owned().unwrap_or_default();
        self.device_codes.go_on();
        self.authorization_codes = saved.authorization_codes.owned().unwrap_or_default();
        self.tokens = saved.tokens.owned().unwrap_or_default();
        for (name, saved) in saved.tenants {
            if let Some(tenant) = self.tenant_mut(&name, now) {
                tenant.take_up(saved, now);
            }
        }
    }
}
