//! Ctrl-C and SIGTERM: the first ends a login in order, the second ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit_code::ExitCode;

/// Waits for a signal that asks the process to end.
pub(crate) struct Interruption {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    second_exits: Arc<AtomicBool>,
}

impl Interruption {
    /// From here on the process decides itself what the signals mean.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use tokio::signal::unix::{SignalKind, signal};
        let second_exits = Arc::new(AtomicBool::new(false));
        for (number, code) in [(SIGINT, ExitCode::Interrupted), (SIGTERM, ExitCode::Terminated)] {
            signal_hook::flag::register_conditional_shutdown(number, code as i32, Arc::clone(&second_exits))?;
        }
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            second_exits,
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { second_exits: Arc::new(AtomicBool::new(false)) })
    }

    /// The exit code that the signal asks for.
    pub(crate) async fn next(&mut self) -> ExitCode {
        #[cfg(unix)]
        let code = tokio::select! {
            _ = self.interrupt.recv() => ExitCode::Interrupted,
            _ = self.terminate.recv() => ExitCode::Terminated,
        };
        #[cfg(not(unix))]
        let code = match tokio::signal::ctrl_c().await {
            Ok(()) => ExitCode::Interrupted,
            Err(_) => std::future::pending().await,
        };
        self.happened();
        code
    }

    /// The first one came, as a signal or as a key: the next ends the process at once.
    pub(crate) fn happened(&self) {
        self.second_exits.store(true, Ordering::Relaxed);
    }
}
