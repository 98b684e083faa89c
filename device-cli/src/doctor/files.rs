//! Where configuration and state lie, and whether that can be written.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use crate::doctor::finding::Finding;
use crate::environment::{configuration_directory, home_directory, state_directory, variable};

pub(super) fn findings() -> Vec<Finding> {
    let mut findings = vec![home(), configuration()];
    findings.push(match state_directory() {
        Some(directory) => writable("state", &directory, "XDG_STATE_HOME"),
        None => Finding::problem("state", "there is no place for it: HOME is not set", SET_HOME),
    });
    findings
}

const SET_HOME: &str = "export HOME=DIRECTORY, or XDG_STATE_HOME=DIRECTORY, one that can be written to";

fn home() -> Finding {
    match (variable("HOME"), home_directory()) {
        (Some(home), _) if !Path::new(&home).is_absolute() => {
            Finding::problem("HOME", format!("\"{home}\" is no absolute path"), SET_HOME)
        }
        (Some(home), _) if !Path::new(&home).is_dir() => {
            Finding::note("HOME", format!("{home} is no directory")).mended_by(SET_HOME)
        }
        (Some(_), _) => Finding::ok("HOME", "is set"),
        (None, Some(_)) => {
            let told = "is not set: the directory of the user's entry in the password file is used";
            Finding::note("HOME", told).mended_by("export HOME=DIRECTORY")
        }
        (None, None) => Finding::note("HOME", "is not set, and the user has no entry in the password file")
            .mended_by(SET_HOME),
    }
}

/// It is read, never written without being asked to.
fn configuration() -> Finding {
    const CHECK: &str = "configuration";
    let Some(directory) = configuration_directory() else {
        return Finding::note(CHECK, "there is no place for it: flags and variables do")
            .mended_by("export XDG_CONFIG_HOME=DIRECTORY");
    };
    let file = directory.join("config.toml");
    // Whether it can be understood is told beside this.
    let told =
        if file.exists() { file.display().to_string() } else { format!("none in {}", directory.display()) };
    Finding::ok(CHECK, told)
}

/// Tries it with a file that is gone afterwards; makes no directory.
fn writable(check: &'static str, directory: &Path, name: &str) -> Finding {
    let there = nearest(directory);
    let canary = there.join(format!(".device-cli-canary-{}", process::id()));
    let tried = OpenOptions::new().write(true).create_new(true).open(&canary).map(drop);
    let _ = fs::remove_file(&canary);
    match tried {
        Ok(()) if there == directory => Finding::ok(check, format!("{} can be written", directory.display())),
        Ok(()) => Finding::ok(check, format!("{} will be made with the first login", directory.display())),
        Err(error) => Finding::problem(
            check,
            format!("{} cannot be written: {}", there.display(), why(&error)),
            format!("export {name}=DIRECTORY, one that can be written to and outlives this session"),
        ),
    }
}

/// The directory itself, or what is there of the way to it.
fn nearest(directory: &Path) -> PathBuf {
    directory.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(directory).to_owned()
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => "its file system is read-only".to_owned(),
        io::ErrorKind::PermissionDenied => "it belongs to somebody else, or its mode forbids it".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::NotADirectory => "it is no directory".to_owned(),
        _ => error.to_string(),
    }
}
