//! strace at the store of a worker: which system calls it makes, and what happens at one of them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use super::place::Place;
use super::worker::{Answer, Arguments, Worker};

/// A system call of a store: its name, and which of its calls of that name it is, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    name: String,
    number: u32,
}

/// What happens at a call.
#[derive(Clone, Copy)]
pub(super) enum Injection {
    Kill,
    /// The call does nothing and says this.
    Error(&'static str),
    /// So does every further call of the same name.
    ErrorFromHereOn(&'static str),
}

/// strace at the thread of a worker's store.
struct Strace {
    process: Child,
    /// Kept open: it says more at its end.
    _said: BufReader<ChildStderr>,
    log: PathBuf,
}

impl fmt::Display for Injection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill => formatter.write_str("kill -9"),
            Self::Error(error) => formatter.write_str(error),
            Self::ErrorFromHereOn(error) => write!(formatter, "{error} from then on"),
        }
    }
}

/// Runs a command that nobody disturbs and lists the calls of its store.
pub(super) fn calls_of(command: &str, place: &Place, arguments: &Arguments) -> Vec<Call> {
    let mut worker = arguments.start();
    let strace = Strace::attach(&worker, place, &["--trace=%file,%desc"]);
    let answer = worker.ask(command);
    assert!(["token", "record", "done"].contains(&answer.outcome()), "{answer:?}");
    assert!(worker.end().status.success());
    let log = strace.log();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut calls = Vec::new();
    for (name, _) in log.lines().filter_map(|line| line.split_once('(')) {
        let number = counts.entry(name).or_default();
        *number += 1;
        calls.push(Call { name: name.to_owned(), number: *number });
    }
    assert!(calls.len() > 20, "only {} calls of the store: {log}", calls.len());
    calls
}

/// Runs a command and lets something happen at a call of its store; what it answered, unless it was killed.
pub(super) fn run(
    command: &str,
    injection: Injection,
    call: &Call,
    place: &Place,
    arguments: &Arguments,
) -> Option<Answer> {
    let Call { name, number } = call;
    let what = match injection {
        Injection::Kill => format!("--inject={name}:signal=SIGKILL:when={number}"),
        Injection::Error(error) => format!("--inject={name}:error={error}:when={number}"),
        Injection::ErrorFromHereOn(error) => format!("--inject={name}:error={error}:when={number}+"),
    };
    let mut worker = arguments.start();
    let strace = Strace::attach(&worker, place, &[&what, &format!("--trace={name}")]);
    worker.tell(command);
    let answer = worker.try_answer();
    worker.end();
    let log = strace.log();
    let has_struck = match injection {
        Injection::Kill => answer.is_none(),
        Injection::Error(_) | Injection::ErrorFromHereOn(_) => log.contains("(INJECTED)"),
    };
    assert!(has_struck, "{call:?} did not come this time: {log}");
    answer
}

impl Strace {
    /// Returns once it is there: what it counts begins with the next system call.
    fn attach(worker: &Worker, place: &Place, options: &[&str]) -> Self {
        let log = place.path("strace.log");
        let mut process = Command::new("strace")
            .arg(format!("--output={}", log.display()))
            .arg(format!("--attach={}", worker.store_thread()))
            .args(options)
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace starts");
        let mut said = BufReader::new(process.stderr.take().expect("a pipe"));
        let mut line = String::new();
        said.read_line(&mut line).expect("strace says that it is there");
        assert!(line.contains("attached"), "may this user trace processes? {line}");
        Self { process, _said: said, log }
    }

    /// What it wrote until the worker's end.
    fn log(mut self) -> String {
        self.process.wait().expect("it is ours");
        fs::read_to_string(&self.log).expect("strace writes it")
    }
}
