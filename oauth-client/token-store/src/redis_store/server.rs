//! The connections to a Redis server: made when they are needed, made again after a failure, and never
//! waited for without an end.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use redis::{
    Client, Connection, ConnectionAddr, ConnectionInfo, ConnectionLike as _, ErrorKind, RedisError, Value,
};
use zeroize::Zeroizing;

use super::late_commands::LateCommands;
use crate::StoreProblem;

/// A server that answers takes milliseconds.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections kept for the next command, whoever sends it.
const MOST_IDLE: usize = 8;
/// Connections being made that nobody waits for any more: as long as so many hang, no other is tried.
const MOST_LEFT_BEHIND: usize = 4;
/// Nodes of a cluster that are asked one after the other while it is being rearranged.
const MOST_MOVES: usize = 3;

/// A Redis server, and who one is to it.
pub(super) struct Server {
    client: Client,
    /// Its address and database; no user, no password.
    location: String,
    answer_timeout: Duration,
    idle: Mutex<Vec<Connection>>,
    left_behind: Mutex<Vec<JoinHandle<()>>>,
    late_commands: LateCommands,
    /// The other nodes of a cluster that this one named, by their addresses.
    nodes: Mutex<HashMap<String, Arc<Server>>>,
}

/// Why a command was not done.
#[derive(Debug)]
pub(super) struct Failure {
    message: String,
    next_step: &'static str,
    /// There is something other than a string under the key.
    pub(super) is_wrong_type: bool,
    /// The command was sent, and no answer came: it may have been done.
    pub(super) is_in_doubt: bool,
    /// The node of a cluster that has the keys.
    moved_to: Option<String>,
}

impl Server {
    /// The server at `url`. Nothing is sent yet.
    pub(super) fn new(url: &str) -> Result<Self, Failure> {
        // The library's own words about a URL may quote it.
        let info = url.parse::<ConnectionInfo>().map_err(|_| Failure::of_the_url())?;
        let tcp_settings = info.tcp_settings().clone().set_nodelay(true);
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        let info = info.set_tcp_settings(tcp_settings).set_redis_settings(settings);
        let location = location(&info);
        let client = Client::open(info).map_err(|_| Failure::of_the_url())?;
        Ok(Self::of(client, location, ANSWER_TIMEOUT))
    }

    pub(super) fn with_answer_timeout(&self, timeout: Duration) -> Self {
        Self::of(self.client.clone(), self.location.clone(), timeout)
    }

    /// The same server, trusted by this certificate in PEM alone.
    #[cfg(feature = "redis-tls")]
    pub(super) fn with_root_certificate(&self, pem: &[u8]) -> Result<Self, Failure> {
        use rustls::pki_types::{CertificateDer, pem::PemObject as _};

        let refused = |message: &str| {
            Failure::new(message, "give a certificate in PEM, and a URL that begins with rediss://")
        };
        // The library would trust nobody then, and say so of the server.
        if CertificateDer::pem_slice_iter(pem).next().is_none() {
            return Err(refused("there is none in it"));
        }
        let certificates = redis::TlsCertificates { client_tls: None, root_cert: Some(pem.to_vec()) };
        let info = self.client.get_connection_info().clone();
        let client =
            Client::build_with_tls(info, certificates).map_err(|error| refused(&error.to_string()))?;
        Ok(Self::of(client, self.location.clone(), self.answer_timeout))
    }

    fn of(client: Client, location: String, answer_timeout: Duration) -> Self {
        Self {
            client,
            location,
            answer_timeout,
            idle: Mutex::default(),
            left_behind: Mutex::default(),
            late_commands: LateCommands::default(),
            nodes: Mutex::default(),
        }
    }

    pub(super) const fn late_commands(&self) -> &LateCommands {
        &self.late_commands
    }

    pub(super) fn location(&self) -> &str {
        &self.location
    }

    /// The answer to `command`, which is sent a second time where the connection had been closed meanwhile:
    /// it must do no more then than the first time.
    pub(super) fn ask(&self, command: &[&[u8]]) -> Result<Value, Failure> {
        self.ask_patiently(command, Duration::ZERO)
    }

    /// [`Server::ask`] for a command that itself waits up to `patience`.
    pub(super) fn ask_patiently(&self, command: &[&[u8]], patience: Duration) -> Result<Value, Failure> {
        let command = packed(command);
        let mut answer = self.ask_here(&command, patience);
        for _ in 0..MOST_MOVES {
            let moved_to = answer.as_mut().err().and_then(|failure| failure.moved_to.take());
            let Some(address) = moved_to else { break };
            answer = self.node(address)?.ask_here(&command, patience);
        }
        answer
    }

    fn ask_here(&self, command: &[u8], patience: Duration) -> Result<Value, Failure> {
        let idle = self.idle().pop();
        let mut was_sent = false;
        if let Some(mut connection) = idle {
            match self.send(&mut connection, command, patience) {
                // The others are as old.
                Err(error) if error.is_connection_dropped() => self.idle().clear(),
                answer => return self.answer(connection, answer),
            }
            was_sent = true;
        }
        let mut connection =
            self.connect().map_err(|failure| Failure { is_in_doubt: was_sent, ..failure })?;
        let answer = self.send(&mut connection, command, patience);
        self.answer(connection, answer)
    }

    fn send(
        &self,
        connection: &mut Connection,
        command: &[u8],
        patience: Duration,
    ) -> Result<Value, RedisError> {
        connection.set_write_timeout(Some(self.answer_timeout))?;
        connection.set_read_timeout(Some(self.answer_timeout.saturating_add(patience)))?;
        connection.req_packed_command(command)?.extract_error()
    }

    /// Keeps the connection where it is sound and leads to a server that can be written to: behind one name
    /// there may be another after a failover.
    fn answer(&self, connection: Connection, answer: Result<Value, RedisError>) -> Result<Value, Failure> {
        let error = match answer {
            Err(error) if error.code().is_none() || error.code() == Some("READONLY") => {
                self.idle().clear();
                error
            }
            answer => {
                let mut idle = self.idle();
                if idle.len() < MOST_IDLE {
                    idle.push(connection);
                }
                drop(idle);
                match answer {
                    Ok(value) => return Ok(value),
                    Err(error) => error,
                }
            }
        };
        let moved_to = match (error.code(), error.redirect_node()) {
            (Some("MOVED"), Some((address, _))) => Some(address.to_owned()),
            _ => None,
        };
        Err(Failure { is_in_doubt: error.code().is_none(), moved_to, ..self.failure(&error) })
    }

    /// The node at `HOST:PORT`, where one is known as here; `:PORT` is on this host.
    fn node(&self, address: String) -> Result<Arc<Self>, Failure> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = nodes.get(&address) {
            return Ok(Arc::clone(node));
        }
        let info = self.client.get_connection_info();
        let (host, port) = address.rsplit_once(':').unwrap_or_default();
        let unknown =
            |_| Failure::new("it names no node of the cluster", "check the cluster's configuration");
        let port = port.parse::<u16>().map_err(unknown)?;
        let host = match (host, info.addr()) {
            ("", ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. }) => host.clone(),
            (host, _) => host.to_owned(),
        };
        let node = match info.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        let client = Client::open(info.clone().set_addr(node)).map_err(|_| Failure::of_the_url())?;
        let node = Arc::new(Self::of(client, self.location.clone(), self.answer_timeout));
        nodes.insert(address, Arc::clone(&node));
        Ok(node)
    }

    /// In a thread that may be left behind: a name service and a full queue know no timeout.
    fn connect(&self) -> Result<Connection, Failure> {
        let mut left_behind = self.left_behind.lock().unwrap_or_else(PoisonError::into_inner);
        left_behind.retain(|thread| !thread.is_finished());
        if left_behind.len() >= MOST_LEFT_BEHIND {
            return Err(self.no_answer());
        }
        drop(left_behind);

        #[cfg(feature = "redis-tls")]
        if self.location.starts_with("rediss:") {
            choose_cryptography();
        }
        let (client, timeout) = (self.client.clone(), self.answer_timeout);
        let (sender, receiver) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("redis".to_owned()).spawn(move || {
            // Nobody listens to one that was left behind.
            let _ = sender.send(client.get_connection_with_timeout(timeout));
        });
        let thread = thread.map_err(|error| {
            Failure::new(error.to_string(), "end some of this process's threads, then try again")
        })?;
        match receiver.recv_timeout(timeout) {
            Ok(connected) => connected.map_err(|error| self.failure(&error)),
            Err(RecvTimeoutError::Timeout) => {
                self.left_behind.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
                Err(self.no_answer())
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(Failure::new("the connection failed without a reason", "check the server's log"))
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn no_answer(&self) -> Failure {
        Failure::new(
            format!("no answer within {} s", self.answer_timeout.as_secs_f32()),
            "check that the server is reachable and not overloaded",
        )
    }

    fn failure(&self, error: &RedisError) -> Failure {
        if error.is_timeout() {
            return self.no_answer();
        }
        let message = match (error.kind(), error.code()) {
            (ErrorKind::AuthenticationFailed, _) => "the user or the password is wrong".to_owned(),
            // What a server says of a command may quote it, and names the script that it was in.
            (_, Some(code)) => {
                let detail = error.detail().unwrap_or_default();
                let ends = [", with args", " script: "].map(|end| detail.find(end).unwrap_or(detail.len()));
                format!("{code} {}", &detail[..ends[0].min(ends[1])]).trim_end().to_owned()
            }
            _ => error.to_string(),
        };
        let is_wrong_type = error.code() == Some("WRONGTYPE");
        Failure { is_wrong_type, ..Failure::new(message, next_step(error)) }
    }
}

impl Failure {
    fn new(message: impl Into<String>, next_step: &'static str) -> Self {
        Self { message: message.into(), next_step, is_wrong_type: false, is_in_doubt: false, moved_to: None }
    }

    /// What `operation` came to.
    pub(super) fn of_operation(self, operation: &'static str) -> StoreProblem {
        let Self { message, next_step, .. } = self;
        StoreProblem::Server { operation, source: message.into(), next_step }
    }

    fn of_the_url() -> Self {
        Self::new(
            "it is none of Redis",
            "write redis://USER:PASSWORD@HOST:PORT/DATABASE, rediss:// for TLS (feature redis-tls), \
             or unix:///PATH?db=DATABASE",
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for Failure {}

/// The client knows a password.
impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("location", &self.location)
            .field("answer_timeout", &self.answer_timeout)
            .finish_non_exhaustive()
    }
}

/// The library takes rustls as the process has set it up, and panics where that has no cryptography of its
/// own choice.
#[cfg(feature = "redis-tls")]
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may be faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

fn location(info: &ConnectionInfo) -> String {
    let database = info.redis_settings().db();
    let address = |scheme, host: &str, port| {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        format!("{scheme}://{host}:{port}/{database}")
    };
    match info.addr() {
        ConnectionAddr::Tcp(host, port) => address("redis", host, port),
        ConnectionAddr::TcpTls { host, port, .. } => address("rediss", host, port),
        ConnectionAddr::Unix(path) => format!("unix://{}?db={database}", path.display()),
        // The library knows no other today.
        _ => "Redis".to_owned(),
    }
}

/// The command as it is sent (RESP2), in one piece: growing would leave copies of the secrets behind in freed
/// memory.
fn packed(arguments: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let head = |mark: u8, number: usize| format!("{}{number}\r\n", char::from(mark));
    let heads = head(b'*', arguments.len()).len()
        + arguments.iter().map(|argument| head(b'$', argument.len()).len() + 2).sum::<usize>();
    let length = heads + arguments.iter().map(|argument| argument.len()).sum::<usize>();
    let mut packed = Zeroizing::new(Vec::with_capacity(length));
    packed.extend_from_slice(head(b'*', arguments.len()).as_bytes());
    for argument in arguments {
        packed.extend_from_slice(head(b'$', argument.len()).as_bytes());
        packed.extend_from_slice(argument);
        packed.extend_from_slice(b"\r\n");
    }
    packed
}

fn next_step(error: &RedisError) -> &'static str {
    match (error.kind(), error.code().unwrap_or_default()) {
        (ErrorKind::AuthenticationFailed, _) | (_, "NOAUTH" | "WRONGPASS") => {
            "check the user and the password in the URL"
        }
        (ErrorKind::Io, _) => "start it, or check the address in the URL",
        (_, "NOPERM") => "let this user run what the documentation of RedisStore lists",
        (_, "READONLY") => "name the primary, not a replica",
        (_, "OOM") => "give it more memory (maxmemory), or free some",
        (_, "MISCONF") => "free some of its disk space, and look into its log",
        (_, "LOADING" | "MASTERDOWN" | "TRYAGAIN" | "BUSY") => "try again in a moment",
        (_, "MOVED" | "ASK" | "CLUSTERDOWN" | "CROSSSLOT") => {
            "try again in a moment, and check the state of the cluster (CLUSTER INFO)"
        }
        _ => "check the server's log, and that it is Redis 6 or newer",
    }
}
