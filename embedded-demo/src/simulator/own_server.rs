//! The mock server inside this process, for a run without any set-up.

use std::io;
use std::ops::Deref;

use mock_server::{MockServer, MockServerBuilder};
use tokio::runtime::{Builder, Runtime};

/// It serves until it is dropped.
pub(crate) struct OwnServer {
    server: MockServer,
    /// Goes last: the server's tasks run on it.
    runtime: Runtime,
}

impl OwnServer {
    pub(crate) fn start(builder: MockServerBuilder) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let server = runtime.block_on(builder.start())?;
        Ok(Self { server, runtime })
    }

    /// Nobody listens any more, as if it had died.
    pub(crate) fn go_away(&self) {
        self.runtime.block_on(self.server.pause_listening());
    }

    /// It is there again, with all that it knew.
    pub(crate) fn come_back(&self) -> io::Result<()> {
        self.runtime.block_on(self.server.resume_listening())
    }
}

impl Deref for OwnServer {
    type Target = MockServer;

    fn deref(&self) -> &MockServer {
        &self.server
    }
}
