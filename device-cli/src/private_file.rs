//! Small files that only their owner can read, replaced as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::process;

use crate::failure::Failure;

/// Writes `contents` to `path`; whoever reads it meanwhile sees the old or the new, never a part.
pub(crate) fn replace(path: &Path, contents: &str) -> Result<(), Failure> {
    try_replace(path, contents).map_err(|error| {
        Failure::storage(format!("cannot write {}: {error}; choose another XDG_STATE_HOME", path.display()))
    })
}

/// What the file holds; `None` where there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::storage(format!(
            "cannot read {}: {error}; choose another XDG_STATE_HOME",
            path.display()
        ))),
    }
}

/// The names of the files in a directory, those that are text; none where there is no such directory.
pub(crate) fn names(directory: &Path) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries,
    };
    entries
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.file_name())).collect())
        .map(|names: Vec<_>| names.into_iter().filter_map(|name| name.into_string().ok()).collect())
        .map_err(|error| {
            Failure::storage(format!(
                "cannot list {}: {error}; choose another XDG_STATE_HOME",
                directory.display()
            ))
        })
}

/// Removes the file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::storage(format!("cannot remove {}: {error}; remove it yourself", path.display())))
        }
        _ => Ok(()),
    }
}

/// Keeps a damaged file as `.corrupt-N` beside its place.
pub(crate) fn put_aside(path: &Path) -> Result<(), Failure> {
    let aside = (1_u32..).map(|number| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".corrupt-{number}"));
        name
    });
    // A name that is taken is another damaged file's.
    let renamed = aside.into_iter().find(|name| !Path::new(name).exists()).map(|name| fs::rename(path, name));
    renamed.unwrap_or(Ok(())).map_err(|error| {
        Failure::storage(format!("cannot rename {}: {error}; choose another XDG_STATE_HOME", path.display()))
    })
}

/// [`replace`] wherever a person wants it.
pub(crate) fn try_replace(path: &Path, contents: &str) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or(Path::new("."));
    make_private_directory(directory)?;
    let temporary = path.with_extension(format!("tmp{}", process::id()));
    let written = write_new(&temporary, contents).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_new(path: &Path, contents: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = match options.open(path) {
        // Left behind by a process that was killed and had the same number.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            options.open(path)?
        }
        opened => opened?,
    };
    file.write_all(contents.as_bytes())?;
    file.sync_all()
}

fn make_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
