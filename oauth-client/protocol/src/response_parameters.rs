//! The parameters of an answer, read leniently: JSON whatever its content type says, or a form.
//!
//! Members are kept as raw JSON and read only where they are wanted, so that no odd extra (a number out of
//! range, a deep nest) can spoil an answer whose own members are fine.

use alloc::borrow::ToOwned as _;
use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::http_message::MAX_ANSWER_BYTES;
use crate::{ExtraParameters, HttpResponse, form_urlencoded};

/// What stands in the body of an answer.
pub(crate) enum Body {
    /// A JSON object, or a form, with `error`, `access_token` or `device_code`.
    OAuth(Parameters),
    /// A JSON object with none of them.
    OtherObject(Parameters),
    /// Anything else: HTML, nothing, JSON cut off in the middle.
    Unusable,
}

/// The members of an answer. There is no `Debug`: they hold tokens.
pub(crate) struct Parameters {
    members: Vec<(String, Member)>,
}

enum Member {
    /// As it is written.
    Json(Zeroizing<String>),
    /// From a form, where everything is text.
    Text(Zeroizing<String>),
}

/// Names that make an answer an OAuth one, aliases included.
const ERROR: &[&str] = &["error"];
const ACCESS_TOKEN: &[&str] = &["access_token", "accessToken"];
const DEVICE_CODE: &[&str] = &["device_code", "deviceCode"];

impl Body {
    /// Reads the body of an answer to a token or device authorization request, whatever its status.
    pub(crate) fn of(response: &HttpResponse) -> Self {
        Self::of_at_most(MAX_ANSWER_BYTES, response)
    }

    /// The same with another limit; a longer body is not looked at, should the transport let one pass.
    pub(crate) fn of_at_most(max_bytes: usize, response: &HttpResponse) -> Self {
        let body = Some(response.body()).filter(|body| body.len() <= max_bytes);
        let Some(text) = body.and_then(|body| core::str::from_utf8(body).ok()) else {
            return Self::Unusable;
        };
        let text = text.trim_start_matches('\u{FEFF}').trim_ascii();
        if text.starts_with('{') {
            return match Parameters::from_json(text) {
                Some(parameters) if parameters.is_oauth() => Self::OAuth(parameters),
                Some(parameters) => Self::OtherObject(parameters),
                None => Self::Unusable,
            };
        }
        let is_form = response.media_type().is_some_and(|media_type| {
            matches!(&*media_type, "application/x-www-form-urlencoded" | "text/plain")
        });
        if is_form {
            let members = form_urlencoded::decode(text)
                .into_iter()
                .map(|(name, value)| (name, Member::Text(Zeroizing::new(value))))
                .collect();
            let parameters = Parameters { members };
            if parameters.is_oauth() {
                return Self::OAuth(parameters);
            }
        }
        Self::Unusable
    }
}

impl Parameters {
    /// The members of a JSON object.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn is_oauth(&self) -> bool {
        [ERROR, ACCESS_TOKEN, DEVICE_CODE].iter().any(|names| self.member(names).is_some())
            || crate::error_response::names_an_error(self)
    }

    /// Whether `error` or `access_token` stands there more than once: two readers would see two answers.
    pub(crate) fn is_ambiguous(&self) -> bool {
        [ERROR, ACCESS_TOKEN].iter().any(|names| {
            names.iter().any(|name| self.members.iter().filter(|(own, _)| own == name).count() > 1)
        })
    }

    /// The first of `names` that is present and not null: the RFC's name stands first in the list.
    fn member(&self, names: &[&str]) -> Option<&Member> {
        names.iter().find_map(|name| {
            let (_, member) = self.members.iter().find(|(own, _)| own == name)?;
            (!member.is_null()).then_some(member)
        })
    }

    /// Whether one of `names` is present and not null.
    pub(crate) fn has(&self, names: &[&str]) -> bool {
        self.member(names).is_some()
    }

    /// A text; none where it is absent, null, or something else than text.
    pub(crate) fn text(&self, names: &[&str]) -> Option<String> {
        match self.member(names)? {
            Member::Text(text) => Some(text.to_string()),
            Member::Json(raw) => serde_json::from_str(raw).ok(),
        }
    }

    /// A text, or an integer as it is written.
    pub(crate) fn text_or_integer(&self, names: &[&str]) -> Option<String> {
        self.text(names).or_else(|| match self.member(names)? {
            Member::Json(raw) if raw.bytes().all(|byte| byte.is_ascii_digit()) => Some(raw.to_string()),
            _ => None,
        })
    }

    /// The JSON of a member, or its text; none where it is absent or null.
    pub(crate) fn raw(&self, names: &[&str]) -> Option<&str> {
        self.member(names).map(|(Member::Json(raw) | Member::Text(raw))| raw.as_str())
    }

    /// A number: integer, float, or either as a decimal string; `None` where it is absent or null.
    pub(crate) fn number(&self, names: &[&str]) -> Option<Number> {
        let text = match self.member(names)? {
            Member::Json(raw) if raw.starts_with('"') => serde_json::from_str(raw).unwrap_or_default(),
            Member::Json(text) | Member::Text(text) => text.to_string(),
        };
        Some(Number::parse(text.trim()))
    }

    /// True or false; none for anything else.
    pub(crate) fn flag(&self, names: &[&str]) -> Option<bool> {
        match self.member(names)? {
            Member::Json(raw) => raw.parse().ok(),
            Member::Text(_) => None,
        }
    }

    /// The texts of an array, whatever else stands in it; none for anything else.
    pub(crate) fn texts(&self, names: &[&str]) -> Option<Vec<String>> {
        let items = self.items(names)?.into_iter();
        Some(items.filter_map(|item| serde_json::from_str(item.get()).ok()).collect())
    }

    /// What stands in an array; none for anything else.
    pub(crate) fn items(&self, names: &[&str]) -> Option<Vec<&RawValue>> {
        match self.member(names)? {
            Member::Json(raw) => serde_json::from_str(raw).ok(),
            Member::Text(_) => None,
        }
    }

    /// The members of an object; none for anything else.
    pub(crate) fn object(&self, names: &[&str]) -> Option<Self> {
        match self.member(names)? {
            Member::Json(raw) => Self::from_json(raw),
            Member::Text(_) => None,
        }
    }

    /// Every member that is not null and whose name is not in `known`.
    pub(crate) fn extra(&self, known: &[&[&str]]) -> ExtraParameters {
        let is_extra = |(name, member): &&(String, Member)| {
            !member.is_null() && !known.iter().any(|names| names.contains(&name.as_str()))
        };
        let members = self.members.iter().filter(is_extra);
        members.map(|(name, member)| (name.clone(), member.json())).collect()
    }
}

impl Member {
    fn is_null(&self) -> bool {
        matches!(self, Self::Json(raw) if raw.as_str() == "null")
    }

    fn json(&self) -> Zeroizing<String> {
        match self {
            Self::Json(raw) => raw.clone(),
            // A text is always written.
            Self::Text(text) => Zeroizing::new(serde_json::to_string(text.as_str()).unwrap_or_default()),
        }
    }
}

/// A number as servers write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// Zero or more.
    AtLeastZero(Seconds),
    /// Below zero.
    Negative,
    /// Not a number.
    Garbage,
}

/// A decimal number of seconds, without floating point: its tables cost a device 17 KB of flash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seconds {
    /// Rounded down; what does not fit is the most that does.
    whole: u64,
    has_fraction: bool,
}

impl Number {
    /// As JSON writes it, and a little more: `+1`, `01`, `.5`, `5.`.
    fn parse(text: &str) -> Self {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        match Seconds::parse(unsigned) {
            Some(value) if text.starts_with('-') && !value.is_zero() => Self::Negative,
            Some(value) => Self::AtLeastZero(value),
            None => Self::Garbage,
        }
    }

    /// Whole seconds, rounded up; none of what makes no sense as a wait.
    pub(crate) fn whole_seconds(self) -> Option<u32> {
        match self {
            Self::AtLeastZero(value) => {
                Some(u32::try_from(value.rounded_up(Duration::MAX).as_secs()).unwrap_or(u32::MAX))
            }
            Self::Negative | Self::Garbage => None,
        }
    }
}

impl Seconds {
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_decimal = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if mantissa.len() - usize::from(mantissa.contains('.')) == 0
            || !is_decimal(integer)
            || !is_decimal(fraction)
        {
            return None;
        }
        // How many of the digits stand before the point.
        let point = i64::try_from(integer.len()).ok()?.saturating_add(exponent);
        let mut value = Self::default();
        let mut position = 0;
        for digit in integer.bytes().chain(fraction.bytes()) {
            if position < point {
                value.whole = value.whole.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            } else {
                value.has_fraction |= digit != b'0';
            }
            position += 1;
        }
        while position < point && value.whole != 0 && value.whole != u64::MAX {
            value.whole = value.whole.saturating_mul(10);
            position += 1;
        }
        Some(value)
    }

    pub(crate) const fn is_zero(self) -> bool {
        self.whole == 0 && !self.has_fraction
    }

    /// Whole seconds, rounded up, at most `most`.
    pub(crate) fn rounded_up(self, most: Duration) -> Duration {
        Duration::from_secs(self.whole.saturating_add(u64::from(self.has_fraction))).min(most)
    }

    /// Whole seconds, rounded down, at most `most`.
    pub(crate) fn rounded_down(self, most: Duration) -> Duration {
        Duration::from_secs(self.whole).min(most)
    }
}

/// What is out of range is a number all the same: as large, or as small, as counts.
fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = i64::from(digits.parse::<i32>().unwrap_or(i32::MAX));
    Some(if text.starts_with('-') { -size } else { size })
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Parameters;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
                let mut members = Vec::new();
                while let Some((name, raw)) = map.next_entry::<Box<RawValue>, Box<RawValue>>()? {
                    // A name that is no text (half of a surrogate pair) is nobody's parameter.
                    let name = serde_json::from_str(name.get()).unwrap_or_else(|_| name.get().to_owned());
                    let raw = Zeroizing::new(Box::<str>::from(raw).into_string());
                    members.push((name, Member::Json(raw)));
                }
                Ok(Parameters { members })
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::{Number, Seconds};

    #[test]
    fn a_decimal_number_is_its_whole_seconds_and_whether_there_is_more() {
        for (text, whole, has_fraction) in [
            ("5", 5, false),
            ("+07", 7, false),
            ("7.5", 7, true),
            ("5.", 5, false),
            (".5", 0, true),
            ("-0.0", 0, false),
            ("1e3", 1000, false),
            ("1.25E1", 12, true),
            ("15e-1", 1, true),
            ("1500e-2", 15, false),
            ("0e99999999999", 0, false),
            ("1e-99999999999", 0, true),
            ("18446744073709551615", u64::MAX, false),
            ("18446744073709551616", u64::MAX, false),
            ("1e400", u64::MAX, false),
            ("1e99999999999", u64::MAX, false),
        ] {
            let expected = Number::AtLeastZero(Seconds { whole, has_fraction });
            assert_eq!(Number::parse(text), expected, "{text}");
        }
        for text in ["-1", "-.5", "-1e-9", "-1e400"] {
            assert_eq!(Number::parse(text), Number::Negative, "{text}");
        }
        for text in
            ["", ".", "+", "e5", "1e", "1e+", "1e5.5", "--1", "1.2.3", "1 2", "inf", "nan", "0x10", "٣"]
        {
            assert_eq!(Number::parse(text), Number::Garbage, "{text}");
        }
    }
}
