//! The device program on a host: its panel, its lamp and its flash as text, pictures and files.
#![forbid(unsafe_code)]

mod arguments;
mod board_clock;
mod desk;
mod endpoints;
mod exit_code;
mod failure;
mod framebuffer;
mod frames;
mod interruption;
mod lamp;
mod life;
mod live_panel;
mod network;
mod nor_flash;
mod own_server;
mod provider;
mod scenario;
mod sounds;
mod text_screen;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use arguments::Arguments;
use failure::Failure;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "embedded-demo: {failure}");
            failure.exit_code.into()
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    interruption::listen().map_err(|error| {
        Failure::new(exit_code::ExitCode::General, format!("the system refuses to tell of signals: {error}"))
    })?;
    match arguments.scenario {
        Some(scenario) => scenario::run(scenario, arguments),
        None => life::run(arguments),
    }
}
