//! The codes, and where the person takes them (RFC 8628 §3.2).

use alloc::string::{String, ToString as _};
use core::fmt;
use core::time::Duration;

use super::polling_policy::{DEFAULT_INTERVAL, DEFAULT_LIFE, LONGEST, MIN_INTERVAL};
use crate::response_parameters::{Number, Parameters};
use crate::{
    EndpointPolicy, Error, ErrorResponse, ExtraParameters, HttpResponse, InvalidResponse, Secret, ServerText,
    Undisplayable, is_safe_to_display,
};

const DEVICE_CODE: &[&str] = &["device_code", "deviceCode"];
const USER_CODE: &[&str] = &["user_code", "userCode", "usercode"];
const VERIFICATION_URI: &[&str] =
    &["verification_uri", "verificationUri", "verification_url", "verificationUrl"];
const VERIFICATION_URI_COMPLETE: &[&str] = &[
    "verification_uri_complete",
    "verificationUriComplete",
    "verification_url_complete",
    "verificationUrlComplete",
];
const EXPIRES_IN: &[&str] = &["expires_in", "expiresIn", "expires"];
const INTERVAL: &[&str] = &["interval"];

/// The longest `user_code` that is shown, in characters.
const MAX_USER_CODE_CHARS: usize = 64;
/// The longest URI that is shown, in bytes.
const MAX_SHOWN_URI_BYTES: usize = 512;

/// The server's answer to a device authorization request.
///
/// Parsing it and accepting it for display are two steps: see
/// [`DeviceAuthorizationResponse::check_for_display`].
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceAuthorizationResponse {
    /// The credential of the polls; never shown.
    pub device_code: Secret,
    /// What the person types, exactly as it was sent.
    pub user_code: String,
    /// Where the person types it.
    pub verification_uri: String,
    /// The same with the code inside, if the server sent one; never built by guessing.
    pub verification_uri_complete: Option<String>,
    /// The life of both codes: `None` where the server names none.
    pub expires_in: Option<Duration>,
    /// The least time between two polls: 5 seconds where the server names none.
    pub interval: Duration,
    /// Every other member of the answer, as JSON.
    pub extra: ExtraParameters,
}

impl DeviceAuthorizationResponse {
    /// Reads the answer to a device authorization request.
    pub fn process_response(response: &HttpResponse) -> Result<Self, Error> {
        match crate::access_token_response::oauth_parameters(response, None) {
            Ok(parameters) => Self::from_parameters(&parameters),
            Err(Error::InvalidResponse(InvalidResponse::UnexpectedStatus(404))) => {
                Err(Error::InvalidResponse(InvalidResponse::NoDeviceAuthorizationEndpoint))
            }
            Err(Error::InvalidResponse(InvalidResponse::MissingParameter(_))) => {
                Err(Error::InvalidResponse(InvalidResponse::MissingParameter("device_code")))
            }
            Err(other) => Err(other),
        }
    }

    pub(crate) fn from_parameters(parameters: &Parameters) -> Result<Self, Error> {
        if parameters.is_ambiguous() {
            return Err(Error::InvalidResponse(InvalidResponse::RepeatedParameter));
        }
        if let Some(refusal) = ErrorResponse::from_parameters(parameters) {
            return Err(Error::Refused(refusal));
        }
        let required = |name, text: Option<String>| {
            let missing = Error::InvalidResponse(InvalidResponse::MissingParameter(name));
            text.filter(|text| !text.is_empty()).ok_or(missing)
        };
        Ok(Self {
            device_code: required("device_code", parameters.text(DEVICE_CODE))?.into(),
            user_code: required("user_code", parameters.text_or_integer(USER_CODE))?,
            verification_uri: required("verification_uri", parameters.text(VERIFICATION_URI))?,
            verification_uri_complete: parameters
                .text(VERIFICATION_URI_COMPLETE)
                .filter(|uri| !uri.is_empty()),
            expires_in: expires_in(parameters)?,
            interval: parameters.number(INTERVAL).map_or(DEFAULT_INTERVAL, interval),
            extra: parameters.extra(&[
                DEVICE_CODE,
                USER_CODE,
                VERIFICATION_URI,
                VERIFICATION_URI_COMPLETE,
                EXPIRES_IN,
                INTERVAL,
            ]),
        })
    }

    /// The life of the codes, 15 minutes where the server names none.
    pub fn life(&self) -> Duration {
        self.expires_in.unwrap_or(DEFAULT_LIFE)
    }

    /// Refuses what must not be shown, linked, drawn as a QR code or opened: a code or URI that
    /// [`ServerText`] would not show as it was sent, a URI that is not https (http on loopback, or as `policy`
    /// allows). A complete URI that is too long or not https is left out: the plain one and the code are
    /// enough.
    pub fn check_for_display(mut self, policy: &EndpointPolicy) -> Result<Self, Error> {
        check_user_code(&self.user_code)
            .map_err(|why| Error::InvalidResponse(InvalidResponse::UnsafeUserCode(why)))?;
        check_uri(&self.verification_uri, policy)
            .map_err(|why| Error::InvalidResponse(InvalidResponse::UnsafeVerificationUri(why)))?;
        if let Some(Err(why)) = self.verification_uri_complete.as_deref().map(check_characters) {
            return Err(Error::InvalidResponse(InvalidResponse::UnsafeVerificationUriComplete(why)));
        }
        self.verification_uri_complete =
            self.verification_uri_complete.filter(|uri| check_uri(uri, policy).is_ok());
        Ok(self)
    }
}

fn check_user_code(user_code: &str) -> Result<(), Undisplayable> {
    if user_code.chars().count() > MAX_USER_CODE_CHARS {
        return Err(Undisplayable::Longer { than: MAX_USER_CODE_CHARS });
    }
    check_characters(user_code)?;
    // As it was sent, or not at all.
    let is_shown_as_sent = ServerText::from(user_code).to_string() == user_code;
    if is_shown_as_sent && user_code.trim() == user_code { Ok(()) } else { Err(Undisplayable::Blanks) }
}

fn check_uri(uri: &str, policy: &EndpointPolicy) -> Result<(), Undisplayable> {
    if uri.len() > MAX_SHOWN_URI_BYTES {
        return Err(Undisplayable::Longer { than: MAX_SHOWN_URI_BYTES });
    }
    check_characters(uri)?;
    policy.page(uri).map(drop).map_err(|error| Undisplayable::Url(error.problem()))
}

fn check_characters(text: &str) -> Result<(), Undisplayable> {
    let hostile = text.chars().find(|character| !is_safe_to_display(*character));
    hostile.map_or(Ok(()), |character| Err(Undisplayable::Character(character)))
}

/// `interval` as a wait: rounded up, at least 1 second, at most a day; 5 seconds where it makes no sense.
pub(super) fn interval(number: Number) -> Duration {
    match number {
        Number::AtLeastZero(value) => value.rounded_up(LONGEST).max(MIN_INTERVAL),
        Number::Negative | Number::Garbage => DEFAULT_INTERVAL,
    }
}

fn expires_in(parameters: &Parameters) -> Result<Option<Duration>, Error> {
    match parameters.number(EXPIRES_IN) {
        None | Some(Number::Garbage) => Ok(None),
        Some(Number::AtLeastZero(value)) if !value.is_zero() => {
            Ok(Some(value.rounded_down(LONGEST).max(Duration::from_secs(1))))
        }
        Some(Number::AtLeastZero(_) | Number::Negative) => {
            Err(Error::InvalidResponse(InvalidResponse::ExpiredOnArrival))
        }
    }
}

/// The codes stay out of it: whoever has the `device_code` gets the token.
impl fmt::Debug for DeviceAuthorizationResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DeviceAuthorizationResponse")
            .field("expires_in", &self.expires_in)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
