//! A Redis server of a test's own, in an empty directory, gone with the test.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Client, Connection, FromRedisValue};
use tempfile::TempDir;

use crate::example_login::key;
use crate::place::STEM;

/// Longer than anything here takes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Redis {
    directory: TempDir,
    settings: Vec<String>,
    child: Mutex<Option<Child>>,
}

impl Redis {
    /// Keeps nothing on the disk.
    pub(crate) fn new() -> Self {
        Self::with(&["--save", "", "--appendonly", "no"])
    }

    /// Each write is on the disk before it is answered.
    pub(crate) fn on_disk() -> Self {
        Self::with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    pub(crate) fn with(settings: &[&str]) -> Self {
        let redis = Self {
            directory: TempDir::new().unwrap(),
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            child: Mutex::default(),
        };
        redis.start();
        redis
    }

    /// A cluster of two: a script of whose keys not all lie in one slot is refused.
    pub(crate) fn cluster() -> [Self; 2] {
        let nodes = [["0", "8191"], ["8192", "16383"]].map(|[from, to]| {
            let [port, bus] = [free_port(), free_port()].map(|port| port.to_string());
            let node = Self::with(&["--port", &port, "--cluster-enabled", "yes", "--cluster-port", &bus]);
            node.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", from, to]);
            (node, port, bus)
        });
        let [(first, ..), (second, port, bus)] = &nodes;
        first.ask::<()>(&["CLUSTER", "MEET", "127.0.0.1", port, bus]);
        for node in [first, second] {
            wait_until("the cluster is up", || {
                let info = node.ask::<String>(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_size:2")
            });
        }
        nodes.map(|(node, ..)| node)
    }

    pub(crate) fn start(&self) {
        let child = Command::new("redis-server")
            .args(["--port", "0", "--unixsocket"])
            .arg(self.socket())
            .arg("--dir")
            .arg(self.directory())
            .args(&self.settings)
            .stdin(Stdio::null())
            .stdout(File::create(self.directory().join("log")).unwrap())
            .spawn()
            .unwrap();
        *self.child() = Some(child);
        // One with a password answers too.
        wait_until("Redis answers", || match self.try_connection() {
            Ok(mut connection) => match redis::cmd("PING").query::<String>(&mut connection) {
                Ok(_) => true,
                Err(error) => error.code() == Some("NOAUTH"),
            },
            Err(_) => false,
        });
    }

    pub(crate) fn stop(&self) {
        if let Some(mut child) = self.child().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        // Killed, it leaves it behind.
        fs::remove_file(self.socket()).unwrap();
    }

    /// Stops its execution, as a debugger does; with `false` it goes on.
    pub(crate) fn freeze(&self, is_frozen: bool) {
        let pid = self.child().as_ref().unwrap().id().to_string();
        let signal = if is_frozen { "-STOP" } else { "-CONT" };
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory().join("socket")
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// The answer to a command that a person types.
    pub(crate) fn ask<T: FromRedisValue>(&self, command: &[&str]) -> T {
        let mut connection = self.try_connection().unwrap();
        redis::cmd(command[0]).arg(&command[1..]).query(&mut connection).unwrap()
    }

    pub(crate) fn set(&self, name: &str, bytes: &[u8]) {
        let mut connection = self.try_connection().unwrap();
        redis::cmd("SET").arg(name).arg(bytes).exec(&mut connection).unwrap();
    }

    pub(crate) fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.ask(&["GET", name])
    }

    /// All names, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.ask(&["KEYS", "*"]);
        names.sort();
        names
    }

    fn try_connection(&self) -> redis::RedisResult<Connection> {
        Client::open(self.url())?.get_connection_with_timeout(Duration::from_secs(5))
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut child) = self.child().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The name of the example's record in a store of the application "test".
pub(crate) fn record_name() -> String {
    assert_eq!(key().account, "me");
    format!("test:{{{STEM}}}")
}

#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < DEADLINE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
