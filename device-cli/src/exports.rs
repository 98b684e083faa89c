//! `env`: the token as a line that a shell takes over.

use std::time::Duration;

use clap::ValueEnum;

use crate::access_token::{AccessToken, Asking, Wanted};
use crate::arguments::EnvArguments;
use crate::environment::variable;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// How a shell's words are quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Syntax {
    /// POSIX: dash, bash, zsh, ksh
    Sh,
    /// The friendly interactive shell
    Fish,
    /// Windows `PowerShell`, and pwsh
    #[value(name = "powershell")]
    Power,
}

pub(crate) fn run(
    arguments: &EnvArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let shell = arguments.shell.unwrap_or_else(|| Syntax::of_this_session(variable("SHELL").as_deref()));
    let token = AccessToken::get(profile, Wanted::For(Duration::ZERO), Asking::Allowed, terminal)?;
    let line = shell.export(&arguments.variable, token.secret().expose());
    if terminal.result_is_seen() {
        terminal.say(match shell {
            Syntax::Sh => "To take it over: eval \"$(device-cli env)\"",
            Syntax::Fish => "To take it over: device-cli env | source",
            Syntax::Power => "To take it over: device-cli env | Out-String | Invoke-Expression",
        });
    }
    Ok(terminal.result(&line)?)
}

impl Syntax {
    fn of_this_session(shell: Option<&str>) -> Self {
        match shell.and_then(|path| path.rsplit('/').next()) {
            Some("fish") => Self::Fish,
            Some("pwsh" | "powershell") => Self::Power,
            None if cfg!(windows) => Self::Power,
            _ => Self::Sh,
        }
    }

    /// Between single quotes nothing is special to any of the three but what is replaced here.
    fn export(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("export {name}='{}'", value.replace('\'', r"'\''")),
            Self::Fish => {
                format!("set -gx {name} '{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
            }
            Self::Power => format!("$env:{name} = '{}'", value.replace('\'', "''")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Syntax;

    #[test]
    fn a_value_is_quoted_as_the_shell_reads_it() {
        let value = r#"a'b\c$d"e`f"#;
        assert_eq!(Syntax::Sh.export("T", value), r#"export T='a'\''b\c$d"e`f'"#);
        assert_eq!(Syntax::Fish.export("T", value), r#"set -gx T 'a\'b\\c$d"e`f'"#);
        assert_eq!(Syntax::Power.export("T", value), r#"$env:T = 'a''b\c$d"e`f'"#);
    }

    #[test]
    fn the_shell_is_the_sessions_own() {
        assert_eq!(Syntax::of_this_session(Some("/usr/bin/fish")), Syntax::Fish);
        assert_eq!(Syntax::of_this_session(Some("/usr/bin/pwsh")), Syntax::Power);
        assert_eq!(Syntax::of_this_session(Some("/bin/zsh")), Syntax::Sh);
    }
}
