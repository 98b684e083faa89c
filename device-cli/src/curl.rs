//! `curl`: a call with the token, which curl reads from its standard input: a command line is there for all to read.
#![allow(clippy::disallowed_methods, reason = "starts curl, with an exact argument list")]

use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::access_token::{AccessToken, Asking, Wanted};
use crate::arguments::CurlArguments;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::Terminal;

pub(crate) fn run(
    arguments: &CurlArguments,
    profile: Option<&str>,
    terminal: &mut Terminal,
) -> Result<std::process::ExitCode, Failure> {
    let given: Vec<String> =
        arguments.arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    if reads_standard_input(&given) {
        return Err(Failure::usage(
            "curl's standard input carries the token here: put the data into a file, and give @FILE",
        ));
    }
    let token = AccessToken::get(profile, Wanted::For(Duration::ZERO), Asking::Allowed, terminal)?;
    let protocols = protocols(&given, &token.settings)?;
    let header = token.authorization_header()?;
    let configuration = format!(
        "proto-default = \"https\"\nproto = \"={protocols}\"\nproto-redir = \"={protocols}\"\nheader = \"Authorization: {}\"\n",
        header.expose().replace('\\', r"\\").replace('"', "\\\"")
    );
    terminal.restore();
    let failed = |error: io::Error| {
        let message = match error.kind() {
            io::ErrorKind::NotFound => "curl is not installed: install it, or give another program the line of device-cli token --header".to_owned(),
            _ => format!("cannot start curl: {error}; check that you may run it"),
        };
        Failure::new(ExitCode::General, "command_failed", message)
    };
    let mut curl = Command::new("curl")
        .args(["--config", "-"])
        .args(&arguments.arguments)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = curl.stdin.take() {
        // A curl that ended early says why itself.
        let _ = stdin.write_all(configuration.as_bytes());
    }
    let status = curl.wait().map_err(failed)?;
    Ok(std::process::ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}

fn reads_standard_input(arguments: &[String]) -> bool {
    const READERS: [&str; 4] = ["-K", "--config", "-T", "--upload-file"];
    arguments.iter().any(|argument| argument.ends_with("@-"))
        || arguments.windows(2).any(|pair| pair[1] == "-" && READERS.contains(&pair[0].as_str()))
        || arguments
            .iter()
            .any(|argument| ["-K-", "-T-", "--config=-", "--upload-file=-"].contains(&argument.as_str()))
}

/// https; http where the person named a URL that may go without TLS.
fn protocols(arguments: &[String], settings: &Settings) -> Result<&'static str, Failure> {
    let mut protocols = "https";
    for argument in arguments {
        let url = argument.strip_prefix("--url=").unwrap_or(argument);
        if url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://")) {
            if !settings.may_go_without_tls(url) {
                return Err(Failure::usage(format!(
                    "{url} has no TLS, and whoever is on the way would read the token: use https://"
                )));
            }
            protocols = "http,https";
        }
    }
    Ok(protocols)
}

#[cfg(test)]
mod tests {
    use super::{protocols, reads_standard_input};
    use crate::settings::Settings;

    fn given(arguments: &[&str]) -> Vec<String> {
        arguments.iter().map(|&argument| argument.to_owned()).collect()
    }

    #[test]
    fn data_from_standard_input_is_noticed() {
        for arguments in
            [&["-d", "@-"][..], &["--data=@-"], &["-T", "-", "https://a/"], &["-K", "-"], &["-F", "file=@-"]]
        {
            assert!(reads_standard_input(&given(arguments)), "{arguments:?}");
        }
        for arguments in [&["-o", "-", "https://a/"][..], &["-d", "@file"], &["-H", "Accept: */*"]] {
            assert!(!reads_standard_input(&given(arguments)), "{arguments:?}");
        }
    }

    #[test]
    fn a_token_goes_without_tls_to_this_machine_alone_or_to_the_host_that_is_allowed() {
        let of = |url: &str, settings: &Settings| protocols(&given(&[url]), settings).ok();
        let settings = Settings::default();
        assert_eq!(of("https://api.example.com/", &settings), Some("https"));
        assert_eq!(of("http://127.0.0.1:8080/resource", &settings), Some("http,https"));
        assert_eq!(of("http://[::1]:8080/resource", &settings), Some("http,https"));
        assert_eq!(of("HTTP://api.example.com/", &settings), None);
        assert_eq!(of("--url=http://api.example.com/", &settings), None);
        assert_eq!(of("http://127.0.0.1@api.example.com/", &settings), None);
        let allowed = Settings { dangerously_allow_http: Some("api.example.com".into()), ..settings };
        assert_eq!(of("http://api.example.com/", &allowed), Some("http,https"));
        assert_eq!(of("http://other.example.com/", &allowed), None);
    }
}
