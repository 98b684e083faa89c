//! No home, one that cannot be written, and no locale.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use super::machine::{Machine, server};

/// A user without an entry in the password file, as containers run with.
const NOBODY_KNOWN: u32 = 12_345;

#[test]
#[ignore = "needs unshare and the right to mount; run by tests/run"]
fn without_home_the_password_file_says_where_it_is() {
    let server = server().start_blocking().unwrap();
    let mut machine = Machine::new();
    machine.unset("HOME");
    fs::create_dir(machine.path("root")).unwrap();
    let root = machine.path("root");
    machine.mount(&root, "/root");
    machine.sign_in(&server, server.issuer(), &[]);
    machine.has_a_login();
    assert!(root.join(".local/state/device-cli/tokens").is_dir());
    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&[]);
    report.says("HOME", "note", "is not set: the directory of the user's entry", "export HOME=");
    server.assert_clean();
}

#[test]
#[ignore = "needs unshare, setpriv and root; run by tests/run"]
fn a_user_without_any_home_is_told_before_anybody_is_asked() {
    let server = server().start_blocking().unwrap();
    let mut machine = Machine::new();
    machine.unset("HOME");
    let binary = copy_for_everybody(&machine);
    let as_nobody = |machine: &Machine, arguments: &[&str]| {
        let user = NOBODY_KNOWN.to_string();
        let words = [&["--reuid", &user, "--regid", &user, "--clear-groups", binary.as_str()][..], arguments]
            .concat();
        let words = machine.words(Path::new("/usr/bin/setpriv"), &words);
        let mut command = std::process::Command::new(&words[0]);
        command.args(&words[1..]).env_clear().envs(machine.variables());
        command.output().map(super::machine::Ended::from).unwrap()
    };
    let login = ["login", "--json", "--client-id", "device", "--store", "file", "--issuer", server.issuer()];
    for command in [&login[..], &["token"], &["status"]] {
        let ended = as_nobody(&machine, command);
        assert_eq!(ended.code, Some(7), "{command:?}: {ended:?}");
        assert!(ended.stderr.contains("set HOME or XDG_STATE_HOME"), "{ended:?}");
    }
    assert_eq!(server.requests().len(), 0, "nobody was sent away");
    let ended = as_nobody(&machine, &["doctor"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("PROBLEM  state"), "{ended:?}");
    assert!(ended.stdout.contains("export HOME=DIRECTORY, or XDG_STATE_HOME=DIRECTORY"), "{ended:?}");

    // As it says.
    let state = machine.path("state");
    fs::create_dir(&state).unwrap();
    chown(&state, Some(NOBODY_KNOWN), Some(NOBODY_KNOWN)).unwrap();
    machine.set("XDG_STATE_HOME", state.display().to_string());
    assert_eq!(as_nobody(&machine, &["status"]).code, Some(4), "nobody is signed in");
    let ended = as_nobody(&machine, &["doctor"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
#[ignore = "needs unshare and the right to mount; run by tests/run"]
fn a_home_that_is_read_only_costs_no_login() {
    let server = server().start_blocking().unwrap();
    let mut machine = Machine::new();
    let home = machine.path("home").display().to_string();
    machine.sign_in(&server, server.issuer(), &[]);
    let posts = || server.requests().iter().filter(|request| request.method == "POST").count();
    let before = posts();
    machine.prepare(format!("mount --bind {home} {home} && mount -o remount,bind,ro {home}"));

    // What is there is of use.
    machine.has_a_login();
    // What cannot be kept is not asked for.
    let refused = machine.run(&["refresh", "--force"]);
    assert_eq!(refused.code, Some(7), "{refused:?}");
    let refused = machine.fails_to_sign_in(server.issuer(), &["--store", "file", "--profile", "other"]);
    assert_eq!(refused.code, Some(7), "{refused:?}");
    assert!(refused.stderr.to_lowercase().contains("read-only"), "{refused:?}");
    assert!(refused.stderr.trim_end().ends_with("XDG_STATE_HOME=DIRECTORY"), "{refused:?}");
    assert_eq!(posts(), before, "no refresh, no code");

    let report = machine.doctor(&[]);
    report.says("state", "problem", "its file system is read-only", "export XDG_STATE_HOME=");
    report.says("file", "problem", "ead-only", "--store NAME");
    report.says("token endpoint", "ok", "answers", "");
    report.says("memory", "ok", "works", "");

    let elsewhere = machine.path("elsewhere").display().to_string();
    machine.set("XDG_STATE_HOME", elsewhere);
    machine.sign_in(&server, server.issuer(), &[]);
    machine.has_a_login();
    machine.doctor(&[]).finds_no_problem_but(&[]);
    server.assert_clean();
}

/// Whoever looks at the screen sees nothing that an ASCII terminal has not.
#[test]
#[ignore = "needs unshare; run by tests/run"]
fn without_a_locale_everything_is_ascii() {
    let server = server().start_blocking().unwrap();
    let machine = Machine::new();
    let mut login = machine.command(&[
        "login",
        "--client-id",
        "device",
        "--store",
        "file",
        "--timeout",
        "2",
        "--issuer",
        server.issuer(),
    ]);
    let ended = super::machine::Ended::from(login.output().unwrap());
    assert_eq!(ended.code, Some(6), "{ended:?}");
    let doctor = machine.run(&["doctor"]);
    for text in [&ended.stderr, &doctor.stdout] {
        assert!(text.is_ascii(), "{text}");
    }
    machine.doctor(&[]).says("UTF-8", "note", "no locale is set", "export LC_ALL=C.UTF-8");
}

/// Where it was built, that user may not get to.
fn copy_for_everybody(machine: &Machine) -> String {
    let copy = machine.path("device-cli");
    fs::copy(crate::device_cli::program(), &copy).unwrap();
    for path in [machine.path(""), copy.clone()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    copy.display().to_string()
}
