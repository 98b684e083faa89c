//! A device login in the hands of a test: wait for it, then decide in the person's place.

use std::time::Duration;

use crate::decisions::{ControlError, PendingDevice};
use crate::tenant::Tenant;

/// Longer than any device under test takes to ask for its code.
const PATIENCE: Duration = Duration::from_secs(30);

/// The device logins of a server.
#[derive(Clone, Debug)]
pub struct Devices {
    tenant: Tenant,
    client_id: Option<String>,
}

impl Devices {
    pub(crate) fn of(tenant: Tenant) -> Self {
        Self { tenant, client_id: None }
    }

    /// Only those that this client asked for.
    #[must_use]
    pub fn of_client(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// The oldest login that waits for a person; where none does, waits for one.
    ///
    /// # Panics
    ///
    /// After 30 seconds of real time without one, with what clients asked for instead.
    pub async fn next(&self) -> Device {
        let mut changes = self.tenant.changes();
        let waiting = async {
            loop {
                changes.borrow_and_update();
                if let Some(device) = self.oldest() {
                    return Some(device);
                }
                changes.changed().await.ok()?;
            }
        };
        let device = tokio::time::timeout(PATIENCE, waiting).await.ok().flatten();
        device.unwrap_or_else(|| self.give_up())
    }

    /// The same for a test without a runtime: blocks the thread.
    ///
    /// # Panics
    ///
    /// As [`next`](Self::next) does, and inside an asynchronous task, which has to use that one.
    pub fn wait_for_next(&self) -> Device {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.next()),
            Err(error) => panic!("no runtime to wait in: {error}"),
        }
    }

    fn oldest(&self) -> Option<Device> {
        let wanted =
            |device: &PendingDevice| self.client_id.as_ref().is_none_or(|id| *id == device.client_id);
        let login = self.tenant.pending().into_iter().find(wanted)?;
        Some(Device { tenant: self.tenant.clone(), login })
    }

    fn give_up(&self) -> ! {
        let requests: Vec<String> = self.tenant.requests().iter().map(ToString::to_string).collect();
        panic!("no device login came within {PATIENCE:?}; requests so far:\n{}", requests.join("\n"));
    }
}

/// A device login that waited for a person when it was found.
#[derive(Clone, Debug)]
pub struct Device {
    tenant: Tenant,
    login: PendingDevice,
}

impl Device {
    /// The code as the device shows it.
    pub fn user_code(&self) -> &str {
        &self.login.user_code
    }

    /// The client that asked.
    pub fn client_id(&self) -> &str {
        &self.login.client_id
    }

    /// The scope that it asked for, tokens separated by spaces.
    pub fn scope(&self) -> &str {
        &self.login.scope
    }

    /// Approves it in the place of the user with this subject.
    pub fn approve(&self, user: &str) -> Result<(), ControlError> {
        self.tenant.approve_as(self.user_code(), user)
    }

    /// Denies it.
    pub fn deny(&self) -> Result<(), ControlError> {
        self.tenant.deny(self.user_code())
    }

    /// Answers its next poll with `slow_down`.
    pub fn slow_down(&self) -> Result<(), ControlError> {
        self.tenant.slow_down(self.user_code())
    }

    /// Lets its code expire now.
    pub fn expire(&self) -> Result<(), ControlError> {
        self.tenant.expire(self.user_code())
    }
}
