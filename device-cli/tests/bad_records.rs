//! What a store may hold, and cannot be used: each command says so, and nothing is lost by it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{Program, Server};
use crate::stores::contents;

const SCOPE: &str = "openid offline_access";

/// A login in plain files and one that is sealed with a key file, with another login of each store beside it.
struct Logins {
    program: Program,
    server: Server,
}

impl Logins {
    fn new() -> Self {
        let (program, server) = (Program::new(), Server::start());
        let key_file = program.home().join("elsewhere/tokens.key");
        for profile in ["default", "other"] {
            let plain = ["--profile", profile, "--store", "file", "--scope", SCOPE];
            program.signed_in_with(&server, &plain);
            let profile = format!("sealed-{profile}");
            let key_file = ["--key-file", key_file.to_str().unwrap()];
            let sealed = ["--profile", &profile, "--store", "key-file", "--scope", SCOPE];
            program.signed_in_with(&server, &[&sealed[..], &key_file].concat());
        }
        Self { program, server }
    }

    fn state(&self) -> PathBuf {
        self.program.home().join(".local/state/device-cli")
    }

    /// The record of `profile`: the one that its refresh changes.
    fn record_of(&self, profile: &str) -> PathBuf {
        let before = contents(&self.state());
        let refreshed = self.program.run(&["refresh", "--force", "--profile", profile]);
        assert_eq!(refreshed.code, Some(0), "{refreshed:?}");
        let changed = contents(&self.state()).into_iter().find(|file| !before.contains(file));
        changed.expect("a record").0
    }

    /// Each command refuses, with this code and these words, and leaves every byte as it is.
    fn refused_by(&self, commands: &[&str], profile: &str, code: i32, words: &str) {
        let before = contents(&self.state());
        for command in commands {
            let requests = self.server.mock.requests().len();
            let refused = self.program.run(&[command, "--profile", profile]);
            assert_eq!((refused.code, refused.stdout.as_str()), (Some(code), ""), "{command}: {refused:?}");
            assert!(refused.stderr.contains(words), "{command}: {refused:?}");
            assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
            assert_eq!(self.server.mock.requests().len(), requests, "{command}: nobody was asked");
            assert_eq!(contents(&self.state()), before, "{command}");
        }
    }

    /// A logout needs to read nothing; it says that the server was not told.
    fn logged_out(&self, profile: &str, record: &Path) {
        let logout = self.program.run(&["logout", "--profile", profile]);
        assert_eq!(logout.code, Some(1), "{logout:?}");
        assert!(logout.stderr.contains("Erased here"), "{logout:?}");
        assert!(logout.stderr.contains("not revoked at the server, since the tokens could not be read"));
        assert!(!record.exists());
        self.refused_by(&["token", "status"], profile, 4, "nobody is signed in");
    }
}

#[test]
fn a_record_of_another_version_is_left_to_the_release_that_wrote_it() {
    let logins = Logins::new();
    let later: [(&str, &[u8]); 2] = [
        ("default", br#"{"version":2,"sealed":"AAAA"}"#),
        (
            "sealed-default",
            b"sealed-token\0\0\0\x02 and what that means, nobody knows yet; it is long enough to \
                             be one of ours, if only the number were another: 0123456789abcdef0123456789",
        ),
    ];
    for (profile, bytes) in later {
        let record = logins.record_of(profile);
        fs::write(&record, bytes).unwrap();
        let words = "the record has version 2, which this release does not know, and is left as it is: use the \
                     release that wrote it, or log out and sign in again";
        logins.refused_by(&["token", "status", "login"], profile, 7, words);
        logins.logged_out(profile, &record);
    }
}

#[test]
fn a_record_that_was_copied_from_another_login_is_left_as_it_is() {
    let logins = Logins::new();
    for (profile, other) in [("default", "other"), ("sealed-default", "sealed-other")] {
        let (record, others) = (logins.record_of(profile), logins.record_of(other));
        fs::copy(&others, &record).unwrap();
        let words = "this is another login's record and is left as it is: was it copied?";
        logins.refused_by(&["token", "status", "login"], profile, 7, words);
        logins.logged_out(profile, &record);
        assert_eq!(logins.program.run(&["token", "--profile", other]).code, Some(0));
    }
}

#[test]
fn a_damaged_record_is_put_aside_and_never_taken_for_a_logout() {
    let logins = Logins::new();
    for profile in ["default", "sealed-default"] {
        for damage in
            [|bytes: &[u8]| bytes[..bytes.len() / 2].to_vec(), |_: &[u8]| b"\0\xff garbage".to_vec()]
        {
            let record = logins.record_of(profile);
            let damaged = damage(&fs::read(&record).unwrap());
            fs::write(&record, &damaged).unwrap();
            let first = logins.program.run(&["token", "--profile", profile]);
            assert_eq!((first.code, first.stdout.as_str()), (Some(7), ""), "{first:?}");
            let (_, rest) = first.stderr.split_once("the record is damaged; it is kept as ").expect("why");
            let (kept_as, _) = rest.split_once(": sign in again, or restore a backup").expect("what to do");
            assert_eq!(fs::read(kept_as).unwrap(), damaged);
            // Again and again, and by whatever asks.
            logins.refused_by(&["token", "status", "token"], profile, 7, kept_as);

            // A person who signs in has it replaced, and the damaged copy stays until the logout.
            let login = logins.program.begin_login(&["--profile", profile]);
            logins.server.mock.approve(&login.user_code).unwrap();
            assert_eq!(login.finish().code, Some(0));
            assert_eq!(fs::read(kept_as).unwrap(), damaged);
            assert_eq!(logins.program.run(&["token", "--profile", profile]).code, Some(0));
        }
        let record = logins.record_of(profile);
        fs::write(&record, "x").unwrap();
        logins.logged_out(profile, &record);
        let left = contents(record.parent().unwrap());
        assert!(left.iter().all(|(path, _)| !path.to_string_lossy().contains("corrupt")), "{left:?}");
    }
}

#[test]
fn what_others_could_have_written_is_refused_by_every_command() {
    use std::os::unix::fs::PermissionsExt as _;

    let logins = Logins::new();
    for profile in ["default", "sealed-default"] {
        let record = logins.record_of(profile);
        fs::set_permissions(&record, fs::Permissions::from_mode(0o666)).unwrap();
        let words = format!("can be written by others (mode 0666): chmod go-rwx {}", record.display());
        logins.refused_by(&["token", "status", "login", "logout"], profile, 7, &words);
        fs::set_permissions(&record, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn a_profile_that_is_damaged_or_of_another_release_is_left_as_it_is() {
    let logins = Logins::new();
    let remembered = logins.state().join("logins/default.json");
    let whole = fs::read_to_string(&remembered).unwrap();
    let half = &whole[..whole.len() / 2];
    let later = whole.replacen("\"version\":1", "\"version\":2,\"later\":[]", 1);
    let damaged = "device-cli/logins/default.json is damaged (";
    for (bytes, words, commands) in [
        (half.as_bytes(), damaged, &["token", "status", "logout"][..]),
        (b"[]", damaged, &["token", "status", "logout"]),
        (b"\0\xff garbage", damaged, &["token", "status", "logout"]),
        (later.as_bytes(), "was written by another release", &["token", "status", "logout", "login"]),
    ] {
        fs::write(&remembered, bytes).unwrap();
        logins.refused_by(commands, "default", 7, words);
        let all = logins.program.run(&["status", "--all"]);
        assert_eq!(all.code, Some(7), "{all:?}");
        assert!(all.stdout.contains(words) && all.stdout.contains("Profile     other"), "{all:?}");
        let shown = logins.program.run(&["storage", "show"]);
        assert!(shown.code == Some(0) && shown.stdout.contains(words), "{shown:?}");
    }
    fs::write(&remembered, whole).unwrap();
    assert_eq!(logins.program.run(&["token"]).code, Some(0));
}

#[test]
fn a_login_takes_the_place_of_a_damaged_profile_which_is_kept() {
    let logins = Logins::new();
    let folder = logins.state().join("logins");
    let remembered = folder.join("default.json");
    for (number, damaged) in [(1, "{\"version\":1,\"settings\":"), (2, "")] {
        fs::write(&remembered, damaged).unwrap();
        let begun = ["--issuer", logins.server.mock.issuer(), "--client-id", "device", "--store", "file"];
        let login = logins.program.begin_login(&begun);
        assert_eq!(fs::read_to_string(&remembered).unwrap(), damaged, "nobody has signed in yet");
        logins.server.mock.approve(&login.user_code).unwrap();
        let finished = login.finish();
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let warning = "default.json is damaged (";
        assert!(
            finished.stderr.starts_with("warning: ") && finished.stderr.contains(warning),
            "{finished:?}"
        );
        let kept = folder.join(format!("default.json.corrupt-{number}"));
        assert_eq!(fs::read_to_string(kept).unwrap(), damaged);
        assert_eq!(logins.program.run(&["token"]).code, Some(0));
    }
    let profiles = logins.program.run(&["profile", "list"]);
    assert_eq!(profiles.stdout.lines().count(), 4, "what is put aside is no profile: {profiles:?}");
}
