//! A store that does all it does in one thread of its own, so that its system calls come in one order and with no others
//! among them.

use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::{fs, io, thread};

use oauth_token_store::{
    LockedRecord, StoreDescription, StoreError, StoreProblem, TokenKey, TokenRecord, TokenStore,
};

/// Something to do in the thread.
type Task = Box<dyn FnOnce() + Send>;

/// The store and the way to its thread.
#[derive(Clone, Debug)]
pub(crate) struct StoreThread {
    store: Arc<dyn TokenStore>,
    tasks: Sender<Task>,
}

/// A lock that was taken in the thread; `None` once it has gone back there.
#[derive(Debug)]
struct LockedInThread {
    locked: Option<Box<dyn LockedRecord>>,
    thread: StoreThread,
}

impl StoreThread {
    /// Starts the thread; also gives its id, as strace knows it.
    pub(crate) fn start(store: Box<dyn TokenStore>) -> io::Result<(Self, u32)> {
        let (tasks, incoming) = mpsc::channel::<Task>();
        let (sender, id) = mpsc::channel();
        thread::Builder::new().name("store".to_owned()).spawn(move || {
            // "PROCESS/task/THREAD"
            let link = fs::read_link("/proc/thread-self").unwrap_or_default();
            let id = link.file_name().and_then(|id| id.to_str()?.parse().ok()).unwrap_or_default();
            let _ = sender.send(id);
            for task in incoming {
                task();
            }
        })?;
        Ok((Self { store: store.into(), tasks }, id.recv().unwrap_or_default()))
    }

    /// Does something with the store in the thread.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce(&dyn TokenStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, result) = mpsc::channel();
        let store = Arc::clone(&self.store);
        let task = move || {
            let _ = sender.send(task(&*store));
        };
        let is_sent = self.tasks.send(Box::new(task)).is_ok();
        let lost = || {
            let problem =
                StoreProblem::Io { operation: "ask the store", source: io::ErrorKind::Other.into() };
            StoreError::new("thread", None, problem)
        };
        if is_sent { result.recv().unwrap_or_else(|_| Err(lost())) } else { Err(lost()) }
    }
}

impl TokenStore for StoreThread {
    fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        let key = key.clone();
        self.run(move |store| store.load(&key))
    }

    fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        let key = key.clone();
        let locked = self.run(move |store| store.lock(&key))?;
        Ok(Box::new(LockedInThread { locked: Some(locked), thread: self.clone() }))
    }

    fn lock_name(&self, key: &TokenKey) -> String {
        self.store.lock_name(key)
    }

    fn prepare(&self) -> Result<(), StoreError> {
        self.run(|store| store.prepare())
    }

    fn rescue(&self, record: &TokenRecord, cause: StoreError) -> StoreError {
        let record = record.clone();
        self.run(move |store| Ok(store.rescue(&record, cause))).unwrap_or_else(|lost| lost)
    }

    fn describe(&self) -> StoreDescription {
        self.store.describe()
    }
}

impl LockedInThread {
    fn run<T: Send + 'static>(
        &mut self,
        task: impl FnOnce(&mut dyn LockedRecord) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(mut locked) = self.locked.take() else {
            return self
                .thread
                .run(|store| Err(StoreError::new(store.describe().name, None, StoreProblem::OtherKey)));
        };
        let (locked, result) = self.thread.run(move |_| {
            let result = task(&mut *locked);
            Ok((locked, result))
        })?;
        self.locked = Some(locked);
        result
    }
}

impl LockedRecord for LockedInThread {
    fn load(&mut self) -> Result<Option<TokenRecord>, StoreError> {
        self.run(|locked| locked.load())
    }

    fn reserve(&mut self, in_doubt: &TokenRecord) -> Result<(), StoreError> {
        let in_doubt = in_doubt.clone();
        self.run(move |locked| locked.reserve(&in_doubt))
    }

    fn save(&mut self, record: &TokenRecord) -> Result<(), StoreError> {
        let record = record.clone();
        self.run(move |locked| locked.save(&record))
    }

    fn rescue(&mut self, record: &TokenRecord, cause: StoreError) -> StoreError {
        let record = record.clone();
        self.run(move |locked| Ok(locked.rescue(&record, cause))).unwrap_or_else(|lost| lost)
    }

    fn delete(&mut self) -> Result<bool, StoreError> {
        self.run(|locked| locked.delete())
    }
}

/// Unlocking is system calls too.
impl Drop for LockedInThread {
    fn drop(&mut self) {
        if let Some(locked) = self.locked.take() {
            let _ = self.thread.run(move |_| {
                drop(locked);
                Ok(())
            });
        }
    }
}
