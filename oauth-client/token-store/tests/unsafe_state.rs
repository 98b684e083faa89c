//! Files and directories in which tokens are not safe are refused, whoever runs the test: the store's own
//! checks speak, not the system's.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use oauth_token_store::{StoreError, StoreProblem, TokenStore, UnsafeState, log_out};

use crate::example_login::{key, record};
use crate::place::{Kind, Place, Plain, with_each_kind};

with_each_kind! {
    a_directory_that_others_can_write
    a_directory_that_others_can_only_list_is_accepted
    a_record_that_others_can_write_or_read
    a_record_with_two_names
    a_record_that_is_a_symbolic_link
    a_directory_socket_or_pipe_in_the_records_place
    a_directory_behind_a_symbolic_link_with_or_without_a_slash
    a_dangling_symbolic_link_is_not_taken_for_a_missing_directory
    a_file_in_the_directorys_place
    a_lock_file_that_is_a_link_or_that_others_can_write
    what_the_store_makes_is_private_whatever_the_umask
    the_refusal_names_the_store_the_path_the_cause_and_the_next_step
}

/// What every operation answers.
fn refusals(store: &dyn TokenStore) -> [StoreError; 4] {
    [
        store.load(&key()).unwrap_err(),
        store.save(&record()).unwrap_err(),
        store.delete(&key()).unwrap_err(),
        store.lock(&key()).and_then(|mut locked| locked.load()).unwrap_err(),
    ]
}

fn assert_refused<K: Kind>(store: &K::Store, expected: impl Fn(UnsafeState) -> bool) {
    for refused in refusals(store) {
        assert!(matches!(refused.problem(), StoreProblem::Unsafe(state) if expected(*state)), "{refused}");
        let shown = refused.to_string();
        assert!(shown.starts_with(&format!("{} store, /", K::NAME)), "{shown}");
    }
}

fn with_record<K: Kind>() -> Place<K> {
    let place = Place::<K>::new();
    place.store().save(&record()).unwrap();
    place
}

fn set_mode(path: impl AsRef<std::path::Path>, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn a_directory_that_others_can_write<K: Kind>() {
    for mode in [0o770, 0o707, 0o777, 0o1777] {
        let place = with_record::<K>();
        set_mode(place.directory(), mode);
        assert_refused::<K>(&place.store(), |state| state == UnsafeState::WritableByOthers { mode });
    }
}

fn a_directory_that_others_can_only_list_is_accepted<K: Kind>() {
    let place = with_record::<K>();
    set_mode(place.directory(), 0o755);
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()));
}

fn a_record_that_others_can_write_or_read<K: Kind>() {
    for mode in [0o620, 0o602, 0o666] {
        let place = with_record::<K>();
        set_mode(place.record_path(), mode);
        assert_refused::<K>(&place.store(), |state| state == UnsafeState::WritableByOthers { mode });
    }
    for mode in [0o640, 0o604, 0o644] {
        let place = with_record::<K>();
        set_mode(place.record_path(), mode);
        assert_refused::<K>(&place.store(), |state| state == UnsafeState::ReadableByOthers { mode });
    }
}

#[test]
#[ignore = "needs root, which alone can give files away; run by tests/run"]
fn a_plain_record_or_directory_of_another_user() {
    a_record_or_directory_of_another_user::<Plain>();
}

#[cfg(feature = "sealed-file")]
#[test]
#[ignore = "needs root, which alone can give files away; run by tests/run"]
fn a_sealed_record_or_directory_of_another_user() {
    a_record_or_directory_of_another_user::<crate::sealed_file_store::Sealed>();
}

fn a_record_or_directory_of_another_user<K: Kind>() {
    let foreign = |state| matches!(state, UnsafeState::ForeignOwner { owner: 65_534, user: 0 });
    let place = with_record::<K>();
    std::os::unix::fs::chown(place.record_path(), Some(65_534), None).unwrap();
    assert_refused::<K>(&place.store(), foreign);
    let place = with_record::<K>();
    std::os::unix::fs::chown(place.directory(), Some(65_534), None).unwrap();
    assert_refused::<K>(&place.store(), foreign);
}

fn a_record_with_two_names<K: Kind>() {
    let place = with_record::<K>();
    fs::hard_link(place.record_path(), place.directory().join("second")).unwrap();
    assert_refused::<K>(&place.store(), |state| state == UnsafeState::ManyLinks { links: 2 });
}

fn a_record_that_is_a_symbolic_link<K: Kind>() {
    let place = with_record::<K>();
    let target = place.directory().join("target");
    fs::rename(place.record_path(), &target).unwrap();
    symlink(&target, place.record_path()).unwrap();
    assert_refused::<K>(&place.store(), |state| state == UnsafeState::SymbolicLink);
    assert!(target.exists());
}

fn a_directory_socket_or_pipe_in_the_records_place<K: Kind>() {
    let place = with_record::<K>();
    fs::remove_file(place.record_path()).unwrap();
    fs::create_dir(place.record_path()).unwrap();
    assert_refused::<K>(&place.store(), |state| state == UnsafeState::NotARegularFile);

    let place = with_record::<K>();
    fs::remove_file(place.record_path()).unwrap();
    let _socket = UnixListener::bind(place.record_path().with_file_name("s")).unwrap();
    fs::rename(place.record_path().with_file_name("s"), place.record_path()).unwrap();
    assert_refused::<K>(&place.store(), |state| state == UnsafeState::NotARegularFile);

    let place = with_record::<K>();
    fs::remove_file(place.record_path()).unwrap();
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(place.record_path()).status().unwrap();
    assert!(made.success());
    assert_refused::<K>(&place.store(), |state| state == UnsafeState::NotARegularFile);
}

fn a_directory_behind_a_symbolic_link_with_or_without_a_slash<K: Kind>() {
    let place = with_record::<K>();
    let link = place.directory().with_file_name("link");
    symlink(place.directory(), &link).unwrap();
    for path in [link.clone(), link.join(""), link.join(".")] {
        assert_refused::<K>(&Place::<K>::store_in(path), |state| state == UnsafeState::SymbolicLink);
    }
}

fn a_dangling_symbolic_link_is_not_taken_for_a_missing_directory<K: Kind>() {
    let place = with_record::<K>();
    let link = place.directory().with_file_name("link");
    symlink("nowhere", &link).unwrap();
    assert_refused::<K>(&Place::<K>::store_in(link), |state| state == UnsafeState::SymbolicLink);
}

fn a_file_in_the_directorys_place<K: Kind>() {
    let place = with_record::<K>();
    let file = place.directory().with_file_name("file");
    fs::write(&file, "").unwrap();
    assert_refused::<K>(&Place::<K>::store_in(file), |state| state == UnsafeState::NotADirectory);
}

fn a_lock_file_that_is_a_link_or_that_others_can_write<K: Kind>() {
    let place = with_record::<K>();
    set_mode(place.lock_path(), 0o666);
    let refused = place.store().save(&record()).unwrap_err();
    assert!(
        matches!(refused.problem(), StoreProblem::Unsafe(UnsafeState::WritableByOthers { mode: 0o666 })),
        "{refused}"
    );
    let place = with_record::<K>();
    fs::remove_file(place.lock_path()).unwrap();
    symlink(place.record_path(), place.lock_path()).unwrap();
    let refused = log_out(&place.store(), &key()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::Unsafe(UnsafeState::SymbolicLink)), "{refused}");
    assert!(place.record_path().exists());
}

fn what_the_store_makes_is_private_whatever_the_umask<K: Kind>() {
    // The umask is the whole process's: other tests make their own files private all the same.
    for umask in [0o000, 0o022, 0o077] {
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
        let place = Place::<K>::new();
        let saved = place.store().save(&record());
        rustix::process::umask(before);
        saved.unwrap();
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&place.directory()), 0o700, "umask {umask:03o}");
        assert_eq!(mode(&place.record_path()), 0o600, "umask {umask:03o}");
        assert_eq!(mode(&place.lock_path()), 0o600, "umask {umask:03o}");
    }
}

fn the_refusal_names_the_store_the_path_the_cause_and_the_next_step<K: Kind>() {
    let place = with_record::<K>();
    set_mode(place.record_path(), 0o644);
    let path = place.record_path();
    assert_eq!(
        place.store().load(&key()).unwrap_err().to_string(),
        format!(
            "{} store, {path}: can be read by others (mode 0644): chmod go-rwx {path}",
            K::NAME,
            path = path.display()
        )
    );
}
