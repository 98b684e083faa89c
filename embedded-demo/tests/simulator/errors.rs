//! What goes wrong: the cause, the next step, and the exit code.

use std::time::Duration;

use mock_server::{Endpoint, Fault, MockServer};

use super::{closed_port, quick, run, said, text};

/// Runs it to its bad end, and gives the complaint.
fn complaint(arguments: &[&str], exit_code: i32) -> String {
    let output = run(arguments);
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(exit_code), "{arguments:?}: {complaint}");
    complaint.to_owned()
}

#[test]
fn flags_that_make_no_sense_end_with_2() {
    for arguments in [
        &["--nonsense"][..],
        &["--scenario", "nonsense"],
        &["--provider", "nonsense", "--client-id", "x"],
        &["--provider", "octopus"],
        &["--provider", "octopus", "--client-id", "x", "--issuer", "http://127.0.0.1:1"],
        &["--ca-file", "ca.pem"],
        &["--token-endpoint", "http://127.0.0.1:1/token"],
        &["--issuer", "http://127.0.0.1:1", "--by-hand"],
        &["--issuer", "http://127.0.0.1:1", "--scenario", "success"],
        &["--scenario", "success", "--speed", "0"],
        &["--speed", "2"],
        &["--scenario", "all", "--frames", "frames"],
        &["--issuer", "ftp://auth.example.com"],
        &["--issuer", "http://auth.example.com"],
        &["--issuer", "https://user:secret@auth.example.com"],
        &["--client-id", ""],
    ] {
        let complaint = complaint(arguments, 2);
        assert!(complaint.contains("error: ") || complaint.starts_with("embedded-demo: "), "{complaint}");
        assert!(!complaint.contains("secret@"), "{complaint}");
    }
}

#[test]
fn help_tells_of_every_scenario_and_exit_code() {
    let output = run(&["--help"]);
    let help = text(&output.stdout);
    for word in
        ["success", "denied", "expired", "slow-down", "outage", "reset", "no-clock", "refresh", "full-flash"]
    {
        assert!(help.contains(&format!("- {word}:")), "{word}: {help}");
    }
    for code in [0, 1, 2, 3, 5, 6, 7, 9, 130, 143] {
        assert!(help.contains(&format!("\n{code:>5}  ")), "{code}: {help}");
    }
}

#[test]
fn a_server_that_is_not_there_ends_with_3() {
    let issuer = format!("http://127.0.0.1:{}", closed_port());
    let complaint = complaint(&["--issuer", &issuer], 3);
    assert!(
        complaint.contains("no connection to the server") && complaint.contains("mock-server"),
        "{complaint}"
    );
}

#[test]
fn a_server_that_is_away_before_there_is_a_code_is_waited_for() {
    let server = quick(MockServer::builder());
    server.fail_next(Endpoint::DeviceAuthorization, &Fault::ServiceUnavailable { retry_after: None }, 3);
    let said = said(&["--issuer", server.issuer()]);
    assert!(said.contains("connecting again: the server is busy (HTTP 503)"), "{said}");
    assert!(said.contains("signed in"), "{said}");
}

#[test]
fn a_server_without_the_device_flow_is_told_from_a_wrong_address() {
    let server = MockServer::start_blocking().unwrap();
    let member = "device_authorization_endpoint".to_owned();
    server.fail_next(Endpoint::Metadata, &Fault::MissingMember(member), 1);
    let told = complaint(&["--issuer", server.issuer()], 9);
    assert!(told.contains("its metadata names none") && told.contains("--device-endpoint"), "{told}");
    let not_found = Fault::Status { status: 404, retry_after: None };
    server.fail_next(Endpoint::DeviceAuthorization, &not_found, 1);
    let told = complaint(&["--issuer", server.issuer()], 9);
    assert!(told.contains("HTTP 404") && told.contains("--device-endpoint"), "{told}");
}

#[test]
fn metadata_of_another_issuer_is_refused() {
    let server = MockServer::builder().issuer("http://localhost:1/other").start_blocking().unwrap();
    let issuer = format!("http://127.0.0.1:{}", server.port());
    let told = complaint(&["--issuer", &issuer], 9);
    assert!(told.contains("another issuer") && told.contains("--issuer"), "{told}");
}

#[test]
fn a_denial_ends_with_5_and_an_expiry_with_6() {
    for (script, exit_code, cause) in [("deny", 5, "access_denied"), ("expire", 6, "expired_token")] {
        let server = MockServer::builder().interval(Duration::from_secs(1)).start_blocking().unwrap();
        server.script_next_login(script.parse().unwrap());
        let told = complaint(&["--issuer", server.issuer()], exit_code);
        assert!(told.contains(cause) && told.contains("start again"), "{told}");
        server.assert_clean();
    }
}

#[test]
fn a_client_that_the_server_does_not_know_ends_with_9() {
    let server = MockServer::start_blocking().unwrap();
    let told = complaint(&["--issuer", server.issuer(), "--client-id", "nobody"], 9);
    assert!(told.contains("invalid_client") && told.contains("--client-id"), "{told}");
}

#[test]
fn files_that_cannot_be_used_end_with_7() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no flash").unwrap();
    let (file, folder) = (file.to_str().unwrap(), folder.path().to_str().unwrap());
    let below_a_file = format!("{file}/frames");
    let missing = format!("{folder}/none/file");
    for (arguments, cause) in [
        (["--flash", file], "no flash of this simulator"),
        (["--flash", folder], "cannot be used"),
        (["--flash", &missing], "cannot be used"),
        (["--frames", &below_a_file], "the folder of pictures (--frames)"),
        (["--sound", &below_a_file], "the folder of sounds (--sound)"),
        (["--led", &missing], "the log of the lamp (--led)"),
        (["--client-secret-file", &missing], "cannot be read"),
    ] {
        let complaint = complaint(&arguments, 7);
        assert!(complaint.contains(cause) && complaint.contains("name a"), "{complaint}");
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "no flash", "it is left as it was");
}

#[test]
fn a_flash_that_another_run_uses_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flash");
    let file = std::fs::File::create(&path).unwrap();
    file.try_lock().unwrap();
    let complaint = complaint(&["--flash", path.to_str().unwrap()], 7);
    assert!(complaint.contains("another run uses the flash"), "{complaint}");
}
