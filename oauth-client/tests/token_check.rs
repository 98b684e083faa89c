//! Whether the server still takes a token.

use oauth_client::{Client, ClientBuilder, Error, Secret, TokenCheck};

use crate::scripted_transport::Answer::{self, Json, With};
use crate::scripted_transport::{ScriptedTransport, Sent};
use crate::virtual_clock::VirtualClock;

const INVALID_TOKEN: Answer = With(
    401,
    &[("WWW-Authenticate", r#"Bearer error="invalid_token", error_description="The access token expired""#)],
    "",
);
const INSUFFICIENT_SCOPE: Answer =
    With(403, &[("WWW-Authenticate", r#"Bearer realm="example", error="insufficient_scope""#)], "");
const ACTIVE: Answer = Json(200, r#"{"active":true,"scope":"read"}"#);
const INACTIVE: Answer = Json(200, r#"{"active":false}"#);

fn public() -> ClientBuilder {
    Client::builder("id")
        .token_endpoint("https://server.example.com/token")
        .userinfo_endpoint("https://server.example.com/userinfo")
        .introspection_endpoint("https://server.example.com/introspect")
}

fn confidential() -> ClientBuilder {
    public().client_secret("secret")
}

async fn check(
    builder: ClientBuilder,
    answers: impl IntoIterator<Item = Answer>,
) -> (Result<TokenCheck, Error>, Vec<Sent>) {
    let transport = ScriptedTransport::new(&VirtualClock::new(), answers);
    let client = builder.transport(transport.clone()).build().unwrap();
    (client.check_access_token(&Secret::from("mF_9.B5f-4.1JqM")).await, transport.sent())
}

#[tokio::test]
async fn userinfo_tells_by_rfc_6750() {
    for (answer, verdict) in [
        (Json(200, r#"{"sub":"248289761001"}"#), TokenCheck::Active),
        (With(200, &[("content-type", "application/jwt")], "eyJ.eyJ.c2ln"), TokenCheck::Active),
        (INSUFFICIENT_SCOPE, TokenCheck::Active),
        (INVALID_TOKEN, TokenCheck::Inactive),
        // It does not tell: some answer so where the scope openid is missing.
        (With(401, &[], ""), TokenCheck::NotOffered),
        (With(404, &[], ""), TokenCheck::NotOffered),
    ] {
        let (checked, sent) = check(public(), [answer]).await;
        assert_eq!(checked.unwrap(), verdict);
        let [sent] = &sent[..] else { panic!("one request: {sent:?}") };
        assert_eq!(sent.url, "https://server.example.com/userinfo");
        assert_eq!(sent.authorization.as_deref(), Some("Bearer mF_9.B5f-4.1JqM"));
    }
}

#[tokio::test]
async fn a_page_a_redirect_and_a_server_that_is_down_are_no_verdict() {
    for answer in
        [Json(200, "<html>"), With(302, &[("location", "https://portal.example.com")], ""), Json(503, "")]
    {
        let (checked, _) = check(public(), [answer]).await;
        checked.unwrap_err();
    }
}

#[tokio::test]
async fn introspection_tells_where_userinfo_does_not_and_the_client_has_a_secret() {
    for (answer, verdict) in [
        (ACTIVE, TokenCheck::Active),
        (INACTIVE, TokenCheck::Inactive),
        (Json(401, r#"{"error":"invalid_client"}"#), TokenCheck::NotOffered),
    ] {
        let (checked, sent) = check(confidential(), [With(401, &[], ""), answer]).await;
        assert_eq!(checked.unwrap(), verdict);
        assert_eq!(sent[1].url, "https://server.example.com/introspect");
        assert_eq!(sent[1].body, "token=mF_9.B5f-4.1JqM&token_type_hint=access_token");
    }
    // A server calls what it will not talk about inactive (RFC 7662, section 2.2): userinfo is asked first.
    let (checked, sent) = check(confidential(), [Json(200, r#"{"sub":"1"}"#)]).await;
    assert_eq!((checked.unwrap(), sent.len()), (TokenCheck::Active, 1));
}

#[tokio::test]
async fn the_token_goes_to_no_userinfo_endpoint_at_another_origin_that_metadata_names() {
    let metadata =
        r#"{"issuer":"https://server.example.com","userinfo_endpoint":"https://elsewhere.example.com/me"}"#;
    let builder = Client::builder("id").issuer("https://server.example.com");
    let (checked, sent) = check(builder, [Json(200, metadata)]).await;
    assert_eq!(checked.unwrap(), TokenCheck::NotOffered);
    assert!(sent.iter().all(|sent| sent.authorization.is_none()), "{sent:?}");
}

#[tokio::test]
async fn a_refresh_token_is_asked_after_by_introspection_alone() {
    for (builder, answers, verdict) in [
        (public(), vec![], TokenCheck::NotOffered),
        (confidential(), vec![ACTIVE], TokenCheck::Active),
        (confidential(), vec![INACTIVE], TokenCheck::Inactive),
        (
            Client::builder("id").client_secret("s").token_endpoint("https://a.example/t"),
            vec![],
            TokenCheck::NotOffered,
        ),
    ] {
        let transport = ScriptedTransport::new(&VirtualClock::new(), answers);
        let client = builder.transport(transport.clone()).build().unwrap();
        assert_eq!(client.check_refresh_token(&Secret::from("8xLOxBtZp8")).await.unwrap(), verdict);
        for sent in transport.sent() {
            assert_eq!(sent.body, "token=8xLOxBtZp8&token_type_hint=refresh_token");
        }
    }
}
