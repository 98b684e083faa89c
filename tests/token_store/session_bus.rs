//! Session buses of a trial's own: with a keyring, and with every way of having none.

use std::fs;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Duration;

use super::place::Place;
use crate::json_lines::JsonLines;

/// What a keyring may take, and what a busy machine may add.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(3 + 2);

/// Ends with the bus, which ends when its standard input does.
const WAIT_AND_TELL: &str = r#"
    trap 'kill -9 $daemon' EXIT
    gdbus wait --session --timeout 30 org.freedesktop.secrets
    printf '{"address":"%s","keyring":%d}\n' "$DBUS_SESSION_BUS_ADDRESS" $daemon
    read -r _ || true"#;

/// A session bus of its own with a keyring on it.
pub(super) struct Bus {
    process: JsonLines,
    pub(super) address: String,
    /// The process of the keyring.
    keyring: u64,
}

/// Every way in which there is no keyring that answers.
pub(super) struct NoKeyring {
    nobody_listens: String,
    mute: String,
    /// Whoever connects hears nothing.
    _mute_bus: UnixListener,
    black_hole: Bus,
    locked: String,
}

impl Bus {
    /// A GNOME Keyring that is unlocked. `$daemon` is its process.
    pub(super) const GNOME_KEYRING: &str = "
        printf password | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &
        daemon=$!";
    /// Somebody who has the keyring's name and never answers.
    const BLACK_HOLE: &str = "
        dbus-test-tool black-hole --name=org.freedesktop.secrets >/dev/null 2>&1 & daemon=$!";

    /// The keyring's files are in `place`: another bus there finds them again.
    pub(super) fn start(place: &Place, keyring: &str) -> Self {
        for name in ["home", "runtime"] {
            fs::create_dir_all(place.path(name)).expect("a directory");
        }
        let script = format!("{keyring}{WAIT_AND_TELL}");
        let mut command = Command::new("dbus-run-session");
        command.args(["--", "sh", "-euc", &script]).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("HOME", place.path("home")).env("XDG_RUNTIME_DIR", place.path("runtime"));
        let mut process = JsonLines::start(&mut command);
        let told = process.receive();
        let address = told["address"].as_str().expect("an address").to_owned();
        let keyring = told["keyring"].as_u64().expect("a process");
        Self { process, address, keyring }
    }

    /// Stops the keyring, which keeps its name, or lets it go on.
    pub(super) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args(["-s", signal, &self.keyring.to_string()]).status();
        assert!(status.expect("kill starts").success());
    }

    pub(super) fn lock_the_collection(&self) {
        let lock = "org.freedesktop.Secret.Service.Lock";
        let mut command = Command::new("gdbus");
        command.args(["call", "--session", "--dest", "org.freedesktop.secrets", "--method", lock]);
        command.args([
            "--object-path",
            "/org/freedesktop/secrets",
            "['/org/freedesktop/secrets/collection/login']",
        ]);
        let output = command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).output().expect("gdbus starts");
        assert!(output.status.success(), "{output:?}");
    }
}

impl NoKeyring {
    /// `locked`: a bus whose keyring is locked.
    pub(super) fn new(place: &Place, locked: &Bus) -> Self {
        let address = |name| format!("unix:path={}", place.path(name).display());
        Self {
            nobody_listens: address("nowhere"),
            mute: address("mute"),
            _mute_bus: UnixListener::bind(place.path("mute")).expect("a socket"),
            black_hole: Bus::start(place, Bus::BLACK_HOLE),
            locked: locked.address.clone(),
        }
    }

    /// What is wrong, and the address of the bus where it is; "" for none.
    pub(super) fn addresses(&self) -> [(&'static str, &str); 5] {
        [
            ("no D-Bus", ""),
            ("a D-Bus that is gone", &self.nobody_listens),
            ("a bus that never answers", &self.mute),
            ("a service that never answers", &self.black_hole.address),
            ("a locked collection", &self.locked),
        ]
    }
}

/// The bus ends with its keyring.
impl Drop for Bus {
    fn drop(&mut self) {
        self.process.finish();
    }
}
