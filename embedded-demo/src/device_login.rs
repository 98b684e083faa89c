//! The login: whatever the state machine says is done with what the board has.

use alloc::boxed::Box;

use oauth_protocol::{AccessTokenResponse, Action, DeviceCodeGrant, Error, Instant, WaitCause};

use crate::{Clock, Screen, Status, Transport, View};

/// Signs in (RFC 8628) and returns the token, or why there is none. Blocks until then: at most the life of
/// the code and half a minute.
pub fn sign_in(
    mut grant: DeviceCodeGrant,
    transport: &mut impl Transport,
    clock: &mut impl Clock,
    screen: &mut impl Screen,
) -> Result<Box<AccessTokenResponse>, Error> {
    screen.show(&View::Connecting { retrying: None });
    loop {
        match step(&mut grant, transport, clock, screen) {
            Step::Again => {}
            Step::WaitUntil(moment) => clock.sleep_until(moment),
            Step::Finished(result) => {
                screen.show(&View::of_result(&result));
                return result;
            }
        }
    }
}

/// What comes after a step.
pub(crate) enum Step {
    /// Another one, now.
    Again,
    /// Another one, then.
    WaitUntil(Instant),
    /// Nothing: the login is over, and the screen does not say so yet.
    Finished(Result<Box<AccessTokenResponse>, Error>),
}

/// Does one thing that the login asks for.
pub(crate) fn step(
    grant: &mut DeviceCodeGrant,
    transport: &mut impl Transport,
    clock: &mut impl Clock,
    screen: &mut impl Screen,
) -> Step {
    let now = clock.now();
    match grant.poll(now) {
        Action::Send(request) => {
            match transport.exchange(&request) {
                Ok(response) => grant.handle_response(clock.now(), &response),
                Err(failure) => grant.handle_transport_failure(clock.now(), failure),
            }
            Step::Again
        }
        Action::ShowUserCode(_) => {
            show_login(grant, now, screen);
            Step::Again
        }
        Action::WaitUntil(moment) => {
            // The codes were shown a moment ago.
            if !matches!(grant.wait_cause(), Some(WaitCause::CodesIssued)) {
                show_login(grant, now, screen);
            }
            Step::WaitUntil(moment)
        }
        Action::Finished(result) => Step::Finished(result),
    }
}

fn show_login(grant: &DeviceCodeGrant, now: Instant, screen: &mut impl Screen) {
    let cause = grant.wait_cause();
    let Some((codes, expires_at)) = grant.codes().zip(grant.expires_at()) else {
        let retrying = match cause {
            Some(WaitCause::Retrying { cause, .. }) => Some(cause),
            _ => None,
        };
        screen.show(&View::Connecting { retrying });
        return;
    };
    let status = match cause {
        Some(WaitCause::SlowDown | WaitCause::RateLimited) => {
            Status::Slow { interval: grant.interval().unwrap_or_default() }
        }
        Some(WaitCause::Retrying { cause, captive_portal_suspected, .. }) => {
            Status::Retrying { cause, captive_portal_suspected: *captive_portal_suspected }
        }
        _ => Status::Waiting,
    };
    screen.show(&View::Code {
        user_code: &codes.user_code,
        verification_uri: &codes.verification_uri,
        verification_uri_complete: codes.verification_uri_complete.as_deref(),
        time_left: expires_at.saturating_duration_since(now),
        status,
    });
}
