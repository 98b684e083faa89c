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
