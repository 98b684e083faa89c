//! `--state FILE`: what a client was told, the next run knows.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mock_server::{Client, MockServer, Person};
use serde_json::Value;

use crate::main_program::Program;
use crate::raw_http::{RawAnswer, get, post};

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A folder of this test's own, taken away at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("mock-server-state-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("state.json")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn start(file: &Path) -> MockServer {
    MockServer::builder().state_file(file).start().await.unwrap()
}

async fn ask(port: u16, path: &str, form: &str) -> RawAnswer {
    post(port, path, form).await.unwrap()
}

async fn poll(port: u16, device_code: &str) -> RawAnswer {
    let form = format!("grant_type={DEVICE_GRANT}&client_id=device&device_code={device_code}");
    ask(port, "/token", &form).await
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

#[tokio::test]
async fn a_login_begun_before_a_restart_is_approved_and_redeemed_after_it() {
    let folder = Folder::new();
    let before = start(&folder.file()).await;
    let codes = ask(before.port(), "/device-authorization", "client_id=device&scope=openid").await.json();
    let device_code = text(&codes, "device_code");
    drop(before);

    let after = start(&folder.file()).await;
    assert_eq!(poll(after.port(), &device_code).await.json()["error"], "authorization_pending");
    after.approve(&text(&codes, "user_code")).unwrap();
    drop(after);

    let last = start(&folder.file()).await;
    last.advance(Duration::from_secs(5));
    let tokens = poll(last.port(), &device_code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let bearer = format!("Authorization: Bearer {}\r\n", text(&tokens.json(), "access_token"));
    drop(last);

    let once_more = start(&folder.file()).await;
    assert_eq!(get(once_more.port(), "/resource", &bearer).await.unwrap().status, 200);
    assert_eq!(poll(once_more.port(), &device_code).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_code_is_redeemed_once_over_restarts_and_the_second_use_still_revokes() {
    let folder = Folder::new();
    let before = start(&folder.file()).await;
    let redirect = get(before.port(), "/authorize?response_type=code&client_id=web", "").await.unwrap();
    let (_, rest) = redirect.head.split_once("code=").unwrap();
    let code = rest.split('&').next().unwrap();
    let form = format!("grant_type=authorization_code&client_id=web&client_secret=web-secret&code={code}");
    drop(before);

    let after = start(&folder.file()).await;
    let tokens = ask(after.port(), "/token", &form).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    drop(after);

    let last = start(&folder.file()).await;
    assert_eq!(ask(last.port(), "/token", &form).await.json()["error"], "invalid_grant");
    let bearer = format!("Authorization: Bearer {}\r\n", text(&tokens.json(), "access_token"));
    assert_eq!(get(last.port(), "/resource", &bearer).await.unwrap().status, 401);
}

#[tokio::test]
async fn a_spent_refresh_token_is_known_as_spent_after_a_restart() {
    let folder = Folder::new();
    let before = start(&folder.file()).await;
    let codes = ask(before.port(), "/device-authorization", "client_id=device").await.json();
    before.approve(&text(&codes, "user_code")).unwrap();
    let first = poll(before.port(), &text(&codes, "device_code")).await.json();
    let refresh = |token: &str| format!("grant_type=refresh_token&client_id=device&refresh_token={token}");
    let second = ask(before.port(), "/token", &refresh(&text(&first, "refresh_token"))).await.json();
    drop(before);

    let after = start(&folder.file()).await;
    let third = ask(after.port(), "/token", &refresh(&text(&second, "refresh_token"))).await;
    assert_eq!(third.status, 200, "the rotated one goes on: {}", third.body);
    let reuse = ask(after.port(), "/token", &refresh(&text(&first, "refresh_token"))).await;
    assert_eq!(reuse.json()["error"], "invalid_grant");
    let revoked = ask(after.port(), "/token", &refresh(&text(&third.json(), "refresh_token"))).await;
    assert_eq!(revoked.json()["error"], "invalid_grant", "reuse ends the family");
}

#[tokio::test]
async fn clients_people_the_clock_and_tenants_are_there_after_a_restart() {
    let folder = Folder::new();
    let before = start(&folder.file()).await;
    before.put_client(Client::public("new"));
    before.put_user(Person::new("bob"));
    let tenant = before.tenant("one");
    tenant.put_client(Client::public("of-the-tenant"));
    drop(tenant.freeze_clock());
    before.advance(Duration::from_secs(86_400));
    let shown = before.now();
    drop(before);

    let after = start(&folder.file()).await;
    assert!(after.clients().iter().any(|client| client.id == "new"));
    assert!(after.users().iter().any(|person| person.subject == "bob"));
    assert!(after.now() >= shown, "time does not go back");
    assert!(after.now().since(shown) < Duration::from_secs(3600), "nor does it jump");
    assert!(after.tenant("one").clients().iter().any(|client| client.id == "of-the-tenant"));
    assert!(!after.clients().iter().any(|client| client.id == "of-the-tenant"));
}

#[tokio::test]
async fn a_seed_does_not_repeat_itself_after_a_restart() {
    let folder = Folder::new();
    let codes = async || {
        let server = MockServer::builder().seed(7).state_file(folder.file()).start().await.unwrap();
        text(&ask(server.port(), "/device-authorization", "client_id=device").await.json(), "device_code")
    };
    assert_ne!(codes().await, codes().await);
}

#[tokio::test]
async fn what_a_killed_program_told_its_clients_the_next_one_knows() {
    let folder = Folder::new();
    let file = folder.file();
    let file = file.to_str().unwrap();
    let mut known: Vec<String> = Vec::new();
    for round in 0..20_u64 {
        let program = Program::start(&["--state", file]);
        let port = program.port();
        for device_code in &known {
            let answer = poll(port, device_code).await.json();
            let error = text(&answer, "error");
            assert!(matches!(error.as_str(), "authorization_pending" | "slow_down"), "{answer}");
        }
        // Killed at some moment of this; whatever was answered before it counts.
        let asking = async {
            loop {
                match post(port, "/device-authorization", "client_id=device").await {
                    Ok(answer) if answer.status == 200 && answer.is_whole => {
                        known.push(text(&answer.json(), "device_code"));
                    }
                    _ => break,
                }
                if known.len() > 400 {
                    break;
                }
            }
        };
        let killed = async {
            tokio::time::sleep(Duration::from_millis(3 + round * 2)).await;
            drop(program);
        };
        tokio::join!(asking, killed);
    }
    assert!(known.len() > 20, "only {} logins in 20 rounds", known.len());
}

#[tokio::test]
async fn a_file_that_is_no_state_is_refused_by_name_and_left_as_it_is() {
    let folder = Folder::new();
    let newer = r#"{"format":"mock-server state","version":2,"state":{"unheard":"of"}}"#;
    for (content, reason) in [
        ("", "damaged"),
        ("{}", "damaged"),
        ("not JSON", "damaged"),
        (r#"{"format":"another","version":1,"state":{}}"#, "damaged"),
        (r#"{"format":"mock-server state","version":1,"state":{}}"#, "damaged"),
        (newer, "version 2"),
    ] {
        fs::write(folder.file(), content).unwrap();
        let refused = MockServer::builder().state_file(folder.file()).start().await.unwrap_err().to_string();
        assert!(refused.contains(folder.file().to_str().unwrap()), "{refused}");
        assert!(refused.contains(reason) && refused.contains("move it away"), "{refused}");
        assert_eq!(fs::read_to_string(folder.file()).unwrap(), content);
    }
}

#[tokio::test]
async fn two_servers_do_not_share_a_state_file() {
    let folder = Folder::new();
    let first = start(&folder.file()).await;
    let second = MockServer::builder().state_file(folder.file()).start().await.unwrap_err().to_string();
    assert!(second.contains("another mock-server uses the state file"), "{second}");
    drop(first);
    start(&folder.file()).await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_state_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    drop(start(&folder.file()).await);
    assert_eq!(fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_state_that_cannot_be_kept_is_not_promised() {
    let folder = Folder::new();
    let server = start(&folder.file()).await;
    // The new file takes its place beside the old one: a folder of that name stands in its way.
    fs::create_dir(folder.0.join("state.json.new")).unwrap();
    let refused = ask(server.port(), "/device-authorization", "client_id=device").await;
    assert_eq!((refused.status, &refused.json()["error"]), (503, &"temporarily_unavailable".into()));
    assert!(text(&refused.json(), "error_description").contains("cannot write the state file"));
    fs::remove_dir(folder.0.join("state.json.new")).unwrap();
    assert_eq!(ask(server.port(), "/device-authorization", "client_id=device").await.status, 200);
}
