//! What a device authorization response says on the wire, faults included: RFC 8628 section 3.2. Polls are held against
//! that, not against what the server meant to say.
//!
//! The request has no rules of its own but those of every URL: the devices of a fleet share one `client_id` and often
//! one address, so that a second request is as likely another device's first.

use std::time::Duration;

use serde_json::Value;

use crate::answer::Answer;
use crate::device_codes::DeviceCodes;

pub(super) fn note(device_codes: &mut DeviceCodes, answer: &Answer) {
    let (Answer::Respond(response) | Answer::Deliver(response, _)) = answer else { return };
    let Ok(told) = serde_json::from_slice::<Value>(response.body()) else { return };
    let device_code = told["device_code"].as_str().unwrap_or_default();
    if let Some(login) = device_codes.by_device_code(device_code) {
        login.conduct.was_told(seconds(&told["interval"]), seconds(&told["expires_in"]).is_some());
    }
}

/// A number that came as a text is one that some clients read.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    Some(Duration::from_secs(seconds))
}
