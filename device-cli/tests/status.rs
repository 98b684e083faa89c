use std::io::Write as _;

use serde_json::Value;

use crate::program::{Program, Server};

#[test]
fn without_a_login_it_is_4_and_the_json_says_so_too() {
    let finished = Program::new().run(&["status", "--json"]);
    assert_eq!(finished.code, Some(4));
    assert_eq!(finished.stdout, "{\"v\":1,\"profile\":\"default\",\"login_required\":true}\n");
}

#[test]
fn it_names_the_person_the_server_the_scopes_and_the_store() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid read");
    let finished = program.run(&["status"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let directory = program.home().join(".local/state/device-cli/tokens");
    for line in [
        "Profile     default".to_owned(),
        "Account     alice".to_owned(),
        format!("Server      {}", server.mock.issuer()),
        "Client      device".to_owned(),
        "Scopes      openid read".to_owned(),
        format!("Store       plain file in {}, not encrypted, survives a reboot", directory.display()),
    ] {
        assert!(finished.stdout.lines().any(|own| own == line), "{line}\n{}", finished.stdout);
    }
    let json: Value = serde_json::from_str(&program.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!((&json["v"], &json["login_required"]), (&1.into(), &false.into()));
    assert_eq!(json["login"]["account"], "alice");
    assert_eq!(json["login"]["scopes"], serde_json::json!(["openid", "read"]));
    assert_eq!(json["login"]["store"], "file");
    assert!(json["login"]["expires_at"].is_u64(), "{json}");
}

#[test]
fn a_damaged_record_is_reported_and_not_taken_for_logged_out() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid");
    let directory = program.home().join(".local/state/device-cli/tokens");
    let record = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let record = record.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    std::fs::write(&record, "{\"version\":1,\"iss").unwrap();
    let finished = program.run(&["status"]);
    assert_eq!(finished.code, Some(7), "{finished:?}");
    assert!(finished.stderr.contains("damaged"), "{finished:?}");
}

#[test]
fn check_asks_the_server_and_refreshes_nothing() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid offline_access");
    let before = server.count_of_path("/userinfo");
    let finished = program.run(&["status", "--check"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.ends_with("\nCheck       the server takes the access token\n"), "{finished:?}");
    let finished = program.run(&["status", "--check", "--json"]);
    assert_eq!(finished.events()[0]["check"], serde_json::json!({"access_token": "works"}));
    assert_eq!(server.count_of_grant("refresh_token"), 0);
    assert_eq!(server.count_of_path("/userinfo"), before + 2);
    let finished = program.run(&["status", "--json"]);
    assert!(finished.events()[0].get("check").is_none(), "nobody asked");
    assert_eq!(server.count_of_path("/userinfo"), before + 2);
}

/// The server's clock is ahead, so that it has forgotten tokens that this machine believes in.
#[test]
fn check_tells_a_refused_access_token_from_a_login_that_has_ended() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in_with(
        &server,
        &["--store", "file", "--profile", "lasting", "--scope", "openid offline_access"],
    );
    // The access token alone.
    let token = program.run(&["token", "--profile", "lasting"]).stdout;
    let at = ["--issuer", server.mock.issuer(), "--client-id", "device", "--store", "file"];
    let mut login = program.command(&[&["login", "--with-token"][..], &at].concat());
    let mut child =
        login.stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    server.mock.advance(std::time::Duration::from_secs(2 * 3600));

    // Without a refresh token nothing is left.
    let finished = program.run(&["status", "--check", "--json"]);
    assert_eq!(finished.code, Some(4), "{finished:?}");
    let json = &finished.events()[0];
    assert_eq!((&json["login_required"], &json["check"]["access_token"]), (&true.into(), &"refused".into()));

    // With one only a refresh would tell.
    let finished = program.run(&["status", "--check", "--json", "--profile", "lasting"]);
    assert_eq!(finished.code, Some(9), "{finished:?}");
    let json = &finished.events()[0];
    assert_eq!(json["login_required"], false);
    assert_eq!(json["check"], serde_json::json!({"access_token": "refused", "refresh_token": "not_checked"}));
    assert!(finished.stderr.contains("device-cli refresh --force --profile lasting"), "{finished:?}");
    assert_eq!(server.count_of_grant("refresh_token"), 0);

    let finished = program.run(&["status", "--all", "--check"]);
    assert_eq!(finished.code, Some(9), "{finished:?}");
    assert_eq!(finished.stdout.matches("Check       the server refuses the access token").count(), 2);
}

#[test]
fn check_asks_after_the_refresh_token_where_the_client_has_a_secret() {
    let (program, server) = (Program::new(), Server::start());
    let secret = program.home().join("secret");
    std::fs::write(&secret, "device-secret\n").unwrap();
    let login = program.begin_login(&[
        "--issuer",
        server.mock.issuer(),
        "--client-id",
        "device-secret",
        "--client-secret-file",
        secret.to_str().unwrap(),
        "--store",
        "file",
        "--scope",
        "read offline_access",
    ]);
    server.mock.approve(&login.user_code).unwrap();
    assert_eq!(login.finish().code, Some(0));
    let check = || {
        let finished = program.run(&["status", "--check", "--json"]);
        (finished.code, finished.events()[0]["check"].clone())
    };
    assert_eq!(
        check(),
        (Some(0), serde_json::json!({"access_token": "works"})),
        "without openid, by its 403"
    );
    server.mock.advance(std::time::Duration::from_secs(2 * 3600));
    assert_eq!(check(), (Some(9), serde_json::json!({"access_token": "refused", "refresh_token": "works"})));
    server.mock.advance(std::time::Duration::from_secs(400 * 24 * 3600));
    assert_eq!(
        check(),
        (Some(4), serde_json::json!({"access_token": "refused", "refresh_token": "refused"}))
    );
}

#[test]
fn check_where_the_server_is_away_or_offers_no_way_says_so() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid");
    let finished = program.run(&["status", "--check"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    server.runtime.block_on(server.mock.pause_listening());
    let finished = program.run(&["status", "--check", "--json"]);
    assert_eq!(finished.code, Some(3), "{finished:?}");
    let json = &finished.events()[0];
    assert_eq!((&json["login_required"], &json["error"]), (&false.into(), &"server_unreachable".into()));
    let finished = program.run(&["status", "--check"]);
    assert!(finished.stdout.contains("Check       it could not be made, as is said below\n"), "{finished:?}");
    assert!(finished.stderr.contains("no connection to the server"), "{finished:?}");
    server.runtime.block_on(server.mock.resume_listening()).unwrap();

    // Endpoints by hand, as for a server without metadata.
    let token_endpoint = format!("{}/token", server.mock.issuer());
    let device_endpoint = format!("{}/device-authorization", server.mock.issuer());
    let login = program.begin_login(&[
        "--profile",
        "bare",
        "--client-id",
        "device",
        "--store",
        "file",
        "--token-endpoint",
        &token_endpoint,
        "--device-endpoint",
        &device_endpoint,
    ]);
    server.mock.approve(&login.user_code).unwrap();
    assert_eq!(login.finish().code, Some(0));
    let finished = program.run(&["status", "--check", "--profile", "bare"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(
        finished.stdout.contains("Check       the server offers this client no way to ask\n"),
        "{finished:?}"
    );
}
