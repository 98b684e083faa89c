//! Records in a Redis server, for a service that runs on several machines.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::record_file::LOCK_TIMEOUT;
use crate::record_files::Unreadable;
use crate::{LockedRecord, StoreDescription, StoreError, StoreProblem, TokenKey, TokenRecord, TokenStore};
#[cfg(feature = "sealed-file")]
use crate::{SharedKeySource, sealed_file_store::Sealed};

use form::{Form, NAME};
use lock::Lock;
use server::Server;
use value::{Place, Stored};

mod form;
mod late_commands;
mod lock;
mod scripts;
mod server;
mod server_report;
mod value;

pub use server_report::{RedisPersistence, RedisServer};

/// Records in a Redis server, for a service that runs on several machines: all of them share one token, and
/// together they refresh it once an expiry.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use oauth_token_store::{RedisStore, TokenKey, TokenNeed, UnixTime, fresh_token};
///
/// # fn send<T>(_: T) -> Result<oauth_protocol::AccessTokenResponse, oauth_protocol::Error> {
/// #     Err(oauth_protocol::Error::Transport(oauth_protocol::TransportFailure::Connect))
/// # }
/// let store = RedisStore::new("redis://my-service:password@redis.internal/0", "my-service")?;
/// for risk in store.check()?.risks() {
///     eprintln!("tokens in Redis: {risk}");
/// }
/// let key = TokenKey::new("https://auth.example.com", "my-client-id", "default");
/// let token = fresh_token(&store, &key, &TokenNeed::new(), &UnixTime::now, |grant| send(grant))?;
/// # Ok(())
/// # }
/// ```
///
/// # What it promises
///
/// - **One refresh at a time.** The lock is a key that lives for 40 seconds, counted anew when a refresh may be
///   sent; longer than the exchange (30 seconds) with the writing after it. One that is freed wakes the next who
///   waits; one whose holder died ends by itself, sooner than others stop waiting (45 seconds).
/// - **Nobody writes over somebody newer.** Each lock has a number that is higher than all before, also after the
///   server has lost what it held. Every write is a script that checks, together with the write, that no higher
///   number was given out and that the record is the one the holder has read. Who was paused for longer than
///   the lock lives gets [`StoreProblem::LockLost`](crate::StoreProblem::LockLost), and the record stays.
/// - **A token that was obtained is kept.** A refresh is sent only once the server has taken the mark that comes
///   before it, and with its memory full it takes no mark; what follows the mark it takes even then. Where it
///   cannot be reached, the write is tried again for as long as the lock lives: it may be restarting. After that
///   the caller has the token and a [`Warning::NotStored`](crate::Warning::NotStored).
/// - **A server that is gone costs little time.** An attempt to connect and an answer are waited for 3 seconds
///   each, name service and TLS included. A server that only reads (a replica, a full disk or memory) is no
///   reason to withhold a token that works.
/// - **What is damaged stays**, as `…:corrupt-1` and so on. A logout reads nothing and removes the copies too.
///
/// # What Redis may lose
///
/// A server confirms a write that it may not keep. With a refresh token that rotates, a lost write is a lost
/// login: the server then holds the token that was used already.
///
/// - A restart or a crash loses what is in no file: set `appendonly yes` and `appendfsync always`. The default
///   `everysec` loses up to a second.
/// - A failover makes a replica primary that may lack the last writes, and the lock with them. Nothing here waits
///   for replicas.
/// - With its memory full the server throws records or locks away unless `maxmemory-policy` is `noeviction`.
///
/// [`RedisStore::check`] tells what the server says of itself. Tokens stand in its memory, its files and its
/// backups as they are unless they are sealed (`RedisStore::sealed`, with the feature `sealed-file`), and go
/// there as they are unless the URL begins with `rediss://` (feature `redis-tls`).
///
/// # What it needs
///
/// Redis 6 or newer, or what speaks like it; one address that leads to the primary, or to any node of a
/// cluster: all keys of a record lie in one slot, and the store goes where the node sends it. This user can do
/// all that is asked:
///
/// ```text
/// ACL SETUSER my-service on >password ~my-service:* +eval +get +set +del +exists +renamenx +type +persist
///     +pttl +pexpire +time +rpush +blpop +select +info
/// ```
///
/// For each login `application:{hash}` holds the record, as JSON like in a file; `:lock`, `:fence` and `:wake`
/// beside it the lock. `:fence` stays after a logout: it is what refuses a write that comes late.
#[derive(Clone, Debug)]
pub struct RedisStore {
    server: Arc<Server>,
    application: String,
    form: Form,
    lock_timeout: Duration,
    /// Whether the server has said that it writes what it holds to a disk.
    is_kept_on_disk: Arc<AtomicBool>,
}

impl RedisStore {
    /// A store in the server at `url`: `redis://USER:PASSWORD@HOST:PORT/DATABASE` with what is needed of it,
    /// `rediss://` for TLS (feature `redis-tls`), or `unix:///PATH?db=DATABASE&user=USER&pass=PASSWORD`. All
    /// keys begin with the name of the `application`. Nothing is sent yet.
    pub fn new(url: &str, application: impl Into<String>) -> Result<Self, StoreError> {
        let server = Server::new(url)
            .map_err(|failure| StoreError::new(NAME, None, failure.of_operation("use the URL")))?;
        Ok(Self {
            server: Arc::new(server),
            application: application.into(),
            form: Form::Plain,
            lock_timeout: LOCK_TIMEOUT,
            is_kept_on_disk: Arc::default(),
        })
    }

    /// Seals the records with the key that `source` has: whoever reads the server's memory, disk or backup,
    /// and has not the key, reads no token. Every machine needs the same key; none is made here.
    #[cfg(feature = "sealed-file")]
    #[must_use]
    pub fn sealed(mut self, source: impl SharedKeySource + 'static) -> Self {
        self.form = Form::Sealed(Sealed::elsewhere(source));
        self
    }

    /// Trusts this certificate, in PEM, and no other for the server's.
    #[cfg(feature = "redis-tls")]
    pub fn with_root_certificate(mut self, pem: &[u8]) -> Result<Self, StoreError> {
        let server = self.server.with_root_certificate(pem).map_err(|failure| {
            StoreError::new(
                self.form.store(),
                Some(self.location()),
                failure.of_operation("use the certificate"),
            )
        })?;
        self.server = Arc::new(server);
        Ok(self)
    }

    /// Waits this long for a lock, at most and by default 45 seconds.
    #[must_use]
    pub fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout.min(LOCK_TIMEOUT);
        self
    }

    /// Waits this long for a connection and for an answer, by default 3 seconds.
    #[must_use]
    pub fn with_answer_timeout(mut self, timeout: Duration) -> Self {
        self.server = Arc::new(self.server.with_answer_timeout(timeout.max(Duration::from_millis(1))));
        self
    }

    /// Makes sure that the server lets this user do all that a record needs, with one that is gone
    /// afterwards, and of the key where records are sealed; tells what the server says of how it keeps them.
    /// Worth doing when a service starts.
    pub fn check(&self) -> Result<RedisServer, StoreError> {
        const CANARY: &[u8] = b"canary";
        self.form.clone().prepare()?;
        let key = TokenKey::new("", "", format!("{:016x}", self.draw()?));
        let place = Place { name: format!("{}:canary", self.place(&key).name), ..self.place(&key) };
        let tried = place.clone().lock(self.lock_timeout).and_then(|mut canary| {
            if !canary.reserve(&Stored::Nothing, b"")? || !canary.replace(&Stored::Nothing, CANARY)? {
                return Err(place.error(StoreProblem::NotReadBack));
            }
            let seen = place.read()?;
            if seen != Stored::Bytes(Zeroizing::new(CANARY.into())) {
                return Err(place.error(StoreProblem::NotReadBack));
            }
            place.nap(Duration::ZERO)?;
            canary.set_aside(&seen)?;
            canary.delete().map(|_| ())
        });
        let forgotten = place.forget();
        tried.and(forgotten)?;
        let report = RedisServer::ask(&self.server);
        self.is_kept_on_disk.store(report.keeps_on_disk(), Ordering::Relaxed);
        Ok(report)
    }

    fn draw(&self) -> Result<u64, StoreError> {
        getrandom::u64().map_err(|error| {
            let source = std::io::Error::other(error.to_string());
            let problem = StoreProblem::Io { operation: "draw a random name", source };
            StoreError::new(self.form.store(), Some(self.location()), problem)
        })
    }

    fn place(&self, key: &TokenKey) -> Place {
        Place {
            server: Arc::clone(&self.server),
            store: self.form.store(),
            name: format!("{}:{{{}{}}}", self.application, self.form.prefix(), key.file_stem()),
        }
    }

    fn location(&self) -> PathBuf {
        PathBuf::from(format!("{} {}:*", self.server.location(), self.application))
    }
}

impl TokenStore for RedisStore {
    fn load(&self, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
        let place = self.place(key);
        let stored = place.read()?;
        match self.form.decode(key, &stored) {
            Ok(record) => Ok(record),
            // Only under the lock is it certain that what is set aside is what was read.
            Err(Unreadable::Damaged) => self.lock(key)?.load(),
            Err(Unreadable::Kept(problem)) => Err(place.error(problem)),
            Err(Unreadable::NoKey(error)) => Err(error.of_store(place.store)),
        }
    }

    fn lock(&self, key: &TokenKey) -> Result<Box<dyn LockedRecord>, StoreError> {
        let value = self.place(key).lock(self.lock_timeout)?;
        Ok(Box::new(Lock::new(value, self.form.clone(), key.clone())))
    }

    /// The server as the URL names it: one that has two names is two stores here.
    fn lock_name(&self, key: &TokenKey) -> String {
        self.place(key).path().display().to_string()
    }

    /// [`RedisStore::check`], for a caller that knows no Redis.
    fn prepare(&self) -> Result<(), StoreError> {
        self.check().map(|_| ())
    }

    /// `survives_reboot` is what the server said when it was last asked, by [`RedisStore::check`]: `false`
    /// until then.
    fn describe(&self) -> StoreDescription {
        StoreDescription {
            name: self.form.store(),
            encrypted_at_rest: self.form.is_sealed(),
            survives_reboot: self.is_kept_on_disk.load(Ordering::Relaxed),
            location: Some(self.location()),
        }
    }
}
