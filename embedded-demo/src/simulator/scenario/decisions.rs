//! What a person and the server decide.

use std::time::Duration;

use embedded_demo::Progress;
use oauth_protocol::{Error, ErrorCode};

use super::stage::Stage;
use crate::desk::SimulatedDevice;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::nor_flash::SimulatedFlash;

pub(super) fn success(stage: &mut Stage) -> Result<(), Failure> {
    let mut device = stage.power_on(SimulatedFlash::in_memory())?;
    stage.desk.live_for(&mut device, Duration::from_secs(20))?;
    stage.approve()?;
    stage.is_signed_in(&mut device)?;
    let gaps = stage.polls().into_iter().filter_map(|poll| poll.gap);
    let is_patient = gaps.into_iter().all(|gap| gap >= Duration::from_secs(5));
    stage.promise("it asked every five seconds or less often", is_patient)?;
    stage.keeps_a_refresh_token(device).map(drop)
}

pub(super) fn denied(stage: &mut Stage) -> Result<(), Failure> {
    let mut device = stage.power_on(SimulatedFlash::in_memory())?;
    stage.desk.live_for(&mut device, Duration::from_secs(12))?;
    stage.deny()?;
    ended(
        stage,
        &mut device,
        "the device says that it was denied",
        |error| matches!(error, Error::Refused(refusal) if refusal.error == ErrorCode::AccessDenied),
    )?;
    begins_again_by_hand(stage, &mut device)
}

pub(super) fn expired(stage: &mut Stage) -> Result<(), Failure> {
    let mut device = stage.power_on(SimulatedFlash::in_memory())?;
    stage.tell("nobody comes")?;
    ended(stage, &mut device, "the device says that the code ran out", |error| {
        matches!(error, Error::Expired)
            || matches!(error, Error::Refused(refusal) if refusal.error == ErrorCode::ExpiredToken)
    })?;
    begins_again_by_hand(stage, &mut device)
}

pub(super) fn slow_down(stage: &mut Stage) -> Result<(), Failure> {
    let script = "pending, slow_down, pending, slow_down, pending, approve".parse();
    stage.server.script_next_login(
        script.map_err(|error| Failure::new(ExitCode::General, format!("no script: {error}")))?,
    );
    let mut device = stage.power_on(SimulatedFlash::in_memory())?;
    stage.tell("the server will ask for a slower pace after the second poll, and after the fourth")?;
    stage.is_signed_in(&mut device)?;
    let least = [0, 5, 10, 10, 15, 15];
    let gaps: Vec<u64> = stage.polls().iter().map(|poll| poll.gap.unwrap_or_default().as_secs()).collect();
    stage.tell(&format!("seconds between its polls: {gaps:?}, at least {least:?}"))?;
    let is_slower = gaps.len() == least.len() && gaps.iter().zip(least).all(|(gap, least)| *gap >= least);
    stage.promise("each slow_down made it five seconds slower, for good", is_slower)?;
    let is_told = stage.was_shown("asking every 10 s") && stage.was_shown("asking every 15 s");
    stage.promise("the panel said so", is_told)
}

fn ended(
    stage: &mut Stage,
    device: &mut SimulatedDevice,
    promise: &str,
    is_right: impl FnOnce(&Error) -> bool,
) -> Result<(), Failure> {
    let progress = stage.desk.until_the_end(device)?;
    let error = stage.desk.seen().error.take();
    stage.promise(promise, progress == Progress::Ended && error.is_some_and(|error| is_right(&error)))
}

fn begins_again_by_hand(stage: &mut Stage, device: &mut SimulatedDevice) -> Result<(), Failure> {
    let asked = stage.server.requests().len();
    stage.tell("a day goes by")?;
    stage.desk.live_for(device, Duration::from_secs(86_400))?;
    stage.promise("it asked for nothing by itself", stage.server.requests().len() == asked)?;
    let old_code = stage.shown_code();
    stage.tell("somebody presses the button")?;
    device.start_again();
    stage.desk.live_for(device, Duration::from_secs(3))?;
    stage.promise("there is a new code", stage.shown_code() != old_code)?;
    stage.approve()?;
    stage.is_signed_in(device)
}
