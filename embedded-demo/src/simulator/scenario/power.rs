//! Power that comes and goes.

use std::time::Duration;

use embedded_demo::Progress;

use super::stage::Stage;
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
