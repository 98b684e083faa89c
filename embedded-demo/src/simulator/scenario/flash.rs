//! Flash that is no empty flash.

use std::time::Duration;

use super::stage::Stage;
use crate::failure::Failure;
use crate::nor_flash::SimulatedFlash;

pub(super) fn full_flash(stage: &mut Stage) -> Result<(), Failure> {
    stage.tell("the flash is full of what another program left")?;
    let mut device = stage.power_on(SimulatedFlash::full_of_noise(0x9E37_79B9_7F4A_7C15))?;
    stage.desk.live_for(&mut device, Duration::from_secs(7))?;
    stage.approve()?;
    stage.is_signed_in(&mut device)?;
    let flash = stage.keeps_a_refresh_token(device)?;
    stage.tell("the power fails")?;
    let mut device = stage.power_on(flash)?;
    stage.is_signed_in(&mut device)?;
    let is_refreshed = stage.codes_asked_for() == 1 && stage.refreshes() == 1;
    stage.promise("nobody had to sign in again", is_refreshed)?;

    stage.tell("another device, whose flash takes no writes any more")?;
    let mut device = stage.power_on(SimulatedFlash::worn_out())?;
    stage.desk.live_for(&mut device, Duration::from_secs(7))?;
    stage.promise("the panel says that nothing is kept", stage.was_shown("not stored: "))?;
    stage.approve()?;
    stage.is_signed_in(&mut device)?;
    stage.tell("the power fails")?;
    let flash = stage.power_off(device, Duration::ZERO);
    let mut device = stage.power_on(flash)?;
    stage.desk.live_for(&mut device, Duration::from_secs(7))?;
    stage.promise("there is a new code: nothing was kept", stage.codes_asked_for() == 3)?;
    stage.approve()?;
    stage.is_signed_in(&mut device)
}
