use std::fs;

use serde_json::Value;

use crate::program::{Program, Server};

fn configuration(program: &Program) -> std::path::PathBuf {
    program.home().join(".config/device-cli/config.toml")
}

fn listed(program: &Program) -> Value {
    let list = program.run(&["profile", "list", "--json"]);
    assert_eq!(list.code, Some(0), "{list:?}");
    serde_json::from_str(&list.stdout).unwrap()
}

#[test]
fn a_profile_is_added_used_shown_and_removed_and_comments_stay() {
    let (program, server) = (Program::new(), Server::start());
    let file = configuration(&program);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(
        &file,
        "# mine\n[profiles.home]\nissuer = \"https://auth.example.com\" # at home\nclient_id = \"me\"\n",
    )
    .unwrap();
    let issuer = server.mock.issuer();
    let added = program.run(&[
        "profile",
        "add",
        "work",
        "--issuer",
        issuer,
        "--client-id",
        "device",
        "--scope",
        "openid read",
    ]);
    assert_eq!(added.code, Some(0), "{added:?}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("# mine\n[profiles.home]\n") && text.contains("# at home"), "{text}");
    assert!(
        text.contains(&format!("[profiles.work]\nissuer = \"{issuer}\"\nclient_id = \"device\"\n")),
        "{text}"
    );
    let shown = program.run(&["profile", "show", "work"]);
    assert!(shown.stdout.starts_with(&format!("[profiles.work]\nissuer = \"{issuer}\"\n")), "{shown:?}");
    let shown = program.run(&["profile", "show", "work", "--json"]);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    let settings = serde_json::json!({"issuer": issuer, "client_id": "device", "scopes": ["openid", "read"]});
    assert_eq!(shown, serde_json::json!({"v": 1, "profile": "work", "settings": settings}));
    assert_eq!(program.run(&["profile", "use", "work"]).code, Some(0));
    let profiles = listed(&program);
    assert_eq!(profiles["profiles"][1]["profile"], "work");
    assert_eq!(profiles["profiles"][1]["is_used"], true);
    // The settings of the profile are enough for a login.
    let login = program.begin_login(&["--store", "file"]);
    server.mock.approve(&login.user_code).unwrap();
    assert_eq!(login.finish().code, Some(0));
    assert_eq!(listed(&program)["profiles"][1]["account"], "alice");
    let refused = program.run(&["profile", "remove", "work"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("device-cli logout --profile work"), "{refused:?}");
    assert_eq!(program.run(&["logout"]).code, Some(0));
    assert_eq!(program.run(&["profile", "remove", "work"]).code, Some(0));
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("work") && text.contains("# at home"), "{text}");
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let program = Program::new();
    let add = |more: &[&str]| program.run(&[&["profile", "add"], more].concat());
    let at = ["--issuer", "https://auth.example.com", "--client-id", "me"];
    assert_eq!(add(&[&["a/b"][..], &at].concat()).code, Some(2));
    assert_eq!(add(&["work", "--client-id", "me"]).code, Some(2));
    assert_eq!(add(&["work", "--issuer", "http://auth.example.com", "--client-id", "me"]).code, Some(2));
    assert!(!configuration(&program).exists());
    assert_eq!(add(&[&["work"][..], &at].concat()).code, Some(0));
    assert_eq!(add(&[&["work"][..], &at].concat()).code, Some(2));
    for unknown in ["use", "remove", "show"] {
        let finished = program.run(&["profile", unknown, "other"]);
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains("profile list"), "{finished:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_configuration_file_that_is_a_link_stays_one() {
    let program = Program::new();
    let file = configuration(&program);
    let real = program.home().join("dotfiles.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&real, "").unwrap();
    std::os::unix::fs::symlink(&real, &file).unwrap();
    let added =
        program.run(&["profile", "add", "a", "--issuer", "https://auth.example.com", "--client-id", "me"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    assert!(file.symlink_metadata().unwrap().is_symlink());
    assert!(fs::read_to_string(real).unwrap().contains("[profiles.a]"));
}

/// Where a name is mistyped, or none is given, a new login would be the wrong advice.
#[test]
fn a_profile_that_is_not_there_is_told_with_those_that_are() {
    let program = Program::new();
    let add = |name| {
        program.run(&["profile", "add", name, "--issuer", "https://auth.example.com", "--client-id", "x"])
    };
    let added = add("work");
    assert!(added.stderr.trim_end().ends_with("Next: device-cli login --profile work"), "{added:?}");
    let only_work = "there is work (--profile work, or device-cli profile use work)";
    for (typed, code, message) in [
        (&["status"][..], 4, format!("no profile is named, and nobody is signed in without: {only_work}")),
        (&["token", "--profile", "wrok"], 4, format!("there is no profile wrok: {only_work}")),
        (
            &["status", "--profile", "work"],
            4,
            "nobody is signed in: run device-cli login --profile work".into(),
        ),
    ] {
        let finished = program.run(typed);
        assert_eq!(
            (finished.code, finished.stderr),
            (Some(code), format!("error: {message}\n")),
            "{typed:?}"
        );
    }
    let login = program.run(&["login"]);
    assert_eq!(login.code, Some(2), "{login:?}");
    assert!(login.stderr.trim_end().ends_with(only_work), "{login:?}");
    assert_eq!(add("home").code, Some(0));
    let two = program.run(&["whoami", "--profile", "wrok"]).stderr;
    assert!(two.contains("there are home, work (--profile NAME, or device-cli profile use NAME)"), "{two}");
    // Nothing is a name, in a variable or in quotation marks.
    assert_eq!(add("").code, Some(2));
    assert!(!fs::read_to_string(configuration(&program)).unwrap().contains("default"));
}

#[test]
fn a_broken_file_keeps_nobody_from_signing_out_of_a_profile_that_is_named() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid");
    let file = configuration(&program);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "[profiles.work]\nisuer = \"https://auth.example.com\"\n").unwrap();
    let unnamed = program.run(&["logout"]);
    assert_eq!(unnamed.code, Some(9), "{unnamed:?}");
    assert!(
        unnamed.stderr.contains("line 2: \"isuer\" is no key; the keys are issuer, provider,"),
        "{unnamed:?}"
    );
    assert!(unnamed.stderr.contains("or name the profile with --profile"), "{unnamed:?}");
    let named = program.run(&["logout", "--profile", "default"]);
    assert_eq!(named.code, Some(0), "{named:?}");
}
