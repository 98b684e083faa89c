//! The device grant at the token endpoint: RFC 8628 sections 3.4 and 3.5.

use std::time::Duration;

use super::check::{Met, Miss, checks, expect, expect_error};
use super::http_client::Answer;
use super::logins::{DEVICE_GRANT, DeviceLogin, MADE_UP, Probe, part, read_tokens};
use super::person::Decision;
use super::token::judge_token_answer;

checks! {
    "RFC 8628: device access token"
    MISSING: Must "device-code-missing", "RFC 8628 section 3.4", "400 invalid_request without device_code";
    UNKNOWN: Must "device-code-unknown", "RFC 6749 section 5.2", "400 invalid_grant for a made-up device_code";
    OTHER_CLIENT: Must "device-code-other-client", "RFC 6749 section 5.2",
        "400 invalid_grant for a code of another client";
    FIRST_POLL: Must "device-first-poll", "RFC 8628 section 3.5",
        "400 authorization_pending for a first poll, however early";
    SLOW_DOWN: Should "device-slow-down", "RFC 8628 section 3.5", "400 slow_down for a poll at once after another";
    GAP_GROWS: Should "device-gap-grows", "RFC 8628 section 3.5",
        "5 seconds more for this and all later polls after slow_down, and then authorization_pending again";
    PACE: Must "device-pace", "RFC 8628 section 3.5", "never slow_down at the advertised pace";
    DENIED: Must "device-denied", "RFC 8628 section 3.5", "400 access_denied";
    DENIED_AGAIN: Should "device-denied-again", "RFC 8628 section 3.5", "access_denied for later polls too";
    APPROVED: Must "device-approved", "RFC 8628 section 3.5, RFC 6749 section 5.1", "200 with tokens";
    APPROVED_AT_ONCE: Should "device-approved-at-once", "RFC 8628 section 3.5",
        "tokens for an approved login even if the poll comes too fast";
    ONCE: Must "device-code-once", "RFC 8628 section 3.5, RFC 6749 section 10.5", "400 invalid_grant for a second use";
    EXPIRED: Must "device-expired", "RFC 8628 section 3.5", "400 expired_token after expires_in";
    EXPIRED_APPROVED: Must "device-expired-approved", "RFC 8628 section 3.5",
        "400 expired_token also for a code that was approved and not redeemed";
    EXPIRED_LATER: Should "device-expired-later", "RFC 8628 section 3.5",
        "expired_token, or at least invalid_grant, a while after the expiry";
}

/// What needs no time.
pub(super) async fn run(probe: &Probe) {
    tokio::join!(
        probe.scenario(&[MISSING], async {
            let answer = probe.token_request(probe.device_client()?, &[("grant_type", DEVICE_GRANT)]).await?;
            expect_error(&answer, &["invalid_request"])
        }),
        probe.scenario(&[UNKNOWN], async {
            let parameters = [("grant_type", DEVICE_GRANT), ("device_code", MADE_UP)];
            let answer = probe.token_request(probe.device_client()?, &parameters).await?;
            expect_error(&answer, &["invalid_grant"])
        }),
        probe.scenario(&[OTHER_CLIENT], other_client(probe)),
        probe.scenario(&[FIRST_POLL, SLOW_DOWN], hasty(probe)),
        probe.scenario(&[DENIED, DENIED_AGAIN], denied(probe)),
    );
}

/// What waits.
pub(super) async fn run_in_time(probe: &Probe) {
    tokio::join!(
        probe.slow_scenario(&[APPROVED, APPROVED_AT_ONCE, ONCE], approved(probe)),
        probe.slow_scenario(&[GAP_GROWS], gap_grows(probe)),
        probe.slow_scenario(&[PACE], pace(probe)),
        probe.slow_scenario(&[EXPIRED, EXPIRED_LATER], expired(probe)),
        probe.slow_scenario(&[EXPIRED_APPROVED], expired_approved(probe)),
    );
}

/// A refused thief must not cost the rightful device its code either.
async fn other_client(probe: &Probe) -> Met {
    let thief = part(probe.clients.other_device.as_ref(), "--other-client-id")?;
    let login = probe.start_device_login().await?;
    let parameters = [("grant_type", DEVICE_GRANT), ("device_code", &*login.device_code)];
    let answer = probe.token_request(thief, &parameters).await?;
    expect_error(&answer, &["invalid_grant"])?;
    let answer = probe.poll(&login).await?;
    let lives = answer.text("error").as_deref() == Some("authorization_pending");
    expect(lives, || format!("{} for the rightful client afterwards", answer.in_words()))
}

async fn hasty(probe: &Probe) -> Met {
    let login = probe.start_device_login().await?;
    let first = probe.poll(&login).await?;
    probe.ledger.judge(FIRST_POLL, expect_error(&first, &["authorization_pending"]));
    let second = probe.poll(&login).await?;
    probe.ledger.judge(SLOW_DOWN, expect_error(&second, &["slow_down"]));
    Ok(())
}

async fn denied(probe: &Probe) -> Met {
    probe.person.can(Decision::Deny)?;
    let login = probe.start_device_login().await?;
    probe.decide(&login, Decision::Deny).await?;
    let first = probe.poll(&login).await?;
    probe.ledger.judge(DENIED, expect_error(&first, &["access_denied"]));
    let second = probe.poll(&login).await?;
    probe.ledger.judge(DENIED_AGAIN, expect_error(&second, &["access_denied"]));
    Ok(())
}

async fn approved(probe: &Probe) -> Met {
    probe.person.can(Decision::Approve)?;
    let login = probe.start_device_login().await?;
    // A poll at once before the decision and one at once after it: the second comes too fast.
    probe.poll(&login).await?;
    probe.decide(&login, Decision::Approve).await?;
    let mut answer = probe.poll(&login).await?;
    let is_slowed_down = answer.text("error").as_deref() == Some("slow_down");
    probe.ledger.judge(APPROVED_AT_ONCE, expect(!is_slowed_down, || answer.in_words()));
    if is_slowed_down {
        probe.wait(Duration::from_secs(login.interval + 10)).await?;
        answer = probe.poll(&login).await?;
    }
    probe.ledger.judge(APPROVED, read_tokens(&answer).map(drop).map_err(|_| Miss::Broken(answer.in_words())));
    judge_token_answer(probe, &answer, probe.scope.as_deref());
    let again = probe.poll(&login).await?;
    probe.ledger.judge(ONCE, expect_error(&again, &["invalid_grant"]));
    Ok(())
}

async fn gap_grows(probe: &Probe) -> Met {
    let login = probe.start_device_login().await?;
    probe.poll(&login).await?;
    let hasty = probe.poll(&login).await?;
    if hasty.text("error").as_deref() != Some("slow_down") {
        return Err(Miss::Unknown(format!(
            "a hasty poll was not slowed down, but answered with {}",
            hasty.in_words()
        )));
    }
    // As long as was asked at first is no longer enough ..
    probe.wait(Duration::from_secs(login.interval)).await?;
    let at_old_pace = probe.poll(&login).await?;
    expect_error(&at_old_pace, &["slow_down"])?;
    // .. and ten more, for two slow_downs, are.
    for poll in 0..2 {
        probe.wait(Duration::from_secs(login.interval + 10)).await?;
        let at_new_pace = probe.poll(&login).await?;
        if at_new_pace.status == 200 {
            return Err(Miss::Unknown("the login was approved meanwhile".to_owned()));
        }
        expect(at_new_pace.text("error").as_deref() == Some("authorization_pending"), || {
            format!("{} for poll {poll} after {} s", at_new_pace.in_words(), login.interval + 10)
        })?;
    }
    Ok(())
}

/// For most of a code's life where time is free; else for a few polls.
async fn pace(probe: &Probe) -> Met {
    let login = probe.start_device_login().await?;
    // The requests take their time too.
    let most_of_life = login.expires_in * 9 / 10 / login.interval.max(1);
    let polls = if probe.target.is_mock_server { most_of_life.min(600) } else { most_of_life.min(3) };
    for _ in 0..polls {
        probe.wait(Duration::from_secs(login.interval)).await?;
        let answer = probe.poll(&login).await?;
        if answer.status == 200 {
            // Somebody approved it, and so it ends.
            return Ok(());
        }
        expect_error(&answer, &["authorization_pending"])?;
    }
    Ok(())
}

async fn until_expiry(probe: &Probe, login: &DeviceLogin) -> Result<Answer, Miss> {
    probe.wait_for_expiry(login).await?;
    probe.poll(login).await
}

/// A server that forgets a code with its expiry tells less, but tells its end.
fn expect_expired(answer: &Answer) -> Met {
    if answer.text("error").as_deref() == Some("invalid_grant") {
        return Err(Miss::Nearly("invalid_grant: the code is forgotten already".to_owned()));
    }
    expect_error(answer, &["expired_token"])
}

async fn expired(probe: &Probe) -> Met {
    let login = probe.start_device_login().await?;
    let answer = until_expiry(probe, &login).await?;
    probe.ledger.judge(EXPIRED, expect_expired(&answer));
    probe.wait(Duration::from_secs(login.interval + 10)).await?;
    let later = probe.poll(&login).await?;
    probe.ledger.judge(EXPIRED_LATER, expect_error(&later, &["expired_token", "invalid_grant"]));
    Ok(())
}

async fn expired_approved(probe: &Probe) -> Met {
    probe.person.can(Decision::Approve)?;
    let login = probe.start_device_login().await?;
    probe.decide(&login, Decision::Approve).await?;
    expect_expired(&until_expiry(probe, &login).await?)
}
