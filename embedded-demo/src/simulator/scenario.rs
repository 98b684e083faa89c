//! What can happen to a device, played at the own server in time that jumps, and held against what it promises.

mod decisions;
mod flash;
mod outage;
mod power;
mod stage;

use std::path::Path;

use crate::arguments::Arguments;
use crate::failure::Failure;
use stage::Stage;

/// A story of a device.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// A person approves, and the device calls with its token.
    Success,
    /// The person says no: the device stops, and starts again only by hand.
    Denied,
    /// Nobody comes: the code runs out.
    Expired,
    /// The server asks to be asked less often, twice.
    SlowDown,
    /// The server is not there when the power comes, goes away in the middle of the login, and again when the token is
    /// to be replaced.
    Outage,
    /// The power fails while the device waits: it goes on with the same code.
    Reset,
    /// The device sleeps through every wait, all of its memory off but for a snapshot.
    DeepSleep,
    /// The device knows neither the date nor how long its power was off.
    NoClock,
    /// After a reboot there is a refresh in place of a login, and before the token's end another.
    Refresh,
    /// The flash is full of something else, and then takes no writes at all.
    FullFlash,
    /// All of them, one after the other.
    All,
}

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
