//! Putting the code into the clipboard of this machine, beside OSC 52, which reaches the one of the
//! terminal even over SSH.
#![allow(clippy::disallowed_methods, reason = "starts the clipboard program, with an exact argument list")]

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long tmux may take to say how it is set.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hands `text` to the clipboard program of the session, if there is one; nobody waits for it.
pub(crate) fn copy(text: &str, variable: impl Fn(&str) -> Option<String>) {
    let Some((program, arguments)) = program(variable).and_then(<[&str]>::split_first) else { return };
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    // A session without that program has OSC 52.
    let Ok(mut child) = started else { return };
    let text = text.to_owned();
    thread::spawn(move || {
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(text.as_bytes());
        }
        child.wait()
    });
}

/// The clipboard program of the session, with its arguments.
pub(crate) fn program(variable: impl Fn(&str) -> Option<String>) -> Option<&'static [&'static str]> {
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    Some(if cfg!(target_os = "macos") {
        &["pbcopy"]
    } else if cfg!(windows) || is_set("WSL_DISTRO_NAME") {
        &["clip.exe"]
    } else if is_set("WAYLAND_DISPLAY") {
        &["wl-copy"]
    } else if is_set("DISPLAY") {
        &["xclip", "-selection", "clipboard"]
    } else {
        return None;
    })
}

/// What the tmux around this does with OSC 52: `on` hands it on, `external` (its default) and `off` do not. `None`:
/// it does not say.
pub(crate) fn tmux_set_clipboard() -> Option<String> {
    let mut child = Command::new("tmux")
        .args(["show-options", "-sv", "set-clipboard"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut told = String::new();
        let _ = stdout.by_ref().take(64).read_to_string(&mut told);
        // Nobody may listen any more.
        let _ = sender.send(told);
    });
    let told = receiver.recv_timeout(PATIENCE);
    let _ = child.kill();
    let _ = child.wait();
    told.ok().map(|told| told.trim().to_owned()).filter(|told| !told.is_empty())
}
