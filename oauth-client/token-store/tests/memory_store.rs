//! The memory store.

use oauth_token_store::{MemoryStore, StoreProblem, TokenRecord, TokenStore};

use crate::example_login::{key, record};

#[test]
fn keeps_what_was_saved_until_it_is_deleted_and_clones_share_it() {
    let store = MemoryStore::new();
    assert_eq!(store.load(&key()).unwrap(), None);
    store.clone().save(&record()).unwrap();
    assert_eq!(store.load(&key()).unwrap(), Some(record()));
    assert!(store.delete(&key()).unwrap());
    assert!(!store.delete(&key()).unwrap());
    assert_eq!(store.load(&key()).unwrap(), None);
}

#[test]
fn refuses_to_go_back_a_generation() {
    let store: &dyn TokenStore = &MemoryStore::new();
    store.save(&TokenRecord { generation: 3, ..record() }).unwrap();
    let refused = store.save(&TokenRecord { generation: 2, ..record() }).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::Superseded { stored: 3, offered: 2 }), "{refused}");
    assert_eq!(store.load(&key()).unwrap().unwrap().generation, 3);
}

#[test]
fn says_what_it_promises() {
    let promises = MemoryStore::new().describe();
    assert_eq!((promises.name, promises.survives_reboot, promises.location), ("memory", false, None));
}
