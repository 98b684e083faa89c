//! Records in this process's memory, for agents and tests.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::record_file::LOCK_TIMEOUT;
use crate::store::check_replacement;
use crate::{LockedRecord, StoreDescription, StoreError, StoreProblem, TokenKey, TokenRecord, TokenStore};

const NAME: &str = "memory";

/// Records that end with the process. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    unlocked: Condvar,
}

#[derive(Default)]
struct State {
    records: HashMap<TokenKey, TokenRecord>,
    locked: HashSet<TokenKey>,
}

struct Lock {
    shared: Arc<Shared>,
    key: TokenKey,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock_within(&self, key: &TokenKey, timeout: Duration) -> Result<Lock, StoreError> {
        let state = self.shared.state();
        let (mut state, waited) = self
            .shared
            .unlocked
            .wait_timeout_while(state, timeout, |state| state.locked.contains(key))
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(StoreError::new(NAME, None, StoreProblem::LockTimeout { waited: timeout }));
        }
        state.locked.insert(key.clone());
        Ok(Lock { shared: Arc::clone(&self.shared), key: key.clone() })
    }
}

impl TokenStore for MemoryStore {
    fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        Ok(self.shared.state().records.get(key).cloned())
    }

    fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        Ok(Box::new(self.lock_within(key, LOCK_TIMEOUT)?))
    }

    fn lock_name(&self, key: &TokenKey) -> String {
        format!("memory {:p} {}", Arc::as_ptr(&self.shared), key.file_stem())
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription { name: NAME, encrypted_at_rest: false, survives_reboot: false, location: None }
    }
}

impl LockedRecord for Lock {
    fn load(&mut self) -> Result<Option<TokenRecord>, StoreError> {
        Ok(self.shared.state().records.get(&self.key).cloned())
    }

    fn reserve(&mut self, in_doubt: &TokenRecord) -> Result<(), StoreError> {
        self.save(in_doubt)
    }

    fn save(&mut self, record: &TokenRecord) -> Result<(), StoreError> {
        let mut state = self.shared.state();
        check_replacement(&self.key, state.records.get(&self.key), record)
            .map_err(|problem| StoreError::new(NAME, None, problem))?;
        state.records.insert(self.key.clone(), record.clone());
        Ok(())
    }

    fn delete(&mut self) -> Result<bool, StoreError> {
        Ok(self.shared.state().records.remove(&self.key).is_some())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.shared.state().locked.remove(&self.key);
        self.shared.unlocked.notify_all();
    }
}

impl Shared {
    /// Each change of the state is one call, so a panic elsewhere leaves it whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryStoreLock").field("key", &self.key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, MemoryStore, StoreProblem, TokenKey};

    #[test]
    fn a_lock_that_is_held_is_waited_for_in_vain_and_is_free_once_dropped() {
        let store = MemoryStore::new();
        let key = TokenKey::new("https://auth.example.com", "device", "me");
        let held = store.lock_within(&key, Duration::ZERO).unwrap();
        let refused = store.lock_within(&key, Duration::from_millis(1)).unwrap_err();
        assert!(matches!(refused.problem(), StoreProblem::LockTimeout { .. }), "{refused}");
        drop(held);
        assert!(store.lock_within(&key, Duration::ZERO).is_ok());
    }
}
