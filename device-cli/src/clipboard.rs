//! Putting the code into the clipboard of this machine, beside OSC 52, which reaches the one of the
//! terminal even over SSH.
#![allow(clippy::disallowed_methods, reason = "starts the clipboard program, with an exact argument list")]

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

/// Hands `text` to the clipboard program of the session, if there is one; nobody waits for it.
pub(crate) fn copy(text: &str, variable: impl Fn(&str) -> Option<String>) {
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let command: &[&str] = if cfg!(target_os = "macos") {
        &["pbcopy"]
    } else if cfg!(windows) || is_set("WSL_DISTRO_NAME") {
        &["clip.exe"]
    } else if is_set("WAYLAND_DISPLAY") {
        &["wl-copy"]
    } else if is_set("DISPLAY") {
        &["xclip", "-selection", "clipboard"]
    } else {
        return;
    };
    let Some((program, arguments)) = command.split_first() else { return };
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
