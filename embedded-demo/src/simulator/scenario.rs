//! What can happen to a device, played at the own server in time that jumps, and held against what it promises.

mod decisions;
mod flash;
mod outage;
mod power;
mod stage;

use std::path::Path;

use crate::arguments::{Arguments, Scenario};
use crate::failure::Failure;
use stage::Stage;

const EACH: [(&str, Story); 10] = [
    ("success", decisions::success),
    ("denied", decisions::denied),
    ("expired", decisions::expired),
    ("slow-down", decisions::slow_down),
    ("outage", outage::outage),
    ("reset", power::reset),
    ("deep-sleep", power::deep_sleep),
    ("no-clock", power::no_clock),
    ("refresh", power::refresh),
    ("full-flash", flash::full_flash),
];

/// Fails only where it cannot go on: broken promises are noted on the stage.
type Story = fn(&mut Stage) -> Result<(), Failure>;

pub(crate) fn run(scenario: Scenario, arguments: &Arguments) -> Result<(), Failure> {
    match EACH.get(scenario as usize) {
        Some((name, story)) => play(name, *story, arguments),
        None if writes_files(arguments) => Err(Failure::usage(
            "--frames, --sound and --led FILE hold one story: name a single scenario with them",
        )),
        None => EACH.iter().try_for_each(|(name, story)| play(name, *story, arguments)),
    }
}

fn writes_files(arguments: &Arguments) -> bool {
    let led = arguments.led.as_deref().filter(|path| *path != Path::new("-"));
    arguments.frames.is_some() || arguments.sound.is_some() || led.is_some()
}

fn play(name: &str, story: Story, arguments: &Arguments) -> Result<(), Failure> {
    let mut stage = Stage::set(name, arguments)?;
    story(&mut stage)?;
    stage.close()
}
