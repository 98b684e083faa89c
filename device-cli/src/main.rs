//! Signs a terminal in that has no browser.
#![forbid(unsafe_code)]

mod arguments;
mod browser;
mod capabilities;
mod clipboard;
mod configuration;
#[cfg(feature = "demo")]
mod demo;
mod device_flow;
mod environment;
mod exit_code;
mod failure;
mod help;
mod interruption;
mod login;
mod login_events;
mod login_screen;
mod login_status;
mod logout;
mod no_key;
mod passphrase;
mod presentation;
mod private_file;
mod proxy;
mod qr_code;
mod remembered_login;
mod settings;
mod status;
mod storage;
mod store_choice;
mod stores;
mod styled_line;
mod terminal;
mod token;

use std::process;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::login_events::LoginEvent;
use crate::terminal::Terminal;

fn main() -> process::ExitCode {
    let arguments = Arguments::parse();
    let mut terminal = Terminal::detect();
    let result = run(&arguments, &mut terminal);
    terminal.restore();
    let Err(failure) = result else { return ExitCode::Ok.into() };
    terminal.failure(&failure);
    if let Command::Login(login) = &arguments.command
        && login.json
    {
        // Where nobody reads the events any more, the exit code still says it.
        let _ = terminal.result(&LoginEvent::failed(&failure).to_json());
    }
    failure.exit_code.into()
}

fn run(arguments: &Arguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let profile = arguments.profile.as_deref();
    match &arguments.command {
        #[cfg(feature = "demo")]
        Command::Demo => on_a_runtime(demo::run(arguments.verbose, terminal)),
        Command::Login(login) => on_a_runtime(login::run(login, profile, arguments.verbose, terminal)),
        Command::Token(token) => token::run(token, profile, terminal),
        Command::Status(status) => status::run(status, profile, terminal),
        Command::Logout(logout) => on_a_runtime(logout::run(logout, profile, terminal)),
        Command::Storage(command) => storage::run(command, profile, terminal),
        Command::Help(help) => help::run(help, terminal),
    }
}

/// One thread is enough, and nothing that is left behind, such as a slow name lookup, is waited for.
fn on_a_runtime<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(ExitCode::General, "runtime", format!("the system refuses what is needed: {error}"))
    })?;
    let result = runtime.block_on(future);
    runtime.shutdown_background();
    result
}
