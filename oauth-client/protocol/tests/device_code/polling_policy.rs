//! The margin on top of each wait.

use oauth_protocol::{DeviceCodeGrant, PollingPolicy};

use crate::scripted_login::{CODES, PENDING, SLOW_DOWN, ScriptedLogin, request};

/// The waits of one login, as parts of the interval.
fn margins(seed: u64, policy: PollingPolicy, slow_downs: u32) -> Vec<f64> {
    let mut login = ScriptedLogin::of(DeviceCodeGrant::new(request(), policy, seed));
    login.sends();
    login.answer(200, CODES);
    for _ in 0..slow_downs {
        login.sends();
        login.answer(400, SLOW_DOWN);
    }
    (0..20)
        .map(|_| {
            let wait = login.sends() / f64::from(5 + 5 * slow_downs);
            login.answer(400, PENDING);
            wait - 1.0
        })
        .collect()
}

#[test]
fn the_margin_is_ten_to_thirty_percent_and_drawn_anew_for_each_wait() {
    let drawn: Vec<f64> = (0..100).flat_map(|seed| margins(seed, PollingPolicy::default(), 0)).collect();
    assert!(drawn.iter().all(|margin| (0.0999..=0.3001).contains(margin)), "{drawn:?}");
    let mean = drawn.iter().sum::<f64>() / 2000.0;
    assert!((0.19..0.21).contains(&mean), "{mean}");
    assert!(drawn.iter().any(|&margin| margin < 0.105) && drawn.iter().any(|&margin| margin > 0.295));
}

#[test]
fn the_margin_widens_after_the_first_slow_down_and_stays_wide() {
    let drawn: Vec<f64> = (0..20).flat_map(|seed| margins(seed, PollingPolicy::default(), 1)).collect();
    assert!(drawn.iter().all(|margin| (0.2999..=0.5001).contains(margin)), "{drawn:?}");
}

#[test]
fn the_seed_alone_decides_the_margins() {
    let of = |seed| margins(seed, PollingPolicy::default(), 0);
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
}

#[test]
fn the_caller_may_replace_the_policy() {
    assert!(
        margins(1, PollingPolicy::with_margin(50, 50), 0).iter().all(|margin| (margin - 0.5).abs() < 1e-3)
    );
    let policy = PollingPolicy::with_margin(0, 0).with_margin_after_slow_down(100, 100);
    assert!(margins(1, policy, 0).iter().all(|&margin| margin == 0.0));
    assert!(margins(1, policy, 2).iter().all(|&margin| margin == 1.0));
}

#[test]
fn a_policy_with_its_ends_reversed_still_only_adds() {
    assert!(margins(1, PollingPolicy::with_margin(30, 10), 0).iter().all(|&margin| margin >= 0.2999));
}
