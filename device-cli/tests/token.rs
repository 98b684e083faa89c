use serde_json::json;

use crate::program::{Finished, Program, Server};

#[test]
fn without_a_login_it_is_4() {
    let finished = Program::new().run(&["token"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(4), ""));
    assert_eq!(finished.stderr, "error: nobody is signed in: run device-cli login\n");
}

#[test]
fn a_fresh_token_is_printed_without_asking_the_server() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid offline_access");
    let before = server.mock.requests().len();
    let token = program.run(&["token"]);
    assert_eq!(token.code, Some(0), "{token:?}");
    assert_eq!(token.stdout.lines().count(), 1);
    assert!(token.stdout.trim().len() > 20, "{token:?}");
    let header = program.run(&["token", "--header"]);
    assert_eq!(header.stdout, format!("Authorization: Bearer {}", token.stdout));
    assert_eq!(server.mock.requests().len(), before);
}

#[test]
fn as_json_it_comes_with_its_end_and_its_scopes() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid offline_access");
    let status = program.run(&["status", "--json"]).events().remove(0);
    let json = program.run(&["token", "--json"]).events().remove(0);
    let token = program.run(&["token"]).stdout;
    let (expires_at, scopes) = (&status["login"]["expires_at"], &status["login"]["scopes"]);
    let expected = json!({
        "v": 1, "profile": "default", "access_token": token.trim(), "expires_at": expires_at, "scopes": scopes
    });
    assert_eq!(json, expected);
    let id_token = program.run(&["token", "--json", "--id-token"]).events().remove(0);
    assert_eq!(id_token["id_token"], program.run(&["token", "--id-token"]).stdout.trim());
    assert!(id_token["access_token"].is_null() && id_token["expires_at"].is_null(), "{id_token}");
}

#[test]
fn a_dash_is_standard_output_and_a_slip_of_the_pen_makes_no_directory() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid");
    let mut to_dash = program.command(&["token", "--output", "-"]);
    let to_dash = Finished::of(to_dash.current_dir(program.home()));
    assert_eq!((to_dash.code, to_dash.stdout), (Some(0), program.run(&["token"]).stdout));
    assert!(!program.home().join("-").exists());
    let (missing, file) = (program.home().join("missing"), program.home().join("missing/token"));
    let refused = program.run(&["token", "--output", file.to_str().unwrap()]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
    assert!(
        refused.stderr.contains(&format!("no directory {}: make it first", missing.display())),
        "{refused:?}"
    );
    assert!(!missing.exists());
}

#[test]
fn a_longer_life_than_is_left_takes_one_refresh_and_the_new_token_stays() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid offline_access");
    let first = program.run(&["token"]);
    let second = program.run(&["token", "--min-ttl", "2h"]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert_ne!(first.stdout, second.stdout);
    assert!(second.stderr.starts_with("warning: the token's life is shorter than asked for"), "{second:?}");
    assert_eq!(server.count_of_grant("refresh_token"), 1);
    assert_eq!(program.run(&["token"]).stdout, second.stdout);
}

#[test]
fn a_refresh_that_fails_serves_the_old_token_with_a_warning() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid offline_access");
    let first = program.run(&["token"]);
    server.runtime.block_on(server.mock.pause_listening());
    let second = program.run(&["token", "--min-ttl", "2h"]);
    assert_eq!((second.code, &second.stdout), (Some(0), &first.stdout), "{second:?}");
    assert!(second.stderr.starts_with("warning: the refresh failed"), "{second:?}");
}

#[test]
fn profiles_are_logins_of_their_own() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid");
    assert_eq!(program.run(&["token", "--profile", "other"]).code, Some(4));
    assert_eq!(program.run(&["token", "--profile", "default"]).code, Some(0));
}
