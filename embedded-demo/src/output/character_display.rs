//! Two lines of sixteen characters, as the common displays have: the address and the code take turns.

use alloc::string::String;
use core::time::Duration;

/// Characters in a line.
pub const COLUMNS: usize = 16;
/// How long one page stands. Two lines can be read and typed in it.
pub const PAGE_STANDS: Duration = Duration::from_secs(4);

/// What stands in the two lines.
pub type Page = [String; 2];

/// The page so long after the code came: the code, then as many pages as the address needs, and again. Characters that
/// the display does not have (its table is ASCII's for the most part) become `?`.
pub fn page_at(user_code: &str, verification_uri: &str, since_shown: Duration) -> Page {
    let address = without_scheme(verification_uri);
    let is_one_line = user_code.chars().count() <= COLUMNS;
    let pages_of_code = if is_one_line { 1 } else { pages(user_code) };
    let turn = since_shown.as_secs() / PAGE_STANDS.as_secs();
    let count = u64::try_from(pages_of_code + pages(address)).unwrap_or(u64::MAX);
    let page = usize::try_from(turn % count).unwrap_or_default();
    match page.checked_sub(pages_of_code) {
        None if is_one_line => [line("Enter this code:".chars()), line(user_code.chars())],
        None => part(user_code, page),
        Some(page) => part(address, page),
    }
}

/// How many a text fills; one at least.
fn pages(text: &str) -> usize {
    text.chars().count().div_ceil(2 * COLUMNS).max(1)
}

fn part(text: &str, page: usize) -> Page {
    let rest = || text.chars().skip(page * 2 * COLUMNS);
    [line(rest()), line(rest().skip(COLUMNS))]
}

/// Sixteen characters, with blanks behind.
fn line(text: impl Iterator<Item = char>) -> String {
    let shown = text.map(|character| match character {
        ' '..='~' => character,
        _ => '?',
    });
    shown.chain(core::iter::repeat(' ')).take(COLUMNS).collect()
}

/// Browsers put it there themselves, and the room is scarce.
fn without_scheme(uri: &str) -> &str {
    uri.strip_prefix("https://").unwrap_or(uri)
}
