//! A login that stays: tokens from a store, refreshed by one caller among all threads and processes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use oauth_protocol::{AccessTokenResponse, Scope, Secret};
use oauth_token_store::{
    FreshToken, Grant, LoginNeeded, NextStep, PendingRefresh, RefreshPoint, TokenKey, TokenNeed, TokenRecord,
    TokenStore, UnixTime, Warning, next_step, save_login, use_without_lock,
};
use tokio::sync::{Mutex, broadcast};
use tokio::task::spawn_blocking;

use crate::authorization_code_login::LoopbackLogin;
use crate::client::Client;
use crate::device_login::DeviceLogin;
use crate::error::Error;
use crate::session_error::{LoginNotStored, SessionError, SignInError};
use crate::session_events::{SessionEvent, SessionEvents};

/// A login that stays: of a person, or of the client itself. Clones share everything.
///
/// Every call reads the store, so that a logout or a refresh in another process is seen at once; the store
/// works off the executor. A refresh that has begun runs on to its end in the runtime, whoever goes away:
/// do not shut the runtime down before.
#[derive(Clone)]
pub struct Session {
    pub(crate) client: Client,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) key: Arc<TokenKey>,
    /// Of the client itself, where no person signs in.
    own_scope: Option<Scope>,
    /// Within this process one caller at a time goes to the lock; the others find what it brought.
    turn: Arc<Mutex<()>>,
    pub(crate) events: broadcast::Sender<SessionEvent>,
}

impl Session {
    /// The login of `account` in `store`: a name of the application's own, such as "default". Nothing is
    /// read or sent yet.
    pub fn open(client: Client, store: Arc<dyn TokenStore>, account: impl Into<String>) -> Self {
        let key = TokenKey::new(client.server(), client.client_id(), account);
        Self::open_key(client, store, key)
    }

    /// The login of the client itself, with these scope values, separated by spaces (RFC 6749 §4.4). Nobody
    /// signs in: the first call asks for a token, and all processes share it until it nears its end. Each
    /// scope has a token of its own.
    pub fn open_client_credentials(client: Client, store: Arc<dyn TokenStore>, scope: &str) -> Self {
        let mut values: Vec<&str> = scope.split_ascii_whitespace().collect();
        values.sort_unstable();
        values.dedup();
        let scope = values.join(" ");
        Self::open(client, store, format!("client_credentials {scope}")).with_client_credentials(&scope)
    }

    /// The login under a key that the application made itself.
    pub fn open_key(client: Client, store: Arc<dyn TokenStore>, key: TokenKey) -> Self {
        // Whoever listens late misses what is old, not what comes.
        let (events, _) = broadcast::channel(64);
        Self { client, store, key: Arc::new(key), own_scope: None, turn: Arc::default(), events }
    }

    /// The same session, whose tokens the client asks for with its own credentials (RFC 6749 §4.4). Each scope wants
    /// a key of its own, as [`Session::open_client_credentials`] gives it.
    #[must_use]
    pub fn with_client_credentials(mut self, scope: &str) -> Self {
        self.own_scope = Some(scope.split_ascii_whitespace().collect());
        self
    }

    /// Whose session it is.
    pub fn key(&self) -> &TokenKey {
        &self.key
    }

    /// The client that it refreshes with.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Where it keeps its tokens.
    pub fn store(&self) -> &Arc<dyn TokenStore> {
        &self.store
    }

    /// What happens from now on in this session and its clones; not what other processes do.
    pub fn events(&self) -> SessionEvents {
        SessionEvents::new(self.events.subscribe())
    }

    /// An access token that works now.
    ///
    /// The token is refreshed at a point between 70 and 90 % of its life; when that fails, it serves until it
    /// expires, and [`FreshToken::warning`] says so.
    pub fn access_token(&self) -> impl Future<Output = Result<FreshToken, SessionError>> + Send + 'static {
        self.fresh(TokenNeed::new())
    }

    /// An access token that works for at least `min_ttl`. This costs one refresh at most; where the server's
    /// tokens are shorter-lived, [`FreshToken::warning`] says so.
    pub fn access_token_for(
        &self,
        min_ttl: Duration,
    ) -> impl Future<Output = Result<FreshToken, SessionError>> + Send + 'static {
        self.fresh(TokenNeed::new().with_min_ttl(min_ttl))
    }

    /// Another access token than this one, which a resource server has just answered with 401 (RFC 6750
    /// §3.1).
    pub fn access_token_other_than(
        &self,
        rejected: &Secret,
    ) -> impl Future<Output = Result<FreshToken, SessionError>> + Send + 'static {
        self.fresh(TokenNeed::new().other_than(rejected.clone()))
    }

    /// The value of an `Authorization` header that works now, for an HTTP client of the caller's own, who sees
    /// to it where it goes.
    pub fn authorization_header(
        &self,
    ) -> impl Future<Output = Result<Secret, SessionError>> + Send + 'static {
        let (client, fresh) = (self.client.clone(), self.access_token());
        async move { Ok(client.authorization_header(&fresh.await?.record.access_token)) }
    }

    /// Makes sure that a login can be stored: that the key is there, the place can be written, and what lies in
    /// it gives way. To be called before a person is sent away to sign in.
    pub fn prepare(&self) -> impl Future<Output = Result<(), SessionError>> + Send + 'static {
        let (store, key) = (Arc::clone(&self.store), Arc::clone(&self.key));
        blocking(move || {
            store.prepare().map_err(SessionError::Store)?;
            match store.lock(&key).map_err(SessionError::Store)?.load() {
                Err(error) if !error.problem().gives_way_to_a_login() => Err(SessionError::Store(error)),
                _ => Ok(()),
            }
        })
    }

    /// Waits for the person as [`DeviceLogin::wait`] does, and stores the tokens.
    pub async fn finish_device_login(&self, mut login: DeviceLogin) -> Result<TokenRecord, SignInError> {
        let tokens = login.wait_for_end().await?;
        let record = self.record(&tokens, login.requested_scope(), login.token_requested_at());
        Ok(self.store_tokens(record).await?)
    }

    /// Waits for the browser as [`LoopbackLogin::wait`] does, and stores the tokens.
    pub async fn finish_loopback_login(&self, login: LoopbackLogin) -> Result<TokenRecord, SignInError> {
        let requested = login.requested_scope().clone();
        let (tokens, requested_at) = login.wait_with_time().await?;
        Ok(self.store_tokens(self.record(&tokens, &requested, requested_at)).await?)
    }

    /// Stores the tokens of a login that the application finished itself: `requested_scope` for a server that
    /// does not repeat it (RFC 6749 §5.1), `requested_at` the moment the token request was sent.
    pub fn save_login(
        &self,
        tokens: &AccessTokenResponse,
        requested_scope: &str,
        requested_at: UnixTime,
    ) -> impl Future<Output = Result<TokenRecord, LoginNotStored>> + Send + 'static {
        let requested: Scope = requested_scope.split_ascii_whitespace().collect();
        self.store_tokens(self.record(tokens, &requested, requested_at))
    }

    fn record(&self, tokens: &AccessTokenResponse, requested: &Scope, requested_at: UnixTime) -> TokenRecord {
        let key = TokenKey::clone(&self.key);
        TokenRecord::new(key, tokens, requested, requested_at, RefreshPoint::draw())
    }

    fn store_tokens(
        &self,
        record: TokenRecord,
    ) -> impl Future<Output = Result<TokenRecord, LoginNotStored>> + Send + 'static {
        let session = self.clone();
        async move {
            let (store, offered) = (Arc::clone(&session.store), record.clone());
            // What is not awaited any more is stored all the same.
            let stored = spawn_blocking(move || save_login(&*store, &offered)).await;
            match stored {
                Ok(Ok(record)) => {
                    session.tell(SessionEvent::LoginStored { expires_at: record.expires_at() });
                    Ok(record)
                }
                Ok(Err(error)) => Err(LoginNotStored { record: Box::new(record), error: Some(error) }),
                Err(_) => Err(LoginNotStored { record: Box::new(record), error: None }),
            }
        }
    }

    pub(crate) fn fresh(
        &self,
        need: TokenNeed,
    ) -> impl Future<Output = Result<FreshToken, SessionError>> + Send + 'static {
        let session = self.clone();
        let need = match &self.own_scope {
            Some(scope) => need.from_client_credentials(scope.clone()),
            None => need,
        };
        async move {
            let (reader, wanted) = (session.clone(), need.clone());
            match blocking(move || reader.look(&wanted)).await {
                Ok(Look::Fresh(token)) => Ok(*token),
                Ok(Look::Due { seen_generation }) => {
                    let need = need.since_generation(seen_generation);
                    let refresh = async move { session.refresh(need).await };
                    tokio::spawn(refresh).await.unwrap_or(Err(SessionError::Interrupted))
                }
                Err(error) => Err(session.telling(error)),
            }
        }
    }

    /// Reads the store, without a lock.
    fn look(&self, need: &TokenNeed) -> Result<Look, SessionError> {
        let Some(record) = self.stored()? else { return Ok(Look::Due { seen_generation: 0 }) };
        let seen_generation = record.generation;
        let fresh = use_without_lock(record, need, self.now())?;
        Ok(fresh.map_or(Look::Due { seen_generation }, |token| Look::Fresh(Box::new(token))))
    }

    fn stored(&self) -> Result<Option<TokenRecord>, SessionError> {
        match self.store.load(&self.key) {
            Ok(None) if self.own_scope.is_none() => Err(SessionError::LoginNeeded(LoginNeeded::NoRecord)),
            // Whoever needs no login finds the way past it under the lock.
            Err(error) if self.own_scope.is_some() && error.problem().gives_way_to_a_login() => Ok(None),
            loaded => Ok(loaded.map_err(oauth_token_store::RefreshError::from)?),
        }
    }

    async fn refresh(&self, need: TokenNeed) -> Result<FreshToken, SessionError> {
        let _turn = self.turn.lock().await;
        // Who had the turn before may have brought a token, or found that there is none to be had now.
        let (reader, wanted) = (self.clone(), need.clone());
        match blocking(move || reader.look(&wanted)).await {
            Ok(Look::Fresh(token)) => return Ok(*token),
            Ok(Look::Due { .. }) => {}
            Err(error) => return Err(self.telling(error)),
        }
        let shared = &self.client.shared;
        // Before the lock is taken: other processes do not wait for what a slow server does to its metadata.
        let endpoint = shared.token_endpoint().await;
        let session = self.clone();
        let next = blocking(move || Ok(next_step(&*session.store, &session.key, &need, &|| session.now())?));
        let pending = match next.await {
            Ok(NextStep::Use(token)) => {
                self.tell_of(token.warning.as_ref());
                return Ok(token);
            }
            Ok(NextStep::Refresh(pending)) => pending,
            Err(error) => return Err(self.telling(error)),
        };
        let answer = match endpoint {
            Err(error) => Err(error),
            Ok(endpoint) => match pending.grant() {
                Grant::RefreshToken(token) => shared.refresh(endpoint, token.clone()).await,
                Grant::ClientCredentials => {
                    shared.client_credentials(endpoint, &self.own_scope.clone().unwrap_or_default()).await
                }
            },
        };
        self.complete(pending, answer).await
    }

    async fn complete(
        &self,
        pending: PendingRefresh,
        answer: Result<AccessTokenResponse, Error>,
    ) -> Result<FreshToken, SessionError> {
        let is_answered = answer.is_ok();
        let (answer, error) = match answer {
            Ok(answer) => (Ok(answer), None),
            Err(error) => (Err(error.to_protocol()), Some(error)),
        };
        let now = self.now();
        let result = blocking(move || Ok(pending.complete(answer, now, RefreshPoint::draw())?)).await;
        match (result, error) {
            // The store knows the kind of a failure; the transport said more.
            (Err(SessionError::Refresh(_)), Some(error)) => Err(self.telling(SessionError::Refresh(error))),
            (Err(error), _) => Err(self.telling(error)),
            (Ok(token), _) => {
                if is_answered {
                    let expires_at = token.record.expires_at();
                    self.tell(SessionEvent::Refreshed { generation: token.record.generation, expires_at });
                }
                self.tell_of(token.warning.as_ref());
                Ok(token)
            }
        }
    }

    fn now(&self) -> UnixTime {
        self.client.shared.clock.unix_time()
    }

    pub(crate) fn tell(&self, event: SessionEvent) {
        // Nobody has to listen.
        let _ = self.events.send(event);
    }

    fn tell_of(&self, warning: Option<&Warning>) {
        match warning {
            Some(Warning::RefreshFailed(error)) => {
                self.tell(SessionEvent::RefreshFailed { cause: error.to_string() });
            }
            Some(Warning::NotRefreshed(error)) => {
                self.tell(SessionEvent::RefreshFailed { cause: error.to_string() });
            }
            Some(Warning::NotStored(error)) => {
                self.tell(SessionEvent::NotStored { cause: error.to_string() });
            }
            _ => {}
        }
    }

    fn telling(&self, error: SessionError) -> SessionError {
        match &error {
            SessionError::LoginNeeded(reason) => self.tell(SessionEvent::LoginNeeded(*reason)),
            SessionError::Refresh(cause) => {
                self.tell(SessionEvent::RefreshFailed { cause: cause.to_string() });
            }
            _ => {}
        }
        error
    }
}

/// What the store says without a lock.
enum Look {
    Fresh(Box<FreshToken>),
    Due { seen_generation: u64 },
}

pub(crate) async fn blocking<T: Send + 'static>(
    step: impl FnOnce() -> Result<T, SessionError> + Send + 'static,
) -> Result<T, SessionError> {
    spawn_blocking(step).await.unwrap_or(Err(SessionError::Interrupted))
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("client", &self.client)
            .field("store", &self.store)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
