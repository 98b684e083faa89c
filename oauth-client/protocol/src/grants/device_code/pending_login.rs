//! A login that another process, or the same one after deep sleep, takes up again.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::polling_policy::{LONGEST, MIN_INTERVAL};
use crate::{DeviceAuthorizationResponse, Secret};

/// A login in the middle: codes and durations, no moment of any clock.
///
/// It holds the `device_code`, the credential of the polls; [`PendingLogin::expose_json`] is the one way out.
#[derive(Clone, PartialEq, Eq)]
pub struct PendingLogin {
    pub(super) codes: DeviceAuthorizationResponse,
    pub(super) interval: Duration,
    pub(super) time_left: Duration,
    pub(super) next_poll_in: Duration,
    pub(super) slowed_down: bool,
    pub(super) polled: bool,
    pub(super) failures: u32,
    pub(super) jitter: u64,
}

/// The text is no pending login of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPendingLogin;

/// The version of the JSON.
const VERSION: u64 = 1;

impl PendingLogin {
    /// What the person types.
    pub fn user_code(&self) -> &str {
        &self.codes.user_code
    }

    /// How long the codes were still valid when this was made.
    pub const fn time_left(&self) -> Duration {
        self.time_left
    }

    /// The login as JSON, with its credential: for a place that only the device's owner can read.
    pub fn expose_json(&self) -> Zeroizing<String> {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let json = json!({
            "version": VERSION,
            "device_code": self.codes.device_code.expose(),
            "user_code": self.codes.user_code,
            "verification_uri": self.codes.verification_uri,
            "verification_uri_complete": self.codes.verification_uri_complete,
            "interval_ms": millis(self.interval),
            "time_left_ms": millis(self.time_left),
            "next_poll_in_ms": millis(self.next_poll_in),
            "slowed_down": self.slowed_down,
            "polled": self.polled,
            "failures": self.failures,
            "jitter": self.jitter,
        });
        Zeroizing::new(alloc::format!("{json}"))
    }

    /// Reads what [`PendingLogin::expose_json`] wrote; what is out of range is brought into it.
    pub fn from_json(json: &str) -> Result<Self, InvalidPendingLogin> {
        let value: Value = serde_json::from_str(json).map_err(|_| InvalidPendingLogin)?;
        Self::from_value(&value).ok_or(InvalidPendingLogin)
    }

    fn from_value(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str().filter(|text| !text.is_empty()).map(String::from);
        let number = |name: &str| value.get(name)?.as_u64();
        let duration = |name: &str| Some(Duration::from_millis(number(name)?));
        let flag = |name: &str| value.get(name)?.as_bool();
        if number("version")? != VERSION {
            return None;
        }
        let interval = duration("interval_ms")?.max(MIN_INTERVAL);
        Some(Self {
            codes: DeviceAuthorizationResponse {
                device_code: Secret::new(text("device_code")?),
                user_code: text("user_code")?,
                verification_uri: text("verification_uri")?,
                verification_uri_complete: text("verification_uri_complete"),
                expires_in: None,
                interval,
                extra: alloc::collections::BTreeMap::new(),
            },
            interval,
            time_left: duration("time_left_ms")?.min(LONGEST),
            next_poll_in: duration("next_poll_in_ms")?.min(LONGEST),
            slowed_down: flag("slowed_down")?,
            polled: flag("polled")?,
            failures: u32::try_from(number("failures")?).unwrap_or(u32::MAX),
            jitter: number("jitter")?,
        })
    }
}

impl fmt::Debug for PendingLogin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PendingLogin")
            .field("interval", &self.interval)
            .field("time_left", &self.time_left)
            .field("next_poll_in", &self.next_poll_in)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for InvalidPendingLogin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("this is no pending login of this version: start a new login")
    }
}

impl core::error::Error for InvalidPendingLogin {}
