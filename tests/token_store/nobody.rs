//! A worker that is not root, who passes every check of permissions that the system makes.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::authorization_server::AuthorizationServer;
use super::place::{Place, names_in};
use super::worker::{Arguments, Worker, program};

/// The user "nobody".
pub(super) const NOBODY: u32 = 65_534;

/// Another user than root runs the process.
pub(super) struct AsNobody {
    pub(super) place: Place,
    program: PathBuf,
}

impl AsNobody {
    pub(super) fn new() -> Self {
        assert_eq!(user(), 0, "only root can act as another user: run this as root");
        let place = Place::new();
        fs::create_dir(place.path("home")).expect("a directory");
        chown(place.path("home"), Some(NOBODY), Some(NOBODY)).expect("root may");
        set_mode(&place.path("home"), 0o700);
        // Where it was built, that user may not get to.
        let copy = place.path("worker");
        fs::hard_link(program(), &copy).or_else(|_| fs::copy(program(), &copy).map(drop)).expect("a copy");
        set_mode(&copy, 0o755);
        Self { place, program: copy }
    }

    pub(super) fn start(&self, kind: &str, server: &AuthorizationServer, umask: &str) -> Worker {
        let store = format!("{kind}:{}", self.place.path("home/tokens").display());
        let arguments = Arguments::new(store, server, &self.place);
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"umask "$0" && exec "$@""#, umask])
            .arg(&self.program)
            .args(arguments.as_args());
        Worker::start(command.uid(NOBODY).gid(NOBODY))
    }

    pub(super) fn sign_in(&self, kind: &str, server: &AuthorizationServer, umask: &str) {
        let answer = self.start(kind, server, umask).ask(&format!("sign-in {}", server.sign_in()));
        assert_eq!(answer.outcome(), "record", "{answer:?}");
    }

    /// All below the home, without following links.
    pub(super) fn everything(&self) -> Vec<(PathBuf, fs::Metadata)> {
        let mut found = Vec::new();
        let mut directories = vec![self.place.path("home")];
        while let Some(directory) = directories.pop() {
            for name in names_in(&directory) {
                let path = directory.join(name);
                let metadata = path.symlink_metadata().expect("it is there");
                if metadata.is_dir() {
                    directories.push(path.clone());
                }
                found.push((path, metadata));
            }
        }
        found
    }

    /// Names, owners, modes, link counts and contents.
    pub(super) fn description(&self) -> Vec<(PathBuf, u32, u32, u64, Vec<u8>)> {
        let content = |path: &Path, metadata: &fs::Metadata| {
            if metadata.is_file() { fs::read(path).expect("root may") } else { Vec::new() }
        };
        let everything = self.everything().into_iter();
        everything
            .map(|(path, metadata)| {
                let content = content(&path, &metadata);
                (path, metadata.uid(), metadata.mode(), metadata.nlink(), content)
            })
            .collect()
    }
}

/// The user that this process acts as.
pub(super) fn user() -> u32 {
    fs::metadata("/proc/self").expect("Linux has it").uid()
}

pub(super) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("root may");
}
