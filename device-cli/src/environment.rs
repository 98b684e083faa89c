//! The only file that reads the environment.
#![allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::env;
use std::path::PathBuf;

/// A variable; one that is empty, or no text, counts as unset.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// `$HOME`, else what the password file says.
pub(crate) fn home_directory() -> Option<PathBuf> {
    env::home_dir().filter(|home| home.is_absolute())
}

/// Where a program is, by its path or by its name in `$PATH`.
pub(crate) fn program_in_path(program: &str) -> Option<PathBuf> {
    if program.contains(std::path::MAIN_SEPARATOR) {
        return Some(PathBuf::from(program)).filter(|path| path.is_file());
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|directory| directory.join(program)).find(|path| path.is_file())
}

/// `$XDG_CONFIG_HOME/device-cli`.
pub(crate) fn configuration_directory() -> Option<PathBuf> {
    directory("XDG_CONFIG_HOME", ".config")
}

/// `$XDG_STATE_HOME/device-cli`.
pub(crate) fn state_directory() -> Option<PathBuf> {
    directory("XDG_STATE_HOME", ".local/state")
}

/// `$XDG_CACHE_HOME/device-cli`.
pub(crate) fn cache_directory() -> Option<PathBuf> {
    directory("XDG_CACHE_HOME", ".cache")
}

/// XDG Base Directory Specification: a path that is not absolute is ignored.
fn directory(name: &str, below_home: &str) -> Option<PathBuf> {
    let base = env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| Some(env::home_dir()?.join(below_home)))?;
    base.is_absolute().then(|| base.join("device-cli"))
}
