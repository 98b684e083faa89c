use std::time::Duration;

use embedded_demo::output::morse::Morse;
use proptest::prelude::*;

const UNIT: Duration = Duration::from_millis(100);

/// Letters and figures as a walk through a tree: a dot goes to the left, a dash to the right.
const TREE: &str = "*ETIANMSURWDKGOHVF*L*PJBXCYZQ**54*3***2**+****16=/*****7***8*90";
/// The hyphen is one level deeper: -....-
const HYPHEN: usize = 96;

/// The text, from how long the line was on and off.
fn read(morse: &Morse<'_>) -> String {
    let step = UNIT / 4;
    let samples = u32::try_from(morse.length().as_millis() / step.as_millis()).unwrap();
    // Where a second round begins, the first one is over.
    let levels: Vec<bool> = (0..=samples).map(|sample| morse.is_on_at(step * sample + step / 2)).collect();
    let mut text = String::new();
    let mut node = 0;
    for run in levels.chunk_by(|before, after| before == after) {
        let units = run.len().div_ceil(4);
        match (run[0], units) {
            (true, 1) => node = 2 * node + 1,
            (true, 3) => node = 2 * node + 2,
            (true, other) => panic!("neither a dot nor a dash: {other} units"),
            (false, 1) => {}
            (false, gap) => {
                text.push(if node == HYPHEN { '-' } else { TREE.chars().nth(node).unwrap() });
                node = 0;
                if gap >= 7 {
                    text.push(' ');
                }
            }
        }
    }
    text
}

#[test]
fn a_code_can_be_read_from_the_lamp() {
    assert_eq!(read(&Morse::new("WDJB-MJHT", UNIT)).trim_end(), "WDJB-MJHT");
    assert_eq!(read(&Morse::new("ETE39050", UNIT)).trim_end(), "ETE39050");
    assert_eq!(read(&Morse::new("one two", UNIT)).trim_end(), "ONE TWO");
}

/// ITU-R M.1677-1, part I, section 2: a dash is three dots, a letter's signals are one apart, letters three, words seven.
#[test]
fn the_lengths_are_those_of_the_recommendation() {
    let paris = Morse::new("PARIS", UNIT);
    assert_eq!(paris.length(), UNIT * 50, "the word that speeds are measured by");
    let et = Morse::new("ET", UNIT);
    let changes: Vec<u32> = std::iter::successors(Some(Duration::ZERO), |at| et.next_change_after(*at))
        .take(6)
        .map(|at| u32::try_from(at.as_millis() / UNIT.as_millis()).unwrap())
        .collect();
    assert_eq!(changes, [0, 1, 4, 7, 10, 14]);
    assert!(
        et.is_on_at(Duration::ZERO) && !et.is_on_at(UNIT) && et.is_on_at(UNIT * 4) && !et.is_on_at(UNIT * 7)
    );
}

#[test]
fn without_a_signal_the_line_stays_off_and_never_changes() {
    for text in ["", "   ", "\u{e4}\u{1f600}"] {
        let morse = Morse::new(text, UNIT);
        assert!(!morse.is_on_at(UNIT * 3));
        assert_eq!(morse.next_change_after(UNIT), None, "{text:?}");
    }
    assert_eq!(Morse::new("SOS", Duration::ZERO).next_change_after(UNIT), None);
}

proptest! {
    #[test]
    fn every_code_comes_back(code in "[A-Z0-9][A-Z0-9-]{0,20}") {
        let text = read(&Morse::new(&code, UNIT));
        prop_assert_eq!(text.trim_end(), &code);
    }

    /// A device that sleeps until the next change misses none.
    #[test]
    fn who_wakes_up_for_each_change_sees_what_one_sees_who_never_sleeps(
        code in "[A-Z0-9 ]{1,12}", start in 0_u64..100_000,
    ) {
        let morse = Morse::new(&code, UNIT);
        let mut at = Duration::from_millis(start);
        for _ in 0..40 {
            let Some(next) = morse.next_change_after(at) else { break };
            prop_assert!(next > at);
            let before = morse.is_on_at(at);
            prop_assert_eq!(morse.is_on_at(next.saturating_sub(Duration::from_nanos(1))), before);
            at = next;
        }
    }
}
