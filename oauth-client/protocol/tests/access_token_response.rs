//! Reading a token, and everything that is not one.

use std::time::Duration;

use oauth_protocol::{
    AccessTokenResponse, Error, ErrorCode, ErrorResponse, HttpResponse, InvalidResponse, Scope, TokenType,
    Unavailable,
};

use crate::scripted_login::json;

fn parse(body: &str) -> Result<AccessTokenResponse, Error> {
    AccessTokenResponse::process_response(&json(200, body))
}

fn with(members: &str) -> AccessTokenResponse {
    parse(&format!(r#"{{"access_token": "t"{members}}}"#)).unwrap()
}

fn refused(status: u16, body: &str) -> ErrorResponse {
    match AccessTokenResponse::process_response(&json(status, body)) {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{body}: {other:?}"),
    }
}

fn scopes(answer: &AccessTokenResponse) -> Option<Vec<&str>> {
    answer.scope.as_ref().map(|scope| scope.values().collect())
}

/// RFC 6749 §5.1.
#[test]
fn the_example_of_rfc_6749() {
    let answer = parse(
        r#"{
            "access_token":"2YotnFZFEjr1zCsicMWpAA",
            "token_type":"example",
            "expires_in":3600,
            "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA",
            "example_parameter":"example_value"
        }"#,
    );
    // Its token type is made up, and what is not understood must not be used (§7.1).
    assert_eq!(answer.unwrap_err(), Error::InvalidResponse(InvalidResponse::UnknownTokenType));

    let answer = parse(
        r#"{
            "access_token":"2YotnFZFEjr1zCsicMWpAA",
            "token_type":"Bearer",
            "expires_in":3600,
            "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA",
            "example_parameter":"example_value"
        }"#,
    )
    .unwrap();
    assert_eq!(answer.access_token.expose(), "2YotnFZFEjr1zCsicMWpAA");
    assert_eq!(answer.token_type, TokenType::Bearer);
    assert_eq!(answer.expires_in, Some(Duration::from_secs(3600)));
    assert_eq!(answer.refresh_token.unwrap().expose(), "tGzv3JOkF0XG5Qx2TlKWIA");
    assert_eq!(answer.scope, None);
    assert!(answer.id_token.is_none());
    assert_eq!(answer.extra.value("example_parameter").unwrap(), "example_value");
    assert_eq!(answer.extra.names().count(), 1);
}

#[test]
fn token_type_is_compared_without_case_and_missing_means_bearer() {
    for members in [
        "",
        r#", "token_type": null"#,
        r#", "token_type": """#,
        r#", "token_type": "Bearer""#,
        r#", "token_type": "bearer""#,
        r#", "token_type": "BEARER""#,
        r#", "tokenType": "bearer""#,
        r#", "token_type": "bearer", "tokenType": "mac""#,
    ] {
        assert_eq!(with(members).token_type.as_str(), "Bearer", "{members}");
    }
    for unknown in [r#""mac""#, r#""DPoP""#, r#""bot""#, r#""Bearer ""#, "1", "[]", "true"] {
        let body = format!(r#"{{"access_token": "t", "token_type": {unknown}}}"#);
        let invalid = Error::InvalidResponse(InvalidResponse::UnknownTokenType);
        assert_eq!(parse(&body).unwrap_err(), invalid, "{unknown}");
    }
}

#[test]
fn expires_in_in_every_form_that_servers_send() {
    for (members, seconds) in [
        ("", None),
        (r#", "expires_in": null"#, None),
        (r#", "expires_in": 0"#, None),
        (r#", "expires_in": "0""#, None),
        (r#", "expires_in": "never""#, None),
        (r#", "expires_in": "NaN""#, None),
        (r#", "expires_in": true"#, None),
        (r#", "expires_in": [3600]"#, None),
        (r#", "expires_in": 3600"#, Some(3600)),
        (r#", "expires_in": 3600.7"#, Some(3600)),
        (r#", "expires_in": 3.6e3"#, Some(3600)),
        (r#", "expires_in": "3599""#, Some(3599)),
        (r#", "expiresIn": 3600"#, Some(3600)),
        (r#", "expires": 5183999"#, Some(5_183_999)),
        (r#", "expires_in": 60, "expires": 5183999"#, Some(60)),
        (r#", "expires_in": -1"#, Some(0)),
        (r#", "expires_in": "-1""#, Some(0)),
        (r#", "expires_in": -1e999"#, Some(0)),
        (r#", "expires_in": 99999999999999999999999"#, Some(2_147_483_647)),
        (r#", "expires_in": 1e999"#, Some(2_147_483_647)),
    ] {
        assert_eq!(with(members).expires_in, seconds.map(Duration::from_secs), "{members}");
    }
}

#[test]
fn scope_by_spaces_by_commas_and_as_an_array() {
    for (members, values) in [
        ("", None),
        (r#", "scope": null"#, None),
        (r#", "scope": 7"#, None),
        (r#", "scope": "openid profile""#, Some(vec!["openid", "profile"])),
        (r#", "scope": "repo,gist""#, Some(vec!["repo", "gist"])),
        (r#", "scope": "a,b c""#, Some(vec!["a,b", "c"])),
        (r#", "scope": " a  b ""#, Some(vec!["a", "b"])),
        (r#", "scope": """#, Some(vec![])),
        (r#", "scope": ["channel:manage:broadcast", "x"]"#, Some(vec!["channel:manage:broadcast", "x"])),
        (r#", "scope": []"#, Some(vec![])),
        (r#", "scopes": "account repository""#, Some(vec!["account", "repository"])),
        (r#", "scope": "a", "scopes": "b""#, Some(vec!["a"])),
        (r#", "scope": null, "scopes": ["b"]"#, Some(vec!["b"])),
    ] {
        assert_eq!(scopes(&with(members)), values, "{members}");
    }
}

#[test]
fn a_scope_other_than_requested_is_reported() {
    let requested = Scope::parse("openid profile");
    for (members, differs) in [
        ("", false),
        (r#", "scope": "profile openid""#, false),
        (r#", "scope": "openid,profile""#, false),
        (r#", "scope": "openid""#, true),
        (r#", "scope": "openid profile email""#, true),
        (r#", "scope": """#, true),
    ] {
        assert_eq!(with(members).scope_differs_from(&requested), differs, "{members}");
    }
}

#[test]
fn refresh_token_and_id_token_under_both_names() {
    let answer = with(r#", "refresh_token": "r", "id_token": "i.d.t""#);
    assert_eq!(answer.refresh_token.unwrap().expose(), "r");
    assert_eq!(answer.id_token.unwrap().expose(), "i.d.t");
    let answer =
        parse(r#"{"accessToken": "t", "refreshToken": "r", "idToken": "i", "expiresIn": 1}"#).unwrap();
    assert_eq!(answer.access_token.expose(), "t");
    assert_eq!(answer.refresh_token.unwrap().expose(), "r");
    assert_eq!(answer.id_token.unwrap().expose(), "i");
    for none in ["null", r#""""#, "7"] {
        let answer = with(&format!(r#", "refresh_token": {none}, "id_token": {none}"#));
        assert!(answer.refresh_token.is_none() && answer.id_token.is_none(), "{none}");
    }
}

#[test]
fn no_extra_of_any_type_fails_decoding() {
    let deep = format!("{}1{}", "[".repeat(2000), "]".repeat(2000));
    let answer = with(&format!(
        r#", "created_at": 1593096829, "team": {{"id": "T1"}}, "enterprise": null, "huge": 1e999,
            "deep": {deep}, "half": "\ud800", "\udc00": 1, "": false, "twice": 1, "twice": 2"#
    ));
    assert_eq!(answer.extra.value("created_at").unwrap(), 1_593_096_829);
    assert_eq!(answer.extra.value("team").unwrap()["id"], "T1");
    assert_eq!(answer.extra.value("").unwrap(), false);
    assert_eq!(answer.extra.value("twice").unwrap(), 1);
    // What has no value of its own keeps its text.
    assert_eq!(answer.extra.value("huge").unwrap(), "1e999");
    assert_eq!(answer.extra.value("half").unwrap(), r#""\ud800""#);
    assert_eq!(answer.extra.value("deep").unwrap().as_str().map(str::len), Some(deep.len()));
    assert_eq!(answer.extra.value(r#""\udc00""#).unwrap(), 1);
}

#[test]
fn thousands_of_members_are_read_without_a_quadratic_cost() {
    let members = (0..5000).fold(String::new(), |members, n| members + &format!(r#","m{n}":0"#));
    assert_eq!(with(&members).extra.names().count(), 5000);
}

#[test]
fn repeated_error_or_access_token_is_refused() {
    let repeated = Error::InvalidResponse(InvalidResponse::RepeatedParameter);
    for body in [
        r#"{"access_token": "t", "access_token": "u"}"#,
        r#"{"access_token": "t", "access_token": null}"#,
        r#"{"error": "authorization_pending", "error": "access_denied"}"#,
        r#"{"access_token": "t", "error": null, "error": null}"#,
        r#"{"accessToken": "t", "accessToken": "t"}"#,
    ] {
        assert_eq!(parse(body).unwrap_err(), repeated, "{body}");
    }
    let form = HttpResponse::new(
        200,
        [("content-type", "application/x-www-form-urlencoded")],
        "access_token=t&access_token=u",
    );
    assert_eq!(AccessTokenResponse::process_response(&form).unwrap_err(), repeated);
    assert!(parse(r#"{"access_token": "t", "scope": "a", "scope": "b"}"#).is_ok());
}

#[test]
fn json_is_read_whatever_the_content_type_says() {
    for content_type in
        ["application/json", "text/html", "text/plain", "application/x-www-form-urlencoded", ""]
    {
        for body in [
            r#"{"access_token": "t"}"#,
            "\u{feff}{\"access_token\": \"t\"}",
            " \r\n\t{\"access_token\": \"t\"}\n",
        ] {
            let response = HttpResponse::new(200, [("Content-Type", content_type)], body);
            let answer = AccessTokenResponse::process_response(&response).unwrap();
            assert_eq!(answer.access_token.expose(), "t", "{content_type} {body}");
        }
    }
    let bare = HttpResponse::new::<&str, &str>(200, [], r#"{"access_token": "t"}"#);
    assert!(AccessTokenResponse::process_response(&bare).is_ok());
}

#[test]
fn a_form_is_read_with_its_media_type_or_text_plain_only() {
    let form = |content_type: &'static str, body: &'static str| {
        AccessTokenResponse::process_response(&HttpResponse::new(200, [("content-type", content_type)], body))
    };
    let body = "access_token=gho_1%2B2+3&scope=repo%2Cgist&token_type=bearer&expires=5183999&x=%zz";
    for content_type in [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-URLencoded ; charset=utf-8",
        "text/plain",
    ] {
        let answer = form(content_type, body).unwrap();
        assert_eq!(answer.access_token.expose(), "gho_1+2 3");
        assert_eq!(scopes(&answer), Some(vec!["repo", "gist"]));
        assert_eq!(answer.expires_in, Some(Duration::from_secs(5_183_999)));
        assert_eq!(answer.extra.value("x").unwrap(), "%zz");
    }
    let no_parameters = Error::InvalidResponse(InvalidResponse::NoParameters);
    for content_type in ["text/html", "application/json", "application/xml", ""] {
        assert_eq!(form(content_type, body).unwrap_err(), no_parameters, "{content_type}");
    }
    for no_form in ["invalid_grant", "hello=world", "<html>access_token=t</html>", "", "error", "&&="] {
        let answer = form("text/plain", no_form);
        if no_form == "error" {
            // A name without a value: an empty error is none.
            assert!(matches!(answer, Err(Error::InvalidResponse(InvalidResponse::MissingParameter(_)))));
        } else {
            assert_eq!(answer.unwrap_err(), no_parameters, "{no_form}");
        }
    }
}

#[test]
fn what_is_no_answer_at_all() {
    let no_parameters = Error::InvalidResponse(InvalidResponse::NoParameters);
    for body in
        ["", "<html></html>", "{", r#"{"access_token": "t""#, "[]", "null", r#"{"access_token": "t"}}"#]
    {
        assert_eq!(parse(body).unwrap_err(), no_parameters, "{body}");
    }
    let not_utf8 = json_bytes(b"{\"access_token\": \"t\xff\"}");
    assert_eq!(AccessTokenResponse::process_response(&not_utf8).unwrap_err(), no_parameters);
    let utf16 = json_bytes(b"\xff\xfe{\0}\0");
    assert_eq!(AccessTokenResponse::process_response(&utf16).unwrap_err(), no_parameters);
}

fn json_bytes(body: &[u8]) -> HttpResponse {
    HttpResponse::new(200, [("content-type", "application/json")], body)
}

#[test]
fn a_body_over_64_kib_is_not_looked_at() {
    let body = |padding: usize| format!(r#"{{"access_token": "t", "x": "{}"}}"#, "x".repeat(padding));
    let longest = 65_536 - body(0).len();
    assert!(parse(&body(longest)).is_ok());
    let invalid = Error::InvalidResponse(InvalidResponse::NoParameters);
    assert_eq!(parse(&body(longest + 1)).unwrap_err(), invalid);
}

/// RFC 6749 §5.2, and what servers send beside it.
#[test]
fn a_refusal_with_its_texts() {
    let refusal = refused(
        400,
        r#"{"error": "invalid_grant", "error_description": "It is\r\nover", "error_uri": "https://e.example/"}"#,
    );
    assert_eq!(refusal.error, ErrorCode::InvalidGrant);
    assert_eq!(refusal.raw_error.as_sent(), "invalid_grant");
    assert_eq!(refusal.error_description.as_ref().unwrap().as_sent(), "It is\r\nover");
    assert_eq!(refusal.error_uri.as_ref().unwrap().as_sent(), "https://e.example/");
    assert_eq!(refusal.to_string(), "invalid_grant: It is over");
    assert_eq!(refused(200, r#"{"error": "x", "errorDescription": "d"}"#).to_string(), "x: d");
}

#[test]
fn entras_number_is_read_from_both_of_its_places() {
    let code = |body| refused(400, body).provider_code;
    assert_eq!(code(r#"{"error": "x", "error_codes": [70016]}"#), Some(70_016));
    assert_eq!(code(r#"{"error": "x", "error_description": "AADSTS7000218: The request"}"#), Some(7_000_218));
    assert_eq!(code(r#"{"error": "x", "error_description": "see AADSTS7000218"}"#), None);
    assert_eq!(code(r#"{"error": "x", "error_codes": [], "error_description": "AADSTS"}"#), None);
    assert_eq!(code(r#"{"error": "x", "error_codes": [-1]}"#), None);
}

#[test]
fn single_servers_words_for_known_errors() {
    for (body, code) in [
        (r#"{"error": "authorization_declined"}"#, ErrorCode::AccessDenied),
        (r#"{"error": "token_expired"}"#, ErrorCode::ExpiredToken),
        (r#"{"error": "code_expired"}"#, ErrorCode::ExpiredToken),
        (r#"{"error": "bad_verification_code"}"#, ErrorCode::InvalidDeviceCode),
        (r#"{"error": "incorrect_device_code"}"#, ErrorCode::InvalidDeviceCode),
        (r#"{"error": "device_not_found"}"#, ErrorCode::InvalidDeviceCode),
        (r#"{"error": "invalid device code"}"#, ErrorCode::InvalidDeviceCode),
        (r#"{"error": "invalid_code"}"#, ErrorCode::InvalidGrant),
        (r#"{"error": "Bad Request", "message": "Invalid refresh token"}"#, ErrorCode::InvalidGrant),
        (r#"{"message": "invalid device code"}"#, ErrorCode::InvalidDeviceCode),
        (
            r#"{"code": "invalid_grant", "message": "Refresh token expired", "requestId": "r"}"#,
            ErrorCode::InvalidGrant,
        ),
        (r#"{"error": "teapot", "code": "teapot", "message": "no code"}"#, ErrorCode::Other("teapot".into())),
        // A known error is not overruled, and a message that is not exactly a code says nothing.
        (r#"{"error": "invalid_client", "message": "authorization_pending"}"#, ErrorCode::InvalidClient),
        (r#"{"error": "teapot", "message": "authorization_pending."}"#, ErrorCode::Other("teapot".into())),
    ] {
        assert_eq!(refused(400, body).error, code, "{body}");
    }
    let twitch = refused(400, r#"{"error": "Bad Request", "message": "Invalid refresh token"}"#);
    assert_eq!(twitch.raw_error.as_sent(), "Invalid refresh token");
    assert_eq!(twitch.error_description, None);
    let nomos = refused(400, r#"{"code": "invalid_grant", "message": "Refresh token expired", "docs": "d"}"#);
    assert_eq!(nomos.to_string(), "invalid_grant: Refresh token expired");
}

#[test]
fn a_nested_error_keeps_its_word_and_text_and_is_unknown() {
    let facebook = r#"{"error": {"message": "neutral", "type": "OAuthException", "code": 100}}"#;
    let refusal = refused(400, facebook);
    assert_eq!(refusal.error, ErrorCode::Other("error".into()));
    assert_eq!(refusal.to_string(), "OAuthException: neutral");
    let known_word = refused(400, r#"{"error": {"type": "invalid_grant", "message": "neutral"}}"#);
    assert_eq!(known_word.error.as_str(), "error");
    assert_eq!(refused(400, r#"{"error": 42}"#).raw_error.as_sent(), "42");
}

#[test]
fn what_may_succeed_later_is_unavailable() {
    for (status, body) in [
        (500, r#"{"error": "invalid_grant"}"#),
        (503, ""),
        (429, ""),
        (429, "{}"),
        (408, ""),
        (425, "<html>"),
    ] {
        let response = HttpResponse::new(status, [("retry-after", "7")], body);
        let unavailable = Unavailable { status, retry_after: Some(Duration::from_secs(7)) };
        assert_eq!(
            AccessTokenResponse::process_response(&response).unwrap_err(),
            Error::Unavailable(unavailable),
            "{status}"
        );
    }
    assert_eq!(refused(429, r#"{"error": "slow_down"}"#).error, ErrorCode::SlowDown);
}

#[test]
fn a_4xx_without_an_oauth_body_names_its_status() {
    for (status, body) in [(400, "{}"), (401, ""), (403, "<html>"), (404, r#"{"message": "Not Found"}"#)] {
        let answer = AccessTokenResponse::process_response(&json(status, body));
        let unexpected = Error::InvalidResponse(InvalidResponse::UnexpectedStatus(status));
        assert_eq!(answer.unwrap_err(), unexpected);
    }
}

#[test]
fn a_redirect_is_an_error_that_names_its_target() {
    let response = HttpResponse::new(302, [("Location", "https://portal.example/\u{1b}[2J")], "");
    match AccessTokenResponse::process_response(&response) {
        Err(error @ Error::Redirected(_)) => {
            assert_eq!(
                error.to_string(),
                "the server redirects (HTTP 302) to https://portal.example/ [2J; redirects are not followed, \
                 they would carry credentials away"
            );
        }
        other => panic!("{other:?}"),
    }
}
