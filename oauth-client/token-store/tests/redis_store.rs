//! Records in a Redis server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use oauth_protocol::{AccessTokenResponse, Error, Secret};
use oauth_token_store::{
    FreshToken, Grant, LoginNeeded, MemoryStore, RedisPersistence, RedisStore, RefreshError, StoreError,
    StoreProblem, TokenKey, TokenNeed, TokenRecord, TokenStore, Warning, fresh_token, log_out, move_record,
    save_login,
};

use crate::client_credentials::one_request_an_expiry;
use crate::example_login::{LOGIN_AT, answer, at, key, record, record_of};
use crate::lock::one_refresh_an_expiry;
use crate::redis_server::{DEADLINE, Redis, record_name, wait_until};
use crate::refresh::a_due_token_is_refreshed_and_the_record_merged;

const SECOND: &str =
    r#"{"access_token":"access-2","token_type":"Bearer","expires_in":1000,"refresh_token":"refresh-2"}"#;

fn store(redis: &Redis) -> RedisStore {
    RedisStore::new(&redis.url(), "test").unwrap().with_lock_timeout(DEADLINE)
}

/// Gives up at a held lock at once.
fn impatient(redis: &Redis) -> RedisStore {
    store(redis).with_lock_timeout(Duration::ZERO)
}

fn holding(redis: &Redis, record: &TokenRecord) -> RedisStore {
    store(redis).save(record).unwrap();
    store(redis)
}

fn lock_name() -> String {
    format!("{}:lock", record_name())
}

/// The lock of a holder that was paused for longer than it lives.
fn expire_lock(redis: &Redis) {
    assert_eq!(redis.ask::<u8>(&["PEXPIRE", &lock_name(), "0"]), 1);
}

fn second(_: &Secret) -> Result<AccessTokenResponse, Error> {
    answer(200, SECOND)
}

fn ask(
    store: &dyn TokenStore,
    after: u64,
    exchange: impl FnOnce(&Secret) -> Result<AccessTokenResponse, Error>,
) -> Result<FreshToken, RefreshError> {
    fresh_token(store, &key(), &TokenNeed::new(), &|| at(LOGIN_AT + after), |grant| match grant {
        Grant::RefreshToken(refresh_token) => exchange(refresh_token),
        Grant::ClientCredentials => panic!("a person's login was renewed without them"),
    })
}

fn no_exchange(_: &Secret) -> Result<AccessTokenResponse, Error> {
    panic!("a refresh was sent")
}

#[track_caller]
fn assert_lock_lost<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    let refused = result.unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::LockLost), "{refused}");
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn keeps_what_was_saved_until_it_is_deleted() {
    let redis = Redis::new();
    assert_eq!(store(&redis).load(&key()).unwrap(), None);
    assert!(!store(&redis).delete(&key()).unwrap());
    store(&redis).save(&record()).unwrap();
    assert_eq!(store(&redis).load(&key()).unwrap(), Some(record()));
    assert_eq!(store(&redis).lock(&key()).unwrap().load().unwrap(), Some(record()));
    let json = redis.get(&record_name()).unwrap();
    assert!(json.starts_with(br#"{"version":1,"issuer":"https://auth.example.com""#), "as in a file");
    let other = TokenKey { account: "you".into(), ..key() };
    assert_eq!(store(&redis).load(&other).unwrap(), None);
    assert!(store(&redis).delete(&key()).unwrap());
    assert_eq!(store(&redis).load(&key()).unwrap(), None);
    assert_eq!(redis.get(&record_name()), None);
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn keeps_a_token_of_20_kilobytes() {
    let redis = Redis::new();
    let token = "x".repeat(20_000);
    let long = record_of(&format!(
        r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":1000,"refresh_token":"{token}"}}"#
    ));
    holding(&redis, &long);
    assert_eq!(store(&redis).load(&key()).unwrap(), Some(long));
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn refuses_to_go_back_a_generation_and_another_logins_record() {
    let redis = Redis::new();
    let store = holding(&redis, &TokenRecord { generation: 3, ..record() });
    let refused = store.save(&TokenRecord { generation: 2, ..record() }).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::Superseded { stored: 3, offered: 2 }), "{refused}");
    let other = TokenKey { account: "you".into(), ..key() };
    let refused = store.lock(&other).unwrap().save(&record()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::OtherKey), "{refused}");
    assert_eq!(save_login(&store, &record()).unwrap().generation, 4);
    assert_eq!(log_out(&store, &key()).unwrap().unwrap().generation, 4);
    assert_eq!(log_out(&store, &key()).unwrap(), None);
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_due_token_in_redis_is_refreshed_and_the_record_merged() {
    a_due_token_is_refreshed_and_the_record_merged(&store(&Redis::new()));
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn many_callers_refresh_once_an_expiry() {
    let redis = Redis::new();
    one_refresh_an_expiry(|| Box::new(store(&redis)));
    // And with the connections of one store for all of them.
    let store = RedisStore::new(&redis.url(), "shared").unwrap();
    one_refresh_an_expiry(|| Box::new(store.clone()));
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn many_callers_share_one_token_of_the_client_itself() {
    let redis = Redis::new();
    one_request_an_expiry(|| Box::new(store(&redis)));
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn all_keys_of_a_record_lie_on_one_node_of_a_cluster_and_any_node_leads_to_it() {
    let nodes = Redis::cluster();
    let [one, other] = nodes.each_ref().map(store);
    one.check().unwrap();
    for account in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let key = TokenKey { account: account.into(), ..key() };
        one.save(&TokenRecord { key: key.clone(), ..record() }).unwrap();
        let clock = || at(LOGIN_AT + 1000);
        let token = fresh_token(&other, &key, &TokenNeed::new(), &clock, |_| answer(200, SECOND)).unwrap();
        assert!(token.warning.is_none(), "{:?}", token.warning);
        assert_eq!(one.load(&key).unwrap().unwrap().generation, 2);
    }
    let names = nodes.each_ref().map(Redis::names);
    assert!(names.iter().all(|names| !names.is_empty()), "both have some: {names:?}");
    for node in &nodes {
        for name in node.names().iter().filter(|name| name.ends_with('}')) {
            node.set(name, b"{");
        }
    }
    for account in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let key = TokenKey { account: account.into(), ..key() };
        assert_eq!(save_login(&one, &TokenRecord { key: key.clone(), ..record() }).unwrap().generation, 1);
        assert!(other.delete(&key).unwrap());
    }
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_lock_that_is_held_is_waited_for_in_vain_and_is_free_once_dropped() {
    let redis = Redis::new();
    let held = store(&redis).lock(&key()).unwrap();
    let refused = impatient(&redis).lock(&key()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::LockTimeout { .. }), "{refused}");
    let other = TokenKey { account: "you".into(), ..key() };
    impatient(&redis).lock(&other).unwrap();
    drop(held);
    impatient(&redis).lock(&key()).unwrap();
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_lock_that_is_freed_wakes_who_waits_for_it() {
    let redis = Redis::new();
    let held = store(&redis).lock(&key()).unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            drop(store(&redis).lock(&key()).unwrap());
            Instant::now()
        });
        wait_until("it waits", || redis.ask::<String>(&["INFO", "clients"]).contains("blocked_clients:1"));
        let freed_at = Instant::now();
        drop(held);
        let taken_after = waiter.join().unwrap().duration_since(freed_at);
        // It would look again by itself a second after it began to wait.
        assert!(taken_after < Duration::from_millis(700), "{taken_after:?}");
    });
}

/// What holds the lock in a process of its own until it is killed.
#[test]
#[ignore = "the other process of another test"]
fn holds_a_lock_until_it_is_killed() {
    let Ok(url) = std::env::var("REDIS_OF_THE_TEST") else { return };
    let _held = RedisStore::new(&url, "test").unwrap().lock(&key()).unwrap();
    println!("\nheld");
    std::io::stdout().flush().unwrap();
    thread::sleep(Duration::from_secs(600));
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_lock_whose_holder_was_killed_ends_by_itself() {
    let redis = Redis::new();
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "redis_store::holds_a_lock_until_it_is_killed", "--ignored", "--nocapture"])
        .env("REDIS_OF_THE_TEST", redis.url())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let is_held = lines.map_while(Result::ok).any(|line| line == "held");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(is_held);
    impatient(&redis).lock(&key()).unwrap_err();
    let life: i64 = redis.ask(&["PTTL", &lock_name()]);
    assert!((30_000..=40_000).contains(&life), "outlives an exchange, and others outlive it: {life}");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| drop(store(&redis).lock(&key()).unwrap()));
        wait_until("it waits", || redis.ask::<String>(&["INFO", "clients"]).contains("blocked_clients:1"));
        redis.ask::<u8>(&["PEXPIRE", &lock_name(), "50"]);
        waiter.join().unwrap();
    });
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_holder_that_was_paused_writes_nothing_over_somebody_newer() {
    let redis = Redis::new();
    let store = holding(&redis, &record());
    let mut paused = store.lock(&key()).unwrap();
    assert_eq!(paused.load().unwrap(), Some(record()));
    paused.reserve(&record()).unwrap();
    expire_lock(&redis);
    // Somebody newer has the lock, and has written nothing yet: even a higher generation comes late.
    let mut newer = store.lock(&key()).unwrap();
    let before = redis.get(&record_name());
    assert_lock_lost(paused.save(&TokenRecord { generation: 9, ..record() }));
    assert_lock_lost(paused.reserve(&record()));
    assert_lock_lost(paused.delete());
    assert_eq!(redis.get(&record_name()), before);
    newer.save(&TokenRecord { generation: 2, ..record() }).unwrap();
    drop(newer);
    // It is over, and stays so.
    assert_lock_lost(paused.save(&TokenRecord { generation: 9, ..record() }));
    assert_eq!(store.load(&key()).unwrap().unwrap().generation, 2);
    // Its end takes nobody's lock away.
    let _held = store.lock(&key()).unwrap();
    drop(paused);
    impatient(&redis).lock(&key()).unwrap_err();
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_holder_that_was_paused_sets_nothing_aside() {
    let redis = Redis::new();
    let store = holding(&redis, &record());
    let mut paused = store.lock(&key()).unwrap();
    expire_lock(&redis);
    let _newer = store.lock(&key()).unwrap();
    redis.set(&record_name(), b"{");
    assert_lock_lost(paused.load());
    assert_eq!(redis.get(&record_name()).unwrap(), b"{");
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_holder_that_was_paused_is_late_also_after_the_server_has_lost_everything() {
    let redis = Redis::new();
    let store = holding(&redis, &record());
    let mut paused = store.lock(&key()).unwrap();
    redis.ask::<()>(&["FLUSHALL"]);
    let mut newer = store.lock(&key()).unwrap();
    newer.save(&TokenRecord { generation: 1, ..record() }).unwrap();
    drop(newer);
    assert_lock_lost(paused.save(&TokenRecord { generation: 2, ..record() }));
    assert_eq!(store.load(&key()).unwrap(), Some(record()));
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_lock_that_is_over_still_writes_while_nobody_has_taken_it() {
    let redis = Redis::new();
    let store = holding(&redis, &record());
    let token = ask(&store, 1000, |_| {
        expire_lock(&redis);
        answer(200, SECOND)
    });
    assert!(token.unwrap().warning.is_none());
    assert_eq!(store.load(&key()).unwrap().unwrap().generation, 2);
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_refresh_that_lost_its_lock_hands_its_token_over_and_says_so() {
    let redis = Redis::new();
    let store = holding(&redis, &record());
    let token = ask(&store, 1000, |_| {
        expire_lock(&redis);
        drop(store.lock(&key()).unwrap());
        answer(200, SECOND)
    });
    let token = token.unwrap();
    assert_eq!(token.record.access_token.expose(), "access-2");
    let Some(Warning::NotStored(error)) = token.warning else { panic!("{:?}", token.warning) };
    assert!(error.to_string().ends_with(
        "the lock was held for too long, somebody else has had it meanwhile, and nothing is written: \
         read the record again"
    ));
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_refresh_gives_the_lock_a_whole_life_again() {
    let redis = Redis::new();
    let store = holding(&redis, &record());
    let mut held = store.lock(&key()).unwrap();
    redis.ask::<u8>(&["PEXPIRE", &lock_name(), "5000"]);
    held.reserve(&record()).unwrap();
    let life: i64 = redis.ask(&["PTTL", &lock_name()]);
    assert!(life > 30_000, "{life}");
    // One that ended before is held again.
    expire_lock(&redis);
    held.reserve(&record()).unwrap();
    impatient(&redis).lock(&key()).unwrap_err();
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_server_stopped_and_started_in_the_middle_of_a_refresh_costs_no_token() {
    for redis in [Redis::on_disk(), Redis::new()] {
        let store = holding(&redis, &record());
        let token = thread::scope(|scope| {
            ask(&store, 1000, |_| {
                redis.stop();
                let stand_in = UnixListener::bind(redis.socket()).unwrap();
                scope.spawn(|| {
                    // It starts once the write was tried in vain.
                    drop(stand_in.accept().unwrap());
                    drop(stand_in);
                    std::fs::remove_file(redis.socket()).unwrap();
                    redis.start();
                });
                answer(200, SECOND)
            })
        });
        let token = token.unwrap();
        assert!(token.warning.is_none(), "{:?}", token.warning);
        assert_eq!(store.load(&key()).unwrap(), Some(token.record));
        impatient(&redis).lock(&key()).unwrap();
    }
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_server_started_anew_finds_the_connections_of_before_replaced() {
    let redis = Redis::on_disk();
    let store = holding(&redis, &record());
    store.load(&key()).unwrap();
    redis.stop();
    redis.start();
    assert_eq!(store.load(&key()).unwrap(), Some(record()));
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_lock_that_could_not_be_freed_is_freed_once_the_server_is_back() {
    let redis = Redis::on_disk();
    let store = store(&redis);
    let held = store.lock(&key()).unwrap();
    redis.stop();
    drop(held);
    redis.start();
    // The lock itself was on the disk.
    wait_until("the lock is free", || redis.ask::<u8>(&["EXISTS", &lock_name()]) == 0);
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_lock_whose_answer_was_lost_is_freed_again() {
    let redis = Redis::new();
    let store = store(&redis).with_answer_timeout(Duration::from_millis(200));
    assert_eq!(store.load(&key()).unwrap(), None);
    redis.freeze(true);
    store.lock(&key()).unwrap_err();
    redis.freeze(false);
    // What had been sent is done now.
    wait_until("the lock is taken", || redis.get(&format!("{}:fence", record_name())).is_some());
    wait_until("the lock is free", || redis.ask::<u8>(&["EXISTS", &lock_name()]) == 0);
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_failed_refresh_is_not_held_up_by_a_server_that_is_gone() {
    let redis = Redis::new();
    let store = holding(&redis, &record());
    let started = Instant::now();
    let token = ask(&store, 900, |_| {
        redis.stop();
        answer(503, "down")
    });
    let token = token.unwrap();
    assert!(matches!(token.warning, Some(Warning::RefreshFailed(_))), "{:?}", token.warning);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_server_that_is_gone_is_reported_at_once_with_the_next_step_and_without_the_password() {
    let redis = Redis::with(&["--requirepass", "tangerine"]);
    let url = format!("{}?pass=tangerine", redis.url());
    let store = RedisStore::new(&url, "test").unwrap();
    store.save(&record()).unwrap();
    redis.stop();
    let started = Instant::now();
    let refused = ask(&store, 900, no_exchange).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(
        refused.to_string(),
        format!(
            "Redis store, {}?db=0 {}: cannot read the record: No such file or directory (os error 2); \
             start it, or check the address in the URL",
            redis.url(),
            record_name()
        )
    );
    for shown in [format!("{refused:?}"), format!("{store:?}"), format!("{:?}", store.describe())] {
        assert!(!shown.contains("tangerine"), "{shown}");
    }
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_server_that_does_not_answer_costs_a_bounded_time() {
    let redis = Redis::new();
    let store = holding(&redis, &record()).with_answer_timeout(Duration::from_millis(300));
    store.load(&key()).unwrap();
    redis.freeze(true);
    // On the connection from before, and on new ones.
    for _ in 0..3 {
        let started = Instant::now();
        let refused = store.load(&key()).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        assert!(
            refused.to_string().contains("no answer within 0.3 s; check that the server is"),
            "{refused}"
        );
    }
    redis.freeze(false);
    wait_until("it answers again", || store.load(&key()).is_ok());
}

#[test]
fn a_listener_that_says_nothing_costs_a_bounded_time() {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap();
    let url = format!("redis://user:tangerine@{address}/1");
    let store = RedisStore::new(&url, "test").unwrap().with_answer_timeout(Duration::from_millis(100));
    let started = Instant::now();
    let refused = store.load(&key()).unwrap_err().to_string();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(refused.starts_with(&format!("Redis store, redis://{address}/1 test:{{")), "{refused}");
    assert!(!refused.contains("tangerine"), "{refused}");
}

#[test]
fn what_speaks_another_protocol_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for peer in listener.incoming() {
            peer.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        }
    });
    let store = RedisStore::new(&format!("redis://{address}"), "test").unwrap();
    let refused = store.load(&key()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::Server { .. }), "{refused}");
}

#[test]
fn a_url_that_is_none_is_refused_and_not_shown() {
    for url in ["", "tangerine", "http://:tangerine@host", "redis://:tangerine@", "redis://host/tangerine"] {
        let refused = RedisStore::new(url, "test").unwrap_err();
        let shown = format!("{refused} {refused:?}");
        assert!(shown.contains("cannot use the URL: it is none of Redis; write redis://USER:PASSWORD@"));
        assert!(!shown.contains("tangerine"), "{shown}");
    }
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_wrong_password_is_told_and_not_shown() {
    let redis = Redis::with(&["--requirepass", "right"]);
    for (query, said) in [
        ("?pass=tangerine", "the user or the password is wrong; check the user and the password in the URL"),
        ("", "NOAUTH Authentication required.; check the user and the password in the URL"),
    ] {
        let store = RedisStore::new(&format!("{}{query}", redis.url()), "test").unwrap();
        for refused in
            [store.load(&key()).unwrap_err(), store.lock(&key()).unwrap_err(), store.check().unwrap_err()]
        {
            let shown = refused.to_string();
            assert!(shown.ends_with(said) && !shown.contains("tangerine"), "{shown}");
        }
    }
}

/// Each command makes a server that can still be read.
#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_server_that_only_reads_is_no_reason_to_withhold_a_token_that_works() {
    let replica: &[&str] = &["REPLICAOF", "127.0.0.1", "1"];
    let full: &[&str] = &["CONFIG", "SET", "maxmemory", "1"];
    for (command, code, next_step) in [
        (replica, "READONLY", "name the primary, not a replica"),
        (full, "OOM", "give it more memory (maxmemory), or free some"),
    ] {
        let redis = Redis::new();
        let store = holding(&redis, &record());
        redis.ask::<()>(command);
        let token = ask(&store, 900, no_exchange).unwrap();
        assert_eq!(token.record, record());
        let Some(Warning::NotRefreshed(error)) = token.warning else { panic!("{:?}", token.warning) };
        let shown = error.to_string();
        assert!(shown.contains(&format!("cannot take the lock: {code} ")), "{shown}");
        assert!(shown.ends_with(next_step), "{shown}");
        let refused = ask(&store, 1000, no_exchange).unwrap_err();
        assert!(matches!(refused, RefreshError::Store(_)), "{refused}");
    }
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_disk_that_is_full_is_no_reason_to_withhold_a_token_that_works() {
    let redis = Redis::with(&["--save", "3600 1000000", "--appendonly", "no"]);
    let store = holding(&redis, &record());
    // A snapshot that cannot be written stops the writes of others.
    std::fs::create_dir(redis.directory().join("dump.rdb")).unwrap();
    redis.ask::<String>(&["BGSAVE"]);
    wait_until("the snapshot fails", || {
        redis.ask::<String>(&["INFO", "persistence"]).contains("rdb_last_bgsave_status:err")
    });
    let token = ask(&store, 900, no_exchange).unwrap();
    let Some(Warning::NotRefreshed(error)) = token.warning else { panic!("{:?}", token.warning) };
    assert!(error.to_string().contains("MISCONF"), "{error}");
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_memory_that_fills_up_during_the_refresh_costs_no_token() {
    let redis = Redis::new();
    let store = holding(&redis, &record());
    let token = ask(&store, 1000, |_| {
        redis.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
        answer(200, SECOND)
    });
    assert!(token.as_ref().unwrap().warning.is_none(), "{token:?}");
    assert_eq!(store.load(&key()).unwrap(), Some(token.unwrap().record));
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_damaged_record_is_kept_aside_each_under_a_name_of_its_own() {
    let redis = Redis::new();
    let store = store(&redis);
    for (number, damaged) in [&b""[..], b"{", b"\0\xff", br#"{"version":1}"#].into_iter().enumerate() {
        store.save(&record()).unwrap();
        redis.set(&record_name(), damaged);
        let error = store.load(&key()).unwrap_err();
        let kept = format!("{}:corrupt-{}", record_name(), number + 1);
        let StoreProblem::Corrupt { kept_as } = error.problem() else { panic!("{error}") };
        assert_eq!(kept_as.to_str(), Some(&*kept));
        assert_eq!(redis.get(&kept).unwrap(), damaged);
        assert_eq!(redis.get(&record_name()), None);
    }
    // Where the count was lost, no copy is overwritten.
    redis.ask::<u8>(&["DEL", &format!("{}:corrupt", record_name())]);
    redis.set(&record_name(), b"fifth");
    store.load(&key()).unwrap_err();
    assert_eq!(redis.get(&format!("{}:corrupt-5", record_name())).unwrap(), b"fifth");
    assert_eq!(redis.get(&format!("{}:corrupt-1", record_name())).unwrap(), b"");
    // What is no string is no record either.
    redis.ask::<u8>(&["HSET", &record_name(), "a", "b"]);
    let error = store.load(&key()).unwrap_err();
    assert!(matches!(error.problem(), StoreProblem::Corrupt { .. }), "{error}");

    assert_eq!(save_login(&store, &record()).unwrap().generation, 1);
    assert!(store.delete(&key()).unwrap());
    let names = redis.names();
    assert!(!names.iter().any(|name| name.contains("corrupt")), "{names:?}");
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_damaged_record_gives_way_to_a_login_and_to_a_logout_that_need_not_read_it() {
    let redis = Redis::new();
    let store = store(&redis);
    redis.set(&record_name(), b"{");
    assert_eq!(save_login(&store, &record()).unwrap().generation, 1);
    redis.set(&record_name(), b"{");
    store.save(&record()).unwrap();
    assert_eq!(store.load(&key()).unwrap(), Some(record()));
    redis.set(&record_name(), b"{");
    assert_eq!(log_out(&store, &key()).unwrap(), None);
    assert_eq!(store.load(&key()).unwrap(), None);
    redis.ask::<u8>(&["RPUSH", &record_name(), "no string"]);
    assert!(store.delete(&key()).unwrap());
    let left = redis.names();
    assert_eq!(left, [":fence", ":wake"].map(|suffix| format!("{}{suffix}", record_name())));
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_record_of_another_version_or_login_is_neither_read_nor_overwritten() {
    let redis = Redis::new();
    let store = store(&redis);
    let other = TokenKey { account: "you".into(), ..key() };
    store.save(&TokenRecord { key: other, ..record() }).unwrap();
    let others = redis.names().into_iter().find(|name| name.ends_with('}')).unwrap();
    let others = redis.get(&others).unwrap();
    for bytes in [&br#"{"version":2,"sealed":"AAAA"}"#[..], &others] {
        redis.set(&record_name(), bytes);
        for refused in [
            store.load(&key()).unwrap_err(),
            store.save(&record()).unwrap_err(),
            save_login(&store, &record()).unwrap_err(),
        ] {
            let is_expected = matches!(
                refused.problem(),
                StoreProblem::UnknownVersion { version: 2 } | StoreProblem::ForeignRecord
            );
            assert!(is_expected, "{refused}");
        }
        assert_eq!(redis.get(&record_name()).unwrap(), bytes);
        assert_eq!(log_out(&store, &key()).unwrap(), None);
        assert_eq!(redis.get(&record_name()), None);
    }
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_record_changed_by_somebody_without_the_lock_is_judged_again() {
    let redis = Redis::new();
    let store = holding(&redis, &record());
    let mut locked = store.lock(&key()).unwrap();
    locked.load().unwrap();
    let mut newer = redis.get(&record_name()).unwrap();
    let from = String::from_utf8(newer.clone()).unwrap();
    newer = from.replace("\"generation\":1", "\"generation\":8").into_bytes();
    redis.set(&record_name(), &newer);
    let refused = locked.save(&TokenRecord { generation: 2, ..record() }).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::Superseded { stored: 8, offered: 2 }), "{refused}");
    assert_eq!(redis.get(&record_name()).unwrap(), newer);
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_logout_waits_for_the_refresh_under_way_and_erases_what_it_brought() {
    let redis = Redis::new();
    let store = holding(&redis, &record());
    thread::scope(|scope| {
        let mut logout = None;
        let token = ask(&store, 1000, |_| {
            logout = Some(scope.spawn(|| log_out(&store, &key())));
            answer(200, SECOND)
        });
        assert!(token.unwrap().warning.is_none());
        let erased = logout.unwrap().join().unwrap().unwrap().unwrap();
        assert_eq!(erased.refresh_token, Some(Secret::from("refresh-2")), "the new token is to be revoked");
    });
    let refused = ask(&store, 1000, no_exchange).unwrap_err();
    assert!(matches!(refused, RefreshError::LoginNeeded(LoginNeeded::NoRecord)), "{refused}");
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_login_moves_there_and_back_and_not_to_where_it_is() {
    let redis = Redis::new();
    let (memory, store) = (MemoryStore::new(), store(&redis));
    memory.save(&record()).unwrap();
    assert!(move_record(&memory, &store, &key()).unwrap());
    assert_eq!((memory.load(&key()).unwrap(), store.load(&key()).unwrap()), (None, Some(record())));
    let same = RedisStore::new(&redis.url(), "test").unwrap();
    let refused = move_record(&store, &same, &key()).unwrap_err();
    assert!(matches!(refused.problem(), StoreProblem::SamePlace), "{refused}");
    let elsewhere = RedisStore::new(&redis.url(), "other").unwrap();
    assert!(move_record(&store, &elsewhere, &key()).unwrap());
    assert!(move_record(&elsewhere, &memory, &key()).unwrap());
    assert_eq!((memory.load(&key()).unwrap(), elsewhere.load(&key()).unwrap()), (Some(record()), None));
}

#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_check_tells_how_the_server_keeps_what_it_is_given_and_leaves_nothing_behind() {
    let redis = Redis::on_disk();
    redis.ask::<()>(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let store = store(&redis);
    assert!(!store.describe().survives_reboot, "nobody has asked the server");
    TokenStore::prepare(&store).unwrap();
    assert!(store.describe().survives_reboot);
    let server = store.check().unwrap();
    assert!(server.version.as_ref().unwrap().contains('.'), "{server:?}");
    assert_eq!(server.persistence, Some(RedisPersistence::EachWrite));
    assert_eq!(server.risks(), [""; 0]);
    assert!(store.describe().survives_reboot);
    assert_eq!(redis.names(), [""; 0]);

    redis.ask::<()>(&["CONFIG", "SET", "appendfsync", "everysec", "maxmemory-policy", "allkeys-lru"]);
    assert_eq!(
        store.check().unwrap().risks(),
        [
            "a crash loses the last second: set appendfsync always",
            "with its memory full it throws away logins or locks: set maxmemory-policy noeviction",
        ]
    );
    redis.ask::<()>(&["CONFIG", "SET", "appendonly", "no"]);
    let server = store.check().unwrap();
    assert_eq!(server.persistence, Some(RedisPersistence::Nothing));
    assert!(!store.describe().survives_reboot);
    redis.ask::<()>(&["CONFIG", "SET", "save", "3600 1"]);
    assert_eq!(store.check().unwrap().persistence, Some(RedisPersistence::Snapshots));
}

/// The access list of the documentation, and nothing else.
#[test]
#[ignore = "needs redis-server; run by tests/run"]
fn a_user_with_the_rights_that_are_documented_does_all_and_one_with_less_is_told() {
    let redis = Redis::new();
    let grant = |user: &str, more: &[&str]| {
        let rights = "reset on >password ~test:* +eval +get +set +del +exists +renamenx +type +persist \
                      +pttl +pexpire +time +rpush +select";
        let rule: Vec<_> = ["ACL", "SETUSER", user].into_iter().chain(rights.split(' ')).collect();
        redis.ask::<()>(&[&rule, more].concat());
        RedisStore::new(&format!("{}?db=3&user={user}&pass=password", redis.url()), "test").unwrap()
    };
    let store = grant("all", &["+blpop", "+info"]);
    assert_eq!(store.check().unwrap().persistence, None, "it may not ask for the configuration");
    store.save(&record()).unwrap();
    assert!(ask(&store, 1000, second).unwrap().warning.is_none());
    assert!(store.delete(&key()).unwrap());
    let refused = RedisStore::new(&format!("{}?user=all&pass=password", redis.url()), "other").unwrap();
    assert!(refused.load(&key()).unwrap_err().to_string().contains("NOPERM"));

    let refused = grant("less", &["-blpop"]).check().unwrap_err();
    assert!(refused.to_string().contains("cannot wait for the lock: NOPERM"), "{refused}");
    assert!(refused.to_string().ends_with("let this user run what the documentation of RedisStore lists"));
    let refused = grant("none", &["-eval"]).check().unwrap_err();
    assert!(refused.to_string().contains("cannot take the lock: NOPERM"), "{refused}");
}

#[test]
fn says_what_it_promises_without_asking() {
    let store = RedisStore::new("redis://user:tangerine@[::1]:7000/2", "test").unwrap();
    let promises = store.describe();
    assert_eq!(
        (promises.name, promises.encrypted_at_rest, promises.survives_reboot),
        ("Redis", false, false)
    );
    assert_eq!(promises.location.unwrap().to_str(), Some("redis://[::1]:7000/2 test:*"));
    assert!(!format!("{store:?}").contains("tangerine"));
}

#[cfg(feature = "key-file")]
mod sealed {
    use oauth_token_store::{KeyFile, RedisStore, StoreProblem, TokenStore as _};

    use super::{Redis, SECOND, TokenRecord, answer, ask, key, record};

    fn sealed(redis: &Redis, key_file: &str) -> RedisStore {
        RedisStore::new(&redis.url(), "test").unwrap().sealed(KeyFile::new(redis.directory().join(key_file)))
    }

    fn write_key(redis: &Redis, name: &str, byte: u8) {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = redis.directory().join(name);
        let mut file =
            std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).unwrap();
        file.write_all(&[byte; 32]).unwrap();
    }

    #[test]
    #[ignore = "needs redis-server; run by tests/run"]
    fn a_sealed_record_shows_nothing_and_lies_beside_a_plain_one() {
        let redis = Redis::new();
        write_key(&redis, "key", 7);
        let store = sealed(&redis, "key");
        store.check().unwrap();
        store.save(&record()).unwrap();
        assert_eq!(store.load(&key()).unwrap(), Some(record()));
        assert!(ask(&store, 1000, |_| answer(200, SECOND)).unwrap().warning.is_none());
        assert_eq!(super::store(&redis).load(&key()).unwrap(), None);
        super::store(&redis).save(&TokenRecord { generation: 7, ..record() }).unwrap();
        assert_eq!(store.load(&key()).unwrap().unwrap().generation, 2);
        let name =
            redis.names().into_iter().find(|name| name.starts_with("test:{sealed-") && name.ends_with('}'));
        let bytes = redis.get(&name.unwrap()).unwrap();
        for secret in ["access-2", "refresh-2", "auth.example.com"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
        let promises = store.describe();
        assert_eq!((promises.name, promises.encrypted_at_rest), ("sealed Redis", true));
    }

    #[test]
    #[ignore = "needs redis-server; run by tests/run"]
    fn a_key_that_is_missing_or_another_is_told_and_none_is_made() {
        let redis = Redis::new();
        write_key(&redis, "key", 7);
        write_key(&redis, "other", 8);
        sealed(&redis, "key").save(&record()).unwrap();
        let missing = RedisStore::new(&redis.url(), "test")
            .unwrap()
            .sealed(KeyFile::made_if_missing(redis.directory().join("missing")));
        for refused in [
            missing.load(&key()).unwrap_err(),
            missing.save(&record()).unwrap_err(),
            missing.check().unwrap_err(),
        ] {
            assert!(matches!(refused.problem(), StoreProblem::MissingKey { .. }), "{refused}");
            assert!(refused.to_string().starts_with("sealed Redis store, /"), "{refused}");
        }
        assert!(!redis.directory().join("missing").exists());
        let refused = sealed(&redis, "other").load(&key()).unwrap_err();
        assert!(matches!(refused.problem(), StoreProblem::ForeignKey), "{refused}");
        assert_eq!(sealed(&redis, "key").load(&key()).unwrap(), Some(record()));
    }

    #[test]
    #[ignore = "needs redis-server; run by tests/run"]
    fn once_a_refresh_is_under_way_its_write_needs_the_key_file_no_more() {
        let redis = Redis::new();
        write_key(&redis, "key", 7);
        let store = sealed(&redis, "key");
        store.save(&record()).unwrap();
        let token = ask(&store, 1000, |_| {
            std::fs::rename(redis.directory().join("key"), redis.directory().join("away")).unwrap();
            answer(200, SECOND)
        });
        assert!(token.unwrap().warning.is_none());
        assert_eq!(sealed(&redis, "away").load(&key()).unwrap().unwrap().generation, 2);
    }
}

#[cfg(feature = "redis-tls")]
mod tls {
    use oauth_token_store::{RedisStore, TokenStore as _};

    use super::{Redis, key, record};
    use crate::redis_server::free_port;

    #[test]
    #[ignore = "needs redis-server; run by tests/run"]
    fn over_tls_a_server_is_trusted_by_its_certificate_alone() {
        let port = free_port().to_string();
        let place = tempfile::TempDir::new().unwrap();
        let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(path("cert"), own.cert.pem()).unwrap();
        std::fs::write(path("key"), own.signing_key.serialize_pem()).unwrap();
        let _redis = Redis::with(&[
            "--tls-port",
            &port,
            "--tls-auth-clients",
            "no",
            "--tls-cert-file",
            &path("cert"),
            "--tls-key-file",
            &path("key"),
        ]);
        let store = RedisStore::new(&format!("rediss://localhost:{port}"), "test").unwrap();
        let trusting = store.clone().with_root_certificate(own.cert.pem().as_bytes()).unwrap();
        trusting.save(&record()).unwrap();
        assert_eq!(trusting.load(&key()).unwrap(), Some(record()));

        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let elsewhere = rcgen::generate_simple_self_signed(["elsewhere".to_owned()]).unwrap();
        let refused = [
            store.clone(),
            store.clone().with_root_certificate(other.cert.pem().as_bytes()).unwrap(),
            store.clone().with_root_certificate(elsewhere.cert.pem().as_bytes()).unwrap(),
        ];
        for store in refused {
            let refused = store.load(&key()).unwrap_err().to_string();
            assert!(refused.contains("invalid peer certificate"), "{refused}");
        }
        assert!(store.with_root_certificate(b"no certificate").is_err());
    }

    #[test]
    fn a_certificate_is_for_a_url_of_tls() {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let store = RedisStore::new("redis://localhost", "test").unwrap();
        assert!(store.with_root_certificate(own.cert.pem().as_bytes()).is_err());
        assert!(RedisStore::new("rediss://localhost/#other", "test").is_err());
    }
}
