//! Signs a terminal in that has no browser.
#![forbid(unsafe_code)]

mod access_token;
mod arguments;
mod browser;
mod browser_flow;
mod capabilities;
mod child_program;
mod clipboard;
mod configuration;
mod credential;
mod curl;
mod decode;
#[cfg(feature = "demo")]
mod demo;
mod device_flow;
mod discover;
mod doctor;
mod environment;
mod exit_code;
mod exports;
mod failure;
mod given_token;
mod help;
mod interruption;
mod known_values;
mod login;
mod login_check;
mod login_events;
mod login_screen;
mod login_status;
mod logout;
mod no_key;
mod parked_flow;
mod passphrase;
mod presentation;
mod private_file;
mod profile;
mod proxy;
mod qr;
mod qr_code;
mod refresh;
mod remembered_login;
mod secret_entry;
mod settings;
mod shell_support;
mod status;
mod storage;
mod store_choice;
mod stores;
mod styled_line;
mod terminal;
mod token;
mod whoami;

use std::ffi::OsString;
use std::process;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::login_events::LoginEvent;
use crate::terminal::Terminal;

fn main() -> process::ExitCode {
    let mut terminal = Terminal::detect();
    let words: Vec<OsString> = std::env::args_os().collect();
    if credential::is_cargo_plugin(&words) {
        credential::serve_cargo(None, &mut terminal);
        return ExitCode::Ok.into();
    }
    let arguments = match credential::arguments_for_docker(&words) {
        Some(words) => Arguments::parse_from(words),
        None => Arguments::parse(),
    };
    let result = run(&arguments, &mut terminal);
    terminal.restore();
    if let (Command::Login(login), Err(failure)) = (&arguments.command, &result)
        && login.json
    {
        terminal.failure(failure);
        // Where nobody reads the events any more, the exit code still says it.
        let _ = terminal.result_json(&LoginEvent::failed(failure).to_json());
        return failure.exit_code.into();
    }
    match result {
        Ok(code) => code,
        Err(failure) => {
            terminal.failure(&failure);
            failure.exit_code.into()
        }
    }
}

/// The exit code is another program's where that took part.
fn run(arguments: &Arguments, terminal: &mut Terminal) -> Result<process::ExitCode, Failure> {
    let profile = arguments.profile.as_deref();
    match &arguments.command {
        #[cfg(feature = "demo")]
        Command::Demo => on_a_runtime(demo::run(arguments.verbose, terminal)),
        Command::Login(login) => on_a_runtime(login::run(login, profile, arguments.verbose, terminal)),
        Command::Token(token) => token::run(token, profile, terminal),
        Command::Refresh(refresh) => refresh::run(refresh, profile, terminal),
        Command::Run(program) => return child_program::run(program, profile, terminal),
        Command::Env(env) => exports::run(env, profile, terminal),
        Command::Curl(curl) => return curl::run(curl, profile, terminal),
        Command::Credential(command) => credential::run(command, profile, terminal),
        Command::Status(status) => status::run(status, profile, terminal),
        Command::Whoami(whoami) => whoami::run(whoami, profile, terminal),
        Command::Logout(logout) => on_a_runtime(logout::run(logout, profile, terminal)),
        Command::Storage(command) => storage::run(command, profile, terminal),
        Command::Profile(command) => profile::run(command, profile, terminal),
        Command::Discover(discover) => on_a_runtime(discover::run(discover, terminal)),
        Command::Doctor(doctor) => on_a_runtime(doctor::run(doctor, profile, terminal)),
        Command::Qr(qr) => qr::run(qr, terminal),
        Command::Decode(decode) => decode::run(decode, terminal),
        Command::Completions(completions) => shell_support::completions(completions, terminal),
        Command::Man(man) => shell_support::man(man, terminal),
        Command::Help(help) => help::run(help, terminal),
    }?;
    Ok(ExitCode::Ok.into())
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
