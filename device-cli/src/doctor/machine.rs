//! Where this runs, and what of a desktop there is: browser and clipboard.

use std::fs;
use std::path::Path;

use crate::browser::Browser;
use crate::clipboard;
use crate::doctor::finding::Finding;
use crate::environment::{program_in_path, state_directory, variable};

pub(super) fn findings() -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(over_ssh());
    findings.extend(windows_below());
    findings.extend(container());
    findings.push(browser());
    findings.push(clipboard_of_the_terminal());
    findings.push(clipboard_of_the_session());
    findings
}

fn is_over_ssh() -> bool {
    ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"].iter().any(|name| variable(name).is_some())
}

fn over_ssh() -> Option<Finding> {
    let told = "this is an SSH session: no browser is opened here, the code is copied through your terminal";
    is_over_ssh().then(|| Finding::ok("SSH", told))
}

/// The kernel says so too, where sudo or a service has lost the variable.
fn windows_below() -> Option<Finding> {
    let kernel = fs::read_to_string("/proc/version").unwrap_or_default().to_ascii_lowercase();
    match variable("WSL_DISTRO_NAME") {
        Some(name) => Some(Finding::ok("WSL", format!("this is the distribution {name} under Windows"))),
        None if kernel.contains("microsoft") => {
            let told =
                "this is WSL, and WSL_DISTRO_NAME is not set: browser and clipboard of Windows are not used";
            Some(Finding::note("WSL", told).mended_by("run this without sudo, or export WSL_DISTRO_NAME"))
        }
        None => None,
    }
}

fn container() -> Option<Finding> {
    let engine = engine()?;
    let told = format!("this is a container ({engine}): tokens in its own file system go with it");
    let place = state_directory().unwrap_or_default();
    Some(Finding::note("container", told).mended_by(format!("mount a volume at {}", place.display())))
}

fn engine() -> Option<String> {
    if Path::new("/run/.containerenv").exists() {
        return Some("Podman".to_owned());
    }
    if Path::new("/.dockerenv").exists() {
        return Some("Docker".to_owned());
    }
    if variable("KUBERNETES_SERVICE_HOST").is_some() {
        return Some("Kubernetes".to_owned());
    }
    if let Some(engine) = variable("container") {
        return Some(engine);
    }
    let groups = fs::read_to_string("/proc/1/cgroup").unwrap_or_default();
    let names = ["docker", "kubepods", "containerd", "libpod", "lxc"];
    names.into_iter().find(|name| groups.contains(name)).map(str::to_owned)
}

fn browser() -> Finding {
    let Some(browser) = Browser::usable(variable) else {
        return if is_over_ssh() {
            Finding::ok("browser", "none here, over SSH: use one on the device before you")
        } else {
            Finding::ok("browser", "none here, for want of a display: use one on another device")
        };
    };
    let programs: Vec<&str> = browser.programs().collect();
    if let Some(program) = programs.iter().find(|program| program_in_path(program).is_some()) {
        return Finding::ok("browser", format!("the key o starts {program}"));
    }
    let told = format!("there is a display, and no program to open pages with ({})", programs.join(", "));
    Finding::note("browser", told).mended_by("export BROWSER=PROGRAM, or install xdg-utils (WSL: wslu)")
}

/// Whether a terminal takes OSC 52 cannot be asked; of many it is known.
fn clipboard_of_the_terminal() -> Finding {
    const CHECK: &str = "clipboard, OSC 52";
    if variable("TMUX").is_some() {
        return match clipboard::tmux_set_clipboard().as_deref() {
            Some("on") => Finding::ok(CHECK, "tmux hands it on (set-clipboard on)"),
            Some(setting) => Finding::note(CHECK, format!("tmux keeps it back (set-clipboard {setting})"))
                .mended_by("tmux set -s set-clipboard on"),
            None => Finding::note(CHECK, "through tmux, which did not say whether it hands it on")
                .mended_by("tmux set -s set-clipboard on"),
        };
    }
    if variable("STY").is_some() {
        return Finding::note(CHECK, "GNU screen keeps it back")
            .mended_by("use tmux, or copy the code by hand");
    }
    let term = variable("TERM").unwrap_or_default();
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    let does = ["kitty", "alacritty", "foot", "wezterm", "ghostty", "rio", "contour"];
    let known =
        does.into_iter().find(|name| term.contains(name) || program.to_ascii_lowercase().contains(name));
    if let Some(name) = known {
        return Finding::ok(CHECK, format!("{name} takes it"));
    }
    if variable("WT_SESSION").is_some() {
        return Finding::ok(CHECK, "Windows Terminal takes it");
    }
    match (program.as_str(), term.as_str()) {
        ("vscode", _) => Finding::ok(CHECK, "Visual Studio Code takes it"),
        ("iTerm.app", _) => Finding::note(CHECK, "iTerm2 takes it where that is allowed")
            .mended_by("Settings, General, Selection: applications in terminal may access clipboard"),
        ("Apple_Terminal", _) => {
            Finding::note(CHECK, "Terminal.app does not take it").mended_by("copy the code by hand")
        }
        (_, "linux") => Finding::note(CHECK, "the Linux console has no clipboard").mended_by("type the code"),
        (_, "" | "dumb") => Finding::ok(CHECK, "not used: this is no terminal"),
        _ => Finding::ok(CHECK, "sent; whether this terminal takes it cannot be asked"),
    }
}

fn clipboard_of_the_session() -> Finding {
    const CHECK: &str = "clipboard, local";
    match clipboard::program(variable).and_then(<[&str]>::first) {
        None => Finding::ok(CHECK, "none, for want of a display"),
        Some(program) if program_in_path(program).is_some() => Finding::ok(CHECK, format!("by {program}")),
        Some(program) => {
            let package = if *program == "wl-copy" { "wl-clipboard" } else { program };
            Finding::note(CHECK, format!("{program} is not installed"))
                .mended_by(format!("install {package}"))
        }
    }
}
