//! Standard output that is closed, full, or read by nobody; standard error that is.

use std::process::{Command, Stdio};

use crate::program::{Finished, Program, Server};

/// `script` in a shell in which `device-cli` is the program.
fn shell(program: &Program, script: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_device-cli")).parent().expect("a folder");
    shell.env_clear().env("HOME", program.home()).env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    shell.args(["-c", script]).stdin(Stdio::null());
    shell
}

#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid");
    for arguments in [
        &["help"][..],
        &["help", "stores"],
        &["completions", "bash"],
        &["man"],
        &["qr", "text"],
        &["status"],
        &["status", "--json"],
        &["profile", "list"],
        &["storage", "show"],
        &["token"],
        &["env", "--shell", "sh"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let finished = program.command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((finished.status.code(), finished.stderr), (Some(141), Vec::new()), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let finished = Finished::of(&mut shell(&Program::new(), "device-cli help >/dev/full"));
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.starts_with("error: cannot write to standard output: No space"), "{finished:?}");
}

#[test]
fn a_login_without_standard_output_or_error_or_input_comes_to_its_end() {
    for closed in [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "2>/dev/full", ">/dev/full"] {
        let (program, server) = (Program::new(), Server::start());
        let issuer = server.mock.issuer();
        let script = format!(
            "exec device-cli login --store file --client-id device --scope openid --issuer {issuer} {closed}"
        );
        let mut login = shell(&program, &script);
        let login = login.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
        server.approve_the_next();
        let finished = Finished::from(login.wait_with_output().expect("it ends"));
        assert_eq!(finished.code, Some(0), "{closed} {finished:?}");
        assert!(!finished.stderr.contains("panick"), "{closed} {finished:?}");
        assert_eq!(program.run(&["token"]).code, Some(0), "{closed}");
    }
}

#[test]
fn a_screen_that_goes_away_does_not_end_a_login() {
    let (program, server) = (Program::new(), Server::start());
    let issuer = server.mock.issuer();
    let script = format!(
        "{{ device-cli login --store file --client-id device --scope openid --issuer {issuer} 2>&1; \
         echo \"ended with $?\" >\"$HOME/code\"; }} | head -n 1"
    );
    let login = shell(&program, &script).stdout(Stdio::piped()).spawn().expect("a shell");
    server.approve_the_next();
    let finished = Finished::from(login.wait_with_output().expect("it ends"));
    assert!(finished.stdout.starts_with("Using a browser on another device, visit:"), "{finished:?}");
    assert_eq!(std::fs::read_to_string(program.home().join("code")).unwrap(), "ended with 0\n");
    assert_eq!(program.run(&["token"]).code, Some(0));
}
