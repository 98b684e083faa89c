use crate::program::{Program, Server};

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
