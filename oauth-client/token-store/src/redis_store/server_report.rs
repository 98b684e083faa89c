//! What a Redis server says of how it keeps what it is given.

use redis::Value;

use super::server::Server;

/// What a Redis server says of how it keeps what it is given, as far as this user may ask: a hosted one is
/// often silent about its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisServer {
    /// Its release: `7.0.15`.
    pub version: Option<String>,
    /// What reaches its disk.
    pub persistence: Option<RedisPersistence>,
    /// What it gives up when its memory is full (`maxmemory-policy`): nothing where that is `noeviction`.
    pub eviction_policy: Option<String>,
    /// How many replicas follow it.
    pub replicas: Option<u64>,
}

/// What of the tokens reaches a Redis server's disk, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisPersistence {
    /// Each write, before it is answered (`appendonly yes`, `appendfsync always`).
    EachWrite,
    /// Each write, within a second (`appendfsync everysec`).
    EachSecond,
    /// Each write, when its system likes (`appendfsync no`), or it does not say when.
    Eventually,
    /// Now and then all it holds (`save`).
    Snapshots,
    /// Nothing.
    Nothing,
}

impl RedisServer {
    /// Nothing that the server keeps to itself is a failure.
    pub(super) fn ask(server: &Server) -> Self {
        let info = match server.ask(&[b"INFO"]) {
            Ok(Value::BulkString(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            _ => String::new(),
        };
        let field = |name: &str| {
            info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::to_owned)
        };
        let setting = |name: &str| match server.ask(&[b"CONFIG", b"GET", name.as_bytes()]) {
            Ok(Value::Array(values)) => match values.get(1) {
                Some(Value::BulkString(value)) => Some(String::from_utf8_lossy(value).into_owned()),
                _ => None,
            },
            _ => None,
        };
        let persistence = match field("aof_enabled").or_else(|| setting("appendonly")).as_deref() {
            Some("1" | "yes") => Some(match setting("appendfsync").as_deref() {
                Some("always") => RedisPersistence::EachWrite,
                Some("everysec") => RedisPersistence::EachSecond,
                _ => RedisPersistence::Eventually,
            }),
            Some(_) => setting("save").map(|points| match points.as_str() {
                "" => RedisPersistence::Nothing,
                _ => RedisPersistence::Snapshots,
            }),
            None => None,
        };
        Self {
            version: field("redis_version"),
            persistence,
            eviction_policy: field("maxmemory_policy").or_else(|| setting("maxmemory-policy")),
            replicas: field("connected_slaves").and_then(|number| number.parse().ok()),
        }
    }

    pub(super) fn keeps_on_disk(&self) -> bool {
        !matches!(self.persistence, None | Some(RedisPersistence::Nothing))
    }

    /// What the server may lose of what it has confirmed, and what helps, each in a sentence. A rotated
    /// refresh token that is lost is a login that is lost.
    #[must_use]
    pub fn risks(&self) -> Vec<&'static str> {
        let persistence = match self.persistence {
            Some(RedisPersistence::EachWrite) => None,
            Some(RedisPersistence::EachSecond) => {
                Some("a crash loses the last second: set appendfsync always")
            }
            Some(RedisPersistence::Eventually) => {
                Some("a crash may lose the last writes: set appendfsync always")
            }
            Some(RedisPersistence::Snapshots) => {
                Some("a crash loses all since the last snapshot: set appendonly yes and appendfsync always")
            }
            Some(RedisPersistence::Nothing) => {
                Some("a restart loses everything: set appendonly yes and appendfsync always")
            }
            None => Some("it does not say what it writes to a disk: ask whoever runs it"),
        };
        let eviction = match self.eviction_policy.as_deref() {
            Some("noeviction") => None,
            Some(_) => {
                Some("with its memory full it throws away logins or locks: set maxmemory-policy noeviction")
            }
            None => {
                Some("it does not say what it does with its memory full: ask for maxmemory-policy noeviction")
            }
        };
        let replication = match self.replicas {
            None | Some(0) => None,
            Some(_) => Some("a failover to a replica may lose the last writes: nobody waits for it"),
        };
        [persistence, eviction, replication].into_iter().flatten().collect()
    }
}
