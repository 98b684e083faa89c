//! Tokens of 20 kB, eight times what an item of the Windows Credential Manager holds, in every store.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::authorization_server::AuthorizationServer;
use super::figures::note;
use super::place::Place;
use super::worker::Arguments;

/// The length of each token in bytes.
pub(super) const LENGTH: u64 = 20_000;

#[test]
fn a_token_of_20_kb_is_kept_in_every_store() {
    for kind in ["plain", "key-file", "passphrase", "credential"] {
        let place = Place::new();
        is_kept_in(&place, &place.store(kind));
    }
}

#[test]
#[ignore = "needs the kernel's keyring, which containers often have not; run by tests/run"]
fn a_token_of_20_kb_is_kept_by_the_kernel() {
    let place = Place::new();
    is_kept_in(&place, &place.store("kernel"));
}

/// What one process signed in with another reads, and a third still after a refresh that failed.
pub(super) fn is_kept_in(place: &Place, store: &str) {
    let server = AuthorizationServer::strict(place);
    let credentials = place.path("credentials");
    fs::create_dir(&credentials).expect("a directory");
    fs::write(credentials.join("tokens"), [7; 32]).expect("a credential");
    fs::set_permissions(credentials.join("tokens"), fs::Permissions::from_mode(0o400)).expect("it is ours");

    // Nobody listens at port 1.
    let arguments =
        Arguments::new(store, &server, place).with_token_endpoint("http://127.0.0.1:1/token".to_owned());
    let signed_in = arguments.start().ask(&format!("sign-in {}", response()));
    assert_eq!(signed_in.number("access_token_length"), Some(LENGTH), "{store}: {signed_in:?}");
    let read = arguments.start().ask("load");
    assert_eq!(read, signed_in, "{store}");

    server.expire(place);
    let answer = arguments.start().ask("access-token");
    assert_eq!(answer.outcome(), "refresh failed", "{store}: {answer:?}");
    assert_eq!(arguments.start().ask("load"), signed_in, "{store}");
    let kind = store.split(':').next().unwrap_or_default();
    note("a token of 20 kB", &format!("kept in {kind}"));
}

/// The members of an access token response with tokens of this length.
pub(super) fn response() -> String {
    let token = |letter: &str| letter.repeat(usize::try_from(LENGTH).expect("it is small"));
    json!({
        "access_token": token("a"), "token_type": "Bearer", "expires_in": 3600, "refresh_token": token("r"),
    })
    .to_string()
}
