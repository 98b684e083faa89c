use crate::program::Program;

#[test]
fn without_a_terminal_it_approves_itself_and_the_last_line_is_the_resource() {
    let finished = Program::new().run(&["demo"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let resource: serde_json::Value =
        serde_json::from_str(finished.stdout.lines().last().expect("a line")).expect("JSON");
    assert_eq!(resource["client_id"], "device");
    assert_eq!(resource["resource"], "demo");
    for line in
        ["Using a browser on another device, visit: http://127.0.0.1:", "And enter the code: ", "Spelled: "]
    {
        assert!(finished.stderr.contains(line), "{}", finished.stderr);
    }
    assert!(finished.stderr.contains("the server approves by itself"), "{}", finished.stderr);
    assert!(
        finished.stderr.trim_end().ends_with("device-cli login --issuer URL --client-id ID"),
        "{}",
        finished.stderr
    );
    assert!(finished.stderr.contains("Signed in as "), "{}", finished.stderr);
}
