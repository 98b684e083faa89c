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
    let long = program.run(&["token", "--min-ttl", "2h"]);
    // Whoever reads standard output alone must not take it for one that lasts two hours.
    assert_eq!((long.code, long.stdout.as_str()), (Some(9), ""), "{long:?}");
    assert!(
        long.stderr.contains("less than --min-ttl asks for, and the server gives no longer one"),
        "{long:?}"
    );
    assert_eq!(server.count_of_grant("refresh_token"), 1);
    let second = program.run(&["token", "--min-ttl", "30m"]);
    assert_eq!((second.code, second.stderr.as_str()), (Some(0), ""), "{second:?}");
    assert_ne!(first.stdout, second.stdout);
    assert_eq!(server.count_of_grant("refresh_token"), 1);
}

/// Nothing says that it is shorter.
#[test]
fn a_token_of_unknown_life_is_as_long_as_asked_for() {
    let program = Program::new();
    let mut login = program.command(&[
        "login",
        "--with-token",
        "--issuer",
        "https://auth.example.com",
        "--client-id",
        "x",
        "--store",
        "file",
    ]);
    let mut child = login.stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"t0ken").unwrap();
    assert!(child.wait().unwrap().success());
    let token = program.run(&["token", "--min-ttl", "5h"]);
    assert_eq!((token.code, token.stdout.as_str()), (Some(0), "t0ken\n"), "{token:?}");
}

#[test]
fn a_refresh_that_fails_says_what_the_token_that_is_there_is_worth() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid offline_access");
    let first = program.run(&["token"]);
    server.runtime.block_on(server.mock.pause_listening());
    let long = program.run(&["token", "--min-ttl", "2h"]);
    assert_eq!((long.code, long.stdout.as_str()), (Some(3), ""), "{long:?}");
    assert!(
        long.stderr.contains("less than --min-ttl asks for, and the refresh failed: no connection"),
        "{long:?}"
    );
    // Nobody has said that it has expired, and the next moment is no number since 1970.
    let forced = program.run(&["refresh", "--force"]);
    assert_eq!(forced.code, Some(3), "{forced:?}");
    assert!(forced.stderr.starts_with("error: a refresh failed a moment ago: try again in "), "{forced:?}");
    assert!(forced.stderr.contains(" s; the token that is there serves for "), "{forced:?}");
    assert_eq!(program.run(&["token"]).stdout, first.stdout);
}

#[test]
fn profiles_are_logins_of_their_own() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid");
    assert_eq!(program.run(&["token", "--profile", "other"]).code, Some(4));
    assert_eq!(program.run(&["token", "--profile", "default"]).code, Some(0));
}
