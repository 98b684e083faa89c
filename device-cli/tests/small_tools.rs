//! `qr`, `decode`, `completions`, `man`.

use crate::program::Program;

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
}
