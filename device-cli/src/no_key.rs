//! What stands for a key that cannot be had here.

use std::path::Path;

use oauth_client::token_store::{KeySource, SealingKey, StoreError, StoreProblem};

/// A key that is out of reach: what is sealed stays sealed, and can be described and erased all the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoKey {
    /// The store's name as it is with the key.
    pub(crate) store: &'static str,
    pub(crate) cause: &'static str,
    pub(crate) next_step: &'static str,
}

impl NoKey {
    fn error(self) -> StoreError {
        let problem = StoreProblem::KeyUnavailable { source: self.cause.into(), next_step: self.next_step };
        StoreError::new(self.store, None, problem)
    }
}

impl KeySource for NoKey {
    fn store(&self) -> &'static str {
        self.store
    }

    fn find(&self, _directory: &Path) -> Result<Option<SealingKey>, StoreError> {
        Err(self.error())
    }

    fn make(&self, _directory: &Path) -> Result<SealingKey, StoreError> {
        Err(self.error())
    }

    fn missing(&self, _directory: &Path) -> StoreError {
        self.error()
    }
}
