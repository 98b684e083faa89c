use std::fs;
use std::net::TcpListener;
use std::process::Command;

use mock_server::{Endpoint, Fault};

use crate::program::{Finished, Program, Server};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn at(server: &Server) -> [&str; 6] {
    ["--store", "file", "--issuer", server.mock.issuer(), "--client-id", "device"]
}

fn last_event(finished: &Finished) -> serde_json::Value {
    finished.events().pop().expect("at least one event")
}

#[test]
fn the_events_of_a_login_that_is_approved() {
    let (program, server) = (Program::new(), Server::start());
    let login = program.begin_login(&[&at(&server)[..], &["--scope", "openid profile"]].concat());
    while server.count_of_grant(DEVICE_CODE) == 0 {
        std::thread::yield_now();
    }
    server.mock.approve(&login.user_code).unwrap();
    let user_code = login.user_code.clone();
    let finished = login.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.stderr, "");
    let events = finished.events();
    assert!(events.iter().all(|event| event["v"] == 1), "{events:?}");

    let issued = &events[0];
    assert_eq!(issued["event"], "device_code_issued");
    assert_eq!(issued["user_code"], user_code);
    assert_eq!(issued["verification_uri"], format!("{}/device", server.mock.issuer()));
    let complete = format!("{}/device?user_code={user_code}", server.mock.issuer());
    assert_eq!(issued["verification_uri_complete"], complete);
    assert_eq!(issued["interval"], 1);
    assert!(issued["expires_at"].as_u64().unwrap() > 1_700_000_000, "{issued}");

    let names = finished.event_names();
    assert!(names[1..names.len() - 1].iter().all(|name| name == "pending"), "{names:?}");
    assert!(events[1]["next_poll_in"].is_u64() && events[1]["expires_in"].is_u64(), "{events:?}");
    let authorized = last_event(&finished);
    assert_eq!(authorized["event"], "authorized");
    assert_eq!(authorized["account"], "alice");
    assert_eq!(authorized["store"], "file");
    assert!(authorized["expires_at"].is_u64(), "{authorized}");
}

#[test]
fn neither_a_token_nor_the_device_code_stands_in_the_output() {
    let (program, server) = (Program::new(), Server::start());
    let finished = program.signed_in(&server, "openid offline_access");
    let token = program.run(&["token"]).stdout;
    assert!(!finished.stdout.contains(token.trim()), "{finished:?}");
    for word in ["device_code\"", "access_token", "refresh_token", "id_token"] {
        assert!(!finished.stdout.contains(word), "{finished:?}");
    }
}

#[test]
fn one_line_says_who_signed_in_and_where_the_tokens_are() {
    let (program, server) = (Program::new(), Server::start());
    // The code is in no event that could be waited for: whoever comes is approved.
    let approving = std::thread::scope(|scope| {
        let run =
            scope.spawn(|| program.run(&[&["login"], &at(&server)[..], &["--scope", "openid"]].concat()));
        while !run.is_finished() {
            for device in server.mock.pending() {
                let _ = server.mock.approve(&device.user_code);
            }
            std::thread::yield_now();
        }
        run.join().unwrap()
    });
    assert_eq!(approving.code, Some(0), "{approving:?}");
    assert_eq!(approving.stdout, "");
    let directory = program.home().join(".local/state/device-cli/tokens");
    let expected = format!(
        "Signed in as alice at {}; stored in {} (plain file, not encrypted, readable by your user alone).",
        server.mock.issuer(),
        directory.display()
    );
    assert!(approving.stderr.lines().any(|line| line == expected), "{approving:?}");
}

#[test]
fn a_denied_login_ends_at_once_with_5() {
    let (program, server) = (Program::new(), Server::start());
    let login = program.begin_login(&at(&server));
    server.mock.deny(&login.user_code).unwrap();
    let finished = login.finish();
    assert_eq!(finished.code, Some(5), "{finished:?}");
    let failed = last_event(&finished);
    assert_eq!((&failed["event"], &failed["error"]), (&"failed".into(), &"access_denied".into()));
    assert_eq!(failed["exit_code"], 5);
    assert_eq!(finished.stderr, "error: the login was denied; nothing was stored\n");
    assert_eq!(program.run(&["status"]).code, Some(4));
}

#[test]
fn an_expired_code_ends_it_with_6_where_nobody_can_ask_for_a_new_one() {
    let (program, server) = (Program::new(), Server::start());
    let login = program.begin_login(&at(&server));
    server.mock.expire(&login.user_code).unwrap();
    let finished = login.finish();
    assert_eq!(finished.code, Some(6), "{finished:?}");
    assert_eq!(last_event(&finished)["error"], "expired_token");
    assert_eq!(server.count_of_path("/device-authorization"), 1);
}

#[test]
fn renew_asks_for_a_new_code_by_itself_as_often_as_it_says() {
    let (program, server) = (Program::new(), Server::start());
    let login = program.begin_login(&[&at(&server)[..], &["--renew", "1"]].concat());
    server.mock.expire(&login.user_code).unwrap();
    let second = loop {
        if let Some(device) = server.mock.pending().pop() {
            break device.user_code;
        }
        std::thread::yield_now();
    };
    server.mock.expire(&second).unwrap();
    let finished = login.finish();
    assert_eq!(finished.code, Some(6), "{finished:?}");
    let issued = finished.event_names().iter().filter(|name| *name == "device_code_issued").count();
    assert_eq!(issued, 2, "{finished:?}");
}

#[test]
fn the_timeout_ends_it_with_6() {
    let (program, server) = (Program::new(), Server::start());
    let login = program.begin_login(&[&at(&server)[..], &["--timeout", "1s"]].concat());
    let finished = login.finish();
    assert_eq!(finished.code, Some(6), "{finished:?}");
    let failed = last_event(&finished);
    assert_eq!(failed["error"], "timeout");
    assert_eq!(
        failed["message"],
        "nobody approved the login within 1 s: sign in again, with a longer --timeout"
    );
}

#[test]
fn a_server_that_is_not_there_is_3() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let issuer = format!("http://127.0.0.1:{port}");
    let finished = Program::new().run(&[
        "login",
        "--json",
        "--store",
        "file",
        "--issuer",
        &issuer,
        "--client-id",
        "device",
    ]);
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert_eq!(last_event(&finished)["error"], "server_unreachable");
    assert!(finished.stderr.contains("no connection to the server"), "{finished:?}");
}

#[test]
fn a_client_that_the_server_does_not_know_is_9_and_the_message_says_what_to_check() {
    let (program, server) = (Program::new(), Server::start());
    let finished = program.run(&[
        "login",
        "--json",
        "--store",
        "file",
        "--issuer",
        server.mock.issuer(),
        "--client-id",
        "nobody",
    ]);
    assert_eq!(finished.code, Some(9), "{finished:?}");
    assert_eq!(last_event(&finished)["error"], "invalid_client");
    assert!(finished.stderr.contains("(--client-id, --client-secret-file)"), "{finished:?}");
}

#[test]
fn a_lost_connection_is_reported_and_does_not_end_the_login() {
    let (program, server) = (Program::new(), Server::start());
    server.mock.fail_next(Endpoint::Token, &Fault::ConnectionReset, 1);
    let login = program.begin_login(&at(&server));
    server.mock.approve(&login.user_code).unwrap();
    let finished = login.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.event_names(), ["device_code_issued", "retrying", "authorized"]);
    let retrying = &finished.events()[1];
    assert!(retrying["cause"].is_string() && retrying["next_poll_in"].as_u64() >= Some(2), "{retrying}");
}

#[test]
fn a_confidential_client_has_its_secret_from_a_file_or_the_environment() {
    let (program, server) = (Program::new(), Server::start());
    let file = program.home().join("secret");
    fs::write(&file, "device-secret\n").unwrap();
    let arguments = ["--store", "file", "--issuer", server.mock.issuer(), "--client-id", "device-secret"];
    let from_file = ["--client-secret-file", file.to_str().unwrap()];
    let login = program.begin_login(&[&arguments[..], &from_file].concat());
    server.mock.approve(&login.user_code).unwrap();
    assert_eq!(login.finish().code, Some(0));
    let mut command = program.command(&[&["login", "--json", "--timeout", "1"], &arguments[..]].concat());
    let finished = Finished::of(command.env("DEVICE_CLI_CLIENT_SECRET", "device-secret"));
    assert_eq!(finished.event_names()[0], "device_code_issued", "{finished:?}");
}

#[test]
fn endpoints_by_hand_need_no_metadata() {
    let (program, server) = (Program::new(), Server::start());
    let issuer = server.mock.issuer();
    let (device, token) = (format!("{issuer}/device-authorization"), format!("{issuer}/token"));
    let endpoints = [
        "--store",
        "file",
        "--device-endpoint",
        &device,
        "--token-endpoint",
        &token,
        "--client-id",
        "device",
    ];
    let login = program.begin_login(&endpoints);
    server.mock.approve(&login.user_code).unwrap();
    let finished = login.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(server.mock.requests().iter().all(|request| !request.path.contains("well-known")));
}

#[test]
fn a_profile_a_variable_and_a_flag_win_in_this_order() {
    let (program, server) = (Program::new(), Server::start());
    let directory = program.home().join(".config/device-cli");
    fs::create_dir_all(&directory).unwrap();
    let issuer = server.mock.issuer();
    let toml = format!("[profiles.work]\nissuer = \"{issuer}\"\nclient_id = \"p\"\nscopes = [\"openid\"]\n");
    fs::write(directory.join("config.toml"), toml).unwrap();
    let asked_for = |command: &mut Command| {
        let finished = Finished::of(command);
        assert_eq!(finished.code, Some(9), "{finished:?}");
        server.mock.requests().pop().unwrap().client_id
    };
    let login = ["login", "--profile", "work", "--store", "file"];
    assert_eq!(asked_for(&mut program.command(&login)).as_deref(), Some("p"));
    assert_eq!(asked_for(program.command(&login).env("DEVICE_CLI_CLIENT_ID", "v")).as_deref(), Some("v"));
    let flag = [&login[..], &["--client-id", "f"]].concat();
    assert_eq!(asked_for(program.command(&flag).env("DEVICE_CLI_CLIENT_ID", "v")).as_deref(), Some("f"));
}

#[test]
fn the_second_login_needs_no_flags() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid");
    let login = program.begin_login(&[]);
    server.mock.approve(&login.user_code).unwrap();
    assert_eq!(login.finish().code, Some(0));
}

#[test]
fn memory_keeps_nothing() {
    let (program, server) = (Program::new(), Server::start());
    let login = program.begin_login(&[&at(&server)[2..], &["--store", "memory"]].concat());
    server.mock.approve(&login.user_code).unwrap();
    let finished = login.finish();
    assert_eq!(last_event(&finished)["store"], "memory", "{finished:?}");
    assert_eq!(fs::read_dir(program.home()).unwrap().count(), 0);
    assert_eq!(program.run(&["status"]).code, Some(4));
}

#[test]
fn a_place_that_cannot_be_written_is_found_before_the_person_is_sent_away() {
    let (program, server) = (Program::new(), Server::start());
    fs::write(program.home().join("occupied"), "").unwrap();
    let mut command = program.command(&[&["login", "--json"], &at(&server)[..]].concat());
    let finished = Finished::of(command.env("XDG_STATE_HOME", program.home().join("occupied")));
    assert_eq!(finished.code, Some(7), "{finished:?}");
    assert_eq!(last_event(&finished)["error"], "storage_unavailable");
    assert_eq!(server.count_of_path("/device-authorization"), 0);
}

#[test]
fn a_script_begins_a_login_and_another_goes_on_with_it() {
    let (program, server) = (Program::new(), Server::start());
    let begun = program.run(&[&["login", "--no-wait", "--json"], &at(&server)[..]].concat());
    assert_eq!(
        (begun.code, begun.event_names()),
        (Some(0), vec!["device_code_issued".to_owned()]),
        "{begun:?}"
    );
    let pending = program.run(&["login", "--resume", "--json"]);
    assert_eq!(pending.code, Some(8), "{pending:?}");
    assert_eq!(last_event(&pending)["error"], "authorization_pending");
    server.mock.approve(begun.events()[0]["user_code"].as_str().unwrap()).unwrap();
    let approved = program.run(&["login", "--resume", "--json"]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    assert_eq!(last_event(&approved)["event"], "authorized");
    assert_eq!(program.run(&["status"]).code, Some(0));
    assert_eq!(program.run(&["login", "--resume"]).code, Some(4));
    // Between two processes too, no poll comes before the interval is over.
    server.mock.assert_clean();
}

#[cfg(unix)]
#[test]
fn a_signal_cancels_and_nothing_is_stored() {
    let (program, server) = (Program::new(), Server::start());
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let login = program.begin_login(&at(&server));
        let killed = Command::new("kill").args([signal, &login.process_id()]).status().unwrap();
        assert!(killed.success());
        let finished = login.finish();
        assert_eq!(finished.code, Some(code), "{finished:?}");
        assert_eq!(finished.stderr, "Cancelled. Nothing was stored.\n");
        assert_eq!(last_event(&finished)["error"], "cancelled");
        assert_eq!(program.run(&["status"]).code, Some(4));
    }
}

#[test]
fn a_client_signs_in_as_itself_and_its_token_is_asked_for_again_when_it_is_over() {
    let (program, server) = (Program::new(), Server::start());
    let secret = program.home().join("secret");
    fs::write(&secret, "service-secret\n").unwrap();
    let at =
        ["--issuer", server.mock.issuer(), "--client-id", "service", "--store", "file", "--scope", "read"];
    let secret = ["--client-secret-file", secret.to_str().unwrap()];
    let login = program.run(&[&["login", "--client-credentials"][..], &at, &secret].concat());
    assert_eq!(login.code, Some(0), "{login:?}");
    assert!(login.stderr.contains("Signed in as service at "), "{login:?}");
    assert!(!login.stderr.contains("sign in again"), "{login:?}");
    let first = program.run(&["token"]);
    assert_eq!(server.count_of_grant("client_credentials"), 1);
    assert_eq!(program.run(&["refresh", "--force"]).code, Some(0));
    let second = program.run(&["token"]);
    assert_ne!(first.stdout, second.stdout);
    assert_eq!(server.count_of_grant("client_credentials"), 2);
    let status = program.run(&["status"]);
    assert!(status.stdout.contains("with the client's secret"), "{status:?}");
    assert_eq!(program.run(&["whoami"]).stdout, "service\n");
    // The profile knows how: no flag is needed a second time.
    assert_eq!(program.run(&["login"]).code, Some(0));
    assert_eq!(server.count_of_grant("client_credentials"), 3);
}

#[test]
fn a_token_from_elsewhere_is_kept_and_handed_out() {
    let (program, server) = (Program::new(), Server::start());
    let at = ["--issuer", server.mock.issuer(), "--client-id", "device", "--store", "file"];
    let give = |text: &str| {
        let mut command = program.command(&[&["login", "--with-token"][..], &at].concat());
        let file = program.home().join("given");
        fs::write(&file, text).unwrap();
        Finished::of(command.stdin(fs::File::open(file).unwrap()))
    };
    assert_eq!(give("opaque-token\n").code, Some(0));
    assert_eq!(program.run(&["token"]).stdout, "opaque-token\n");
    let json =
        give(r#"{"access_token":"from-json","token_type":"bearer","expires_in":3600,"refresh_token":"r"}"#);
    assert_eq!(json.code, Some(0), "{json:?}");
    assert_eq!(program.run(&["token"]).stdout, "from-json\n");
    for wrong in ["", "{", r#"{"error":"invalid_grant"}"#, "two\nlines", "\u{1b}[31mred"] {
        let refused = give(wrong);
        assert_eq!(refused.code, Some(2), "{wrong:?} {refused:?}");
    }
    assert_eq!(program.run(&["token"]).stdout, "from-json\n", "what was there stays");
}

#[test]
fn a_login_says_whose_place_it_takes() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid");
    let said =
        format!("alice is signed in at {}; this login takes the place of that one.\n", server.mock.issuer());
    let again = program.run(&["login", "--timeout", "1"]);
    assert!(again.stderr.starts_with(&said), "{again:?}");
    assert_eq!(program.run(&["logout"]).code, Some(0));
    let after = program.run(&["login", "--timeout", "1"]);
    assert!(!after.stderr.contains("takes the place"), "{after:?}");
}

/// Nobody saw a code, so nobody could approve it.
#[test]
fn a_timeout_before_any_code_is_the_servers_and_not_the_persons() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}/", silent.local_addr().unwrap());
    let finished = Program::new().run(&[
        "login",
        "--client-id",
        "x",
        "--store",
        "file",
        "--timeout",
        "1",
        "--token-endpoint",
        &origin,
        "--device-endpoint",
        &origin,
    ]);
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert!(finished.stderr.contains("no code came from the server within 1 s"), "{finished:?}");
}

#[test]
fn a_server_that_went_away_before_the_timeout_is_3_with_the_cause() {
    let (program, server) = (Program::new(), Server::start());
    let at = ["--issuer", server.mock.issuer(), "--client-id", "device", "--store", "file", "--timeout", "4"];
    let login = program.begin_login(&at);
    server.runtime.block_on(server.mock.pause_listening());
    let finished = login.finish();
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert!(
        finished.stderr.contains("the connection was lost and did not come back within 4 s: "),
        "{finished:?}"
    );
}

#[test]
fn an_issuer_without_metadata_is_told_as_what_it_is() {
    let (program, server) = (Program::new(), Server::start());
    let typo = format!("{}/typo", server.mock.issuer());
    let finished = program.run(&["login", "--issuer", &typo, "--client-id", "device", "--store", "file"]);
    assert_eq!(finished.code, Some(9), "{finished:?}");
    assert!(finished.stderr.contains("no metadata is published at this issuer"), "{finished:?}");
}

#[test]
fn a_secret_in_the_environment_is_not_kept_and_that_is_said() {
    let (program, server) = (Program::new(), Server::start());
    let at = ["login", "--client-credentials", "--store", "file", "--client-id", "service", "--issuer"];
    let with_secret = |arguments: &[&str]| {
        Finished::of(program.command(arguments).env("DEVICE_CLI_CLIENT_SECRET", "service-secret"))
    };
    let signed_in = with_secret(&[&at[..], &[server.mock.issuer()]].concat());
    assert_eq!(signed_in.code, Some(0), "{signed_in:?}");
    assert!(signed_in.stderr.contains("The client secret is not kept"), "{signed_in:?}");
    let bare = program.run(&["refresh", "--force"]);
    assert_eq!(bare.code, Some(9), "{bare:?}");
    assert!(bare.stderr.contains("set DEVICE_CLI_CLIENT_SECRET"), "{bare:?}");
    assert!(bare.stderr.contains("the token that is there serves for"), "{bare:?}");
}
