use std::fs;

use crate::program::Program;

#[test]
fn what_the_command_line_lacks_is_a_matter_of_usage() {
    let program = Program::new();
    for arguments in [
        &[][..],
        &["sign-in"],
        &["login", "--timeout", "soon", "--issuer", "https://auth.example.com", "--client-id", "x"],
        &["login", "--client-secret", "s3cret"],
        &["login"],
        &["login", "--issuer", "https://auth.example.com"],
        &["login", "--provider", "nobody", "--client-id", "x"],
        &["login", "--issuer", "https://auth.example.com", "--client-id", "x", "--store", "cupboard"],
        &["login", "--issuer", "https://auth.example.com", "--client-id", "x", "--store", "key-file"],
        &["login", "--issuer", "https://auth.example.com", "--client-id", "x", "--passphrase", "s3cret"],
        &["storage"],
        &["storage", "move"],
        &["status", "--all", "--profile", "x"],
        &["status", "--profile", "../x"],
        &["help", "me"],
    ] {
        let finished = program.run(arguments);
        assert_eq!(finished.code, Some(2), "{arguments:?} {finished:?}");
        assert!(finished.stdout.is_empty() && !finished.stderr.is_empty(), "{arguments:?} {finished:?}");
    }
}

#[test]
fn what_cannot_work_is_refused_before_anybody_is_asked() {
    let program = Program::new();
    let login = |more: &[&str]| program.run(&[&["login", "--client-id", "x"], more].concat());
    for (arguments, words) in [
        (&["--issuer", "http://auth.example.com"][..], "https"),
        (&["--issuer", "https://auth.example.com", "--ca-file", "/does/not/exist"], "/does/not/exist"),
        (
            &["--issuer", "https://auth.example.com", "--client-secret-file", "/does/not/exist"],
            "/does/not/exist",
        ),
    ] {
        let finished = login(arguments);
        assert_eq!(finished.code, Some(9), "{arguments:?} {finished:?}");
        assert!(finished.stderr.contains(words), "{finished:?}");
    }
}

#[test]
fn a_mistake_in_the_configuration_is_shown_with_its_line() {
    let program = Program::new();
    let directory = program.home().join(".config/device-cli");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("config.toml"), "[profiles.work]\nclient_id = \"x\"\nisuer = \"y\"\n").unwrap();
    let finished = program.run(&["login", "--profile", "work"]);
    assert_eq!(finished.code, Some(9), "{finished:?}");
    assert!(finished.stderr.contains("config.toml, line 3: unknown field `isuer`"), "{finished:?}");
}

#[test]
fn help_has_the_exit_codes_the_variables_and_every_command() {
    let program = Program::new();
    let help = |topic: &str| program.run(&["help", topic]).stdout;
    assert!(help("exit-codes").contains("   6  the code expired, or --timeout passed"));
    assert!(help("environment").contains("DEVICE_CLI_CLIENT_ID"));
    assert!(help("accessibility").contains("ACCESSIBLE=1"));
    assert!(help("stores").contains("  file                NOT encrypted; "));
    for command in ["demo", "login", "token", "status", "logout", "storage"] {
        assert!(help(command).contains(&format!("device-cli {command}")), "{}", help(command));
    }
    assert!(program.run(&["--version"]).stdout.starts_with("device-cli 0."));
}
