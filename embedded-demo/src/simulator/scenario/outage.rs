//! A server that goes away.

use std::time::Duration;

use embedded_demo::Progress;

use super::stage::Stage;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::nor_flash::SimulatedFlash;

pub(super) fn outage(stage: &mut Stage) -> Result<(), Failure> {
    stage.server.go_away();
    stage.tell("the power comes back everywhere; the server takes longer than the device")?;
    let mut device = stage.power_on(SimulatedFlash::in_memory())?;
    stage.desk.live_for(&mut device, Duration::from_secs(90))?;
    stage.promise("the panel says that it tries again", stage.was_shown("connecting again: "))?;
    come_back(stage)?;
    stage.desk.live_for(&mut device, Duration::from_secs(90))?;
    let code = stage.shown_code();
    stage.promise("there is a code, and nobody pressed a button", !code.is_empty())?;
    go_away(stage)?;
    stage.desk.live_for(&mut device, Duration::from_secs(90))?;
    stage.promise("the panel says that it tries again", stage.was_shown("trying again"))?;
    come_back(stage)?;
    stage.approve()?;
    stage.is_signed_in(&mut device)?;
    let is_the_same = stage.shown_code() == code && stage.codes_asked_for() == 1;
    stage.promise("it was the same login, with the same code", is_the_same)?;

    let Progress::SignedIn(Some(moment)) = stage.desk.until_it_waits(&mut device)? else {
        return stage.promise("the token has an end", false);
    };
    stage.desk.live_until(&mut device, moment)?;
    stage.tell("the token is about to end")?;
    go_away(stage)?;
    stage.desk.live_for(&mut device, Duration::from_secs(120))?;
    stage.promise("the panel says that it tries again", stage.was_shown("trying again: "))?;
    come_back(stage)?;
    stage.is_signed_in(&mut device)?;
    stage.promise("nobody had to sign in again", stage.codes_asked_for() == 1 && stage.refreshes() == 1)
}

fn go_away(stage: &Stage) -> Result<(), Failure> {
    stage.server.go_away();
    stage.tell("the server goes away")
}

fn come_back(stage: &Stage) -> Result<(), Failure> {
    stage.server.come_back().map_err(|error| {
        Failure::new(ExitCode::General, format!("the server does not come back: {error}"))
    })?;
    stage.tell("the server is back")
}
