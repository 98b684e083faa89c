//! The record as JSON, version 1: one object, one line.

use std::borrow::Cow;
use std::time::Duration;

use oauth_protocol::{Scope, Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{InDoubt, TokenKey, TokenRecord, UnixTime};

/// The version that this file writes and the only one that it reads.
const VERSION: u64 = 1;

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotARecord {
    /// Cut off, no JSON, or a member is missing or of the wrong type.
    Corrupt,
    /// Another release wrote it.
    UnknownVersion(u64),
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

/// Writing borrows the secrets, reading moves them into [`Secret`]: no copy of a token stays behind.
#[derive(Serialize, Deserialize)]
struct RecordJson<'a> {
    version: u64,
    issuer: Cow<'a, str>,
    client_id: Cow<'a, str>,
    account: Cow<'a, str>,
    generation: u64,
    scopes: Vec<Cow<'a, str>>,
    token_type: Cow<'a, str>,
    access_token: Cow<'a, str>,
    refresh_token: Option<Cow<'a, str>>,
    id_token: Option<Cow<'a, str>>,
    /// Seconds since 1970.
    obtained_at: u64,
    /// Seconds.
    expires_in: Option<u64>,
    /// Seconds since 1970.
    refresh_at: Option<u64>,
    /// Seconds since 1970.
    retry_not_before: Option<u64>,
    failures: u32,
    in_doubt: Option<InDoubtJson<'a>>,
    login_needed: bool,
}

#[derive(Serialize, Deserialize)]
struct InDoubtJson<'a> {
    refresh_token_sha256: Cow<'a, str>,
    generation: u64,
    tries: u32,
}

/// The record with its secrets, for a place that only its owner can read.
pub(crate) fn to_json(record: &TokenRecord) -> Zeroizing<Vec<u8>> {
    let json = RecordJson {
        version: VERSION,
        issuer: (&record.key.issuer).into(),
        client_id: (&record.key.client_id).into(),
        account: (&record.key.account).into(),
        generation: record.generation,
        scopes: record.scopes.values().map(Cow::from).collect(),
        token_type: (&record.token_type).into(),
        access_token: record.access_token.expose().into(),
        refresh_token: exposed(record.refresh_token.as_ref()),
        id_token: exposed(record.id_token.as_ref()),
        obtained_at: record.obtained_at.as_seconds(),
        expires_in: record.expires_in.map(|life| life.as_secs()),
        refresh_at: record.refresh_at.map(UnixTime::as_seconds),
        retry_not_before: record.retry_not_before.map(UnixTime::as_seconds),
        failures: record.failures,
        in_doubt: record.in_doubt.as_ref().map(|in_doubt| InDoubtJson {
            refresh_token_sha256: (&in_doubt.refresh_token_sha256).into(),
            generation: in_doubt.generation,
            tries: in_doubt.tries,
        }),
        login_needed: record.login_needed,
    };
    // Growing would leave copies of the secrets behind in freed memory: a first pass counts.
    let mut length = Length(1);
    let mut bytes = Vec::new();
    // Neither pass can fail: plain strings and numbers into memory.
    if serde_json::to_writer(&mut length, &json).is_ok() {
        bytes.reserve_exact(length.0);
        let _ = serde_json::to_writer(&mut bytes, &json);
        bytes.push(b'\n');
    }
    Zeroizing::new(bytes)
}

/// Reads what [`to_json`] wrote; members that this version does not know are ignored.
pub(crate) fn from_json(bytes: &[u8]) -> Result<TokenRecord, NotARecord> {
    let corrupt = |_| NotARecord::Corrupt;
    let Version { version } = serde_json::from_slice(bytes).map_err(corrupt)?;
    if version != VERSION {
        return Err(NotARecord::UnknownVersion(version));
    }
    let json: RecordJson<'_> = serde_json::from_slice(bytes).map_err(corrupt)?;
    // Only a record from before the first token has none, and that one is over.
    if json.access_token.is_empty() && json.expires_in != Some(0) {
        return Err(NotARecord::Corrupt);
    }
    Ok(TokenRecord {
        key: TokenKey::new(json.issuer, json.client_id, json.account),
        generation: json.generation,
        scopes: json.scopes.iter().collect::<Scope>(),
        token_type: json.token_type.into_owned(),
        access_token: Secret::new(json.access_token),
        refresh_token: json.refresh_token.map(Secret::new),
        id_token: json.id_token.map(Secret::new),
        obtained_at: UnixTime::from_seconds(json.obtained_at),
        expires_in: json.expires_in.map(Duration::from_secs),
        refresh_at: json.refresh_at.map(UnixTime::from_seconds),
        retry_not_before: json.retry_not_before.map(UnixTime::from_seconds),
        failures: json.failures,
        in_doubt: json.in_doubt.map(|in_doubt| InDoubt {
            refresh_token_sha256: in_doubt.refresh_token_sha256.into_owned(),
            generation: in_doubt.generation,
            tries: in_doubt.tries,
        }),
        login_needed: json.login_needed,
    })
}

fn exposed(secret: Option<&Secret>) -> Option<Cow<'_, str>> {
    secret.map(|secret| secret.expose().into())
}

/// Counts what would be written.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
