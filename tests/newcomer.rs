//! A newcomer's way with device-cli, from nothing to nothing: an empty home, no D-Bus, no locale, no settings but flags.

use std::process::{Command, Output};
use std::time::Duration;

use mock_server::{MockServer, Profile};
use serde_json::Value;

use crate::device_cli::program;
use crate::json_lines::JsonLines;
use crate::person::{Person, words};

/// One who knows nothing but the address and the client's name meets these answers, each with what to do next.
#[test]
fn before_the_first_login_each_answer_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let asks = |arguments: &[&str]| {
        let asked = Command::new(program()).args(arguments).env_clear().env("HOME", home.path()).output();
        let asked = asked.unwrap();
        (asked.status.code(), words(&asked))
    };
    for (arguments, code, next) in [
        (&["login"][..], 2, "give --issuer URL, --provider NAME, or"),
        (&["login", "--issuer", "https://auth.example.com"], 2, "give the --client-id"),
        (
            &["login", "--issuer", "https://auth.example.com", "--client-id", "my-device"],
            7,
            "--store file (not encrypted)",
        ),
        (&["token"], 4, "run device-cli login"),
        (&["status"], 4, "run device-cli login"),
        (&["whoami"], 4, "run device-cli login"),
        (&["run", "--", "true"], 125, "run device-cli login"),
    ] {
        let (asked, said) = asks(arguments);
        assert_eq!(asked, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(next), "{arguments:?}: {said}");
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs curl: run by tests/run"]
async fn at_octopus() {
    let person = at(Profile::Octopus).await;
    let issuer = person.server.issuer();
    let (device, token) = (format!("{issuer}/device-authorization/"), format!("{issuer}/token/"));
    let preset = ["--provider", "octopus", "--device-endpoint", &device, "--token-endpoint", &token];
    let code = sign_in(&person, &preset);
    assert_eq!(
        (code.len(), code.chars().all(|it| it.is_ascii_alphanumeric())),
        ("ETE39050".len(), true),
        "{code}"
    );
    let resource = format!("{issuer}/resource/");
    assert_is_alices(&succeeds(&person, &["curl", "--", "--silent", &resource]));
    let header = succeeds(&person, &["token", "--header"]);
    assert!(header.starts_with("Authorization: ey"), "the token without Bearer: {header}");
    let before = succeeds(&person, &["token"]);
    succeeds(&person, &["refresh", "--force"]);
    assert_ne!(succeeds(&person, &["token"]), before);
    assert_is_alices(&succeeds(&person, &["curl", "--", "--silent", &resource]));
    signs_out(&person);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs curl: run by tests/run"]
async fn at_github() {
    let person = at(Profile::Github).await;
    let issuer = person.server.issuer();
    let (device, token) =
        (format!("{issuer}/login/device/code"), format!("{issuer}/login/oauth/access_token"));
    let preset = ["--provider", "github", "--device-endpoint", &device, "--token-endpoint", &token];
    sign_in(&person, &preset);
    let resource = format!("{issuer}/resource");
    assert_is_alices(&succeeds(&person, &["curl", "--", "--silent", &resource]));
    let said = person.run("device-cli", &["refresh", "--force"]);
    assert_eq!(said.status.code(), Some(4), "{}", words(&said));
    assert!(words(&said).contains("the server gave no refresh token"), "{}", words(&said));
    assert_is_alices(&succeeds(&person, &["curl", "--", "--silent", &resource]));
    signs_out(&person);
}

/// Every command says what it is for and how it is used, and has a manual page.
#[test]
fn every_command_has_help_and_a_manual_page() {
    let pages = tempfile::tempdir().unwrap();
    let help = |path: &[String]| {
        let asked = Command::new(program()).args(path).arg("--help").env_clear().output().unwrap();
        assert!(asked.status.success(), "{path:?}: {asked:?}");
        String::from_utf8(asked.stdout).unwrap()
    };
    let written = Command::new(program()).arg("man").arg(pages.path()).env_clear().output().unwrap();
    assert!(written.status.success(), "{written:?}");
    let mut left = vec![Vec::new()];
    let mut read = 0;
    while let Some(path) = left.pop() {
        let text = help(&path);
        assert!(text.contains("Usage: device-cli"), "{path:?}: {text}");
        assert!(
            text.lines().next().is_some_and(|first| !first.starts_with("Usage")),
            "what is {path:?} for?"
        );
        let page = [&["device-cli".to_owned()][..], &path].concat().join("-");
        assert!(pages.path().join(format!("{page}.1")).exists(), "no manual page {page}");
        left.extend(commands_of(&text).into_iter().map(|name| [&path[..], &[name]].concat()));
        read += 1;
    }
    assert!(read > 25, "{read} only");
}

/// The names in the list below "Commands:".
fn commands_of(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = list.take_while(|line| line.starts_with("  ")).filter(|line| !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

async fn at(profile: Profile) -> Person {
    let builder = MockServer::builder().profile(profile).interval(Duration::from_secs(1));
    Person::at(builder.start().await.unwrap())
}

/// Gives the code that was shown.
fn sign_in(person: &Person, server: &[&str]) -> String {
    let login = ["login", "--json", "--store", "file", "--client-id", "device"];
    let mut login = crate::device_cli::device_cli(&person.home, &login);
    let mut login = JsonLines::start(login.args(server));
    let issued = login.receive_event("device_code_issued");
    let user_code = issued["user_code"].as_str().unwrap().to_owned();
    login.receive_event("pending");
    person.server.approve(&user_code).unwrap();
    let ended = login.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let status: Value = serde_json::from_str(&succeeds(person, &["status", "--json"])).unwrap();
    assert_eq!(status["login_required"], false, "{status}");
    user_code
}

fn signs_out(person: &Person) {
    succeeds(person, &["logout"]);
    let status = person.run("device-cli", &["status"]);
    assert_eq!(status.status.code(), Some(4), "{}", words(&status));
    person.server.assert_clean();
}

fn succeeds(person: &Person, arguments: &[&str]) -> String {
    let asked: Output = person.run("device-cli", arguments);
    assert!(asked.status.success(), "{arguments:?}: {}", words(&asked));
    String::from_utf8(asked.stdout).unwrap().trim_end().to_owned()
}

fn assert_is_alices(body: &str) {
    let resource: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {body:?}"));
    assert_eq!(resource["sub"], "alice");
}
