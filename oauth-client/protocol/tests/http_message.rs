//! Requests and answers as plain data.

use std::time::Duration;

use oauth_protocol::{EndpointPolicy, HttpResponse, Method, TransportFailure};

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
