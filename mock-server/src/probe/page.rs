//! What every page of a server has to be like: RFC 9700 sections 4.2.4 and 4.16.

use super::browser::{Page, resolve};
use super::check::{Met, expect};
use super::html::loaded_resources;
use super::http_client::Answer;
use super::target::split_at_path;

/// No other site may show it in a frame.
pub(super) fn expect_not_framed(answer: &Answer) -> Met {
    let policy = answer.header("content-security-policy").unwrap_or_default();
    let frame_options = answer.header("x-frame-options").unwrap_or_default().to_ascii_uppercase();
    let guarded =
        policy.contains("frame-ancestors") || ["DENY", "SAMEORIGIN"].contains(&frame_options.as_str());
    expect(guarded, || "neither header".to_owned())
}

/// Its URL, which may hold a code, goes nowhere.
pub(super) fn expect_no_referrer(answer: &Answer) -> Met {
    let policy = answer.header("referrer-policy").unwrap_or_default();
    let in_page = answer.body.contains("name=\"referrer\"") && answer.body.contains("no-referrer");
    expect(policy.contains("no-referrer") || in_page, || format!("Referrer-Policy {policy:?}"))
}

/// Nobody else learns of the visit.
pub(super) fn expect_no_outside_resources(page: &Page) -> Met {
    let (origin, _) = split_at_path(&page.url);
    let resources = loaded_resources(&page.answer.body);
    let is_outside = |reference: &&String| {
        !reference.starts_with("data:") && split_at_path(&resolve(&page.url, reference)).0 != origin
    };
    match resources.iter().find(is_outside) {
        None => Ok(()),
        Some(outside) => expect(false, || outside.clone()),
    }
}
