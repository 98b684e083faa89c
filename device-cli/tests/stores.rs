use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use mock_server::{Endpoint, Fault};
use serde_json::Value;

use crate::program::{Finished, Program, Server};

const SCOPE: &str = "openid offline_access";
const HOUR: Duration = Duration::from_secs(3600);

fn at(server: &Server) -> [&str; 6] {
    ["--issuer", server.mock.issuer(), "--client-id", "device", "--scope", SCOPE]
}

/// Writes a file that only its owner can read.
fn private_file(path: &Path, contents: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn state(program: &Program) -> PathBuf {
    program.home().join(".local/state/device-cli")
}

/// Every file below a directory with its bytes, but for locks.
pub(crate) fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if path.extension().is_none_or(|end| end != "lock") {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

fn store_of(program: &Program) -> Value {
    let status = program.run(&["status", "--json"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    serde_json::from_str::<Value>(&status.stdout).unwrap()["login"].clone()
}

#[test]
fn without_a_choice_the_keyring_is_tried_and_the_refusal_says_what_to_type() {
    let (program, server) = (Program::new(), Server::start());
    for choice in [&[][..], &["--store", "auto"]] {
        let finished = program.run(&[&["login", "--json"], &at(&server)[..], choice].concat());
        assert_eq!(finished.code, Some(7), "{finished:?}");
        assert_eq!(
            finished.stderr,
            "error: no store was chosen, and the system's keyring was tried: no D-Bus session can be reached. \
             Choose where the tokens are kept: --store passphrase (with DEVICE_CLI_PASSPHRASE_FILE), \
             --store key-file --key-file PATH, --store kernel (until reboot), or --store file (not encrypted)\n"
        );
        let failed = &finished.events()[0];
        assert_eq!((&failed["event"], &failed["error"]), (&"failed".into(), &"storage_unavailable".into()));
    }
    assert_eq!(server.mock.requests().len(), 0, "nobody was sent away");
    assert_eq!(contents(program.home()), [], "nothing was written");
}

#[test]
fn the_keyring_by_name_is_7_where_there_is_none() {
    let (program, server) = (Program::new(), Server::start());
    let finished = program.run(&[&["login", "--store", "keyring"], &at(&server)[..]].concat());
    assert_eq!(finished.code, Some(7), "{finished:?}");
    assert!(
        finished.stderr.contains("no D-Bus session can be reached; choose another store"),
        "{finished:?}"
    );
    assert_eq!(server.mock.requests().len(), 0);
}

#[test]
fn a_passphrase_from_a_file_or_a_variable_seals_the_tokens() {
    let (program, server) = (Program::new(), Server::start());
    let file = program.home().join("passphrase");
    private_file(&file, b"correct horse\n");
    let finished = program.signed_in_with(
        &server,
        &["--store", "passphrase", "--passphrase-file", file.to_str().unwrap(), "--scope", SCOPE],
    );
    assert_eq!(finished.events().pop().unwrap()["store"], "passphrase");

    // The file is remembered.
    let token = program.run(&["token"]);
    assert_eq!(token.code, Some(0), "{token:?}");
    let sealed = contents(&state(&program).join("tokens-passphrase"));
    let token_bytes = token.stdout.trim().as_bytes();
    assert!(
        sealed.iter().all(|(_, bytes)| !bytes.windows(token_bytes.len()).any(|part| part == token_bytes))
    );
    let store = store_of(&program);
    assert_eq!((&store["store"], &store["encrypted_at_rest"]), (&"passphrase".into(), &true.into()));

    // What is given here and now wins: a wrong one opens nothing and changes nothing.
    let wrong = program.home().join("wrong");
    private_file(&wrong, b"battery staple\n");
    let before = contents(&state(&program));
    for command in ["token", "status"] {
        let refused = Finished::of(program.command(&[command]).env("DEVICE_CLI_PASSPHRASE_FILE", &wrong));
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(7), ""), "{refused:?}");
        assert!(refused.stderr.contains("the passphrase is wrong, and the records are left"), "{refused:?}");
    }
    let login = [&["login", "--json", "--store", "passphrase"], &at(&server)[..]].concat();
    let requests = server.mock.requests().len();
    for (variable, value) in
        [("DEVICE_CLI_PASSPHRASE", "battery staple"), ("DEVICE_CLI_PASSPHRASE_FILE", wrong.to_str().unwrap())]
    {
        let refused = Finished::of(program.command(&login).env(variable, value));
        assert_eq!(refused.code, Some(7), "{refused:?}");
    }
    assert_eq!(server.mock.requests().len(), requests, "nobody was sent away");
    assert_eq!(contents(&state(&program)), before);
}

#[test]
fn without_a_passphrase_and_without_a_person_nothing_is_opened_and_a_logout_erases_all_the_same() {
    let (program, server) = (Program::new(), Server::start());
    let login = [&["login", "--json", "--store", "passphrase"], &at(&server)[..]].concat();
    let refused = program.run(&login);
    assert_eq!(refused.code, Some(7), "{refused:?}");
    assert!(refused.stderr.contains("set DEVICE_CLI_PASSPHRASE_FILE to a file that holds it"), "{refused:?}");
    assert_eq!(server.mock.requests().len(), 0);

    let file = program.home().join("passphrase");
    private_file(&file, b"correct horse");
    let passphrase = ["--store", "passphrase", "--passphrase-file", file.to_str().unwrap(), "--scope", SCOPE];
    program.signed_in_with(&server, &passphrase);
    fs::remove_file(&file).unwrap();
    let before = contents(&state(&program));
    for command in ["token", "status"] {
        let refused = program.run(&[command]);
        assert_eq!(refused.code, Some(9), "{refused:?}");
        assert!(refused.stderr.contains("cannot read the passphrase from"), "{refused:?}");
        let nobody = Finished::of(program.command(&[command]).env("DEVICE_CLI_PASSPHRASE_FILE", ""));
        assert_eq!(nobody.code, Some(9), "{nobody:?}");
    }
    assert_eq!(contents(&state(&program)), before);

    let erased = program.run(&["logout"]);
    assert_eq!(erased.code, Some(1), "{erased:?}");
    assert!(erased.stderr.contains("but not revoked at the server, since the tokens could not be read"));
    assert_eq!(program.run(&["status"]).code, Some(4));
    let left = contents(&state(&program).join("tokens-passphrase"));
    assert_eq!(left.len(), 1, "what tells the passphrase: {left:?}");
}

#[test]
fn a_key_file_is_made_elsewhere_and_its_loss_is_said() {
    let (program, server) = (Program::new(), Server::start());
    let key_file = program.home().join("elsewhere/tokens.key");
    let inside = state(&program).join("tokens.key");
    let beside = ["login", "--store", "key-file", "--key-file", inside.to_str().unwrap()];
    let refused = program.run(&[&beside, &at(&server)[..]].concat());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("whoever takes them takes it too"), "{refused:?}");

    // Relative, and remembered as it is.
    let login =
        [&["login", "--json", "--store", "key-file", "--key-file", "elsewhere/tokens.key"], &at(&server)[..]];
    let mut command = program.command(&login.concat());
    let login = Program::begin(command.current_dir(program.home()));
    server.mock.approve(&login.user_code).unwrap();
    assert_eq!(login.finish().code, Some(0));
    assert_eq!(fs::metadata(&key_file).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(program.run(&["token"]).code, Some(0));
    assert_eq!(store_of(&program)["store"], "key-file");

    let (key, away) = (fs::read(&key_file).unwrap(), program.home().join("away"));
    fs::rename(&key_file, &away).unwrap();
    let before = contents(&state(&program));
    for command in ["token", "status", "login"] {
        let refused = program.run(&[command]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(7), ""), "{command} {refused:?}");
        assert!(
            refused.stderr.contains("tokens.key: the key is not there: mount its disk, restore it"),
            "{refused:?}"
        );
    }
    private_file(&key_file, &[7; 32]);
    for command in ["token", "status", "login"] {
        let refused = program.run(&[command]);
        assert_eq!(refused.code, Some(7), "{command} {refused:?}");
        assert!(refused.stderr.contains("the record is sealed with another key"), "{refused:?}");
    }
    private_file(&key_file, b"no key");
    for command in ["token", "status", "login"] {
        let refused = program.run(&[command]);
        assert_eq!(refused.code, Some(7), "{command} {refused:?}");
        assert!(refused.stderr.contains("this is no key"), "{refused:?}");
    }
    assert_eq!(contents(&state(&program)), before);
    private_file(&key_file, &key);
    assert_eq!(program.run(&["token"]).code, Some(0));
    assert_eq!(program.run(&["logout"]).code, Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_service_has_its_key_from_systemd() {
    let (program, server) = (Program::new(), Server::start());
    let credentials = program.home().join("credentials");
    private_file(&credentials.join("device-cli-key"), &[9; 32]);
    let login = [&["login", "--json", "--store", "systemd-credential"], &at(&server)[..]].concat();
    let refused = program.run(&login);
    assert_eq!(refused.code, Some(7), "{refused:?}");
    assert!(refused.stderr.contains("LoadCredentialEncrypted=device-cli-key"), "{refused:?}");
    assert_eq!(server.mock.requests().len(), 0);

    let mut command = program.command(&login);
    let login = Program::begin(command.env("CREDENTIALS_DIRECTORY", &credentials));
    server.mock.approve(&login.user_code).unwrap();
    assert_eq!(login.finish().code, Some(0));
    let token = Finished::of(program.command(&["token"]).env("CREDENTIALS_DIRECTORY", &credentials));
    assert_eq!(token.code, Some(0), "{token:?}");
    let refused = program.run(&["token"]);
    assert_eq!(refused.code, Some(7), "{refused:?}");
    assert!(refused.stderr.contains("CREDENTIALS_DIRECTORY is not set"), "{refused:?}");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs the kernel's keyring, which containers often have not; run by tests/run"]
fn the_kernel_keeps_the_key_until_it_is_gone_and_then_a_login_is_needed() {
    let (program, server) = (Program::new(), Server::start());
    let kernel = ["--store", "kernel", "--scope", SCOPE];
    program.signed_in_with(&server, &kernel);
    let store = store_of(&program);
    assert_eq!((&store["store"], &store["survives_reboot"]), (&"kernel".into(), &false.into()));
    assert_eq!(program.run(&["token"]).code, Some(0));

    let directory = state(&program).join("tokens-kernel");
    let keyring =
        oauth_client::token_store::KernelKeyring::new(format!("device-cli {}", directory.display()));
    assert!(keyring.forget().unwrap(), "as a reboot does");
    let before = contents(&directory);
    for command in ["token", "status"] {
        let refused = program.run(&[command]);
        assert_eq!(refused.code, Some(4), "{refused:?}");
        assert!(refused.stderr.contains("until the reboot and is gone"), "{refused:?}");
    }
    assert_eq!(contents(&directory), before);
    program.signed_in_with(&server, &kernel);
    assert_eq!(program.run(&["token"]).code, Some(0));
    assert!(keyring.forget().unwrap());
}

#[test]
fn what_was_chosen_once_stays_chosen_and_another_choice_leaves_no_copy() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, SCOPE);
    // No --store, and all the rest: the profile's own choice holds.
    program.signed_in_with(&server, &[]);
    assert_eq!(store_of(&program)["store"], "file");
    let key_file = program.home().join("elsewhere/tokens.key");
    let key_file = ["--store", "key-file", "--key-file", key_file.to_str().unwrap()];
    program.signed_in_with(&server, &key_file);
    assert_eq!(store_of(&program)["store"], "key-file");
    assert_eq!(contents(&state(&program).join("tokens")), [], "the plain copy is gone");
    program.signed_in_with(&server, &[]);
    assert_eq!(store_of(&program)["store"], "key-file");
}

/// The record of the only login in plain files.
fn record_path(program: &Program) -> PathBuf {
    let mut records = contents(&state(program).join("tokens"));
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0).0
}

fn recovered(program: &Program) -> PathBuf {
    program.home().join(".cache/device-cli/recovered")
}

#[test]
fn a_refreshed_token_that_cannot_be_stored_is_printed_and_its_successor_is_rescued() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, SCOPE);
    let record = record_path(&program);
    server.mock.fail_next(Endpoint::Token, &Fault::Delay { at_least: HOUR, jitter: Duration::ZERO }, 1);
    let mut token = program.command(&["token", "--min-ttl", "2h"]);
    let token = token.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while server.count_of_grant("refresh_token") == 0 {
        std::thread::yield_now();
    }
    // The server has answered, and no file can be put where a directory is.
    fs::remove_file(&record).unwrap();
    fs::create_dir(&record).unwrap();
    server.mock.advance(HOUR);
    let token = Finished::from(token.wait_with_output().unwrap());
    assert_eq!((token.code, token.stdout.lines().count()), (Some(0), 1), "{token:?}");
    assert!(token.stderr.starts_with("warning: the token was refreshed but is not stored: "), "{token:?}");
    assert!(token.stderr.contains("safe in ") && token.stderr.contains(".cache/device-cli/recovered/"));

    let in_the_way = program.run(&["token"]);
    assert_eq!(in_the_way.code, Some(7), "{in_the_way:?}");
    fs::remove_dir(&record).unwrap();
    assert_eq!(program.run(&["token"]).stdout, token.stdout, "taken from where it was rescued");
    let refreshed = program.run(&["refresh", "--force"]);
    assert_eq!(
        refreshed.code,
        Some(0),
        "its refresh token is the one that the server expects: {refreshed:?}"
    );
    assert_eq!(server.count_of_grant("refresh_token"), 2);
    assert_eq!(contents(&recovered(&program)), [], "back in its place");
    assert_eq!(contents(&state(&program).join("tokens")).len(), 1);
}

#[test]
fn a_login_that_cannot_be_stored_is_rescued_and_counts_where_it_is_found() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, SCOPE);
    let first = program.run(&["token"]).stdout;
    let record = record_path(&program);
    // Where the record is, nothing can be read until it is mended; where the lock is, the tokens can be used at once.
    for (in_the_way, code) in [(record.clone(), 7), (record.with_extension("lock"), 0)] {
        let login = program.begin_login(&["--store", "file"]);
        let _ = fs::remove_file(&in_the_way);
        fs::create_dir(&in_the_way).unwrap();
        server.mock.approve(&login.user_code).unwrap();
        let finished = login.finish();
        assert_eq!(finished.code, Some(code), "{finished:?}");
        assert!(finished.stderr.contains("safe in "), "{finished:?}");
        assert_eq!(finished.event_names().pop().unwrap(), if code == 0 { "authorized" } else { "failed" });
        assert_eq!(program.run(&["token"]).code, Some(code));
        fs::remove_dir(&in_the_way).unwrap();
        let token = program.run(&["token"]);
        assert_eq!(token.code, Some(0), "{token:?}");
        assert_ne!(token.stdout, first);
        assert_eq!(program.run(&["logout"]).code, Some(0));
        assert_eq!(contents(&recovered(&program)), []);
        assert_eq!(program.run(&["token"]).code, Some(4));
        program.signed_in(&server, SCOPE);
    }
}
