//! Power that comes and goes.

use std::time::Duration;

use embedded_demo::Progress;

use super::stage::Stage;
use crate::desk::SimulatedDevice;
use crate::failure::Failure;
use crate::nor_flash::SimulatedFlash;

pub(super) fn reset(stage: &mut Stage) -> Result<(), Failure> {
    let mut device = stage.power_on(SimulatedFlash::in_memory())?;
    stage.desk.live_for(&mut device, Duration::from_secs(17))?;
    let code = stage.shown_code();
    stage.tell("the power fails, and is back at once")?;
    let flash = stage.power_off(device, Duration::ZERO);
    stage.desk.seen().user_code = None;
    let mut device = stage.power_on(flash)?;
    stage.desk.live_for(&mut device, Duration::from_secs(1))?;
    stage.promise("the panel shows the same code again", stage.shown_code() == code)?;
    stage.approve()?;
    stage.is_signed_in(&mut device)?;
    stage.promise("no other code was asked for", stage.codes_asked_for() == 1)?;
    stage.keeps_a_refresh_token(device).map(drop)
}

pub(super) fn deep_sleep(stage: &mut Stage) -> Result<(), Failure> {
    stage.tell("from now on the device sleeps whenever it waits, and its timer tells how long it slept")?;
    let mut device = stage.power_on(SimulatedFlash::in_memory())?;
    device = sleep_through_waits(stage, device, 3)?;
    let code = stage.shown_code();
    stage.approve()?;
    device = sleep_through_waits(stage, device, 1)?;
    stage.is_signed_in(&mut device)?;
    let gaps: Vec<u64> = stage.polls().iter().filter_map(|poll| poll.gap).map(|gap| gap.as_secs()).collect();
    stage.tell(&format!("seconds between its polls: {gaps:?}"))?;
    let is_regular = gaps.len() == 2 && gaps.iter().all(|gap| (5..8).contains(gap));
    stage.promise("it polled at the pace of a device that is awake", is_regular)?;
    stage.promise(
        "it was one login with one code",
        stage.shown_code() == code && stage.codes_asked_for() == 1,
    )?;

    stage.tell("it sleeps for ten minutes, and again")?;
    for _ in 0..2 {
        device = sleep(stage, device, Duration::from_secs(600))?;
        stage.is_signed_in(&mut device)?;
    }
    stage.promise("the access token outlived both, without a refresh", stage.refreshes() == 0)
}

/// So many waits.
fn sleep_through_waits(
    stage: &Stage,
    mut device: SimulatedDevice,
    count: usize,
) -> Result<SimulatedDevice, Failure> {
    for _ in 0..count {
        let Progress::WaitUntil(moment) = stage.desk.until_it_waits(&mut device)? else { break };
        let length = moment.saturating_duration_since(stage.desk.clock.read());
        device = sleep(stage, device, length)?;
    }
    Ok(device)
}

fn sleep(stage: &Stage, mut device: SimulatedDevice, length: Duration) -> Result<SimulatedDevice, Failure> {
    let snapshot = device.snapshot().unwrap_or_default();
    let flash = stage.power_off(device, length);
    Ok(stage.power_on(flash)?.resume(&snapshot, Some(length)))
}

pub(super) fn no_clock(stage: &mut Stage) -> Result<(), Failure> {
    let mut device = stage.power_on(SimulatedFlash::in_memory())?;
    stage.desk.live_for(&mut device, Duration::from_secs(7))?;
    let polls = stage.polls().len();
    let off = Duration::from_secs(180);
    stage.tell("the power is off for three minutes, of which the device knows nothing")?;
    let flash = stage.power_off(device, off);
    let mut device = stage.power_on(flash)?;
    stage.desk.live_for(&mut device, Duration::from_millis(4_900))?;
    stage.promise("it waits a whole interval before it asks", stage.polls().len() == polls)?;
    stage.approve()?;
    stage.is_signed_in(&mut device)?;
    let flash = stage.keeps_a_refresh_token(device)?;

    stage.tell("the power is off for a second; the token would still be good, but who could tell")?;
    stage.desk.clock.restart_after(Duration::from_secs(1));
    let refreshes = stage.refreshes();
    let mut device = stage.power_on(flash)?;
    stage.is_signed_in(&mut device)?;
    stage.promise("it got a new token before it called", stage.refreshes() == refreshes + 1)?;

    device.start_again();
    stage.tell("somebody else signs in, and the power is off until the code has long run out")?;
    stage.desk.live_for(&mut device, Duration::from_secs(7))?;
    let flash = stage.power_off(device, Duration::from_secs(86_400));
    let mut device = stage.power_on(flash)?;
    stage.excuse("stop-at-expiry");
    let progress = stage.desk.until_the_end(&mut device)?;
    stage.promise("it believes the server that the code ran out", progress == Progress::Ended)
}

pub(super) fn refresh(stage: &mut Stage) -> Result<(), Failure> {
    let mut device = stage.power_on(SimulatedFlash::in_memory())?;
    stage.desk.live_for(&mut device, Duration::from_secs(7))?;
    stage.approve()?;
    stage.is_signed_in(&mut device)?;
    let mut flash = stage.keeps_a_refresh_token(device)?;
    for reboot in 1..=3 {
        stage.tell("the power is off for an hour")?;
        stage.desk.clock.restart_after(Duration::from_secs(3600));
        let mut device = stage.power_on(flash)?;
        stage.is_signed_in(&mut device)?;
        stage.promise("by a refresh, and each refresh token was used once", stage.refreshes() == reboot)?;
        if reboot == 3 {
            stage.tell("the device lives on until the token is about to end")?;
            stage.desk.live_for(&mut device, Duration::from_secs(3570))?;
            stage.promise("a new token came before the end", stage.refreshes() == reboot + 1)?;
            stage.is_signed_in(&mut device)?;
        }
        flash = stage.keeps_a_refresh_token(device)?;
    }
    stage.promise("nobody had to sign in again", stage.codes_asked_for() == 1)
}
