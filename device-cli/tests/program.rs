//! The binary as a script runs it, in an environment of its own, and the server that it signs in to.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use mock_server::MockServer;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How long anything may take on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(90);

/// An environment without anything but an empty home.
pub(crate) struct Program {
    home: TempDir,
}

/// What the binary left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A `login --json` that waits for its person.
pub(crate) struct WaitingLogin {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    first_line: String,
    pub(crate) first_event: Value,
    /// Of a device login.
    pub(crate) user_code: String,
}

/// The mock server with the threads that it runs on.
pub(crate) struct Server {
    pub(crate) mock: MockServer,
    pub(crate) runtime: Runtime,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a temporary directory") }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_device-cli"));
        command.env_clear().env("HOME", self.home()).args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        Finished::of(&mut self.command(arguments))
    }

    /// Starts a login and reads its codes.
    pub(crate) fn begin_login(&self, arguments: &[&str]) -> WaitingLogin {
        Self::begin(&mut self.command(&[&["login", "--json"], arguments].concat()))
    }

    /// Starts a `login --json` in whatever surroundings, and reads its first event.
    pub(crate) fn begin(login: &mut Command) -> WaitingLogin {
        let mut child = login.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut first_line = String::new();
        stdout.read_line(&mut first_line).expect("UTF-8");
        let Ok(first_event) = serde_json::from_str::<Value>(&first_line) else {
            let mut stderr = String::new();
            let _ = child.stderr.take().expect("piped").read_to_string(&mut stderr);
            panic!("no codes came: {first_line}{stderr}");
        };
        let user_code = first_event["user_code"].as_str().unwrap_or_default().to_owned();
        WaitingLogin { child, stdout, first_line, first_event, user_code }
    }

    /// Signs in at `server`, approved at once; the tokens are in plain files.
    pub(crate) fn signed_in(&self, server: &Server, scope: &str) -> Finished {
        self.signed_in_with(server, &["--store", "file", "--scope", scope])
    }

    /// The same with other flags.
    pub(crate) fn signed_in_with(&self, server: &Server, more: &[&str]) -> Finished {
        let at = ["--issuer", server.mock.issuer(), "--client-id", "device"];
        let login = self.begin_login(&[&at[..], more].concat());
        server.mock.approve(&login.user_code).expect("it is pending");
        let finished = login.finish();
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished
    }
}

impl WaitingLogin {
    pub(crate) fn process_id(&self) -> String {
        self.child.id().to_string()
    }

    pub(crate) fn finish(mut self) -> Finished {
        let (mut stdout, mut stderr) = (self.first_line, String::new());
        self.stdout.read_to_string(&mut stdout).expect("UTF-8");
        self.child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
        let status = self.child.wait().expect("it ends");
        Finished { code: status.code(), stdout, stderr }
    }
}

impl Finished {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().expect("the binary runs"))
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Finished {
    /// Standard output as one JSON object a line.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
    }

    pub(crate) fn event_names(&self) -> Vec<String> {
        let name = |event: &Value| event["event"].as_str().expect("every event has a name").to_owned();
        self.events().iter().map(name).collect()
    }
}

impl Server {
    /// With an interval of one second, the shortest there is.
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let builder = MockServer::builder().interval(std::time::Duration::from_secs(1));
        let mock = runtime.block_on(builder.start()).expect("a port");
        Self { mock, runtime }
    }

    /// Approves the next login, as soon as there is one.
    pub(crate) fn approve_the_next(&self) {
        let start = std::time::Instant::now();
        loop {
            if let Some(device) = self.mock.pending().pop() {
                return self.mock.approve(&device.user_code).expect("it is pending");
            }
            assert!(start.elapsed() < PATIENCE, "no login came");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// How many requests of this grant the token endpoint saw.
    pub(crate) fn count_of_grant(&self, grant_type: &str) -> usize {
        let requests = self.mock.requests();
        requests.iter().filter(|request| request.grant_type.as_deref() == Some(grant_type)).count()
    }

    /// How many requests came for this path.
    pub(crate) fn count_of_path(&self, path: &str) -> usize {
        self.mock.requests().iter().filter(|request| request.path == path).count()
    }
}

/// Whatever a test is about, the program breaks no rule of the RFCs on the way.
impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.mock.assert_clean();
        }
    }
}
