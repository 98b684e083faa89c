//! `completions` and `man`, from the parser's own definition.

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory as _;
use clap::builder::Resettable;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

use crate::arguments::{Arguments, CompletionsArguments, ManArguments, examples};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::help::variables;
use crate::terminal::Terminal;

/// Where things lie, for FILES.
const FILES: [(&str, &str); 3] = [
    ("~/.config/device-cli/config.toml", "the profiles"),
    ("~/.local/state/device-cli/", "the logins, and the tokens of the stores that are files"),
    ("~/.cache/device-cli/recovered/", "tokens that could not be stored where they belong"),
];

pub(crate) fn completions(arguments: &CompletionsArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "device-cli", &mut script);
    let script = String::from_utf8_lossy(&script);
    // clap_complete 4.6 replaces the hyphen in this program's name in two ways, and its bash then knows no subcommand.
    let mut script = script.replace("device__subcmd__cli", "device__cli");
    if arguments.shell == Shell::Fish {
        script.push_str(&fish_arguments());
    }
    Ok(terminal.result(script.trim_end())?)
}

/// The words that may stand behind a command, which `clap_complete` leaves out for fish.
fn fish_arguments() -> String {
    let command = Arguments::command();
    let lines = command.get_subcommands().filter_map(|subcommand| {
        let argument = subcommand.get_positionals().next()?;
        let values = argument.get_value_parser().possible_values()?;
        let words: Vec<_> = values.map(|value| value.get_name().to_owned()).collect();
        Some(format!(
            "complete -c device-cli -n \"__fish_device_cli_using_subcommand {}\" -f -a \"{}\"\n",
            subcommand.get_name(),
            words.join(" ")
        ))
    });
    lines.collect()
}

pub(crate) fn man(arguments: &ManArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut command = Arguments::command();
    command.build();
    let Some(directory) = &arguments.directory else {
        let mut text = Vec::new();
        page(&command, &mut text)?;
        if terminal.result_is_seen() {
            terminal.say("To read it: device-cli man | man -l -");
        }
        return Ok(terminal.result(String::from_utf8_lossy(&text).trim_end())?);
    };
    let count = write_pages(&command, directory).map_err(|error| {
        Failure::usage(format!(
            "cannot write manual pages into {}: {error}; name a directory that is yours",
            directory.display()
        ))
    })?;
    let first = directory.join("device-cli.1");
    terminal.say(&format!("{count} pages written; to read the first: man -l {}", first.display()));
    Ok(())
}

/// `device-cli.1`, `device-cli-login.1` and so on; how many.
fn write_pages(command: &clap::Command, directory: &Path) -> io::Result<usize> {
    let mut text = Vec::new();
    page(command, &mut text)?;
    fs::write(directory.join(Man::new(command.clone()).get_filename()), text)?;
    let mut count = 1;
    for subcommand in command.get_subcommands() {
        count += write_pages(subcommand, directory)?;
    }
    Ok(count)
}

/// What `clap_mangen` makes of the parser's definition, and the sections that manual pages end with.
fn page(command: &clap::Command, text: &mut Vec<u8>) -> io::Result<()> {
    let is_first = command.get_display_name().is_none_or(|name| name == "device-cli");
    let source = concat!("device-cli ", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone().after_help(Resettable::Reset)).source(source).render(text)?;
    let mut rest = Roff::new();
    if is_first {
        entries(
            &mut rest,
            "EXIT STATUS",
            ExitCode::ALL.map(|code| ((code as u8).to_string(), code.meaning())),
        );
        entries(&mut rest, "ENVIRONMENT", variables(command));
        entries(&mut rest, "FILES", FILES);
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    if let Some(examples) = after.strip_prefix(examples::TITLE) {
        rest.control("SH", ["EXAMPLES"]).control("nf", []).text([roman(examples)]).control("fi", []);
    }
    if !is_first {
        let words = " has the exit status, the variables and the files.";
        rest.control("SH", ["SEE ALSO"]).text([bold("device-cli"), roman("(1)"), roman(words)]);
    }
    rest.to_writer(text)
}

fn entries<Name: Into<Inline>, Meaning: Into<Inline>>(
    roff: &mut Roff,
    title: &str,
    entries: impl IntoIterator<Item = (Name, Meaning)>,
) {
    roff.control("SH", [title]);
    for (name, meaning) in entries {
        roff.control("TP", []).text([name.into()]).text([meaning.into()]);
    }
}
