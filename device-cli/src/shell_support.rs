//! `completions` and `man`, from the parser's own definition.

use clap::CommandFactory as _;

use crate::arguments::{Arguments, CompletionsArguments, ManArguments};
use crate::failure::Failure;
use crate::terminal::Terminal;

pub(crate) fn completions(arguments: &CompletionsArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "device-cli", &mut script);
    Ok(terminal.result(String::from_utf8_lossy(&script).trim_end())?)
}

pub(crate) fn man(arguments: &ManArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let command = Arguments::command();
    if let Some(directory) = &arguments.directory {
        // `device-cli.1`, `device-cli-login.1` and so on.
        return clap_mangen::generate_to(command, directory).map_err(|error| {
            Failure::usage(format!("cannot write manual pages into {}: {error}", directory.display()))
        });
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(terminal.result(String::from_utf8_lossy(&page).trim_end())?)
}
