//! The token for other programs: `run`, `env`, `refresh`, and the credential protocols.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

use mock_server::MockServer;
use serde_json::{Value, json};

use crate::program::{Finished, Program, Server};

fn signed_in() -> (Program, Server) {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid offline_access");
    (program, server)
}

fn token(program: &Program) -> String {
    let token = program.run(&["token"]);
    assert_eq!(token.code, Some(0), "{token:?}");
    token.stdout.trim_end().to_owned()
}

/// Runs a command that reads `input`, or ends before that.
fn answer(command: &mut Command, input: &str) -> Finished {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if let Err(error) = child.stdin.take().unwrap().write_all(input.as_bytes()) {
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Finished { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn host(server: &MockServer) -> String {
    server.issuer().strip_prefix("http://").unwrap().to_owned()
}

#[test]
fn a_command_has_the_token_in_its_environment_and_its_exit_code_is_the_answer() {
    let (program, _server) = signed_in();
    let token = token(&program);
    let ran = program.run(&["run", "--", "/bin/sh", "-c", "echo \"$DEVICE_CLI_ACCESS_TOKEN\"; exit 42"]);
    assert_eq!((ran.code, ran.stdout.trim_end()), (Some(42), token.as_str()), "{ran:?}");
    let ran = program.run(&["run", "--variable", "API_TOKEN", "/bin/sh", "-c", "echo \"$API_TOKEN\""]);
    assert_eq!((ran.code, ran.stdout.trim_end()), (Some(0), token.as_str()), "{ran:?}");
}

#[test]
fn what_cannot_be_run_is_125_to_127() {
    let nobody = Program::new().run(&["run", "true"]);
    assert_eq!(nobody.code, Some(125), "{nobody:?}");
    assert!(nobody.stderr.contains("run device-cli login"), "{nobody:?}");
    let (program, _server) = signed_in();
    assert_eq!(program.run(&["run", "/etc/passwd"]).code, Some(126));
    let missing = program.run(&["run", "no-such-program"]);
    assert_eq!(missing.code, Some(127), "{missing:?}");
    assert!(missing.stderr.contains("no-such-program"), "{missing:?}");
    assert_eq!(program.run(&["run", "--variable", "A B", "true"]).code, Some(2));
}

#[test]
fn a_shell_takes_the_line_over() {
    let (program, _server) = signed_in();
    let line = program.run(&["env", "--shell", "sh", "--variable", "T"]).stdout;
    let script = format!("{line}\nprintf %s \"$T\"");
    let shell = Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(shell.stdout).unwrap(), token(&program));
    let fish = program.run(&["env", "--shell", "fish"]).stdout;
    assert!(fish.starts_with("set -gx DEVICE_CLI_ACCESS_TOKEN '"), "{fish}");
}

#[test]
fn a_token_file_is_whole_and_for_its_owner_alone() {
    let (program, _server) = signed_in();
    let file = program.home().join("token.jwt");
    let written = program.run(&["token", "--id-token", "--output", file.to_str().unwrap()]);
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), ""), "{written:?}");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let decoded =
        answer(&mut program.command(&["decode", "--json"]), &std::fs::read_to_string(&file).unwrap());
    let decoded: Value = serde_json::from_str(&decoded.stdout).unwrap();
    assert_eq!((&decoded["verified"], &decoded["claims"]["sub"]), (&json!(false), &json!("alice")));
}

#[test]
fn a_refresh_waits_for_its_time_unless_it_is_forced() {
    let (program, server) = signed_in();
    let first = token(&program);
    let early = program.run(&["refresh"]);
    assert_eq!(early.code, Some(0), "{early:?}");
    assert!(early.stderr.starts_with("The token that is there is valid for "), "{early:?}");
    assert_eq!(server.count_of_grant("refresh_token"), 0);
    let forced = program.run(&["refresh", "--force"]);
    assert_eq!((forced.code, forced.stdout.as_str()), (Some(0), ""), "{forced:?}");
    assert!(forced.stderr.starts_with("A new token, valid for "), "{forced:?}");
    assert_eq!(server.count_of_grant("refresh_token"), 1);
    assert_ne!(token(&program), first);
}

#[test]
fn who_it_is_and_what_a_refresh_did_are_told_as_json() {
    let (program, server) = signed_in();
    let told = |arguments: &[&str]| program.run(arguments).events().remove(0);
    let expected = json!({
        "v": 1, "profile": "default", "login_required": false, "account": "alice", "server": server.mock.issuer()
    });
    assert_eq!(told(&["whoami", "--json"]), expected);
    assert_eq!(told(&["refresh", "--json"])["is_new"], false);
    let refreshed = told(&["refresh", "--force", "--json"]);
    assert_eq!(refreshed["is_new"], true);
    assert_eq!(refreshed["expires_at"], told(&["status", "--json"])["login"]["expires_at"]);
    assert!(refreshed.get("access_token").is_none(), "{refreshed}");
    let nobody = Program::new();
    let whoami = nobody.run(&["whoami", "--json"]);
    assert_eq!((whoami.code, &whoami.events()[0]["login_required"]), (Some(4), &json!(true)));
    let all = nobody.run(&["status", "--all", "--json"]);
    assert_eq!((all.code, &all.events()[0]["login_required"]), (Some(4), &json!(true)));
}

#[test]
fn git_gets_a_name_the_token_and_its_end() {
    let (program, server) = signed_in();
    let asked = format!("protocol=http\nhost={}\n\nignored=1\n", host(&server.mock));
    let answered = answer(&mut program.command(&["credential", "git", "get"]), &asked);
    let lines: Vec<_> = answered.stdout.lines().collect();
    assert_eq!(lines[..2], ["username=oauth2", &format!("password={}", token(&program))], "{answered:?}");
    assert!(lines[2].starts_with("password_expiry_utc="), "{answered:?}");
    let named = format!("username=me\n{asked}");
    assert!(
        answer(&mut program.command(&["credential", "git", "get"]), &named)
            .stdout
            .starts_with("username=me\n")
    );
    let able = format!("capability[]=authtype\n{asked}");
    let bearer = answer(&mut program.command(&["credential", "git", "--bearer", "get"]), &able);
    assert!(bearer.stdout.starts_with("capability[]=authtype\nauthtype=Bearer\ncredential="), "{bearer:?}");
}

#[test]
fn git_gets_no_token_for_a_host_without_tls() {
    let (program, _server) = signed_in();
    let asked = "protocol=http\nhost=git.example.com\n\n";
    let refused = answer(&mut program.command(&["credential", "git", "get"]), asked);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
    assert!(refused.stderr.contains("without TLS"), "{refused:?}");
    let secure = asked.replace("http", "https");
    assert_eq!(answer(&mut program.command(&["credential", "git", "get"]), &secure).code, Some(0));
}

#[test]
fn what_git_wants_erased_is_replaced_and_the_login_stays() {
    let (program, server) = signed_in();
    let erase = |password: &str| {
        let erased = format!("protocol=https\nhost=git.example.com\nusername=oauth2\npassword={password}\n");
        let answered = answer(&mut program.command(&["credential", "git", "erase"]), &erased);
        assert_eq!((answered.code, answered.stdout.as_str()), (Some(0), ""), "{answered:?}");
    };
    let first = token(&program);
    erase("another password");
    assert_eq!(server.count_of_grant("refresh_token"), 0);
    erase(&first);
    assert_eq!(server.count_of_grant("refresh_token"), 1);
    let second = token(&program);
    assert_ne!(first, second);
    // The same complaint again is about a token that is no longer there.
    erase(&first);
    assert_eq!(token(&program), second);
    for unknown in ["store", "approve"] {
        assert_eq!(answer(&mut program.command(&["credential", "git", unknown]), "").code, Some(0));
    }
}

#[test]
fn kubectl_gets_an_exec_credential_in_the_version_that_it_asks_for() {
    let (program, _server) = signed_in();
    let info = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{}}"#;
    let mut command = program.command(&["credential", "kubectl"]);
    let answered = Finished::of(command.env("KUBERNETES_EXEC_INFO", info));
    let credential: Value = serde_json::from_str(&answered.stdout).unwrap();
    assert_eq!(credential["apiVersion"], "client.authentication.k8s.io/v1beta1");
    assert_eq!(credential["kind"], "ExecCredential");
    assert_eq!(credential["status"]["token"], token(&program));
    assert!(credential["status"]["expirationTimestamp"].as_str().unwrap().ends_with('Z'), "{credential}");
    let id_token = program.run(&["credential", "kubectl", "--id-token"]);
    let id_token: Value = serde_json::from_str(&id_token.stdout).unwrap();
    assert_eq!(id_token["status"]["token"], program.run(&["token", "--id-token"]).stdout.trim_end());
    assert!(id_token["status"].get("expirationTimestamp").is_none(), "the access token's end is not its own");
}

#[test]
fn docker_finds_its_helper_by_name_and_the_profile_in_it() {
    let (program, _server) = signed_in();
    let helper = |name: &str, operation: &str, input: &str| {
        let link = program.home().join(name);
        let _ = symlink(env!("CARGO_BIN_EXE_device-cli"), &link);
        let mut command = Command::new(link);
        answer(command.env_clear().env("HOME", program.home()).arg(operation), input)
    };
    let got = helper("docker-credential-device-cli", "get", "https://registry.example.com\n");
    let credentials: Value = serde_json::from_str(&got.stdout).unwrap();
    let expected =
        json!({"ServerURL": "https://registry.example.com", "Username": "oauth2", "Secret": token(&program)});
    assert_eq!(credentials, expected);
    let other = helper("docker-credential-device-cli-work", "get", "https://registry.example.com\n");
    assert_eq!(other.code, Some(1), "{other:?}");
    assert_eq!(other.stdout, "credentials not found in native keychain\n");
    assert_eq!(helper("docker-credential-device-cli", "list", "").stdout, "{}\n");
    assert_eq!(helper("docker-credential-device-cli", "store", "{}").code, Some(2));
    assert_eq!(helper("docker-credential-device-cli", "erase", "https://registry.example.com").code, Some(0));
    assert_eq!(program.run(&["token"]).code, Some(0), "nothing was erased");
}

#[test]
fn docker_gets_no_token_for_a_registry_without_tls_or_without_a_name() {
    let (program, server) = signed_in();
    let get = |registry: &str| answer(&mut program.command(&["credential", "docker", "get"]), registry);
    let refused = get("http://registry.example.com\n");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
    assert!(refused.stderr.contains("without TLS"), "{refused:?}");
    assert_eq!(get("HTTP://registry.example.com").code, Some(2));
    let nameless = get(" \n");
    assert_eq!((nameless.code, nameless.stdout.as_str()), (Some(2), "no credentials server URL\n"));
    for registry in ["registry.example.com:5000", "HTTPS://registry.example.com/v1/", server.mock.issuer()] {
        let got: Value = serde_json::from_str(&get(registry).stdout).unwrap();
        assert_eq!(got["Secret"], token(&program), "{registry}");
    }
}

/// Else git would hand the token to whatever host it meets.
#[test]
fn the_help_names_git_helpers_for_one_host_alone() {
    let help = Program::new().run(&["credential", "--help"]).stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("credential.https://HOST.helper '!device-cli credential git'"), "{help}");
    assert!(!help.contains("config credential.helper"), "{help}");
}

#[test]
fn cargo_gets_the_token_until_its_end_over_https_alone() {
    let (program, _server) = signed_in();
    let ask = |program: &Program, url: &str| {
        let request = json!({"v": 1, "registry": {"index-url": url}, "kind": "get", "operation": "read"});
        let answered = answer(&mut program.command(&["--cargo-plugin"]), &format!("{request}\n"));
        let mut lines = answered.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        assert_eq!(lines.next().unwrap(), json!({"v": [1]}));
        lines.next().unwrap()
    };
    let answered = ask(&program, "sparse+https://registry.example.com/index/");
    assert_eq!(answered["Ok"]["token"], token(&program));
    assert_eq!(
        (&answered["Ok"]["cache"], &answered["Ok"]["operation_independent"]),
        (&json!("expires"), &json!(true))
    );
    let plain = ask(&program, "sparse+http://registry.example.com/index/");
    assert!(plain["Err"]["message"].as_str().unwrap().contains("no TLS"), "{plain}");
    let nobody = ask(&Program::new(), "sparse+https://registry.example.com/index/");
    assert_eq!(nobody["Err"]["kind"], "not-found");
}

#[test]
fn without_a_login_each_program_is_told_and_nobody_is_asked() {
    let program = Program::new();
    for arguments in [&["credential", "git", "get"][..], &["credential", "kubectl"], &["env"], &["refresh"]] {
        let finished = answer(&mut program.command(arguments), "protocol=https\nhost=a.example.com\n\n");
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(4), ""), "{arguments:?} {finished:?}");
    }
}

#[test]
#[ignore = "needs curl, which tests/run installs"]
fn curl_sends_the_token_that_stands_on_no_command_line() {
    let (program, server) = signed_in();
    let url = format!("{}/resource", server.mock.issuer());
    let path = std::env::var("PATH").unwrap();
    let curl = |arguments: &[&str]| {
        let mut command = program.command(&[&["curl", "--"], arguments].concat());
        Finished::of(command.env("PATH", &path))
    };
    let answered = curl(&["--silent", "--show-error", &url]);
    assert_eq!(answered.code, Some(0), "{answered:?}");
    let body: Value = serde_json::from_str(&answered.stdout).unwrap();
    assert_eq!(body["sub"], "alice");
    assert_eq!(
        curl(&["--silent", "--fail", &format!("{}/no-such-page", server.mock.issuer())]).code,
        Some(22)
    );
    for refused in [&["http://api.example.com/"][..], &["-d", "@-", &url]] {
        assert_eq!(curl(refused).code, Some(2), "{refused:?}");
    }
    let mut without = program.command(&["curl", "--", &url]);
    let missing = Finished::of(without.env("PATH", "/nonexistent"));
    assert!(missing.stderr.contains("curl is not installed"), "{missing:?}");
}
