//! A Redis server of a trial's own, in an empty directory.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::place::Place;

/// Each write is on the disk before it is answered.
const DURABLE: [&str; 6] = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];

/// A running server. Dropping it kills it.
pub(super) struct RedisServer {
    directory: PathBuf,
    child: Child,
}

impl RedisServer {
    pub(super) fn start(place: &Place) -> Self {
        let directory = place.path("redis");
        fs::create_dir(&directory).expect("a directory");
        let child = launch(&directory);
        Self { directory, child }
    }

    /// As a worker takes it.
    pub(super) fn store(&self) -> String {
        format!("redis:unix://{}", self.directory.join("socket").display())
    }

    /// How many clients wait for something, such as a lock.
    pub(super) fn waiting_clients(&self) -> usize {
        let mut stream = UnixStream::connect(self.directory.join("socket")).expect("it listens");
        stream.write_all(b"INFO clients\r\nQUIT\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let number = answer.lines().find_map(|line| line.strip_prefix("blocked_clients:"));
        number.and_then(|number| number.trim().parse().ok()).expect("a number of clients")
    }

    /// kill -9.
    pub(super) fn stop(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }

    pub(super) fn start_again(&mut self) {
        self.child = launch(&self.directory);
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns when it answers.
fn launch(directory: &PathBuf) -> Child {
    let socket = directory.join("socket");
    // One that was killed leaves it behind.
    let _ = fs::remove_file(&socket);
    let child = Command::new("redis-server")
        .args(["--port", "0", "--unixsocket"])
        .arg(&socket)
        .arg("--dir")
        .arg(directory)
        .args(DURABLE)
        .stdin(Stdio::null())
        .stdout(File::create(directory.join("log")).expect("a file"))
        .spawn()
        .expect("redis-server starts");
    let deadline = Instant::now() + Duration::from_secs(30);
    let is_up = || {
        let mut stream = UnixStream::connect(&socket).ok()?;
        stream.write_all(b"PING\r\n").ok()?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).ok()?;
        (&answer == b"+PONG").then_some(())
    };
    while is_up().is_none() {
        assert!(Instant::now() < deadline, "Redis does not answer");
        thread::sleep(Duration::from_millis(2));
    }
    child
}
