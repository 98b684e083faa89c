//! The two ends of a record's life.

use crate::{StoreError, TokenKey, TokenRecord, TokenStore};

/// Stores the record of a new login and gives it its generation, one above what was there; returns it as
/// it was stored. Where this fails, the tokens are rescued if the store has a place for that
/// ([`StoreProblem::Rescued`](crate::StoreProblem::Rescued)); and the caller still has its record, whose tokens are
/// worth offering another store.
pub fn save_login(store: &dyn TokenStore, record: &TokenRecord) -> Result<TokenRecord, StoreError> {
    let mut locked = store.lock(&record.key).map_err(|error| store.rescue(record, error))?;
    let earlier = match locked.load() {
        // It is kept under another name, and a person has just signed in.
        Err(error) if error.problem().gives_way_to_a_login() => None,
        earlier => earlier.map_err(|error| locked.rescue(record, error))?,
    };
    let generation = earlier.map_or(1, |earlier| earlier.generation.saturating_add(1));
    let record = TokenRecord { generation, ..record.clone() };
    locked.save(&record).map_err(|error| locked.rescue(&record, error))?;
    Ok(record)
}

/// Erases a login and returns what it held, if that could be read, so that the caller can revoke it
/// (RFC 7009). Waits for a refresh under way: what that brings is erased too.
pub fn log_out(store: &dyn TokenStore, key: &TokenKey) -> Result<Option<TokenRecord>, StoreError> {
    let mut locked = store.lock(key)?;
    // A record that is damaged or of another release is erased like any other.
    let record = locked.load().unwrap_or_default();
    locked.delete()?;
    Ok(record)
}
