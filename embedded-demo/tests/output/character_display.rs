use std::time::Duration;

use embedded_demo::output::character_display::{COLUMNS, PAGE_STANDS, Page, page_at};

/// The pages of one round, each as it stands there.
fn pages(user_code: &str, uri: &str, count: u32) -> Vec<Page> {
    (0..count).map(|page| page_at(user_code, uri, PAGE_STANDS * page + Duration::from_millis(1))).collect()
}

#[test]
fn the_code_and_the_address_take_turns() {
    let pages = pages("WDJB-MJHT", "https://auth.example.com/device", 3);
    assert_eq!(pages[0], ["Enter this code:", "WDJB-MJHT       "]);
    assert_eq!(pages[1], ["auth.example.com", "/device         "]);
    assert_eq!(pages[2], pages[0]);
}

#[test]
fn what_is_longer_gets_more_pages_and_nothing_is_cut() {
    let code = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-LONG";
    let uri = "http://a.very.long.name.of.a.host.example.com:8443/login/device";
    let shown: String = pages(code, uri, 4).iter().flatten().map(|line| line.trim_end()).collect();
    assert_eq!(shown, format!("{code}{uri}"));
}

#[test]
fn every_line_has_sixteen_characters_that_the_display_knows() {
    for (code, uri) in
        [("", ""), ("\u{c4}\u{d6}\u{1f600}\x1b[2J", "https://\u{202e}example.com/\0"), ("A B", "x")]
    {
        for page in pages(code, uri, 5) {
            for line in page {
                assert_eq!(line.len(), COLUMNS, "{line:?}");
                assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
            }
        }
    }
}
