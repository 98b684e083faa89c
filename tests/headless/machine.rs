//! A machine of one trial, as far as `device-cli` can see: its home, its variables, its mounts, its network.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use mock_server::{MockServer, MockServerBuilder};
use serde_json::Value;
use tempfile::TempDir;

use crate::device_cli::program;
use crate::json_lines::JsonLines;

/// Where system programs are.
pub(super) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) struct Machine {
    folder: TempDir,
    variables: Vec<(String, String)>,
    /// What `unshare` is told, beside `--mount`.
    namespaces: Vec<&'static str>,
    /// A script that runs in the namespaces before the program.
    preparation: String,
}

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// What `doctor --json` told.
#[derive(Debug)]
pub(super) struct Report(Value);

impl Machine {
    /// With an empty home, and nothing else in the environment.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("home")).expect("a home");
        let home = folder.path().join("home").display().to_string();
        Self {
            folder,
            variables: vec![("HOME".into(), home), ("PATH".into(), PATH.into())],
            namespaces: Vec::new(),
            preparation: String::new(),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("a file");
        path
    }

    /// A program of the machine that writes its arguments and its input down; gives the file that they go to.
    pub(super) fn fake_program(&self, name: &str) -> PathBuf {
        let (folder, noted) = (self.path("bin"), self.path(&format!("{name}.noted")));
        fs::create_dir_all(&folder).expect("a folder");
        let program = folder.join(name);
        let script = format!(
            "#!/bin/sh\n{{ printf '%s\\n' \"$@\"; cat; }} >{0}.new && mv {0}.new {0}\n",
            noted.display()
        );
        fs::write(&program, script).expect("a program");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
        noted
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.unset(name);
        self.variables.push((name.to_owned(), value.into()));
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.variables.retain(|(own, _)| own != name);
    }

    pub(super) fn prepared(mut self, script: impl AsRef<str>) -> Self {
        self.prepare(script);
        self
    }

    pub(super) fn prepare(&mut self, script: impl AsRef<str>) {
        self.preparation.push_str(script.as_ref());
        self.preparation.push('\n');
    }

    pub(super) fn unshared(mut self, namespace: &'static str) -> Self {
        self.namespaces.push(namespace);
        self
    }

    /// `path` of the machine is this file or directory of the trial.
    pub(super) fn mount(&mut self, source: &Path, path: &str) {
        self.prepare(format!("mount --bind {} {path}", source.display()));
    }

    pub(super) fn variables(&self) -> Vec<(&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The words that run a program on this machine.
    pub(super) fn words(&self, program: &Path, arguments: &[&str]) -> Vec<String> {
        // tmux gives what runs in it another PATH than it was told.
        let path =
            self.variables.iter().find(|(name, _)| name == "PATH").map_or(PATH, |(_, path)| path.as_str());
        let script = format!("set -eu\nexport PATH='{path}'\n{}exec \"$@\"", self.preparation);
        let mut words = vec!["unshare".to_owned(), "--mount".to_owned()];
        words.extend(self.namespaces.iter().map(|&namespace| namespace.to_owned()));
        words.extend(["--", "/bin/sh", "-c", &script, "sh"].map(str::to_owned));
        words.push(program.display().to_string());
        words.extend(arguments.iter().map(|&argument| argument.to_owned()));
        words
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let words = self.words(program(), arguments);
        let mut command = Command::new(format!("/usr/bin/{}", words[0]));
        command.args(&words[1..]).env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().expect("unshare starts"))
    }

    /// A login that waits for its person, its codes told already.
    pub(super) fn begin_login(&self, issuer: &str, more: &[&str]) -> (JsonLines, String) {
        let mut login = JsonLines::start(&mut self.command(&login_words(issuer, more)));
        let codes = login.receive_event("device_code_issued");
        (login, codes["user_code"].as_str().expect("a user code").to_owned())
    }

    /// Signs in, approved at once; the tokens are in plain files.
    pub(super) fn sign_in(&self, server: &MockServer, issuer: &str, more: &[&str]) {
        let (login, user_code) = self.begin_login(issuer, &[&["--store", "file"], more].concat());
        server.approve(&user_code).expect("it waits");
        let ended = login.end();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    }

    /// A login that comes to no codes; nothing may be asked of anybody.
    pub(super) fn fails_to_sign_in(&self, issuer: &str, more: &[&str]) -> Ended {
        let ended = self.run(&login_words(issuer, more));
        assert!(!ended.stdout.contains("device_code_issued"), "{ended:?}");
        ended
    }

    /// A token that works and a status that says so.
    #[track_caller]
    pub(super) fn has_a_login(&self) {
        let token = self.run(&["token"]);
        assert!(token.code == Some(0) && token.stdout.len() > 20, "{token:?}");
        let status = self.run(&["status"]);
        assert_eq!(status.code, Some(0), "{status:?}");
    }

    pub(super) fn doctor(&self, more: &[&str]) -> Report {
        let ended = self.run(&[&["doctor", "--json"], more].concat());
        let report: Value =
            serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        assert_eq!(ended.code, Some(i32::from(report["problems"] != 0)), "{ended:?}");
        Report(report)
    }
}

fn login_words<'a>(issuer: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let login = ["login", "--json", "--client-id", "device", "--issuer", issuer];
    [&login[..], &["--scope", "openid offline_access"], more].concat()
}

impl Report {
    /// Nothing is wrong but this one thing, or nothing at all.
    #[track_caller]
    pub(super) fn finds_no_problem_but(&self, checks: &[&str]) {
        let findings = self.0["findings"].as_array().expect("findings").iter();
        let problems: Vec<_> = findings.filter(|one| one["verdict"] == "problem").collect();
        let found: Vec<_> = problems.iter().map(|one| one["check"].as_str().expect("a check")).collect();
        assert_eq!(found, checks, "{problems:#?}");
    }

    /// This check says these words, and its mend those.
    #[track_caller]
    pub(super) fn says(&self, check: &str, verdict: &str, told: &str, mend: &str) {
        let finding = self.finding(check);
        let has = |member: &str, words: &str| finding[member].as_str().unwrap_or_default().contains(words);
        assert_eq!(finding["verdict"], verdict, "{finding}");
        assert!(has("finding", told) && has("mend", mend), "{finding}");
    }

    #[track_caller]
    pub(super) fn finding(&self, check: &str) -> &Value {
        let mut findings = self.0["findings"].as_array().expect("findings").iter();
        findings.find(|one| one["check"] == check).unwrap_or_else(|| panic!("{check}: {:#}", self.0))
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// With an interval of one second, the shortest there is.
pub(super) fn server() -> MockServerBuilder {
    MockServer::builder().interval(Duration::from_secs(1))
}
