//! Commands that the server did not hear, sent again in the background: nobody waits for their answers.
#![allow(clippy::disallowed_methods, reason = "waiting for a server to come back takes real time")]

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::server::Server;

const PAUSE: Duration = Duration::from_millis(100);
/// A server that is gone for long is asked for locks only so often.
const MOST: usize = 64;

#[derive(Default)]
pub(super) struct LateCommands(Mutex<State>);

#[derive(Default)]
struct State {
    commands: Vec<LateCommand>,
    is_thread_running: bool,
}

/// It holds no secret.
struct LateCommand {
    arguments: Vec<Vec<u8>>,
    /// After that it means nothing any more.
    until: Instant,
}

impl LateCommands {
    /// Sends this command to `server` until it was heard, or it means nothing any more, or there are too many.
    pub(super) fn add(server: &Arc<Server>, arguments: Vec<Vec<u8>>, until: Instant) {
        let mut state = server.late_commands().state();
        if state.commands.len() >= MOST {
            return;
        }
        state.commands.push(LateCommand { arguments, until });
        if !state.is_thread_running {
            let server = Arc::clone(server);
            let thread = thread::Builder::new().name("redis, late".to_owned());
            state.is_thread_running = thread.spawn(move || send_all(&server)).is_ok();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn send_all(server: &Server) {
    loop {
        thread::sleep(PAUSE);
        let mut commands = mem::take(&mut server.late_commands().state().commands);
        commands.retain(|command| Instant::now() < command.until);
        // The first that is not heard stands for those behind it.
        let unheard = commands.iter().position(|command| {
            let arguments: Vec<_> = command.arguments.iter().map(Vec::as_slice).collect();
            server.ask(&arguments).is_err()
        });
        commands.drain(..unheard.unwrap_or(commands.len()));
        let mut state = server.late_commands().state();
        state.commands.append(&mut commands);
        if state.commands.is_empty() {
            state.is_thread_running = false;
            return;
        }
    }
}
