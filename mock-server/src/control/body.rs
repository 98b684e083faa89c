//! What a request to the control interface says.

use std::time::Duration;

use hyper::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::checks::Lenient;
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::request_parameters::RequestParameters;

/// The largest number below which a float counts every whole one; the document says so too.
const LARGEST_WHOLE: u64 = 9_007_199_254_740_991;

/// The end of the year 9999, the last that every notation of a date can say.
const LATEST: f64 = 253_402_300_799.0;

/// The longest that an answer is waited for.
const LONGEST_WAIT: f64 = 60.0;

/// How a number stands among the members: as one in JSON, as a text in a form.
type ReadNumber = fn(&Value) -> Option<f64>;

/// The members of a JSON object, or the parameters of a form; none in an empty body.
pub(super) struct Members {
    members: Map<String, Value>,
    number: ReadNumber,
}

impl Members {
    /// Reads the body; a member of another name than `known` must not go unnoticed.
    pub(super) fn of(exchange: &Exchange<'_>, known: &[&str]) -> Result<Self, ErrorResponse> {
        let (members, number) = read_members(exchange)?;
        match members.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Self { members, number }),
            Some(unknown) => Err(ErrorResponse::invalid_request(format!(
                "unknown member '{unknown}': expected {}",
                known.join(", ")
            ))),
        }
    }

    pub(super) fn require(&self, name: &str) -> Result<&str, ErrorResponse> {
        self.text(name)?
            .ok_or_else(|| ErrorResponse::invalid_request(format!("the member {name} is missing")))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ErrorResponse> {
        self.read(name, "a text that is not empty", |value| value.as_str().filter(|text| !text.is_empty()))
    }

    pub(super) fn whole(&self, name: &str) -> Result<Option<u64>, ErrorResponse> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
        let whole = |value: &Value| {
            let whole = value.as_u64().or_else(|| {
                let number = (self.number)(value)?;
                (number.fract() == 0.0 && number >= 0.0).then_some(number as u64)
            });
            whole.filter(|whole| *whole <= LARGEST_WHOLE)
        };
        self.read(name, "a whole number from 0 to 9007199254740991", whole)
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, ErrorResponse> {
        self.read(name, "a number", self.number)
    }

    /// A time, or a span of it, in seconds; fractions are fine.
    pub(super) fn seconds(&self, name: &str) -> Result<Duration, ErrorResponse> {
        let seconds = |value: &Value| {
            let seconds = (self.number)(value).filter(|seconds| *seconds <= LATEST)?;
            Duration::try_from_secs_f64(seconds).ok()
        };
        let expected = "a number of seconds from 0 to 253402300799 (the end of the year 9999), as JSON or as a form parameter";
        self.read(name, expected, seconds)?.ok_or_else(|| {
            ErrorResponse::invalid_request(format!("the member {name} is missing: it must be {expected}"))
        })
    }

    /// How long an answer may take, from the member `wait`.
    pub(super) fn wait(&self) -> Result<Duration, ErrorResponse> {
        self.members.get("wait").map_or(Ok(Duration::ZERO), |member| wait(self.number, member))
    }

    fn read<'a, T>(
        &'a self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ErrorResponse> {
        match self.members.get(name) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| {
                ErrorResponse::invalid_request(format!("the member {name} must be {expected}"))
            }),
        }
    }
}

/// A body of this shape; the refusal says what is wrong with it.
pub(super) fn read<T: DeserializeOwned>(exchange: &Exchange<'_>) -> Result<T, ErrorResponse> {
    serde_json::from_value(Value::Object(read_members(exchange)?.0))
        .map_err(|error| ErrorResponse::invalid_request(format!("the body does not fit: {error}")))
}

/// The number of a request, from a query.
pub(super) fn number_in_query(name: &str, text: Option<&str>) -> Result<Option<u64>, ErrorResponse> {
    let Some(text) = text else { return Ok(None) };
    let number = text.parse().ok().filter(|number| *number <= LARGEST_WHOLE);
    number.map(Some).ok_or_else(|| {
        ErrorResponse::invalid_request(format!("{name} must be the number of a request, 0 for all"))
    })
}

/// A number of seconds to wait, from a query.
pub(super) fn wait_in_query(text: Option<&str>) -> Result<Duration, ErrorResponse> {
    text.map_or(Ok(Duration::ZERO), |text| wait(number_in_form, &text.into()))
}

fn wait(number: ReadNumber, member: &Value) -> Result<Duration, ErrorResponse> {
    number(member)
        .filter(|seconds| (0.0..=LONGEST_WAIT).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| ErrorResponse::invalid_request("wait must be a number of seconds, 0 to 60"))
}

/// The members, and how a number is read among them.
fn read_members(exchange: &Exchange<'_>) -> Result<(Map<String, Value>, ReadNumber), ErrorResponse> {
    let request = exchange.request;
    if request.body().is_empty() {
        return Ok((Map::new(), Value::as_f64));
    }
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.unwrap_or_default().starts_with("application/json") {
        let members = serde_json::from_slice(request.body());
        let members = members.map_err(|error| {
            ErrorResponse::invalid_request(format!("the body is no JSON object: {error}"))
        })?;
        return Ok((members, Value::as_f64));
    }
    let form = RequestParameters::from_form(request, Lenient::default())?;
    let members = form.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    Ok((members, number_in_form))
}

/// In a form every value is a text.
fn number_in_form(value: &Value) -> Option<f64> {
    value.as_str()?.parse().ok()
}
