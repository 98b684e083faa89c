//! The mock server inside this process, for a run without any set-up.

use std::io;
use std::time::Duration;

use mock_server::MockServer;
use tokio::runtime::{Builder, Runtime};

/// A server that approves by itself after the second poll.
pub(crate) struct OwnServer {
    server: MockServer,
    /// Goes last: the server's tasks run on it.
    _runtime: Runtime,
}

impl OwnServer {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let builder = MockServer::builder().interval(Duration::from_secs(1)).auto_approve(true);
        let server = runtime.block_on(builder.start())?;
        Ok(Self { server, _runtime: runtime })
    }

    pub(crate) fn issuer(&self) -> &str {
        self.server.issuer()
    }
}
