//! From one store to another.

use crate::record_json::to_json;
use crate::{LockedRecord, StoreError, StoreProblem, TokenKey, TokenRecord, TokenStore};

/// Moves the login of `key` from one store to another; says whether there was one.
///
/// Both locks are held, and the old copy is deleted only once the new one was read back, so that a crash
/// leaves one of the two at least: moving again finishes the work. A newer login in the other store is not
/// overwritten.
pub fn move_record(from: &dyn TokenStore, to: &dyn TokenStore, key: &TokenKey) -> Result<bool, StoreError> {
    move_record_with(from, to, key, || Ok(()))
}

/// [`move_record`], with `commit` between the two: called once the new copy was read back and before the old one
/// is deleted, it writes down where the login is now. At every moment what is written down leads to a whole copy.
/// Where it fails, the login stays where it was.
pub fn move_record_with<E: From<StoreError>>(
    from: &dyn TokenStore,
    to: &dyn TokenStore,
    key: &TokenKey,
    commit: impl FnOnce() -> Result<(), E>,
) -> Result<bool, E> {
    let [mut old, mut new] = lock_both(from, to, key)?;
    let Some(record) = old.load()? else { return Ok(false) };
    let there = match new.load() {
        Err(error) if error.problem().gives_way_to_a_login() => None,
        there => there?,
    };
    match there {
        Some(there) if is_same(&there, &record) => {}
        // A generation counts the refreshes of one login: what was obtained later may be another.
        Some(there) if there.generation == record.generation || there.obtained_at > record.obtained_at => {
            return Err(error_of(to, StoreProblem::NewerLogin).into());
        }
        _ => {
            new.save(&record)?;
            let back = new.load()?;
            if !back.is_some_and(|back| is_same(&back, &record)) {
                return Err(error_of(to, StoreProblem::NotReadBack).into());
            }
        }
    }
    if let Err(error) = commit() {
        // One that stays is overwritten when the login is moved again.
        let _ = new.delete();
        return Err(error);
    }
    old.delete()?;
    Ok(true)
}

/// [`move_record`] for each of `keys`, until one cannot be moved; says how many there were.
pub fn move_records(
    from: &dyn TokenStore,
    to: &dyn TokenStore,
    keys: &[TokenKey],
) -> Result<usize, StoreError> {
    let mut moved = 0;
    for key in keys {
        moved += usize::from(move_record(from, to, key)?);
    }
    Ok(moved)
}

/// In the order of their names, whoever moves in which direction: no two wait for each other.
fn lock_both(
    from: &dyn TokenStore,
    to: &dyn TokenStore,
    key: &TokenKey,
) -> Result<[Box<dyn LockedRecord>; 2], StoreError> {
    let (from_name, to_name) = (from.lock_name(key), to.lock_name(key));
    if from_name == to_name {
        return Err(error_of(to, StoreProblem::SamePlace));
    }
    if from_name < to_name {
        let old = from.lock(key)?;
        Ok([old, to.lock(key)?])
    } else {
        let new = to.lock(key)?;
        Ok([from.lock(key)?, new])
    }
}

/// As a store keeps them: a life of part of a second is one of whole seconds there.
fn is_same(one: &TokenRecord, other: &TokenRecord) -> bool {
    to_json(one) == to_json(other)
}

fn error_of(store: &dyn TokenStore, problem: StoreProblem) -> StoreError {
    let description = store.describe();
    StoreError::new(description.name, description.location, problem)
}
