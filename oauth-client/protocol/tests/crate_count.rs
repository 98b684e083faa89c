//! The protocol stays small: what a firmware author takes in with it.

use std::collections::BTreeSet;
use std::process::Command;

const MOST_CRATES: usize = 30;

#[test]
fn the_protocol_pulls_in_at_most_thirty_crates() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "-p", "oauth-protocol", "-e", "normal", "--prefix", "none", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("UTF-8");
    let crates: BTreeSet<&str> =
        tree.lines().map(|line| line.trim_end_matches(" (*)")).filter(|line| !line.is_empty()).collect();
    assert!(crates.iter().any(|line| line.starts_with("oauth-protocol ")), "{tree}");
    assert!(crates.len() <= MOST_CRATES, "{} crates:\n{tree}", crates.len());
}
