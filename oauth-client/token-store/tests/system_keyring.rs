//! The key in the system's keyring: each side a process of its own, on a bus of its own.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const STORE: &str = "sealed file (system keyring) store";

const CHOOSE: &str = "Choose a store: sealed files with a passphrase, a key file, a systemd credential or the kernel's \
                      keyring, or plain files, which are not encrypted";
/// A bus that starts nobody.
const BARE_BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"#;

/// A home, a runtime directory and a directory of records.
struct Place {
    root: TempDir,
}

impl Place {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        for name in ["home", "runtime"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        Self { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// In an environment where nothing but this place and `bus` can be found.
    fn command(&self, program: impl AsRef<Path>, bus: &str) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("runtime"))
            .env("DBUS_SESSION_BUS_ADDRESS", bus);
        command
    }

    /// What the example says, without any keyring daemon.
    fn example(&self, command: &str, bus: &str) -> String {
        let output = self.command(example(), bus).arg(command).arg(self.path("records")).output().unwrap();
        lines(&output).concat()
    }

    /// What the example says in the course of a script, on a bus of its own, with a GNOME Keyring that is
    /// unlocked and called `$daemon`.
    fn with_gnome_keyring(&self, script: &str) -> Vec<String> {
        let start = r#"
            printf password | gnome-keyring-daemon --foreground --unlock --components=secrets >daemon.out 2>&1 &
            daemon=$!
            trap 'kill -9 $daemon' EXIT
            example() { "$EXAMPLE" "$1" records 2>&1; }
            owner() { gdbus call --session --dest org.freedesktop.DBus --object-path /org/freedesktop/DBus \
                --method org.freedesktop.DBus.GetConnectionUnixProcessID org.freedesktop.secrets 2>owner.out; }
            until owner | grep -q "uint32 $daemon,"; do kill -0 $daemon; done
        "#;
        self.on_a_bus_of_its_own(&["--"], &format!("{start}{script}"))
    }

    /// What a script says, with the options of `dbus-run-session` before it.
    fn on_a_bus_of_its_own(&self, options: &[&str], script: &str) -> Vec<String> {
        let output = self
            .command("dbus-run-session", "")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .args(options)
            .args(["sh", "-euc", script])
            .current_dir(self.root.path())
            .env("EXAMPLE", example())
            .output()
            .unwrap();
        // The bus itself may complain of its limits.
        assert!(output.status.success(), "{:?}", lines(&output));
        lines(&Output { stderr: Vec::new(), ..output })
    }
}

/// Cargo builds it with the tests.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().with_file_name("examples").join("system_keyring");
    assert!(example.exists(), "{} is missing: cargo test without --test builds it", example.display());
    example
}

fn lines(output: &Output) -> Vec<String> {
    let bytes = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs gnome-keyring, dbus-run-session and gdbus; run by tests/run"]
fn what_one_process_sealed_another_opens() {
    let place = Place::new();
    let said = place.with_gnome_keyring(
        r"example load; example save; example load; example save;
           example load",
    );
    let expected = [
        "nobody is signed in",
        "saved generation 1",
        "loaded generation 1",
        "saved generation 2",
        "loaded generation 2",
    ];
    assert_eq!(said, expected);

    // Another day: the same keyring, another daemon on another bus.
    assert_eq!(place.with_gnome_keyring("example load"), ["loaded generation 2"]);
}

#[test]
#[ignore = "needs gnome-keyring, dbus-run-session and gdbus; run by tests/run"]
fn many_that_make_the_key_at_once_make_the_same() {
    let place = Place::new();
    let mut said = place.with_gnome_keyring(
        r#"for number in 1 2 3 4 5 6; do example save & savers="${savers:-} $!"; done
           for saver in $savers; do wait $saver; done
           example load"#,
    );
    assert_eq!(said.pop().unwrap(), "loaded generation 6");
    said.sort();
    let expected: Vec<_> = (1..=6).map(|generation| format!("saved generation {generation}")).collect();
    assert_eq!(said, expected);
}

#[test]
#[ignore = "needs gnome-keyring, dbus-run-session and gdbus; run by tests/run"]
fn a_locked_keyring_is_not_prompted_for() {
    let place = Place::new();
    let said = place.with_gnome_keyring(
        r#"example save
           gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
               --method org.freedesktop.Secret.Service.Lock "['/org/freedesktop/secrets/collection/login']" >lock.out
           example load || example save || true"#,
    );
    let refused =
        format!("{STORE}: the key cannot be had: the keyring is locked; unlock it, or choose another store");
    assert_eq!(said, ["saved generation 1", &refused, &refused]);
    assert_eq!(place.with_gnome_keyring("example load"), ["loaded generation 1"]);
}

#[test]
#[ignore = "needs gnome-keyring, dbus-run-session and gdbus; run by tests/run"]
fn a_service_that_never_answers_is_left_behind() {
    let place = Place::new();
    let said = place.with_gnome_keyring(
        r"example save
           kill -STOP $daemon
           example load || true
           kill -CONT $daemon
           example load",
    );
    assert_eq!(said, ["saved generation 1", &no_answer(), "loaded generation 1"]);
}

#[test]
#[ignore = "needs gnome-keyring, dbus-run-session and gdbus; run by tests/run"]
fn a_key_that_was_removed_is_missing_and_none_takes_its_place() {
    let place = Place::new();
    let said = place.with_gnome_keyring(
        r"example save
           gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets/collection/login/1 \
               --method org.freedesktop.Secret.Item.Delete >delete.out
           example load || example save || true",
    );
    let refused = format!(
        "{STORE}: the key is not there: unlock or restore the keyring that it was in, or log out and sign in again"
    );
    assert_eq!(said, ["saved generation 1", &refused, &refused]);
}

#[test]
#[ignore = "needs gnome-keyring, dbus-run-session and gdbus; run by tests/run"]
fn the_automatic_choice_is_tried_out_and_leaves_nothing_behind() {
    let place = Place::new();
    let said = place.with_gnome_keyring(
        r"items() { gdbus call --session --dest org.freedesktop.secrets \
              --object-path /org/freedesktop/secrets/collection/login \
              --method org.freedesktop.DBus.Properties.Get org.freedesktop.Secret.Collection Items; }
           example choose; items; example choose; items; example save; example choose; ls records | wc -l",
    );
    let name = STORE.trim_end_matches(" store");
    let no_items = "(<@ao []>,)";
    let first = [name, no_items, name, no_items, "saved generation 1", name];
    assert_eq!(said[..first.len()], first);
    // The record and the two locks: on the files, and on the making of the key.
    assert_eq!(said[first.len()..], ["3"]);
}

#[test]
#[ignore = "needs gnome-keyring, dbus-run-session and gdbus; run by tests/run"]
fn the_automatic_choice_says_why_it_refuses() {
    let place = Place::new();
    let refused =
        |why: &str| format!("no store was chosen, and the system's keyring was tried: {why}. {CHOOSE}");
    let locked = place.with_gnome_keyring(
        r#"gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
               --method org.freedesktop.Secret.Service.Lock "['/org/freedesktop/secrets/collection/login']" >lock.out
           example choose || true"#,
    );
    assert_eq!(locked, [refused("the keyring is locked")]);

    let config = place.path("bus.conf");
    std::fs::write(&config, BARE_BUS).unwrap();
    let bare = format!("--config-file={}", config.display());
    let choose = r#""$EXAMPLE" choose records 2>&1 || true"#;
    let no_service = place.on_a_bus_of_its_own(&[&bare, "--"], choose);
    assert_eq!(no_service, [refused("no keyring runs in this D-Bus session")]);

    // Started by the bus itself, in a home where nobody has made a keyring.
    let no_keyring = Place::new().on_a_bus_of_its_own(&["--"], choose);
    assert_eq!(no_keyring, [refused("there is no default keyring")]);
}

#[test]
fn the_automatic_choice_needs_a_bus_that_answers() {
    let place = Place::new();
    let refused =
        |why: &str| format!("no store was chosen, and the system's keyring was tried: {why}. {CHOOSE}");
    let nowhere = format!("unix:path={}", place.path("nowhere").display());
    assert_eq!(place.example("choose", &nowhere), refused("no D-Bus session can be reached"));
    let _mute = UnixListener::bind(place.path("mute")).unwrap();
    let mute = format!("unix:path={}", place.path("mute").display());
    assert_eq!(place.example("choose", &mute), refused("the keyring has not answered within 3 s"));
    assert!(!place.path("records").exists(), "nothing was made");
}

#[test]
fn where_there_is_no_bus_the_error_says_so() {
    let place = Place::new();
    let nowhere = format!("unix:path={}", place.path("nowhere").display());
    for said in [place.example("save", &nowhere), place.example("save", "")] {
        let refused = "the key cannot be had: no D-Bus session can be reached; choose another store";
        assert_eq!(said, format!("{STORE}: {refused}"));
    }
    assert!(!place.path("records").join("system-keyring.lock").exists(), "nothing was made");
}

#[test]
fn a_bus_that_never_answers_is_left_behind() {
    let place = Place::new();
    let _mute = UnixListener::bind(place.path("mute")).unwrap();
    assert_eq!(place.example("save", &format!("unix:path={}", place.path("mute").display())), no_answer());
}

fn no_answer() -> String {
    format!(
        "{STORE}: the key cannot be had: the keyring has not answered within 3 s; \
         unlock the keyring, or choose another store"
    )
}
