//! Signs a terminal in that has no browser.
#![forbid(unsafe_code)]

mod arguments;
#[cfg(feature = "demo")]
mod demo;
mod exit_code;
mod failure;
mod terminal;

use std::process;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use crate::terminal::Terminal;

fn main() -> process::ExitCode {
    let arguments = Arguments::parse();
    let mut terminal = Terminal::new();
    match run(&arguments, &mut terminal) {
        Ok(()) => exit_code::ExitCode::Ok.into(),
        Err(failure) => {
            terminal.failure(&failure);
            failure.exit_code.into()
        }
    }
}

fn run(arguments: &Arguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments.command {
        #[cfg(feature = "demo")]
        Command::Demo => runtime.block_on(demo::run(terminal)),
    }
}
