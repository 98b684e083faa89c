//! Sixteen processes in need of a token, and a server that does not answer: one attempt for all, and nobody waits for
//! another after it.

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::authorization_server::{AuthorizationServer, LIFE};
use super::figures::{is_long, note};
use super::place::Place;
use super::worker::{Answer, Arguments, Worker};

const WAITERS: usize = 16;

/// Takes connections and never answers; it closes them after a while.
struct Mute {
    url: String,
    attempts: Arc<AtomicU32>,
}

#[test]
fn a_server_that_never_answers_is_waited_for_once() {
    // In the long form the client gives up first, after the 30 seconds that a refresh may take.
    let (patience, attempt) = if is_long() { (60, 30) } else { (2, 2) };
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let mute = Mute::start(Duration::from_secs(patience));
    let arguments = Arguments::new(place.store("plain"), &server, &place);
    let down = arguments.clone().with_token_endpoint(mute.url.clone());
    let mut workers: Vec<Worker> = (0..WAITERS).map(|_| down.start()).collect();
    assert_eq!(workers[0].ask(&format!("sign-in {}", server.sign_in())).outcome(), "record");

    server.advance(&place, LIFE * 19 / 20);
    let (answers, waited) = all_ask(&mut workers);
    assert_eq!(mute.attempts(), 1, "one of them tries, and the others see that it failed: {answers:?}");
    assert!(answers.iter().all(|answer| answer.outcome() == "token"), "the old token lives: {answers:?}");
    assert!(answers.iter().all(|answer| answer.warning().is_some()), "and they are told: {answers:?}");
    assert_waited_for_one(waited, attempt);

    server.expire(&place);
    let (answers, waited) = all_ask(&mut workers);
    assert_eq!(mute.attempts(), 2, "{answers:?}");
    let count = |outcome| answers.iter().filter(|answer| answer.outcome() == outcome).count();
    assert_eq!((count("refresh failed"), count("postponed")), (1, WAITERS - 1), "{answers:?}");
    assert!(answers.iter().all(|answer| answer.message().contains("the login is kept")), "{answers:?}");
    assert_waited_for_one(waited, attempt);

    server.expire(&place);
    let back = arguments.start().ask("call");
    assert!(back.is_served() && back.generation() == Some(2), "the server is back: {back:?}");
    let told = format!(
        "1 attempt for all, of {attempt} s; the slowest answer came after {:.1} s",
        waited.as_secs_f64()
    );
    note(&format!("{WAITERS} waiters, no answer from the server"), &told);
}

impl Mute {
    fn start(patience: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/token", listener.local_addr().expect("it is bound"));
        let attempts = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&attempts);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.expect("a connection");
                counter.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    connection.set_read_timeout(Some(patience)).expect("a timeout");
                    // Ends when nothing more has come for so long, or with the client.
                    while connection.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {}
                });
            }
        });
        Self { url, attempts }
    }

    fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::SeqCst)
    }
}

/// All at the same time: what they answered, and how long the slowest took.
fn all_ask(workers: &mut [Worker]) -> (Vec<Answer>, Duration) {
    let started = Instant::now();
    for worker in workers.iter_mut() {
        worker.tell("access-token");
    }
    (workers.iter_mut().map(Worker::answer).collect(), started.elapsed())
}

/// Sixteen in a line would take sixteen times as long; a busy machine is left some time.
fn assert_waited_for_one(waited: Duration, attempt: u64) {
    let bound = Duration::from_secs(attempt + 8);
    assert!(waited < bound, "the slowest waited {waited:?}");
}
