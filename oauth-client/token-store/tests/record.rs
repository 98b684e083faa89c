//! The record: its times, and its form on the disk.

use std::time::Duration;

use oauth_protocol::Scope;
use oauth_token_store::{RefreshPoint, TokenRecord, TokenStore as _};

use crate::example_login::{LOGIN_AT, answer, at, key, record, record_of};
use crate::place::{Place, Plain};

#[test]
fn is_refreshed_at_70_to_90_percent_of_its_life() {
    let answer = answer(200, r#"{"access_token":"a","token_type":"Bearer","expires_in":1000}"#).unwrap();
    let refresh_after = |random| {
        let point = RefreshPoint::from_random(random);
        let record = TokenRecord::new(key(), &answer, &Scope::default(), at(LOGIN_AT), point);
        record.refresh_at.unwrap().as_seconds() - LOGIN_AT
    };
    assert_eq!(refresh_after(0), 700);
    assert_eq!(refresh_after(200), 900);
    assert_eq!(refresh_after(201), 700);
    assert!(
        (0..1000)
            .map(|random: u32| refresh_after(random.wrapping_mul(0x9E37_79B9)))
            .all(|after| { (700..=900).contains(&after) })
    );
}

#[test]
fn is_fresh_until_refresh_at_and_alive_until_expiry() {
    let record = record();
    let states = |after: u64| (record.is_fresh(at(LOGIN_AT + after)), record.is_alive(at(LOGIN_AT + after)));
    assert_eq!(states(0), (true, true));
    assert_eq!(states(799), (true, true));
    assert_eq!(states(800), (false, true));
    assert_eq!(states(999), (false, true));
    assert_eq!(states(1000), (false, false));
    assert_eq!(record.life_left(at(LOGIN_AT + 400)), Some(Duration::from_secs(600)));
    assert_eq!(record.life_left(at(LOGIN_AT + 4000)), Some(Duration::ZERO));
}

#[test]
fn counts_as_expired_when_the_clock_has_gone_back() {
    let record = record();
    assert!(!record.is_alive(at(LOGIN_AT - 1)));
    assert!(!record.is_fresh(at(0)));
    assert_eq!(record.life_left(at(0)), Some(Duration::ZERO));
}

#[test]
fn without_a_known_life_is_fresh_for_ever() {
    let record = record_of(r#"{"access_token":"a","token_type":"Bearer"}"#);
    assert_eq!((record.expires_in, record.refresh_at), (None, None));
    assert!(record.is_fresh(at(u64::MAX)));
    assert_eq!(record.life_left(at(LOGIN_AT)), None);
}

#[test]
fn of_the_longest_life_does_not_overflow() {
    let record = record_of(r#"{"access_token":"a","token_type":"Bearer","expires_in":1e300}"#);
    assert!(record.is_fresh(at(LOGIN_AT + 1_000_000)));
    let late = TokenRecord::new(
        key(),
        &answer(200, r#"{"access_token":"a","token_type":"Bearer","expires_in":3600}"#).unwrap(),
        &Scope::default(),
        at(u64::MAX),
        RefreshPoint::draw(),
    );
    assert_eq!(late.expires_at(), Some(at(u64::MAX)));
}

#[test]
fn takes_the_requested_scope_where_the_server_names_none() {
    assert_eq!(record().scopes.to_string(), "openid offline_access");
    let granted = record_of(r#"{"access_token":"a","token_type":"Bearer","scope":"openid"}"#);
    assert_eq!(granted.scopes.to_string(), "openid");
}

#[test]
fn on_the_disk_is_this_json() {
    let place = Place::<Plain>::new();
    let mut record = record_of(
        r#"{"access_token":"access-1","token_type":"bearer","expires_in":1000,"refresh_token":"re\"fresh","id_token":"e30.e30.","scope":"openid write"}"#,
    );
    record.generation = 7;
    place.store().save(&record).unwrap();
    assert_eq!(
        std::fs::read_to_string(place.record_path()).unwrap(),
        concat!(
            r#"{"version":1,"issuer":"https://auth.example.com","client_id":"device","account":"me","#,
            r#""generation":7,"scopes":["openid","write"],"token_type":"Bearer","access_token":"access-1","#,
            r#""refresh_token":"re\"fresh","id_token":"e30.e30.","obtained_at":1700000000,"#,
            r#""expires_in":1000,"refresh_at":1700000800,"retry_not_before":null,"failures":0,"#,
            r#""in_doubt":null,"login_needed":false}"#,
            "\n"
        )
    );
    assert_eq!(place.store().load(&key()).unwrap(), Some(record));
}

#[test]
fn members_of_a_later_release_are_read_over() {
    let place = Place::<Plain>::new();
    place.store().save(&record()).unwrap();
    let json = std::fs::read_to_string(place.record_path()).unwrap();
    std::fs::write(place.record_path(), json.replace("{\"version\"", "{\"later\":[{}],\"version\"")).unwrap();
    assert_eq!(place.store().load(&key()).unwrap(), Some(record()));
}

#[test]
fn debug_shows_no_secret() {
    let record = record_of(
        r#"{"access_token":"hidden-a","token_type":"Bearer","refresh_token":"hidden-r","id_token":"hidden-i"}"#,
    );
    let shown = format!("{record:?}");
    assert!(shown.contains("auth.example.com") && shown.contains("has_refresh_token: true"), "{shown}");
    assert!(!shown.contains("hidden"), "{shown}");
}
