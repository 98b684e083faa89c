//! Files and directories in which tokens are not safe, before a process that is not root: root passes every check of
//! permissions that the system makes.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::authorization_server::AuthorizationServer;
use super::figures::note;
use super::nobody::{AsNobody, NOBODY, set_mode};
use super::place::{is_lock, names_in};

const UMASKS: [&str; 2] = ["000", "077"];

/// What is wrong, how it comes to be, and what every operation says of it.
struct State {
    name: &'static str,
    /// Takes the directory of records and the record.
    make: fn(&Path, &Path),
    reason: &'static str,
    /// Reading a record needs no lock.
    is_refused_to_readers: bool,
}

const STATES: &[State] = &[
    refused(
        "a directory that its group can write",
        |d, _| set_mode(d, 0o770),
        "can be written by others (mode 0770)",
    ),
    refused(
        "a directory that all can write",
        |d, _| set_mode(d, 0o777),
        "can be written by others (mode 0777)",
    ),
    refused("a directory like /tmp", |d, _| set_mode(d, 0o1777), "can be written by others (mode 1777)"),
    refused(
        "a directory of another user",
        |d, _| give_away(d, 0o755),
        "belongs to user 0, and this process acts as user 65534",
    ),
    refused("a directory of another user that is closed", |d, _| give_away(d, 0o700), "Permission denied"),
    refused("a directory behind a symbolic link", |d, _| put_link(d), "is a symbolic link"),
    refused("a file in the directory's place", |d, _| put_file(d), "is no directory"),
    refused("a record that others can read", |_, r| set_mode(r, 0o644), "can be read by others (mode 0644)"),
    refused(
        "a record that its group can write",
        |_, r| set_mode(r, 0o620),
        "can be written by others (mode 0620)",
    ),
    refused("a record of another user", |_, r| give_away(r, 0o600), "Permission denied"),
    refused("a record that is a symbolic link", |_, r| put_link(r), "is a symbolic link"),
    refused("a record with two names", |_, r| put_second_name(r), "has 2 names"),
    refused("a directory in the record's place", |_, r| put_directory(r), "is no regular file"),
    refused("a pipe in the record's place", |_, r| put_pipe(r), "is no regular file"),
    State {
        name: "a lock file that others can write",
        make: |d, _| set_mode(&lock_in(d), 0o666),
        reason: "can be written by others (mode 0666)",
        is_refused_to_readers: false,
    },
    State {
        name: "a lock file that is a symbolic link",
        make: |d, _| put_link(&lock_in(d)),
        reason: "is a symbolic link",
        is_refused_to_readers: false,
    },
];

const fn refused(name: &'static str, make: fn(&Path, &Path), reason: &'static str) -> State {
    State { name, make, reason, is_refused_to_readers: true }
}

#[test]
#[ignore = "needs root, to act as another user; run by tests/run"]
fn an_unsafe_state_is_refused_by_every_operation_with_the_reason() {
    for kind in ["plain", "key-file"] {
        for state in STATES {
            for umask in UMASKS {
                is_refused(kind, state, umask);
            }
        }
        let told = format!(
            "{} states x load, save, delete x umask 000, 077: all refused with the reason",
            STATES.len()
        );
        note(&format!("unsafe files, as user {NOBODY}, {kind}"), &told);
    }
}

#[test]
#[ignore = "needs root, to act as another user; run by tests/run"]
fn what_a_process_makes_is_private_whatever_its_umask() {
    for kind in ["plain", "key-file"] {
        // The last would keep the process itself out of what it made.
        for umask in ["000", "022", "077", "777"] {
            let nobody = AsNobody::new();
            let server = AuthorizationServer::strict(&nobody.place);
            nobody.sign_in(kind, &server, umask);
            nobody.sign_in(kind, &server, umask);
            for (path, metadata) in nobody.everything() {
                let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
                assert_eq!(metadata.mode() & 0o7777, expected, "umask {umask}: {}", path.display());
                assert_eq!(metadata.uid(), NOBODY, "{}", path.display());
            }
        }
    }
}

fn is_refused(kind: &str, state: &State, umask: &str) {
    let nobody = AsNobody::new();
    let server = AuthorizationServer::strict(&nobody.place);
    nobody.sign_in(kind, &server, "077");
    let records = nobody.place.path("home/tokens");
    let record = names_in(&records).into_iter().find(|name| !is_lock(name)).expect("a record");
    (state.make)(&records, &records.join(record));
    let before = nobody.description();

    let mut worker = nobody.start(kind, &server, umask);
    let operations = [
        ("load", "load".to_owned()),
        ("save", format!("sign-in {}", server.sign_in())),
        ("delete", "delete".to_owned()),
    ];
    for (operation, command) in operations {
        let answer = worker.ask(&command);
        let name = format!("{}: {operation}, {kind}, umask {umask}", state.name);
        if operation == "load" && !state.is_refused_to_readers {
            assert_eq!(answer.outcome(), "record", "{name}: {answer:?}");
            continue;
        }
        assert_eq!(answer.outcome(), "store error", "{name}: {answer:?}");
        assert!(answer.message().contains(state.reason), "{name}: {answer:?}");
        assert!(answer.message().contains(&records.display().to_string()), "{name}: {answer:?}");
        assert_eq!(nobody.description(), before, "{name} has changed something");
    }
}

fn give_away(path: &Path, mode: u32) {
    chown(path, Some(0), Some(0)).expect("root may");
    set_mode(path, mode);
}

fn put_link(path: &Path) {
    let target = path.with_file_name("elsewhere");
    fs::rename(path, &target).expect("root may");
    symlink(&target, path).expect("root may");
}

fn put_file(path: &Path) {
    fs::rename(path, path.with_file_name("elsewhere")).expect("root may");
    fs::write(path, "").expect("root may");
    chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
}

fn put_second_name(path: &Path) {
    fs::hard_link(path, path.with_file_name("second")).expect("root may");
}

fn put_directory(path: &Path) {
    fs::remove_file(path).expect("root may");
    fs::create_dir(path).expect("root may");
    chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
}

fn put_pipe(path: &Path) {
    fs::remove_file(path).expect("root may");
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(path).status().expect("mkfifo starts");
    assert!(made.success());
    chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
}

fn lock_in(records: &Path) -> PathBuf {
    let name = names_in(records).into_iter().find(|name| is_lock(name)).expect("a lock file");
    records.join(name)
}
