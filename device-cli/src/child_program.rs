//! `run`: another program with the token in its environment.
#![allow(
    clippy::disallowed_methods,
    reason = "starts the program that it is given, with an exact argument list"
)]

use std::io;
use std::process::Command;
use std::time::Duration;

use crate::access_token::{AccessToken, Asking, Wanted};
use crate::arguments::RunArguments;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Does not come back where the program could be started in this one's place.
pub(crate) fn run(
    arguments: &RunArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<std::process::ExitCode, Failure> {
    let own = |failure| Failure { exit_code: ExitCode::RunFailed, ..failure };
    let token =
        AccessToken::get(profile, Wanted::For(Duration::ZERO), Asking::Allowed, terminal).map_err(own)?;
    let Some((program, rest)) = arguments.command.split_first() else {
        return Err(own(Failure::usage("no command: device-cli run -- COMMAND")));
    };
    let mut command = Command::new(program);
    command.args(rest).env(&arguments.variable, token.secret().expose());
    terminal.restore();
    start(&mut command).map_err(|error| {
        let (exit_code, next_step) = match error.kind() {
            io::ErrorKind::NotFound => (ExitCode::CommandNotFound, "check its name, and PATH"),
            _ => (ExitCode::CommandNotStarted, "check that it is a program, and that you may run it"),
        };
        let message = format!("cannot start {}: {error}; {next_step}", program.display());
        Failure::new(exit_code, "command_failed", message)
    })
}

/// In this process's place: signals, the terminal and the exit code are the program's own.
#[cfg(unix)]
fn start(command: &mut Command) -> io::Result<std::process::ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(command))
}

#[cfg(not(unix))]
fn start(command: &mut Command) -> io::Result<std::process::ExitCode> {
    let code = command.status()?.code().unwrap_or(1);
    Ok(std::process::ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
