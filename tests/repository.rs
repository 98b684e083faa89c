//! What may stand in the repository, and under which names.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Everything at the top; each room is explained in CONTRIBUTING.md.
const TOP: &[&str] = &[
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "device-cli",
    "embedded-demo",
    "mock-server",
    "oauth-client",
    "rustfmt.toml",
    "tests",
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["common", "helper", "helpers", "misc", "prelude", "shared", "type", "types", "util", "utils"];

/// Ends of the hosts of package registries, in two parts so that this file names none.
const REGISTRY_HOSTS: &[(&str, &str)] = &[
    ("crates", "io"),
    ("debian", "org"),
    ("golang", "org"),
    ("npmjs", "com"),
    ("npmjs", "org"),
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("yarnpkg", "com"),
];

/// A lock file of cargo names its registry by an address that is an identifier; nothing is fetched from there.
const MAY_NAME_A_REGISTRY: &str = "Cargo.lock";

#[test]
fn the_top_of_the_repository_holds_the_named_rooms_only() {
    let found: BTreeSet<String> =
        tracked_files().iter().filter_map(|path| path.split('/').next().map(str::to_owned)).collect();
    let strangers: Vec<&String> = found.iter().filter(|name| !TOP.contains(&name.as_str())).collect();
    assert!(strangers.is_empty(), "at the top of the repository, but in no map: {strangers:?}");
    let missing: Vec<&&str> = TOP.iter().filter(|name| !found.contains(**name)).collect();
    assert!(missing.is_empty(), "in the map, but not at the top of the repository: {missing:?}");
}

#[test]
fn every_file_and_folder_has_a_name_that_says_something() {
    let nameless: Vec<String> = tracked_files()
        .into_iter()
        .filter(|path| {
            Path::new(path).iter().any(|part| {
                let stem = Path::new(part).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
                EMPTY_NAMES.contains(&stem.to_ascii_lowercase().as_str())
            })
        })
        .collect();
    assert!(nameless.is_empty(), "name these by the RFC's term for what they hold: {nameless:?}");
}

#[test]
fn no_tracked_file_names_a_package_registry() {
    let hosts: Vec<String> = REGISTRY_HOSTS.iter().map(|(name, domain)| format!("{name}.{domain}")).collect();
    let mut found = Vec::new();
    for path in tracked_files().into_iter().filter(|path| !Path::new(path).ends_with(MAY_NAME_A_REGISTRY)) {
        let Ok(text) = std::fs::read_to_string(Path::new(TOP_FOLDER).join(&path)) else { continue };
        for (line, content) in text.lines().enumerate() {
            if hosts.iter().any(|host| content.contains(host)) {
                found.push(format!("{path}:{}", line + 1));
            }
        }
    }
    assert!(found.is_empty(), "registry hosts in {found:?}");
}

const TOP_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Paths of all files that git tracks, from the top of the repository.
fn tracked_files() -> Vec<String> {
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "-C", TOP_FOLDER, "ls-files", "-z"])
        .output()
        .expect("git starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("file names are UTF-8");
    let files: Vec<String> = names.split_terminator('\0').map(str::to_owned).collect();
    assert!(files.len() > 50, "git lists only {} files", files.len());
    files
}
