//! A program that talks in lines of JSON.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

/// Longer than anything here takes, also on a busy machine; only a hang comes to its end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A running program. Dropping it ends the program.
pub(crate) struct JsonLines {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
}

/// How a program ended, and all that it still printed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) events: Vec<Value>,
}

impl JsonLines {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (sender, stdout) = channel();
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut pipe = child.stderr.take().expect("a pipe");
        let stderr = thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        Self { stdin: child.stdin.take(), child, stdout, stderr: Some(stderr) }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a line, be it JSON or not.
    pub(crate) fn send(&mut self, message: impl std::fmt::Display) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        writeln!(stdin, "{message}").expect("the program reads its stdin");
    }

    /// The next line, read as JSON.
    pub(crate) fn receive(&mut self) -> Value {
        self.receive_unless_ended().unwrap_or_else(|| {
            let stderr = self.kill();
            panic!("the program ended; on stderr: {stderr}")
        })
    }

    /// The next line, read as JSON; `None` where the program ends instead.
    pub(crate) fn receive_unless_ended(&mut self) -> Option<Value> {
        match self.stdout.recv_timeout(PATIENCE) {
            Ok(line) => Some(parse(&line)),
            Err(RecvTimeoutError::Timeout) => {
                let stderr = self.kill();
                panic!("nothing for {PATIENCE:?}; on stderr: {stderr}")
            }
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Whether nothing comes for so long; what comes is lost.
    pub(crate) fn is_silent_for(&mut self, duration: Duration) -> bool {
        matches!(self.stdout.recv_timeout(duration), Err(RecvTimeoutError::Timeout))
    }

    /// Reads on until a line with this `event`.
    pub(crate) fn receive_event(&mut self, event: &str) -> Value {
        loop {
            let line = self.receive();
            if line["event"] == event {
                return line;
            }
            assert_ne!(line["event"], "failed", "{line}");
        }
    }

    /// Closes the program's stdin and waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        self.stdin = None;
        let mut events = Vec::new();
        loop {
            match self.stdout.recv_timeout(PATIENCE) {
                Ok(line) => events.push(parse(&line)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let stderr = self.kill();
                    panic!("no end for {PATIENCE:?} after {events:?}; on stderr: {stderr}")
                }
            }
        }
        Ended { status: self.child.wait().expect("the program ends"), events }
    }

    /// Closes the program's stdin and gives it time to tidy up.
    pub(crate) fn finish(&mut self) {
        const TIDYING_UP: Duration = Duration::from_secs(20);
        self.stdin = None;
        while self.stdout.recv_timeout(TIDYING_UP).is_ok() {}
    }

    fn kill(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.stderr()
    }

    fn stderr(&mut self) -> String {
        self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for JsonLines {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
}
