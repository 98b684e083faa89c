//! Requests and answers as plain data.

use std::time::Duration;

use oauth_protocol::{EndpointPolicy, HttpRequest, HttpResponse, Method, TransportFailure};

fn retry_after<const N: usize>(headers: [(&'static str, &'static str); N]) -> Option<u64> {
    HttpResponse::new(503, headers, "").retry_after().as_ref().map(Duration::as_secs)
}

#[test]
fn header_names_are_compared_without_case_and_the_first_wins() {
    let response = HttpResponse::new(200, [("X-A", "1"), ("x-a", "2")], "");
    assert_eq!(response.header("x-A"), Some("1"));
    assert_eq!(response.header("x-b"), None);
    assert_eq!(response.status(), 200);
}

#[test]
fn retry_after_in_seconds() {
    assert_eq!(retry_after([]), None);
    for (value, seconds) in [
        ("120", Some(120)),
        (" 120 ", Some(120)),
        ("0", Some(0)),
        ("99999999999999999999999", Some(u64::MAX)),
        ("-1", None),
        ("1.5", None),
        ("1e3", None),
        ("", None),
        ("soon", None),
        ("١٢", None),
    ] {
        assert_eq!(retry_after([("Retry-After", value)]), seconds, "{value}");
    }
}

#[test]
fn retry_after_as_a_date_needs_the_answers_own_date() {
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (date, until, seconds) in [
        (DATE, "Sun, 06 Nov 1994 08:51:37 GMT", Some(120)),
        (DATE, DATE, Some(0)),
        (DATE, "Sun, 06 Nov 1994 08:49:36 GMT", Some(0)),
        ("Thu, 31 Dec 2026 23:59:59 GMT", "Fri, 01 Jan 2027 00:00:01 GMT", Some(2)),
        ("Wed, 28 Feb 2024 00:00:00 GMT", "Fri, 01 Mar 2024 00:00:00 GMT", Some(172_800)),
        ("Tue, 28 Feb 2023 00:00:00 GMT", "Wed, 01 Mar 2023 00:00:00 GMT", Some(86_400)),
        (DATE, "Sun, 06 Nov 1994 25:51:37 GMT", None),
        (DATE, "Sun, 06 Nov 1994 08:51 GMT", None),
        (DATE, "Sun, 06 Nov 1994 08:51:37 UTC", None),
        (DATE, "Sun, 99999999 Nov 1994 08:51:37 GMT", None),
        ("yesterday", "Sun, 06 Nov 1994 08:51:37 GMT", None),
    ] {
        assert_eq!(retry_after([("date", date), ("retry-after", until)]), seconds, "{until}");
    }
    assert_eq!(retry_after([("retry-after", DATE)]), None);
}

#[test]
fn the_date_is_the_servers_clock() {
    let date = |value| HttpResponse::new(200, [("Date", value)], "").date().map(|date| date.as_secs());
    assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
    assert_eq!(date(" Thu, 01 Jan 1970 00:00:00 GMT "), Some(0));
    // Before 1970, or no date of RFC 9110.
    for value in
        ["Wed, 31 Dec 1969 23:59:59 GMT", "1994-11-06T08:49:37Z", "", "Sunday, 06-Nov-94 08:49:37 GMT"]
    {
        assert_eq!(date(value), None, "{value}");
    }
    assert_eq!(HttpResponse::new::<String, String>(200, [], "").date(), None);
}

#[test]
fn a_bearer_challenge_says_why_the_token_was_refused() {
    let error = |challenges: &[&str]| {
        let headers: Vec<_> = challenges.iter().map(|challenge| ("WWW-Authenticate", *challenge)).collect();
        HttpResponse::new(401, headers, "").bearer_error().map(|error| error.as_str().to_owned())
    };
    // RFC 6750, section 3.
    assert_eq!(error(&[r#"Bearer realm="example""#]), None);
    let expired =
        r#"Bearer realm="example", error="invalid_token", error_description="The access token expired""#;
    for challenges in [
        &[expired][..],
        &[r#"Basic realm="a""#, expired],
        &["bearer error=invalid_token"],
        &[r#"Bearer  error = "invalid_token""#],
    ] {
        assert_eq!(error(challenges).as_deref(), Some("invalid_token"), "{challenges:?}");
    }
    for challenges in [&[][..], &["Bearer"], &[r#"Basic error="invalid_token""#], &["Bearer error"], &[""]] {
        assert_eq!(error(challenges), None, "{challenges:?}");
    }
}

#[test]
fn a_plain_get_carries_no_credential() {
    let url = EndpointPolicy::new().endpoint("https://server.example.com/token").unwrap();
    let request = HttpRequest::get(&url);
    assert_eq!((request.method(), request.body()), (Method::Get, ""));
    assert_eq!(request.headers().collect::<Vec<_>>(), [("accept", "application/json")]);
}

#[test]
fn every_transport_failure_says_what_happened() {
    for (failure, text) in [
        (TransportFailure::Dns, "the server's name could not be resolved"),
        (TransportFailure::Connect, "no connection to the server"),
        (TransportFailure::Tls, "no trusted TLS connection to the server"),
        (TransportFailure::Closed, "the connection was lost before the answer was complete"),
        (TransportFailure::Timeout, "the server did not answer in time"),
        (TransportFailure::BodyTooLarge, "the server's answer is too long"),
        (TransportFailure::NotHttp, "the server's answer is no HTTP"),
    ] {
        assert_eq!(failure.to_string(), text);
    }
}

#[test]
fn a_get_of_metadata_has_no_body_and_a_wider_limit() {
    let [request, _] =
        oauth_protocol::AuthorizationServerMetadata::requests(&EndpointPolicy::new(), "https://a.example")
            .unwrap();
    assert_eq!(request.method(), Method::Get);
    assert_eq!(request.body(), "");
    assert_eq!(request.max_body_bytes(), 262_144);
    assert_eq!(request.timeout(), Duration::from_secs(30));
    assert_eq!(request.headers().collect::<Vec<_>>(), [("accept", "application/json")]);
}
