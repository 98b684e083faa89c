//! The directory of one trial: the store, and the clock that its processes share.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory that is gone at the end. Everybody may enter it, so that a process of another user can.
#[derive(Debug)]
pub(super) struct Place {
    root: TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().expect("a directory for the trial");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("its owner");
        Self { root }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Where the records are.
    pub(super) fn records(&self) -> PathBuf {
        self.path("tokens")
    }

    /// The store of this kind here, as the worker takes it.
    pub(super) fn store(&self, kind: &str) -> String {
        format!("{kind}:{}", self.records().display())
    }

    /// The time in Unix seconds.
    pub(super) fn clock(&self) -> PathBuf {
        self.path("clock")
    }

    pub(super) fn set_clock(&self, seconds: u64) {
        let next = self.path("clock.next");
        fs::write(&next, seconds.to_string()).expect("the clock");
        fs::rename(&next, self.clock()).expect("the clock");
    }

    /// The names of the files in the directory of records, sorted; none if there is none.
    pub(super) fn names(&self) -> Vec<String> {
        names_in(&self.records())
    }
}

pub(super) fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Whether a file of this name is what is locked, not a record.
pub(super) fn is_lock(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "lock")
}
