//! A fault of TLS handshakes in the hands of a test: it lasts as long as its guard.

use std::fmt;

use crate::tenant::Tenant;

/// Something wrong with every TLS handshake, until this value is dropped.
#[must_use = "the fault ends at once when the guard is dropped"]
pub struct TlsFaultGuard {
    server: Tenant,
    change: u64,
    expected: Option<u64>,
}

impl TlsFaultGuard {
    pub(crate) const fn new(server: Tenant, change: u64) -> Self {
        Self { server, change, expected: None }
    }

    /// How many connections it struck so far.
    pub fn struck(&self) -> u64 {
        self.server.with(|server, _| server.tls_faults.struck)
    }

    /// Asserts, when the guard is dropped, that it struck exactly so many connections.
    pub fn expect(mut self, connections: u64) -> Self {
        self.expected = Some(connections);
        self
    }
}

impl fmt::Debug for TlsFaultGuard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TlsFaultGuard").field("struck", &self.struck()).finish_non_exhaustive()
    }
}

impl Drop for TlsFaultGuard {
    fn drop(&mut self) {
        // Another fault that came later, or a reset, has taken this one's place.
        let struck = self.server.with(|server, _| {
            let faults = &mut server.tls_faults;
            (faults.changes == self.change).then(|| {
                let struck = faults.struck;
                faults.set(None, None);
                struck
            })
        });
        if let (Some(expected), Some(struck)) = (self.expected, struck)
            && !std::thread::panicking()
        {
            assert_eq!(struck, expected, "the fault struck another number of connections than expected");
        }
    }
}
