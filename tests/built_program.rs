//! Programs of other rooms. `cargo test --workspace` has built them already; a run of this package alone may have to.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The program of a package as it stands in the source of the rooms that go into it.
pub(crate) fn built(package: &str, rooms: &[&str]) -> PathBuf {
    let this_test = std::env::current_exe().expect("a path");
    let program = this_test.ancestors().nth(2).expect("target/PROFILE/deps/TEST").join(package);
    if !is_fresh(&program, rooms) {
        let build = ["build", "--locked", "--package", package];
        let status = Command::new(env!("CARGO")).args(build).status().expect("cargo starts");
        assert!(status.success(), "{package} does not build");
    }
    program
}

/// Whether no source file of these rooms is newer.
fn is_fresh(program: &Path, rooms: &[&str]) -> bool {
    let Ok(built) = program.metadata().and_then(|metadata| metadata.modified()) else { return false };
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the top of the repository");
    rooms.iter().all(|room| last_change(&top.join(room).join("src")) <= built)
}

fn last_change(path: &Path) -> SystemTime {
    let own = path.metadata().and_then(|metadata| metadata.modified()).expect("a source file");
    let inside = std::fs::read_dir(path).into_iter().flatten();
    inside.map(|entry| last_change(&entry.expect("an entry").path())).fold(own, SystemTime::max)
}
