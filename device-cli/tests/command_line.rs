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
    let at = |more: [&'static str; 2]| [&["--issuer", "https://auth.example.com"], &more[..]].concat();
    for (arguments, code, words) in [
        (vec!["--issuer", "http://auth.example.com"], 2, "--dangerously-allow-http HOST"),
        (vec!["--issuer", "https://ex\u{e4}mple.invalid"], 2, "xn--"),
        (vec!["--issuer", "https://auth.example.com?x=1"], 2, "leave out the ?"),
        (vec!["--issuer", "auth.example.com/.well-known/openid-configuration"], 2, "leave out /.well-known/"),
        (vec!["--device-endpoint", "https://auth.example.com/device"], 2, "--token-endpoint"),
        (at(["--provider", "github"]), 2, "leave one of them out"),
        (at(["--provider", "octopus"]), 2, "leave one of them out"),
        (at(["--dangerously-allow-http", "http://example.com"]), 2, "without http://"),
        (at(["--dangerously-allow-http", "example.com:8080"]), 2, "without a port"),
        (at(["--redirect-uri", "https://example.com/"]), 2, "cannot be used"),
        (at(["--ca-file", "/does/not/exist"]), 9, "/does/not/exist"),
        (at(["--client-secret-file", "/does/not/exist"]), 9, "/does/not/exist"),
    ] {
        let finished = login(&arguments);
        assert_eq!(finished.code, Some(code), "{arguments:?} {finished:?}");
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
    assert!(
        finished.stderr.contains("config.toml, line 3: \"isuer\" is no key; the keys are issuer"),
        "{finished:?}"
    );
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

#[test]
fn help_on_a_command_of_a_command_is_its_own() {
    let program = Program::new();
    for words in [&["profile", "add"][..], &["storage", "move"], &["credential", "git"], &["login"]] {
        let help = program.run(&[&["help"], words].concat());
        assert_eq!(help.code, Some(0), "{help:?}");
        let own = program.run(&[words, &["--help"]].concat()).stdout;
        let usage = |text: &str| text.lines().find(|line| line.starts_with("Usage: ")).unwrap().to_owned();
        assert_eq!(usage(&help.stdout), usage(&own));
        assert!(usage(&own).contains(&words.join(" ")), "{own}");
    }
    for nonsense in [&["profile", "fly"][..], &["login", "login"], &["environment", "login"]] {
        let help = program.run(&[&["help"], nonsense].concat());
        assert_eq!(help.code, Some(2), "{help:?}");
        assert!(
            help.stderr
                .contains(&format!("no help on {}", nonsense[usize::from(nonsense[0] != "environment")])),
            "{help:?}"
        );
    }
}

#[test]
fn the_help_of_a_login_is_in_order_and_ends_with_examples() {
    let help = Program::new().run(&["login", "--help"]).stdout;
    let titles = ["Options:", "Server:", "Client:", "Store:", "Network:", "Common options:", "Examples:"];
    let at = titles.map(|title| help.lines().position(|line| line == title));
    assert!(at.is_sorted() && at[0].is_some(), "{at:?} {help}");
    let between = |from: &str, to: &str| {
        let (from, to) = (help.find(from).unwrap(), help.find(to).unwrap());
        &help[from..to]
    };
    assert!(between("Common options:", "Examples:").contains("--profile"), "{help}");
    assert!(!between("Server:", "Common options:").contains("--profile"), "{help}");
}

#[test]
fn help_has_examples_where_a_newcomer_looks_for_them_and_a_profile_where_one_matters() {
    let program = Program::new();
    for words in [
        &["login"][..],
        &["token"],
        &["run"],
        &["env"],
        &["curl"],
        &["credential"],
        &["profile", "add"],
        &["storage", "move"],
    ] {
        let help = program.run(&[words, &["--help"]].concat()).stdout;
        assert!(help.contains("\nExamples:\n  "), "{help}");
        assert!(help.contains("--profile"), "{help}");
    }
    for command in ["qr", "decode", "man", "completions", "help", "discover", "demo"] {
        let help = program.run(&[command, "--help"]).stdout;
        assert!(!help.contains("--profile"), "{help}");
    }
    // Where it stands before every command, as in a script, it is no mistake.
    assert_eq!(program.run(&["--profile", "work", "qr", "x"]).code, Some(0));
}

#[test]
fn help_breaks_no_word() {
    let help = Program::new().run(&["login", "--help"]).stdout;
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
}

#[test]
fn every_variable_that_is_read_is_in_the_help() {
    let help = Program::new().run(&["help", "environment"]).stdout;
    for variable in [
        "DEVICE_CLI_PROFILE",
        "DEVICE_CLI_CREDENTIAL_USERNAME",
        "DEVICE_CLI_STORE",
        "SHELL",
        "SSH_CONNECTION",
    ] {
        assert_eq!(
            help.matches(&format!("  {variable} ")).count() + help.matches(&format!("  {variable},")).count(),
            1,
            "{variable}: {help}"
        );
    }
    assert!(help.contains("what --browser and the key o start"), "{help}");
}
