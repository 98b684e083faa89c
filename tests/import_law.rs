//! Which room may import what, which licences and crates are let in: the law is the data below.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

/// One package of the workspace. Normal and build dependencies count, dev-dependencies do not.
struct Room {
    name: &'static str,
    /// The rooms it may name in its manifest, whatever the feature or target.
    may_import: &'static [&'static str],
    /// Packages that must be optional where it names them: they sit behind a feature.
    behind_a_feature: &'static [&'static str],
    /// Packages that its own manifest must not name.
    must_not_name: &'static [&'static str],
    /// Packages that it must not reach, through whatever other package.
    must_not_reach: &'static [&'static str],
}

const LAW: &[Room] = &[
    Room {
        name: "oauth-protocol",
        may_import: &[],
        behind_a_feature: &[],
        must_not_name: &[],
        // All of these need std, an operating system, or more flash than a device has.
        must_not_reach: &[
            "async-std",
            "curl",
            "getrandom",
            "http",
            "http-body",
            "hyper",
            "mio",
            "parking_lot",
            "rand",
            "reqwest",
            "ring",
            "rustls",
            "socket2",
            "thiserror",
            "time",
            "tokio",
            "tracing",
            "ureq",
            "url",
        ],
    },
    Room {
        name: "oauth-token-store",
        may_import: &["oauth-protocol"],
        behind_a_feature: &["redis", "rustls"],
        must_not_name: &[],
        must_not_reach: &["tokio", "reqwest", "hyper", "http", "ureq", "curl"],
    },
    Room {
        name: "oauth-client",
        may_import: &["oauth-protocol", "oauth-token-store"],
        behind_a_feature: &[],
        must_not_name: &[],
        must_not_reach: &["clap", "crossterm", "dirs", "env_logger", "tracing-subscriber"],
    },
    Room {
        name: "device-cli",
        may_import: &["oauth-client", "mock-server"],
        behind_a_feature: &["mock-server"],
        must_not_name: &["reqwest", "hyper", "http"],
        must_not_reach: &[],
    },
    Room {
        name: "embedded-demo",
        may_import: &["oauth-protocol", "mock-server"],
        behind_a_feature: &["mock-server"],
        must_not_name: &[],
        must_not_reach: &["reqwest", "url"],
    },
    Room {
        name: "mock-server",
        may_import: &[],
        behind_a_feature: &[],
        must_not_name: &[],
        must_not_reach: &["reqwest"],
    },
    Room {
        name: "workspace-tests",
        may_import: &[
            "oauth-protocol",
            "oauth-token-store",
            "oauth-client",
            "device-cli",
            "embedded-demo",
            "mock-server",
        ],
        behind_a_feature: &[],
        must_not_name: &[],
        must_not_reach: &[],
    },
];

/// A second TLS stack, and C libraries where Rust ones do.
const BANNED: &[&str] = &["aws-lc-rs", "aws-lc-sys", "curl-sys", "native-tls", "openssl", "openssl-sys"];

/// The OAuth crates that this project stands in for: the whole-system tests may try them at our server, nobody else may
/// have them.
const STOOD_IN_FOR: &[&str] = &["oauth2", "openidconnect", "yup-oauth2"];

/// Licences that MIT OR Apache-2.0 code may be built with.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn the_workspace_obeys_the_import_law() {
    assert_eq!(violations(&cargo_metadata("Cargo.toml")), Vec::<String>::new());
}

/// It is no member, and has a lock file of its own.
#[test]
fn the_firmware_takes_nothing_that_the_workspace_may_not() {
    let metadata = cargo_metadata("embedded-demo/firmware/Cargo.toml");
    assert_eq!(package_violations(array(&metadata, "packages")), Vec::<String>::new());
}

#[test]
fn a_room_that_imports_a_forbidden_room_is_caught() {
    let metadata = lawful().importing("mock-server", "oauth-protocol").0;
    assert_eq!(violations(&metadata), ["mock-server must not import oauth-protocol"]);
}

#[test]
fn a_build_dependency_counts() {
    let metadata = lawful().importing_as("device-cli", "reqwest", &json!("build"), false).0;
    assert_eq!(violations(&metadata), ["device-cli must not name reqwest in its manifest"]);
}

#[test]
fn a_dev_dependency_does_not_count() {
    let metadata = lawful().importing_as("oauth-client", "mock-server", &json!("dev"), false).0;
    assert_eq!(violations(&metadata), Vec::<String>::new());
}

#[test]
fn the_mock_server_is_optional_for_the_terminal() {
    let metadata = lawful().importing_as("device-cli", "mock-server", &Value::Null, false).0;
    assert_eq!(violations(&metadata), ["device-cli may import mock-server only behind a feature"]);
    let metadata = lawful().importing_as("device-cli", "mock-server", &Value::Null, true).0;
    assert_eq!(violations(&metadata), Vec::<String>::new());
}

#[test]
fn redis_is_optional_for_the_token_store() {
    let metadata = lawful().importing_as("oauth-token-store", "redis", &Value::Null, false).0;
    assert_eq!(violations(&metadata), ["oauth-token-store may import redis only behind a feature"]);
    let metadata = lawful().importing_as("oauth-token-store", "redis", &Value::Null, true).0;
    assert_eq!(violations(&metadata), Vec::<String>::new());
}

#[test]
fn what_a_dependency_drags_in_is_caught_with_its_path() {
    let metadata = lawful().importing("oauth-protocol", "sha2").importing("sha2", "getrandom").0;
    assert_eq!(violations(&metadata), ["oauth-protocol must not reach getrandom (through sha2)"]);
}

#[test]
fn a_room_without_a_law_is_caught() {
    let metadata = lawful().with_package("oauth-extras", Some("MIT"), true).0;
    assert_eq!(violations(&metadata), ["oauth-extras has no row in the import law"]);
}

#[test]
fn a_room_that_went_away_is_caught() {
    let metadata = Metadata::empty().0;
    assert!(
        violations(&metadata)
            .contains(&"the law names device-cli, but the workspace has no such package".into())
    );
}

#[test]
fn a_banned_crate_is_caught() {
    let metadata = lawful().importing("oauth-client", "native-tls").0;
    assert_eq!(violations(&metadata), ["native-tls is banned"]);
}

#[test]
fn another_oauth_crate_is_for_the_whole_system_tests_alone() {
    let dev = json!("dev");
    let metadata = lawful().importing_as("workspace-tests", "oauth2", &dev, false).0;
    assert_eq!(violations(&metadata), Vec::<String>::new());
    for (room, kind) in
        [("workspace-tests", Value::Null), ("oauth-client", Value::Null), ("oauth-client", dev)]
    {
        let metadata = lawful().importing_as(room, "oauth2", &kind, false).0;
        assert_eq!(violations(&metadata), [format!("{room} must not import oauth2")]);
    }
}

#[test]
fn a_licence_that_the_workspace_cannot_take_is_caught() {
    let metadata = lawful()
        .with_package("copyleft", Some("GPL-3.0-only"), false)
        .with_package("both", Some("MIT AND GPL-3.0-only"), false)
        .with_package("choice", Some("GPL-3.0-only OR MIT"), false)
        .with_package("old_style", Some("MIT/Apache-2.0"), false)
        .with_package("exception", Some("Apache-2.0 WITH LLVM-exception"), false)
        .with_package("silent", None, false)
        .0;
    assert_eq!(
        violations(&metadata),
        [
            "copyleft: the licence GPL-3.0-only is not on the list",
            "both: the licence MIT AND GPL-3.0-only is not on the list",
            "silent names no licence",
        ]
    );
}

fn cargo_metadata(manifest: &str) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--all-features", "--manifest-path"])
        .arg(format!("{}/../{manifest}", env!("CARGO_MANIFEST_DIR")))
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

/// Everything in the metadata that breaks the law, in words.
fn violations(metadata: &Value) -> Vec<String> {
    let packages: Vec<&Value> = array(metadata, "packages").collect();
    let names: BTreeMap<&str, &str> =
        packages.iter().map(|package| (text(package, "id"), text(package, "name"))).collect();
    let members: BTreeSet<&str> =
        array(metadata, "workspace_members").filter_map(Value::as_str).map(|id| names[id]).collect();
    let mut found = Vec::new();

    for name in &members {
        if !LAW.iter().any(|room| room.name == *name) {
            found.push(format!("{name} has no row in the import law"));
        }
    }
    for room in LAW {
        let Some(package) =
            packages.iter().find(|package| text(package, "name") == room.name && members.contains(room.name))
        else {
            found.push(format!("the law names {}, but the workspace has no such package", room.name));
            continue;
        };
        found.extend(manifest_violations(room, package, &members));
        found.extend(reach_violations(room, metadata, &names));
    }
    found.extend(imports_stood_in_for(metadata, &names));
    found.extend(package_violations(packages));
    found
}

/// What nobody may have, whoever brings it.
fn package_violations<'a>(packages: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages {
        let name = text(package, "name");
        if BANNED.contains(&name) {
            found.push(format!("{name} is banned"));
        }
        found.extend(licence_violation(name, package["license"].as_str()));
    }
    found
}

fn manifest_violations(room: &Room, package: &Value, members: &BTreeSet<&str>) -> Vec<String> {
    let mut found = Vec::new();
    for dependency in array(package, "dependencies").filter(|dependency| dependency["kind"] != "dev") {
        let (name, import) = (room.name, text(dependency, "name"));
        if members.contains(import) && !room.may_import.contains(&import) {
            found.push(format!("{name} must not import {import}"));
        } else if room.must_not_name.contains(&import) {
            found.push(format!("{name} must not name {import} in its manifest"));
        } else if room.behind_a_feature.contains(&import) && dependency["optional"] != true {
            found.push(format!("{name} may import {import} only behind a feature"));
        }
    }
    found
}

/// Rooms are not looked for here: where no room names a forbidden one, none reaches it.
fn reach_violations(room: &Room, metadata: &Value, names: &BTreeMap<&str, &str>) -> Vec<String> {
    let nodes: BTreeMap<&str, &Value> =
        array(&metadata["resolve"], "nodes").map(|node| (text(node, "id"), node)).collect();
    let start = nodes.keys().find(|id| names[**id] == room.name);
    let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut queue: Vec<(&str, Vec<&str>)> = start.map(|id| (*id, Vec::new())).into_iter().collect();
    while let Some((id, path)) = queue.pop() {
        for dependency in array(nodes[id], "deps") {
            let id = text(dependency, "pkg");
            let counts = array(dependency, "dep_kinds").any(|kind| kind["kind"] != "dev");
            if counts && !paths.contains_key(id) {
                paths.insert(id, path.clone());
                queue.push((id, path.iter().copied().chain([names[id]]).collect()));
            }
        }
    }
    paths
        .iter()
        .filter(|(id, _)| room.must_not_reach.contains(&names[**id]))
        .map(|(id, path)| match path.as_slice() {
            [] => format!("{} must not reach {}", room.name, names[id]),
            path => format!("{} must not reach {} (through {})", room.name, names[id], path.join(" -> ")),
        })
        .collect()
}

/// Dev-dependencies count, but for those of the whole-system tests.
fn imports_stood_in_for(metadata: &Value, names: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut found = Vec::new();
    for node in array(&metadata["resolve"], "nodes") {
        let room = names[text(node, "id")];
        for dependency in array(node, "deps") {
            let imported = names[text(dependency, "pkg")];
            let tries_it =
                room == "workspace-tests" && array(dependency, "dep_kinds").all(|kind| kind["kind"] == "dev");
            if STOOD_IN_FOR.contains(&imported) && !tries_it {
                found.push(format!("{room} must not import {imported}"));
            }
        }
    }
    found
}

fn licence_violation(name: &str, licence: Option<&str>) -> Option<String> {
    let Some(licence) = licence else { return Some(format!("{name} names no licence")) };
    let allowed = |requirement: &spdx::LicenseReq| {
        requirement.license.id().is_some_and(|id| LICENCES.contains(&id.name))
    };
    match spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX) {
        Ok(expression) if expression.evaluate(allowed) => None,
        Ok(_) => Some(format!("{name}: the licence {licence} is not on the list")),
        Err(error) => Some(format!("{name}: the licence {licence} cannot be read: {error}")),
    }
}

fn array<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().unwrap_or_else(|| panic!("no array {key:?} in {value}")).iter()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key:?} in {value}"))
}

/// Made-up metadata, to show that the law bites.
struct Metadata(Value);

/// A workspace of all the rooms, none of which imports anything.
fn lawful() -> Metadata {
    LAW.iter().fold(Metadata::empty(), |metadata, room| metadata.with_package(room.name, Some("MIT"), true))
}

impl Metadata {
    fn empty() -> Self {
        Self(json!({"packages": [], "workspace_members": [], "resolve": {"nodes": []}}))
    }

    fn with_package(mut self, name: &str, licence: Option<&str>, is_member: bool) -> Self {
        let package = json!({"id": name, "name": name, "license": licence, "dependencies": []});
        self.list("/packages").push(package);
        self.list("/resolve/nodes").push(json!({"id": name, "deps": []}));
        if is_member {
            self.list("/workspace_members").push(json!(name));
        }
        self
    }

    fn importing(self, room: &str, imported: &str) -> Self {
        self.importing_as(room, imported, &Value::Null, false)
    }

    fn importing_as(mut self, room: &str, imported: &str, kind: &Value, optional: bool) -> Self {
        if !array(&self.0, "packages").any(|package| package["name"] == imported) {
            self = self.with_package(imported, Some("MIT"), false);
        }
        let declared = json!({"name": imported, "kind": kind, "optional": optional});
        let resolved = json!({"pkg": imported, "dep_kinds": [{"kind": kind, "target": null}]});
        self.entry("/packages", room, "dependencies").push(declared);
        self.entry("/resolve/nodes", room, "deps").push(resolved);
        self
    }

    fn entry(&mut self, list: &str, id: &str, key: &str) -> &mut Vec<Value> {
        let entry = self.list(list).iter_mut().find(|entry| entry["id"] == id).expect("a known package");
        entry[key].as_array_mut().expect("an array")
    }

    fn list(&mut self, pointer: &str) -> &mut Vec<Value> {
        self.0.pointer_mut(pointer).and_then(Value::as_array_mut).expect("an array")
    }
}
