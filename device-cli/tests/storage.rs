use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::program::{Program, Server};
use crate::stores::contents;

const SCOPE: &str = "openid offline_access";

fn json_of(program: &Program, arguments: &[&str]) -> Value {
    let finished = program.run(arguments);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap()
}

#[test]
fn show_names_the_store_of_each_profile_and_opens_none() {
    let (program, server) = (Program::new(), Server::start());
    assert_eq!(program.run(&["storage", "show"]).stderr, "No login is kept here.\n");
    program.signed_in(&server, SCOPE);
    let passphrase = program.home().join("passphrase");
    fs::write(&passphrase, "correct horse").unwrap();
    let sealed = ["--profile", "sealed", "--store", "passphrase", "--passphrase-file"];
    program.signed_in_with(&server, &[&sealed[..], &[passphrase.to_str().unwrap()]].concat());
    fs::remove_file(&passphrase).unwrap();

    let state = program.home().join(".local/state/device-cli");
    let shown = program.run(&["storage", "show"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert_eq!(
        shown.stdout,
        format!(
            "default     plain file in {0}/tokens, not encrypted, survives a reboot\n\
             sealed      sealed file (passphrase) in {0}/tokens-passphrase, encrypted, survives a reboot\n",
            state.display()
        )
    );
    let json = json_of(&program, &["storage", "show", "--json"]);
    assert_eq!(json["v"], 1);
    assert_eq!(
        json["profiles"][1],
        json!({
            "profile": "sealed",
            "account": null,
            "server": server.mock.issuer(),
            "store": "passphrase",
            "encrypted_at_rest": true,
            "survives_reboot": true,
            "location": state.join("tokens-passphrase"),
        })
    );
}

#[test]
fn a_login_moves_and_leaves_nothing_behind() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, SCOPE);
    let token = program.run(&["token"]).stdout;
    let key_file = program.home().join("elsewhere/tokens.key");
    let to_key_file = ["storage", "move", "--to", "key-file", "--key-file", key_file.to_str().unwrap()];
    let moved = program.run(&to_key_file);
    assert_eq!((moved.code, moved.stdout.as_str()), (Some(0), ""), "{moved:?}");
    let state = program.home().join(".local/state/device-cli");
    let lines: Vec<&str> = moved.stderr.lines().collect();
    assert!(lines[0].starts_with("Moved: now in a sealed file (key file) in "), "{moved:?}");
    let old = format!(
        "The old copy, in a plain file in {}/tokens, not encrypted, survives a reboot, is deleted.",
        state.display()
    );
    assert_eq!(lines[1], old);
    assert_eq!(contents(&state.join("tokens")), []);
    assert_eq!(program.run(&["token"]).stdout, token);
    assert_eq!(json_of(&program, &["status", "--json"])["login"]["store"], "key-file");

    let again = program.run(&to_key_file);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.stderr.starts_with("The login is there already"), "{again:?}");

    let back = program.run(&["storage", "move", "--to", "file"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    assert_eq!(program.run(&["token"]).stdout, token);
}

#[test]
fn to_another_key_file_and_back_is_how_a_key_is_replaced() {
    let (program, server) = (Program::new(), Server::start());
    let key = |name: &str| program.home().join("keys").join(name).to_str().unwrap().to_owned();
    program.signed_in_with(&server, &["--store", "key-file", "--key-file", &key("one")]);
    let token = program.run(&["token"]).stdout;
    let moved = program.run(&["storage", "move", "--to", "key-file", "--key-file", &key("two")]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    fs::remove_file(key("one")).unwrap();
    assert_eq!(program.run(&["token"]).stdout, token);
}

#[test]
fn what_cannot_be_moved_stays_where_it_is() {
    let (program, server) = (Program::new(), Server::start());
    assert_eq!(program.run(&["storage", "move", "--to", "file"]).code, Some(4));
    program.signed_in(&server, SCOPE);
    let state = program.home().join(".local/state/device-cli");
    let before = contents(&state);
    for (arguments, code) in [
        (&["--to", "memory"][..], 2),
        (&["--to", "cupboard"], 2),
        (&["--to", "key-file"], 2),
        (&["--to", "keyring"], 7),
        (&["--to", "auto"], 7),
        (&["--to", "passphrase"], 7),
    ] {
        let refused = program.run(&[&["storage", "move"], arguments].concat());
        assert_eq!(refused.code, Some(code), "{arguments:?} {refused:?}");
        assert_eq!(contents(&state), before, "{arguments:?}");
    }
}

/// Cut short between the note and the deletion, as after a crash: both copies are there.
#[test]
fn a_copy_that_was_left_behind_is_shown_and_goes_with_the_next_move() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, SCOPE);
    let state = program.home().join(".local/state/device-cli");
    let plain = contents(&state.join("tokens"));
    let key_file = program.home().join("elsewhere/tokens.key");
    let to_key_file = ["storage", "move", "--to", "key-file", "--key-file", key_file.to_str().unwrap()];
    assert_eq!(program.run(&to_key_file).code, Some(0));
    let remembered = state.join("logins/default.json");
    let mut json: Value = serde_json::from_slice(&fs::read(&remembered).unwrap()).unwrap();
    json["leftover"] = json!({"store": "file"});
    fs::write(&remembered, json.to_string()).unwrap();
    fs::write(&plain[0].0, &plain[0].1).unwrap();
    fs::set_permissions(&plain[0].0, fs::Permissions::from_mode(0o600)).unwrap();

    assert_eq!(program.run(&["token"]).code, Some(0));
    let shown = program.run(&["storage", "show"]);
    assert!(shown.stdout.contains("a copy is where it was before: move it again"), "{shown:?}");
    assert_eq!(program.run(&to_key_file).code, Some(0));
    assert_eq!(contents(&state.join("tokens")), []);
    assert!(!program.run(&["storage", "show"]).stdout.contains("a copy is where"));
    assert_eq!(program.run(&["token"]).code, Some(0));
}

#[test]
fn status_of_all_is_4_where_one_needs_a_login() {
    let (program, server) = (Program::new(), Server::start());
    assert_eq!(program.run(&["status", "--all"]).code, Some(4));
    program.signed_in(&server, SCOPE);
    program.signed_in_with(&server, &["--profile", "other", "--store", "file", "--scope", SCOPE]);
    let all = program.run(&["status", "--all"]);
    assert_eq!(all.code, Some(0), "{all:?}");
    assert_eq!(all.stdout.lines().filter(|line| line.starts_with("Store       plain file in ")).count(), 2);
    assert_eq!(program.run(&["logout", "--profile", "other"]).code, Some(0));
    let all = program.run(&["status", "--all", "--json"]);
    assert_eq!(all.code, Some(4), "{all:?}");
    let objects = all.events();
    assert_eq!((&objects[0]["profile"], &objects[0]["login_required"]), (&"default".into(), &false.into()));
    assert_eq!((&objects[1]["profile"], &objects[1]["login_required"]), (&"other".into(), &true.into()));
}
