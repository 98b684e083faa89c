//! Faults in a word, for scripts and the control interface: `503`, `503:20`, `delay:2+1`, `missing:interval`.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::fault::Fault;
use super::token_defect::TokenDefect;
use crate::printable::printable;

/// A word that names no fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultNotationError(String);

impl fmt::Display for FaultNotationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "'{}' names no fault: expected a status from 400 to 599 with :SECONDS for Retry-After if need be, \
             reset, silence, close, html, empty, endless, gzip_bomb, redirect or redirect:URL, error:CODE, \
             no_iss, wrong_iss, delay:SECONDS or delay:SECONDS+JITTER, drip, cut_json, content_type:TYPE, \
             missing:MEMBER, extra, mistyped:MEMBER, rotated_keys, or token: with expired, not_yet_valid, wrong_iss, \
             wrong_aud, alg_none, unknown_kid, rotated_key or huge",
            self.0
        )
    }
}

impl Error for FaultNotationError {}

impl FromStr for Fault {
    type Err = FaultNotationError;

    fn from_str(word: &str) -> Result<Self, FaultNotationError> {
        let unknown = || FaultNotationError(printable(word));
        let (name, argument) = match word.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (word, None),
        };
        // What a header or a log can hold.
        let is_printable =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !argument.is_none_or(is_printable) {
            return Err(unknown());
        }
        if name.len() == 3
            && let Ok(status) = name.parse::<u16>()
            && (400..=599).contains(&status)
        {
            let retry_after = match argument {
                None => None,
                Some(seconds) => Some(Duration::from_secs(whole(seconds).ok_or_else(unknown)?)),
            };
            return Ok(match status {
                503 => Self::ServiceUnavailable { retry_after },
                429 => Self::TooManyRequests { retry_after },
                status => Self::Status { status, retry_after },
            });
        }
        let fault = match (name, argument) {
            ("reset", None) => Self::ConnectionReset,
            ("silence", None) => Self::NoAnswer,
            ("close", None) => Self::CloseInBody,
            ("html", None) => Self::HtmlPage,
            ("empty", None) => Self::EmptyBody,
            ("endless", None) => Self::EndlessBody,
            ("gzip_bomb", None) => Self::GzipBomb,
            ("redirect", location) => Self::Redirect { location: location.map(str::to_owned) },
            ("error", Some(code)) => Self::Error(code.to_owned()),
            ("no_iss", None) => Self::IssuerMissing,
            ("wrong_iss", None) => Self::IssuerWrong,
            ("delay", Some(delay)) => {
                let (at_least, jitter) = delay.split_once('+').unwrap_or((delay, "0"));
                let read = |text: &str| seconds(text).ok_or_else(unknown);
                Self::Delay { at_least: read(at_least)?, jitter: read(jitter)? }
            }
            ("drip", None) => Self::ByteASecond,
            ("cut_json", None) => Self::CutJson,
            ("content_type", Some(media_type)) => Self::ContentType(media_type.to_owned()),
            ("missing", Some(member)) => Self::MissingMember(member.to_owned()),
            ("rotated_keys", None) => Self::RotatedKeys,
            ("token", Some(name)) => {
                let defect = TokenDefect::NAMES.into_iter().find(|(known, _)| *known == name);
                Self::Token(defect.ok_or_else(unknown)?.1)
            }
            ("extra", None) => Self::ExtraMembers,
            ("mistyped", Some(member)) => Self::MistypedMember(member.to_owned()),
            _ => return Err(unknown()),
        };
        Ok(fault)
    }
}

/// One to nine digits: longer than thirty years is no wait.
fn whole(text: &str) -> Option<u64> {
    let fits = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

/// `2` or `1.5`.
fn seconds(text: &str) -> Option<Duration> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    whole(seconds)?;
    whole(fraction)?;
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}
