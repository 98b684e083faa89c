//! Files and directories in which tokens are not safe are refused, whoever runs the test: the store's own
//! checks speak, not the system's.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use oauth_token_store::{PlainFileStore, StoreError, StoreProblem, TokenStore as _, UnsafeState, log_out};

use crate::example_login::{key, record};
use crate::plain_file_store::{Place, STEM};

/// What every operation answers.
fn refusals(store: &PlainFileStore) -> [StoreError; 4] {
    [
        store.load(&key()).unwrap_err(),
        store.save(&record()).unwrap_err(),
        store.delete(&key()).unwrap_err(),
        store.lock(&key()).and_then(|mut locked| locked.load()).unwrap_err(),
    ]
}

fn assert_refused(store: &PlainFileStore, expected: impl Fn(UnsafeState) -> bool) {
    for refused in refusals(store) {
        assert!(matches!(refused.problem(), StoreProblem::Unsafe(state) if expected(*state)), "{refused}");
        let shown = refused.to_string();
        assert!(shown.starts_with("plain file store, /"), "{shown}");
    }
}

fn with_record() -> Place {
    let place = Place::new();
    place.store().save(&record()).unwrap();
    place
}

fn set_mode(path: impl AsRef<std::path::Path>, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_that_others_can_write() {
    for mode in [0o770, 0o707, 0o777, 0o1777] {
        let place = with_record();
        set_mode(place.directory(), mode);
        assert_refused(&place.store(), |state| state == UnsafeState::WritableByOthers { mode });
    }
}

#[test]
fn a_directory_that_others_can_only_list_is_accepted() {
    let place = with_record();
    set_mode(place.directory(), 0o755);
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()));
}

#[test]
fn a_record_that_others_can_write_or_read() {
    for mode in [0o620, 0o602, 0o666] {
        let place = with_record();
        set_mode(place.record_path(), mode);
        assert_refused(&place.store(), |state| state == UnsafeState::WritableByOthers { mode });
    }
    for mode in [0o640, 0o604, 0o644] {
        let place = with_record();
        set_mode(place.record_path(), mode);
        assert_refused(&place.store(), |state| state == UnsafeState::ReadableByOthers { mode });
    }
}

#[test]
fn a_record_or_directory_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        // Only root can give a file away; `tests/run` is root where it matters.
        eprintln!("not root: skipped");
        return;
    }
    let foreign = |state| matches!(state, UnsafeState::ForeignOwner { owner: 65_534, user: 0 });
    let place = with_record();
    std::os::unix::fs::chown(place.record_path(), Some(65_534), None).unwrap();
    assert_refused(&place.store(), foreign);
    let place = with_record();
    std::os::unix::fs::chown(place.directory(), Some(65_534), None).unwrap();
    assert_refused(&place.store(), foreign);
}

#[test]
fn a_record_with_two_names() {
    let place = with_record();
    fs::hard_link(place.record_path(), place.directory().join("second")).unwrap();
    assert_refused(&place.store(), |state| state == UnsafeState::ManyLinks { links: 2 });
}

#[test]
fn a_record_that_is_a_symbolic_link() {
    let place = with_record();
    let target = place.directory().join("target");
    fs::rename(place.record_path(), &target).unwrap();
    symlink(&target, place.record_path()).unwrap();
    assert_refused(&place.store(), |state| state == UnsafeState::SymbolicLink);
    assert!(target.exists());
}

#[test]
fn a_directory_socket_or_pipe_in_the_records_place() {
    let place = with_record();
    fs::remove_file(place.record_path()).unwrap();
    fs::create_dir(place.record_path()).unwrap();
    assert_refused(&place.store(), |state| state == UnsafeState::NotARegularFile);

    let place = with_record();
    fs::remove_file(place.record_path()).unwrap();
    let _socket = UnixListener::bind(place.record_path().with_file_name("s")).unwrap();
    fs::rename(place.record_path().with_file_name("s"), place.record_path()).unwrap();
    assert_refused(&place.store(), |state| state == UnsafeState::NotARegularFile);

    let place = with_record();
    fs::remove_file(place.record_path()).unwrap();
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(place.record_path()).status().unwrap();
    assert!(made.success());
    assert_refused(&place.store(), |state| state == UnsafeState::NotARegularFile);
}

#[test]
fn a_directory_behind_a_symbolic_link_with_or_without_a_slash() {
    let place = with_record();
    let link = place.directory().with_file_name("link");
    symlink(place.directory(), &link).unwrap();
    for path in [link.clone(), link.join(""), link.join(".")] {
        assert_refused(&PlainFileStore::new(path), |state| state == UnsafeState::SymbolicLink);
    }
}

#[test]
fn a_dangling_symbolic_link_is_not_taken_for_a_missing_directory() {
    let place = with_record();
    let link = place.directory().with_file_name("link");
    symlink("nowhere", &link).unwrap();
    assert_refused(&PlainFileStore::new(link), |state| state == UnsafeState::SymbolicLink);
}

#[test]
fn a_file_in_the_directorys_place() {
    let place = with_record();
    let file = place.directory().with_file_name("file");
    fs::write(&file, "").unwrap();
    assert_refused(&PlainFileStore::new(file), |state| state == UnsafeState::NotADirectory);
}

#[test]
fn a_lock_file_that_is_a_link_or_that_others_can_write() {
    let lock = |place: &Place| place.directory().join(format!("{STEM}.lock"));
    let place = with_record();
    set_mode(lock(&place), 0o666);
    let refused = place.store().save(&record()).unwrap_err();
    assert!(
        matches!(refused.problem(), StoreProblem::Unsafe(UnsafeState::WritableByOthers { mode: 0o666 })),
        "{refused}"
    );
    let place = with_record();
    fs::remove_file(lock(&place)).unwrap();
    symlink(place.record_path(), lock(&place)).unwrap();
    let refused = log_out(&place.store(), &key()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::Unsafe(UnsafeState::SymbolicLink)), "{refused}");
    assert!(place.record_path().exists());
}

#[test]
fn what_the_store_makes_is_private_whatever_the_umask() {
    // The umask is the whole process's: other tests make their own files private all the same.
    for umask in [0o000, 0o022, 0o077] {
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
        let place = Place::new();
        let saved = place.store().save(&record());
        rustix::process::umask(before);
        saved.unwrap();
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&place.directory()), 0o700, "umask {umask:03o}");
        assert_eq!(mode(&place.record_path()), 0o600, "umask {umask:03o}");
        assert_eq!(mode(&place.directory().join(format!("{STEM}.lock"))), 0o600, "umask {umask:03o}");
    }
}

#[test]
fn the_refusal_names_the_store_the_path_the_cause_and_the_next_step() {
    let place = with_record();
    set_mode(place.record_path(), 0o644);
    let path = place.record_path();
    assert_eq!(
        place.store().load(&key()).unwrap_err().to_string(),
        format!(
            "plain file store, {path}: can be read by others (mode 0644): chmod go-rwx {path}",
            path = path.display()
        )
    );
}
