use serde_json::Value;

use crate::program::{Program, Server};

#[test]
fn what_a_server_offers_is_told_with_what_a_device_would_miss() {
    let (program, server) = (Program::new(), Server::start());
    let issuer = server.mock.issuer();
    let told = program.run(&["discover", issuer]);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.stdout.starts_with(&format!("Issuer                {issuer}\n")), "{told:?}");
    assert!(
        told.stdout.contains(&format!("Device authorization  {issuer}/device-authorization\n")),
        "{told:?}"
    );
    assert!(told.stdout.ends_with("\nA device misses nothing here.\n"), "{told:?}");
    let json: Value = serde_json::from_str(&program.run(&["discover", issuer, "--json"]).stdout).unwrap();
    assert_eq!(json["endpoints"]["token_endpoint"], format!("{issuer}/token"));
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(0), "{json}");
}

#[test]
fn a_server_without_metadata_and_one_that_is_away_are_told_apart() {
    let program = Program::new();
    let server = Server::start();
    let nothing = program.run(&["discover", &format!("{}/nowhere", server.mock.issuer())]);
    assert_eq!(nothing.code, Some(9), "{nothing:?}");
    assert!(nothing.stderr.contains("--device-endpoint"), "{nothing:?}");
    let away = program.run(&["discover", "http://127.0.0.1:9"]);
    assert_eq!(away.code, Some(3), "{away:?}");
    assert_eq!(program.run(&["discover", "http://auth.example.com"]).code, Some(2));
}
