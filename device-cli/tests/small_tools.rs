//! `qr`, `decode`, `completions`, `man`.

use crate::program::{Finished, Program};

#[test]
fn a_qr_code_goes_to_standard_output() {
    let program = Program::new();
    let drawn = program.run(&["qr", "https://auth.example.com/device"]);
    assert_eq!(drawn.code, Some(0), "{drawn:?}");
    let rows: Vec<_> = drawn.stdout.lines().collect();
    assert!(rows.len() > 25 && rows.iter().all(|row| row.len() == 2 * rows.len()), "{}", drawn.stdout);
    assert!(rows.iter().all(|row| row.bytes().all(|byte| b" #".contains(&byte))), "{}", drawn.stdout);
    assert_eq!(program.run(&["qr", ""]).code, Some(2));
    let long = program.run(&["qr", &"x".repeat(3000)]);
    assert_eq!(long.code, Some(2));
    assert!(long.stderr.contains("2953"), "{long:?}");
}

#[test]
fn a_token_on_the_command_line_is_decoded_with_a_warning_that_others_can_read_it() {
    // RFC 7519 §6.1: unsecured.
    let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLCJleHAiOjEzMDA4MTkzODB9.";
    let decoded = Program::new().run(&["decode", token]);
    assert_eq!(decoded.code, Some(0), "{decoded:?}");
    assert!(
        decoded.stderr.contains("NOT verified") && decoded.stderr.contains("command line"),
        "{decoded:?}"
    );
    assert!(decoded.stdout.contains("exp              1300819380  (2011-03-22T18:43:00Z, "), "{decoded:?}");
}

#[test]
fn what_token_prints_as_a_header_is_decoded_as_it_is() {
    let token = "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UifQ.";
    let decoded = Program::new().run(&["decode", token]);
    assert_eq!(decoded.code, Some(0), "{decoded:?}");
    assert!(decoded.stdout.contains("iss              joe"), "{decoded:?}");
}

#[test]
fn what_a_hostile_token_says_reaches_the_terminal_harmless() {
    use base64::Engine as _;
    let part = |json: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    let token =
        format!("{}.{}.", part(r#"{"alg":"none"}"#), part("{\"name\":\"\\u001b]0;owned\\u0007\\u202e\"}"));
    let decoded = Program::new().run(&["decode", &token]);
    assert!(!decoded.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{decoded:?}");
}

#[test]
fn every_shell_has_completions_and_every_command_a_page() {
    let program = Program::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = program.run(&["completions", shell]);
        assert_eq!(script.code, Some(0), "{script:?}");
        assert!(script.stdout.contains("kubectl") && script.stdout.contains("min-ttl"), "{shell}");
    }
    let pages = program.home().join("man");
    std::fs::create_dir(&pages).unwrap();
    assert_eq!(program.run(&["man", pages.to_str().unwrap()]).code, Some(0));
    for page in
        ["device-cli.1", "device-cli-login.1", "device-cli-credential-git.1", "device-cli-storage-move.1"]
    {
        let page = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(page.contains(".SH NAME") && page.contains("device\\-cli"), "{page}");
    }
    assert!(program.run(&["man"]).stdout.contains(".SH SYNOPSIS"));
}

#[test]
fn the_pages_say_what_manual_pages_say_at_their_end() {
    let program = Program::new();
    let pages = program.home().join("man");
    std::fs::create_dir(&pages).unwrap();
    let written = program.run(&["man", pages.to_str().unwrap()]);
    let count = std::fs::read_dir(&pages).unwrap().count();
    assert!(
        written.stderr.starts_with(&format!("{count} pages written; to read the first: man -l ")),
        "{written:?}"
    );
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).unwrap();
    let first = page("device-cli.1");
    for part in [
        ".SH \"EXIT STATUS\"",
        ".SH ENVIRONMENT",
        "DEVICE_CLI_CREDENTIAL_USERNAME",
        ".SH FILES",
        "config.toml",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    let login = page("device-cli-login.1");
    assert!(login.contains(".SH EXAMPLES") && login.contains(".SH \"SEE ALSO\""), "{login}");
    for file in std::fs::read_dir(&pages).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains("EXTRA"), "{text}");
        assert!(text.contains(" \"device-cli 0."), "{text}");
    }
    assert_eq!(program.run(&["man"]).stdout.trim_end(), first.trim_end());
}

/// What a person's bash puts after these words, of which the last is not finished.
fn completed(program: &Program, words: &[&str]) -> Vec<String> {
    const BASH: &str = r#"
        source <(printf '%s\n' "$1"); shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        function=$(complete -p device-cli); function=${function##*-F }; function=${function%% *}
        "$function" device-cli "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let script = program.run(&["completions", "bash"]).stdout;
    let mut bash = std::process::Command::new("bash");
    bash.args(["--norc", "-c", BASH, "bash", &script, "device-cli"]).args(words);
    let finished = Finished::of(&mut bash);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout.lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs fish"]
fn fish_completes_behind_a_command_as_before_it() {
    let program = Program::new();
    let script = program.home().join("device-cli.fish");
    std::fs::write(&script, program.run(&["completions", "fish"]).stdout).unwrap();
    for (words, expected) in [
        ("log", &["login", "logout"][..]),
        ("login --st", &["--store"]),
        ("login --store ke", &["kernel", "key-file", "keyring"]),
        ("login --provider ", &["github", "google", "nomos", "octopus"]),
        ("storage move --to m", &["memory"]),
        ("help e", &["env", "environment", "exit-codes"]),
        ("completions z", &["zsh"]),
    ] {
        let ask = format!("source {}; complete --do-complete 'device-cli {words}'", script.display());
        let mut fish = std::process::Command::new("fish");
        let finished = Finished::of(fish.args(["--no-config", "-c", &ask]).env("HOME", program.home()));
        let mut completed: Vec<_> =
            finished.stdout.lines().map(|line| line.split('\t').next().unwrap_or_default()).collect();
        completed.sort_unstable();
        assert_eq!(completed, expected, "{words:?} {finished:?}");
    }
}

#[test]
#[ignore = "needs bash"]
fn bash_completes_behind_a_command_as_before_it() {
    let program = Program::new();
    let stores =
        ["auto", "keyring", "passphrase", "key-file", "systemd-credential", "kernel", "file", "memory"];
    for (words, expected) in [
        (&["log"][..], &["login", "logout"][..]),
        (&["login", "--st"], &["--store"]),
        (&["login", "--store", ""], &stores),
        (&["login", "--store", "key"], &["keyring", "key-file"]),
        (&["login", "--provider", ""], &["github", "google", "nomos", "octopus"]),
        (&["profile", "add", "work", "--provider", "no"], &["nomos"]),
        (&["storage", "move", "--to", "m"], &["memory"]),
        (&["credential", "docker", "er"], &["erase"]),
        (&["help", "e"], &["env", "exit-codes", "environment"]),
        (&["completions", "z"], &["zsh"]),
    ] {
        assert_eq!(completed(&program, words), expected, "{words:?}");
    }
}

#[test]
fn completions_and_help_know_the_stores() {
    let program = Program::new();
    let bash = program.run(&["completions", "bash"]).stdout;
    assert!(
        bash.contains("auto keyring passphrase key-file systemd-credential kernel file memory"),
        "{bash}"
    );
    let fish = program.run(&["completions", "fish"]).stdout;
    assert!(fish.contains("key-file\\t"), "{fish}");
    let help = program.run(&["login", "--help"]).stdout;
    assert!(help.contains("- file:               NOT encrypted"), "{help}");
    assert!(help.contains("[possible values: github, google, nomos, octopus]"), "{help}");
}
