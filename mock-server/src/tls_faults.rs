//! Handshakes that go wrong on demand: what a client makes of a certificate that it must not trust.
//!
//! A certificate belongs to a connection, not to a request: so these faults count connections, and are the whole
//! server's, not a tenant's.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::authorization_server::AuthorizationServer;
use crate::decisions::ControlError;

/// What is wrong with a TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TlsFault {
    /// The certificate was good until yesterday.
    Expired,
    /// The certificate is good from tomorrow on.
    NotYetValid,
    /// The certificate vouches for itself.
    SelfSigned,
    /// The authority of the certificate is one that nobody has heard of.
    UnknownAuthority,
    /// The certificate is for `wrong-host.invalid`.
    WrongHost,
    /// The connection is closed after the client's first message, without an answer.
    CutOff,
}

impl TlsFault {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Expired,
        Self::NotYetValid,
        Self::SelfSigned,
        Self::UnknownAuthority,
        Self::WrongHost,
        Self::CutOff,
    ];

    /// Its name in configuration and in the control interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::SelfSigned => "self_signed",
            Self::UnknownAuthority => "unknown_authority",
            Self::WrongHost => "wrong_host",
            Self::CutOff => "cut_off",
        }
    }

    /// What is wrong with the certificate.
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NotYetValid => "not yet valid",
            Self::SelfSigned => "self-signed",
            Self::UnknownAuthority => "of an unknown authority",
            Self::WrongHost => "for another host",
            Self::CutOff => "never shown",
        }
    }

    /// Whether only the authority that the clients trust can make it.
    const fn needs_authority(self) -> bool {
        matches!(self, Self::Expired | Self::NotYetValid | Self::WrongHost)
    }

    /// Whether the client gets a certificate to refuse.
    #[cfg(feature = "tls")]
    pub(crate) const fn shows_certificate(self) -> bool {
        !matches!(self, Self::CutOff)
    }
}

impl FromStr for TlsFault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|fault| fault.name() == name).ok_or_else(|| {
            format!("no fault of a TLS handshake: expected one of {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}

/// The fault in force, if any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TlsFaults {
    /// Counts the changes: a guard takes away only what it brought, and connections from before a change are closed.
    pub(crate) changes: u64,
    pub(crate) fault: Option<TlsFault>,
    /// So many more connections; `None` for all of them.
    pub(crate) connections: Option<u64>,
    /// How many it struck.
    pub(crate) struck: u64,
}

impl TlsFaults {
    /// From the start on, every connection.
    pub(crate) fn at_start(fault: Option<TlsFault>) -> Self {
        Self { fault, ..Self::default() }
    }

    /// The fault that the next connection meets.
    #[cfg(feature = "tls")]
    pub(crate) fn take(&mut self) -> Option<TlsFault> {
        let fault = self.fault?;
        self.struck += 1;
        if let Some(connections) = &mut self.connections {
            *connections = connections.saturating_sub(1);
            if *connections == 0 {
                self.fault = None;
            }
        }
        Some(fault)
    }

    pub(crate) fn set(&mut self, fault: Option<TlsFault>, connections: Option<u64>) {
        let fault = fault.filter(|_| connections != Some(0));
        *self = Self { changes: self.changes + 1, fault, connections, struck: 0 };
    }
}

impl AuthorizationServer {
    /// Lets something be wrong with the TLS handshakes of the next connections, or of all until it is taken away; returns
    /// the number of the change.
    pub(crate) fn break_handshakes(
        &mut self,
        fault: TlsFault,
        connections: Option<u64>,
    ) -> Result<u64, ControlError> {
        check(&self.settings, fault)?;
        self.tls_faults.set(Some(fault), connections);
        Ok(self.tls_faults.changes)
    }
}

/// Whether a server so configured can make the fault.
pub(crate) fn check(settings: &crate::settings::Settings, fault: TlsFault) -> Result<(), ControlError> {
    if !settings.tls {
        return Err(ControlError::NotOverTls);
    }
    if fault.needs_authority() && settings.ca_certificate_pem.is_none() {
        return Err(ControlError::NoAuthority);
    }
    Ok(())
}
