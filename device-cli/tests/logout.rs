use crate::program::{Program, Server};

#[test]
fn as_json_each_half_has_its_word() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid offline_access");
    let logout = |more: &[&str]| program.run(&[&["logout", "--json"], more].concat()).events();
    let told = |erased, revoked| {
        vec![serde_json::json!({"v": 1, "profile": "default", "erased": erased, "revoked": revoked})]
    };
    assert_eq!(logout(&[]), told(true, true));
    assert_eq!(logout(&[]), told(false, false));
    program.signed_in(&server, "openid offline_access");
    assert_eq!(logout(&["--all", "--local"]), told(true, false));
    program.signed_in(&server, "openid offline_access");
    server.runtime.block_on(server.mock.pause_listening());
    let half = program.run(&["logout", "--json"]);
    let object = &half.events()[0];
    assert_eq!((half.code, &object["erased"], &object["revoked"]), (Some(1), &true.into(), &false.into()));
    assert!(object["error"].as_str().unwrap().contains("not revoked"), "{object}");
}

#[test]
fn it_erases_here_and_revokes_there() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid offline_access");
    let finished = program.run(&["logout"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(
        finished.stderr,
        "Erased here: the tokens are gone from this machine.\nRevoked at the server.\n"
    );
    assert_eq!(server.count_of_path("/revoke"), 1);
    assert_eq!(program.run(&["status"]).code, Some(4));
    assert_eq!(program.run(&["token"]).code, Some(4));
}

#[test]
fn with_the_server_away_it_erases_all_the_same_and_names_the_half_that_failed() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid offline_access");
    server.runtime.block_on(server.mock.pause_listening());
    let finished = program.run(&["logout"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.starts_with("Erased here"), "{finished:?}");
    assert!(finished.stderr.contains("error: erased here, but not revoked at the server: "), "{finished:?}");
    assert_eq!(program.run(&["token"]).code, Some(4));
}

#[test]
fn local_asks_nobody() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid");
    assert_eq!(program.run(&["logout", "--local"]).code, Some(0));
    assert_eq!(server.count_of_path("/revoke"), 0);
    assert_eq!(program.run(&["status"]).code, Some(4));
}

/// Whatever has become of the settings since: what is here goes.
#[test]
fn a_client_secret_that_is_gone_leaves_only_the_servers_half_undone() {
    let (program, server) = (Program::new(), Server::start());
    let secret = program.home().join("secret");
    std::fs::write(&secret, "device-secret").unwrap();
    let client = ["--client-id", "device-secret", "--client-secret-file", secret.to_str().unwrap()];
    let at = ["--store", "file", "--issuer", server.mock.issuer()];
    let login = program.begin_login(&[&client[..], &at].concat());
    server.mock.approve(&login.user_code).unwrap();
    assert_eq!(login.finish().code, Some(0));
    std::fs::remove_file(&secret).unwrap();
    let finished = program.run(&["logout"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.starts_with("Erased here"), "{finished:?}");
    assert!(
        finished.stderr.contains("not revoked at the server: cannot read the client secret"),
        "{finished:?}"
    );
    assert_eq!(program.run(&["status"]).code, Some(4));
}

#[cfg(unix)]
#[test]
fn where_nothing_can_be_erased_both_halves_are_named_and_the_login_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid");
    let tokens = program.home().join(".local/state/device-cli/tokens");
    std::fs::set_permissions(&tokens, std::fs::Permissions::from_mode(0o777)).unwrap();
    let finished = program.run(&["logout"]);
    assert_eq!(finished.code, Some(7), "{finished:?}");
    assert!(finished.stderr.starts_with("error: the tokens could not be erased here: "), "{finished:?}");
    assert!(finished.stderr.contains("; nor revoked at the server, since"), "{finished:?}");
    std::fs::set_permissions(&tokens, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(program.run(&["whoami"]).stdout, "alice\n");
    assert_eq!(program.run(&["logout"]).code, Some(0));
}

#[test]
fn a_second_logout_finds_nobody() {
    let finished = Program::new().run(&["logout"]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), "Nobody is signed in.\n"));
}

#[test]
fn all_ends_every_login_and_one_that_fails_keeps_none_of_the_others() {
    let (program, server) = (Program::new(), Server::start());
    for profile in ["home", "work"] {
        program
            .signed_in_with(&server, &["--store", "file", "--profile", profile, "--scope", "offline_access"]);
    }
    let damaged = program.home().join(".local/state/device-cli/logins/broken.json");
    std::fs::write(damaged, "{").unwrap();
    let finished = program.run(&["logout", "--all"]);
    assert_eq!(finished.code, Some(7), "{finished:?}");
    assert!(finished.stderr.contains("broken.json is damaged"), "{finished:?}");
    assert_eq!(finished.stderr.matches("Revoked at the server.").count(), 2, "{finished:?}");
    for profile in ["home", "work"] {
        assert_eq!(program.run(&["token", "--profile", profile]).code, Some(4));
    }
}

#[test]
fn who_is_signed_in_is_one_word_and_nobody_is_4() {
    let (program, server) = (Program::new(), Server::start());
    assert_eq!(program.run(&["whoami"]).code, Some(4));
    program.signed_in(&server, "openid profile");
    let who = program.run(&["whoami"]);
    assert_eq!((who.code, who.stdout.as_str()), (Some(0), "alice\n"), "{who:?}");
    assert_eq!(program.run(&["logout"]).code, Some(0));
    assert_eq!(program.run(&["whoami"]).code, Some(4));
    program.signed_in(&server, "read");
    let unnamed = program.run(&["whoami"]);
    assert_eq!((unnamed.code, unnamed.stdout.as_str()), (Some(9), ""), "{unnamed:?}");
    assert!(unnamed.stderr.contains("--scope openid"), "{unnamed:?}");
}
