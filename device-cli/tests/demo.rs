use std::process::{Command, Stdio};

#[test]
fn without_a_terminal_it_approves_itself_and_the_last_line_is_the_resource() {
    let output = Command::new(env!("CARGO_BIN_EXE_device-cli"))
        .arg("demo")
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let resource: serde_json::Value =
        serde_json::from_str(stdout.lines().last().expect("a line")).expect("JSON");
    assert_eq!(resource["client_id"], "device");
    assert_eq!(resource["scope"], "read");
}
