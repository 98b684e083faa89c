//! A run at a server: the first one, and those after a reboot.

use std::time::Duration;

use mock_server::{MockServer, Profile, RecordedRequest};

use super::{quick, run, said, text, user_code};

#[test]
fn without_arguments_it_signs_in_at_a_server_of_its_own_and_calls() {
    let said = said::<&str>(&[]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "connecting");
    assert!(said.contains("\ncode  ") && said.contains("\nvisit http://127.0.0.1:"), "{said}");
    let [.., done, called, answer] = lines.as_slice() else { panic!("{said}") };
    assert_eq!(*done, "signed in, the token is valid for 3600 s");
    assert!(called.starts_with("called http://127.0.0.1:") && called.ends_with(": HTTP 200"), "{said}");
    assert!(answer.contains(r#""sub":"alice""#), "{said}");
    assert!(said.chars().all(|character| character == '\n' || !character.is_control()), "{said:?}");
}

#[test]
fn it_signs_in_at_the_server_that_it_is_told_by_metadata_or_by_endpoints() {
    let server = quick(MockServer::builder());
    let issuer = server.issuer();
    let told = said(&["--issuer", issuer, "--scope", "read"]);
    assert!(told.ends_with("nothing to call: --resource names it\n"), "{told}");
    let (device, token) = (format!("{issuer}/device-authorization/"), format!("{issuer}/token/"));
    let resource = format!("{issuer}/resource");
    let told = said(&[
        "--issuer",
        issuer,
        "--device-endpoint",
        &device,
        "--token-endpoint",
        &token,
        "--resource",
        &resource,
    ]);
    assert!(told.contains(&format!("called {resource}: HTTP 200\n")), "{told}");
    server.assert_clean();
}

#[test]
fn a_confidential_client_has_its_secret_in_a_file() {
    let server = quick(MockServer::builder());
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "device-secret\n").unwrap();
    let secret = secret.to_str().unwrap();
    let issuer = server.issuer();
    said(&["--issuer", issuer, "--client-id", "device-secret", "--client-secret-file", secret]);
    server.assert_clean();
}

/// The own server's memory is beside the flash.
#[test]
fn a_second_run_with_the_same_flash_is_a_reboot() {
    let folder = tempfile::tempdir().unwrap();
    let flash = folder.path().join("device.flash");
    let arguments = ["--flash", flash.to_str().unwrap()];
    let first = said(&arguments);
    assert!(first.contains("\ncode  "), "{first}");
    for _ in 0..2 {
        let again = said(&arguments);
        assert!(again.starts_with("getting a new token\nsigned in, "), "{again}");
        assert!(again.contains(": HTTP 200\n") && !again.contains("code  "), "{again}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&flash).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "it holds a refresh token");
    }
}

/// Killed while the person has the code, it shows the same code when it is started again.
#[test]
fn a_run_that_was_killed_goes_on_with_its_code() {
    use std::io::BufRead as _;
    let server = MockServer::builder().interval(Duration::from_secs(1)).start_blocking().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let flash = folder.path().join("device.flash");
    let flash = flash.to_str().unwrap();
    let mut first = std::process::Command::new(env!("CARGO_BIN_EXE_embedded-demo"))
        .args(["--issuer", server.issuer(), "--flash", flash])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(first.stdout.take().unwrap()).lines();
    let waiting = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("waiting"));
    assert!(waiting.is_some(), "it waits");
    // A second line that it waits is after a poll: the codes are in the flash.
    assert!(lines.next().unwrap().unwrap().starts_with("waiting"));
    first.kill().unwrap();
    first.wait().unwrap();
    let pending = server.pending();
    server.approve(&pending[0].user_code).unwrap();
    let after = said(&["--issuer", server.issuer(), "--flash", flash]);
    assert_eq!(user_code(&after), pending[0].user_code);
    assert_eq!(
        server.requests().iter().filter(|request| request.path.starts_with("/device-auth")).count(),
        1
    );
}

#[test]
fn the_raw_scheme_is_what_a_server_like_octopus_wants() {
    let server = quick(MockServer::builder().profile(Profile::Octopus));
    let (issuer, resource) = (server.issuer(), format!("{}/resource/", server.issuer()));
    let arguments = ["--issuer", issuer, "--resource", &resource, "--authorization-scheme"];
    let told = said(&[&arguments[..], &["raw"]].concat());
    assert!(told.contains(": HTTP 200\n"), "{told}");
    let output = run(&[&arguments[..], &["bearer"]].concat());
    assert_eq!(output.status.code(), Some(9), "{}", text(&output.stdout));
    let complaint = text(&output.stderr);
    assert!(complaint.contains("HTTP 401") && complaint.contains("--authorization-scheme"), "{complaint}");
    let told = said(&["--authorization-scheme", "raw"]);
    assert!(told.contains(": HTTP 200\n"), "the own server: {told}");
}

/// Tokens of two seconds are replaced after one and a half.
#[cfg(unix)]
#[test]
fn it_lives_on_with_fresh_tokens_until_it_is_ended() {
    use std::io::BufRead as _;
    let mut lifetimes = mock_server::Lifetimes::default();
    lifetimes.access_token = Duration::from_secs(2);
    let server = quick(MockServer::builder().lifetimes(lifetimes));
    let resource = format!("{}/resource", server.issuer());
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_embedded-demo"))
        .args(["--issuer", server.issuer(), "--resource", &resource, "--keep-running"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
    let calls = lines.by_ref().filter(|line| line.ends_with(": HTTP 200")).take(3).count();
    assert_eq!(calls, 3);
    let killed = std::process::Command::new("kill").args(["-TERM", &program.id().to_string()]).status();
    assert!(killed.unwrap().success());
    assert_eq!(program.wait().unwrap().code(), Some(143));
    let requests = server.requests();
    let is_refresh = |request: &&RecordedRequest| request.grant_type.as_deref() == Some("refresh_token");
    assert!(requests.iter().filter(is_refresh).count() >= 2);
    server.assert_clean();
}
