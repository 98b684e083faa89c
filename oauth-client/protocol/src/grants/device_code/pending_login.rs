//! A login that another process, or the same one after deep sleep, takes up again.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use zeroize::Zeroizing;

use super::polling_policy::{LONGEST, MIN_INTERVAL};
use crate::response_parameters::Parameters;
use crate::{DeviceAuthorizationResponse, ExtraParameters, Secret};

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
        let flag = |is_set: bool| Zeroizing::new(if is_set { "true".into() } else { "false".into() });
        // Not by way of a `Value`: its writer brings floating point into a device's flash.
        let members = [
            ("device_code", text(self.codes.device_code.expose())),
            ("failures", number(self.failures.into())),
            ("interval_ms", milliseconds(self.interval)),
            ("jitter", number(self.jitter)),
            ("next_poll_in_ms", milliseconds(self.next_poll_in)),
            ("polled", flag(self.polled)),
            ("slowed_down", flag(self.slowed_down)),
            ("time_left_ms", milliseconds(self.time_left)),
            ("user_code", text(&self.codes.user_code)),
            ("verification_uri", text(&self.codes.verification_uri)),
            (
                "verification_uri_complete",
                self.codes
                    .verification_uri_complete
                    .as_deref()
                    .map_or_else(|| "null".to_string().into(), text),
            ),
            ("version", number(VERSION)),
        ];
        let mut parts = Vec::with_capacity(4 * members.len() + 1);
        for (at, (name, value)) in members.iter().enumerate() {
            parts.extend([if at == 0 { "{\"" } else { ",\"" }, name, "\":", value]);
        }
        parts.push("}");
        // One allocation of the right size: growing would leave copies of the credential behind.
        Zeroizing::new(parts.concat())
    }

    /// Reads what [`PendingLogin::expose_json`] wrote; what is out of range is brought into it.
    pub fn from_json(json: &str) -> Result<Self, InvalidPendingLogin> {
        Parameters::from_json(json)
            .and_then(|members| Self::from_members(&members))
            .ok_or(InvalidPendingLogin)
    }

    fn from_members(members: &Parameters) -> Option<Self> {
        let text = |name: &str| members.text(&[name]).filter(|text| !text.is_empty());
        let number = |name: &str| members.raw(&[name])?.parse::<u64>().ok();
        let duration = |name: &str| Some(Duration::from_millis(number(name)?));
        let flag = |name: &str| members.raw(&[name])?.parse::<bool>().ok();
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
                extra: ExtraParameters::default(),
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

fn text(value: &str) -> Zeroizing<String> {
    // A text is always written.
    Zeroizing::new(serde_json::to_string(value).unwrap_or_default())
}

fn milliseconds(duration: Duration) -> Zeroizing<String> {
    number(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn number(value: u64) -> Zeroizing<String> {
    Zeroizing::new(value.to_string())
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
