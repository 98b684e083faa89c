//! `login --browser`: the mock server, the program, and between them a browser that does as it is told.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use mock_server::{Client, Endpoint, Fault, MockServer, Profile};
use tokio::runtime::Runtime;

use crate::program::{Finished, Program, Server, WaitingLogin};

const CALLBACK: &str = "http://127.0.0.1/callback";

#[test]
fn the_browser_brings_a_token() {
    let (program, server) = (Program::new(), Server::start());
    let login = begin(&program, &at(&server), &["--scope", "openid offline_access"]);
    let event = login.first_event.clone();
    assert_eq!((&event["v"], &event["event"]), (&1.into(), &"authorization_requested".into()));
    assert_eq!(event["browser_opened"], false, "there is none here");
    assert!(event["expires_at"].as_u64() > Some(1_700_000_000), "{event}");
    let url = authorization_url(&login);
    assert!(url.contains("code_challenge_method=S256"), "{url}");
    let page = browse(&url);
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("<h1>Signed in</h1>"), "{page}");
    let finished = login.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.stderr, "");
    assert_eq!(finished.event_names(), ["authorization_requested", "authorized"]);
    let token = program.run(&["token"]);
    assert_eq!(token.code, Some(0), "{token:?}");
    assert!(!finished.stdout.contains(token.stdout.trim()));
    assert_eq!(program.run(&["refresh", "--force"]).code, Some(0));
    assert_eq!(server.count_of_grant("authorization_code"), 1);
}

#[test]
fn the_browser_gets_the_address_as_one_argument_and_the_screen_shows_it_too() {
    let (program, server) = (Program::new(), Server::start());
    let (script, opened) = browser_program(&program);
    let mut command =
        program.command(&[&["login", "--browser", "--scope", "openid"], &at(&server)[..]].concat());
    command.env("DISPLAY", ":9").env("BROWSER", script);
    let finished = std::thread::scope(|scope| {
        let run = scope.spawn(|| Finished::of(&mut command));
        let arguments = when_written(&opened);
        let [url] = arguments.lines().collect::<Vec<_>>()[..] else { panic!("{arguments}") };
        browse(url);
        (run.join().unwrap(), url.to_owned())
    });
    let (finished, url) = finished;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.stdout, "");
    let mut lines = finished.stderr.lines();
    assert_eq!(lines.next(), Some("Signing in with the browser on this machine."));
    assert_eq!(lines.next(), Some("If it does not come, open this address in a browser here:"));
    assert_eq!(lines.next(), Some(url.as_str()));
    assert_eq!(lines.next(), Some("You have 15 min."));
    assert!(finished.stderr.contains("Signed in as alice at "), "{finished:?}");
}

#[test]
fn a_person_who_denies_it_sees_that_and_the_login_ends_with_5() {
    let (program, server) = (Program::new(), Server::start());
    let login = begin(&program, &at(&server), &[]);
    server.mock.fail_next(Endpoint::Authorize, &Fault::Error("access_denied".into()), 1);
    let page = browse(&authorization_url(&login));
    assert!(page.contains("<h1>Access denied</h1>"), "{page}");
    let finished = login.finish();
    assert_eq!(finished.code, Some(5), "{finished:?}");
    assert_eq!(finished.events().last().unwrap()["error"], "access_denied");
    assert_eq!(finished.stderr, "error: the login was denied; nothing was stored\n");
    assert_eq!(program.run(&["status"]).code, Some(4));
}

#[test]
fn an_answer_in_the_name_of_another_issuer_is_refused_before_the_code_is_sent() {
    for fault in [Fault::IssuerWrong, Fault::IssuerMissing] {
        let (program, server) = (Program::new(), Server::start());
        let login = begin(&program, &at(&server), &[]);
        server.mock.fail_next(Endpoint::Authorize, &fault, 1);
        let page = browse(&authorization_url(&login));
        assert!(page.contains("<h1>Not signed in</h1>"), "{page}");
        let finished = login.finish();
        assert_eq!(finished.code, Some(9), "{finished:?}");
        assert_eq!(finished.events().last().unwrap()["error"], "invalid_response");
        assert!(finished.stderr.contains("issuer"), "{finished:?}");
        assert_eq!(server.count_of_path("/token"), 0);
    }
}

#[test]
fn an_answer_to_another_request_is_turned_away_and_the_wait_goes_on() {
    let (program, server) = (Program::new(), Server::start());
    let login = begin(&program, &at(&server), &[]);
    let redirect = location(&authorization_url(&login));
    let (before, _) = redirect.split_once("state=").expect("a state");
    let page = get(&format!("{before}state=somebody-elses"));
    assert!(page.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{page}");
    assert_eq!(server.count_of_path("/token"), 0);
    assert!(get(&redirect).contains("<h1>Signed in</h1>"));
    assert_eq!(login.finish().code, Some(0));
}

#[test]
fn a_code_that_the_server_takes_back_is_told_here_and_there() {
    let (program, server) = (Program::new(), Server::start());
    server.mock.fail_next(Endpoint::Token, &Fault::Error("invalid_grant".into()), 1);
    let login = begin(&program, &at(&server), &[]);
    assert!(browse(&authorization_url(&login)).contains("<h1>Not signed in</h1>"));
    let finished = login.finish();
    assert_eq!(finished.code, Some(9), "{finished:?}");
    assert_eq!(finished.events().last().unwrap()["error"], "invalid_grant");
}

#[test]
fn what_the_server_lacks_is_named_with_the_words_to_type() {
    let client = Client::public("app").with_grant_types(["urn:ietf:params:oauth:grant-type:device_code"]);
    let (program, server) = (Program::new(), of(Profile::Octopus, client));
    let issuer = server.mock.issuer();
    let (authorize, token) = (format!("{issuer}/authorize/"), format!("{issuer}/token/"));
    let at =
        ["--store", "file", "--client-id", "app", "--redirect-uri", CALLBACK, "--token-endpoint", &token];
    let finished = program.run(&[&["login", "--browser"], &at[..]].concat());
    assert_eq!(finished.code, Some(9), "{finished:?}");
    assert!(finished.stderr.contains("(--authorization-endpoint), or use --device"), "{finished:?}");

    let login = begin(&program, &at, &["--authorization-endpoint", &authorize]);
    assert!(browse(&authorization_url(&login)).contains("<h1>Not signed in</h1>"));
    let finished = login.finish();
    assert_eq!(finished.code, Some(9), "{finished:?}");
    assert_eq!(finished.events().last().unwrap()["error"], "unauthorized_client");
    assert!(
        finished.stderr.contains("registered for the authorization code grant at this server"),
        "{finished:?}"
    );
}

#[test]
fn a_port_that_is_taken_is_named_and_so_is_the_way_round() {
    let (program, server) = (Program::new(), Server::start());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let redirect_uri = format!("http://{}/callback", taken.local_addr().unwrap());
    let at = [&at(&server)[..6], &["--redirect-uri", &redirect_uri]].concat();
    let finished = program.run(&[&["login", "--browser", "--json"], &at[..]].concat());
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_eq!(finished.events()[0]["error"], "port_in_use");
    assert!(finished.stderr.contains(&redirect_uri) && finished.stderr.contains("--device"), "{finished:?}");
}

#[test]
fn a_browser_that_does_not_start_or_fails_leaves_the_address_and_a_hint() {
    let (program, server) = (Program::new(), Server::start());
    // Not even the system's own can be found.
    let missing = [("DISPLAY", ":9"), ("BROWSER", "/does/not/exist"), ("PATH", "/does/not/exist")];
    let failing = program.home().join("failing");
    script(&failing, "exit 3");
    let failing = [("DISPLAY", ":9"), ("BROWSER", failing.to_str().unwrap())];
    for (environment, said) in [
        (&missing[..], "No browser was opened: No such file or directory"),
        (&failing[..], "The browser's program ended with an error (exit status: 3)."),
        (&[][..], "No browser was opened: there is no display, or SSH between."),
    ] {
        let log = program.home().join("log");
        let mut command =
            program.command(&[&["login", "--browser", "--timeout", "1m"], &at(&server)[..]].concat());
        command.envs(environment.iter().copied()).stderr(fs::File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let seen = when(|| {
            fs::read_to_string(&log).ok().filter(|seen| seen.contains(said) && seen.contains("--device"))
        });
        let url = seen.lines().find(|line| line.starts_with("http://")).expect("the address");
        assert!(browse(url).contains("<h1>Signed in</h1>"));
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn the_time_limit_ends_it_with_6_and_says_what_may_be_wrong() {
    let (program, server) = (Program::new(), Server::start());
    let finished = begin(&program, &at(&server), &["--timeout", "1s"]).finish();
    assert_eq!(finished.code, Some(6), "{finished:?}");
    assert_eq!(finished.events().last().unwrap()["error"], "timeout");
    assert!(finished.stderr.contains("within 1 s") && finished.stderr.contains(CALLBACK), "{finished:?}");
}

#[test]
fn a_signal_cancels_it_and_closes_the_port() {
    let (program, server) = (Program::new(), Server::start());
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let login = begin(&program, &at(&server), &[]);
        let redirect = location(&authorization_url(&login));
        let killed = Command::new("kill").args(["-s", signal, &login.process_id()]).status().unwrap();
        assert!(killed.success());
        let finished = login.finish();
        assert_eq!(finished.code, Some(code), "{finished:?}");
        assert_eq!(finished.stderr, "Cancelled. Nothing was stored.\n");
        let (address, _) = redirect.strip_prefix("http://").unwrap().split_once('/').unwrap();
        assert!(TcpStream::connect(address).is_err(), "nobody listens");
        assert_eq!(program.run(&["status"]).code, Some(4));
    }
}

#[test]
fn a_profile_says_it_once() {
    let (program, server) = (Program::new(), Server::start());
    let issuer = server.mock.issuer();
    let add = ["profile", "add", "desk", "--issuer", issuer, "--client-id", "native", "--store", "file"];
    let added = program.run(&[&add[..], &["--redirect-uri", CALLBACK, "--flow", "browser"]].concat());
    assert_eq!(added.code, Some(0), "{added:?}");
    let shown = program.run(&["profile", "show", "desk"]).stdout;
    assert!(shown.contains("flow = \"browser\"\n"), "{shown}");
    assert!(shown.contains(&format!("redirect_uri = \"{CALLBACK}\"\n")), "{shown}");
    let login = Program::begin(&mut program.command(&["login", "--json", "--profile", "desk"]));
    browse(&authorization_url(&login));
    assert_eq!(login.finish().code, Some(0));
    assert_eq!(program.run(&["token", "--profile", "desk"]).code, Some(0));
}

/// A redirect URI alone is no wish: where nobody sees a browser there is a code, as before.
#[test]
fn without_a_terminal_it_is_the_device_flow_unless_asked_otherwise() {
    let (program, server) = (Program::new(), Server::start());
    let (script, opened) = browser_program(&program);
    let arguments = [&["login", "--json", "--timeout", "1m"], &at(&server)[..]].concat();
    let mut login = program.command(&arguments);
    let finished = Finished::of(login.env("DISPLAY", ":9").env("BROWSER", script));
    // The client is registered for no device grant: that it was tried is what the server says.
    assert_eq!(finished.events()[0]["error"], "unauthorized_client", "{finished:?}");
    assert_eq!(server.count_of_path("/device-authorization"), 1);
    assert!(!opened.exists());
}

#[test]
fn a_redirect_uri_that_leads_elsewhere_is_refused_before_anything_is_sent() {
    let (program, server) = (Program::new(), Server::start());
    for redirect_uri in ["https://app.example.com/callback", "http://127.0.0.1/callback?x=1"] {
        let at = [&at(&server)[..6], &["--redirect-uri", redirect_uri]].concat();
        for command in [&["login", "--browser"][..], &["login", "--device"], &["profile", "add", "p"]] {
            let finished = program.run(&[command, &at[..]].concat());
            assert_eq!(finished.code, Some(2), "{command:?} {finished:?}");
            assert!(finished.stderr.contains(redirect_uri), "{finished:?}");
        }
    }
    assert!(server.mock.requests().is_empty());
}

#[test]
fn the_browser_and_what_belongs_to_codes_exclude_each_other() {
    let program = Program::new();
    for other in ["--device", "--no-wait", "--resume", "--renew=1", "--client-credentials", "--with-token"] {
        let finished = program.run(&["login", "--browser", other, "--client-id", "x"]);
        assert_eq!(finished.code, Some(2), "{other} {finished:?}");
    }
}

/// A public client, no metadata, paths that end in a slash.
#[test]
fn octopus_signs_a_person_in() {
    let (program, server) = (Program::new(), of(Profile::Octopus, Client::public("app")));
    let issuer = server.mock.issuer();
    let (authorize, token) = (format!("{issuer}/authorize/"), format!("{issuer}/token/"));
    let at = ["--store", "file", "--client-id", "app", "--redirect-uri", CALLBACK, "--provider", "octopus"];
    let endpoints = ["--authorization-endpoint", &authorize, "--token-endpoint", &token];
    let login = begin(&program, &at, &endpoints);
    assert!(browse(&authorization_url(&login)).contains("<h1>Signed in</h1>"));
    assert_eq!(login.finish().code, Some(0));
    let header = program.run(&["token", "--header"]).stdout;
    let token = program.run(&["token"]).stdout;
    assert_eq!(header, format!("Authorization: {token}"), "the bare token");
}

/// A confidential client, whose secret comes from the environment or a file; a fixed port.
#[test]
fn nomos_signs_a_customer_in() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let redirect_uri = format!("http://{free}/cb");
    let client = Client::confidential("app", "s3cret").with_redirect_uri(&redirect_uri);
    let (program, server) = (Program::new(), of(Profile::Nomos, client));
    let secret = program.home().join("secret");
    fs::write(&secret, "s3cret\n").unwrap();
    let at = ["--store", "file", "--client-id", "app", "--redirect-uri", &redirect_uri];
    let nomos = ["--provider", "nomos", "--issuer", server.mock.issuer()];
    let arguments = [&["login", "--json", "--browser"], &at[..], &nomos].concat();
    for from_file in [true, false] {
        let mut command = program.command(&arguments);
        if from_file {
            command.args(["--client-secret-file", secret.to_str().unwrap()]);
        } else {
            command.env("DEVICE_CLI_CLIENT_SECRET", "s3cret");
        }
        let login = Program::begin(&mut command);
        assert_eq!(login.first_event["redirect_uri"], redirect_uri);
        assert!(browse(&authorization_url(&login)).contains("<h1>Signed in</h1>"));
        let finished = login.finish();
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert!(!finished.stdout.contains("s3cret"), "{finished:?}");
    }
    assert_eq!(server.count_of_grant("authorization_code"), 2);
}

/// The ready-made native client, whose redirect URI takes any port.
fn at(server: &Server) -> [&str; 8] {
    let issuer = server.mock.issuer();
    ["--store", "file", "--issuer", issuer, "--client-id", "native", "--redirect-uri", CALLBACK]
}

fn of(profile: Profile, client: Client) -> Server {
    let runtime = Runtime::new().expect("a runtime");
    let client = if client.redirect_uris.is_empty() { client.with_redirect_uri(CALLBACK) } else { client };
    let builder = MockServer::builder().profile(profile).client(client);
    let mock = runtime.block_on(builder.start()).expect("a port");
    Server { mock, runtime }
}

fn begin(program: &Program, at: &[&str], more: &[&str]) -> WaitingLogin {
    Program::begin(&mut program.command(&[&["login", "--json", "--browser"], at, more].concat()))
}

fn authorization_url(login: &WaitingLogin) -> String {
    login.first_event["authorization_url"]
        .as_str()
        .unwrap_or_else(|| panic!("{:?}", login.first_event))
        .to_owned()
}

/// A program that writes down its arguments, a line each, and where.
fn browser_program(program: &Program) -> (PathBuf, PathBuf) {
    let (browser, opened) = (program.home().join("browser"), program.home().join("opened"));
    // Renamed when it is whole.
    script(&browser, r#"printf '%s\n' "$@" >"$0.part" && mv "$0.part" "${0%/*}/opened""#);
    (browser, opened)
}

fn script(path: &Path, commands: &str) {
    fs::write(path, format!("#!/bin/sh\n{commands}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

fn when_written(path: &Path) -> String {
    when(|| fs::read_to_string(path).ok())
}

/// What another process brings about; longer than that may take only a hang.
fn when<T>(mut happened: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = happened() {
            return value;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "it never happened");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Opens the address and goes where the server sends the browser; gives the last page.
fn browse(url: &str) -> String {
    get(&location(url))
}

fn location(url: &str) -> String {
    let answer = get(url);
    let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
    location.unwrap_or_else(|| panic!("no redirect: {answer}")).to_owned()
}

fn get(url: &str) -> String {
    let (host, path) =
        url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("an http URL");
    let mut stream = TcpStream::connect(host).expect("somebody listens");
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
