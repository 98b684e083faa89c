//! Reading the codes, and accepting them for display.

use std::time::Duration;

use oauth_protocol::{
    DeviceAuthorizationResponse, DeviceCodeGrant, EndpointPolicy, EndpointUrlProblem, Error, HttpResponse,
    InvalidResponse, Undisplayable,
};

use crate::scripted_login::{CODES, EXACT, ScriptedLogin, json, request_allowing_http};

fn parse(body: &str) -> Result<DeviceAuthorizationResponse, Error> {
    DeviceAuthorizationResponse::process_response(&json(200, body))
}

fn with(members: &str) -> String {
    format!(r#"{{"device_code": "d", "user_code": "U", "verification_uri": "https://a.example/"{members}}}"#)
}

#[test]
fn the_example_of_rfc_8628() {
    let codes = parse(CODES).unwrap();
    assert_eq!(codes.device_code.expose(), "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS");
    assert_eq!(codes.user_code, "WDJB-MJHT");
    assert_eq!(codes.verification_uri, "https://example.com/device");
    assert_eq!(
        codes.verification_uri_complete.as_deref(),
        Some("https://example.com/device?user_code=WDJB-MJHT")
    );
    assert_eq!(codes.expires_in, Some(Duration::from_secs(1800)));
    assert_eq!(codes.interval, Duration::from_secs(5));
    assert!(codes.extra.is_empty());
}

#[test]
fn interval_in_every_form_that_servers_send() {
    for (members, seconds) in [
        ("", 5),
        (r#", "interval": null"#, 5),
        (r#", "interval": 7"#, 7),
        (r#", "interval": 7.0"#, 7),
        (r#", "interval": 7.01"#, 8),
        (r#", "interval": 0.2"#, 1),
        (r#", "interval": 1e1"#, 10),
        (r#", "interval": "7""#, 7),
        (r#", "interval": " 7 ""#, 7),
        (r#", "interval": "7.5""#, 8),
        (r#", "interval": 0"#, 1),
        (r#", "interval": -0.0"#, 1),
        (r#", "interval": "0""#, 1),
        (r#", "interval": 1"#, 1),
        (r#", "interval": -1"#, 5),
        (r#", "interval": "-1""#, 5),
        (r#", "interval": "NaN""#, 5),
        (r#", "interval": "inf""#, 5),
        (r#", "interval": "five""#, 5),
        (r#", "interval": "5s""#, 5),
        (r#", "interval": "0x10""#, 5),
        (r#", "interval": "\ud800""#, 5),
        (r#", "interval": """#, 5),
        (r#", "interval": true"#, 5),
        (r#", "interval": [9]"#, 5),
        (r#", "interval": {"s": 9}"#, 5),
        (r#", "interval": 4294967296"#, 86_400),
        (r#", "interval": 18446744073709551616"#, 86_400),
        (r#", "interval": 1e999"#, 86_400),
    ] {
        let codes = parse(&with(members)).unwrap();
        assert_eq!(codes.interval, Duration::from_secs(seconds), "{members}");
    }
}

#[test]
fn expires_in_in_every_form_that_servers_send() {
    for (members, life) in [
        ("", 900),
        (r#", "expires_in": null"#, 900),
        (r#", "expires_in": "soon""#, 900),
        (r#", "expires_in": "NaN""#, 900),
        (r#", "expires_in": [1]"#, 900),
        (r#", "expires_in": 600"#, 600),
        (r#", "expires_in": "600""#, 600),
        (r#", "expires_in": 600.9"#, 600),
        (r#", "expires_in": 0.5"#, 1),
        (r#", "expiresIn": 600"#, 600),
        (r#", "expires": 600"#, 600),
        (r#", "expires_in": 600, "expiresIn": 700, "expires": 800"#, 600),
        (r#", "expires_in": 86401"#, 86_400),
        (r#", "expires_in": 1e999"#, 86_400),
    ] {
        assert_eq!(parse(&with(members)).unwrap().life(), Duration::from_secs(life), "{members}");
    }
    for dead in ["0", "-1", r#""0""#, "-0.5", "-1e999"] {
        assert_eq!(
            parse(&with(&format!(r#", "expires_in": {dead}"#))),
            Err(Error::InvalidResponse(InvalidResponse::ExpiredOnArrival)),
            "{dead}"
        );
    }
}

#[test]
fn other_names_for_the_same_members() {
    for body in [
        r#"{"deviceCode": "d", "userCode": "U", "verificationUri": "https://a.example/",
            "verificationUriComplete": "https://a.example/?c=U", "expiresIn": 60}"#,
        r#"{"device_code": "d", "usercode": "U", "verification_url": "https://a.example/",
            "verification_url_complete": "https://a.example/?c=U", "expires_in": "60"}"#,
        r#"{"device_code": "d", "deviceCode": "x", "user_code": "U", "userCode": "x", "usercode": "x",
            "verification_uri": "https://a.example/", "verification_url": "x", "verificationUri": "x",
            "verification_uri_complete": "https://a.example/?c=U", "expires_in": 60}"#,
        r#"{"device_code": "d", "user_code": null, "userCode": "U", "verification_uri": null,
            "verificationUrl": "https://a.example/", "verificationUrlComplete": "https://a.example/?c=U",
            "expires_in": null, "expiresIn": 60}"#,
    ] {
        let codes = parse(body).unwrap();
        assert_eq!(codes.device_code.expose(), "d", "{body}");
        assert_eq!(codes.user_code, "U", "{body}");
        assert_eq!(codes.verification_uri, "https://a.example/", "{body}");
        assert_eq!(codes.verification_uri_complete.as_deref(), Some("https://a.example/?c=U"), "{body}");
        assert_eq!(codes.expires_in, Some(Duration::from_secs(60)), "{body}");
    }
}

#[test]
fn a_form_is_read_too() {
    let body = "device_code=3584d8&expires_in=900&interval=7&user_code=WDJB-MJHT\
                &verification_uri=https%3A%2F%2Fgithub.com%2Flogin%2Fdevice";
    let form = |content_type| HttpResponse::new(200, [("Content-Type", content_type)], body);
    for content_type in ["application/x-www-form-urlencoded; charset=utf-8", "TEXT/PLAIN"] {
        let codes = DeviceAuthorizationResponse::process_response(&form(content_type)).unwrap();
        assert_eq!(codes.verification_uri, "https://github.com/login/device");
        assert_eq!(codes.interval, Duration::from_secs(7));
    }
    for content_type in ["text/html", "application/json", ""] {
        assert_eq!(
            DeviceAuthorizationResponse::process_response(&form(content_type)),
            Err(Error::InvalidResponse(InvalidResponse::NoParameters)),
            "{content_type}"
        );
    }
}

#[test]
fn the_user_code_is_kept_byte_for_byte() {
    for user_code in ["pdtVssvd", "8sjiae3p", "0A44L90H", "123-456-789", "WDJB MJHT", "94238", "Ω-Ж"] {
        let codes = parse(&CODES.replace("WDJB-MJHT", user_code)).unwrap();
        let shown = codes.check_for_display(&EndpointPolicy::new()).unwrap();
        assert_eq!(shown.user_code, user_code);
    }
    assert_eq!(parse(&with("").replace(r#""U""#, "94238")).unwrap().user_code, "94238");
}

#[test]
fn a_user_code_that_cannot_be_shown_as_sent_is_refused() {
    for (user_code, why) in [
        ("WDJB\\u001b[2JMJHT", "holds the character U+001B, which is not for a screen"),
        ("WDJB\\nMJHT", "holds the character U+000A, which is not for a screen"),
        ("WDJB\\u202eMJHT", "holds the character U+202E, which is not for a screen"),
        ("WDJB\\u200bMJHT", "holds the character U+200B, which is not for a screen"),
        ("WDJB\\u0085MJHT", "holds the character U+0085, which is not for a screen"),
        ("WDJB\\u007fMJHT", "holds the character U+007F, which is not for a screen"),
        ("\\udb40\\udc41WDJB", "holds the character U+E0041, which is not for a screen"),
        (" WDJB", "has a blank at an end, or two in a row"),
        ("WDJB ", "has a blank at an end, or two in a row"),
        ("WDJB  MJHT", "has a blank at an end, or two in a row"),
        (&"A".repeat(65), "is longer than 64 characters"),
    ] {
        let codes = parse(&with("").replace("\"U\"", &format!("\"{user_code}\""))).unwrap();
        let refused = codes.check_for_display(&EndpointPolicy::new()).unwrap_err();
        assert!(matches!(refused, Error::InvalidResponse(InvalidResponse::UnsafeUserCode(_))), "{user_code}");
        assert_eq!(refused.to_string(), format!("the server's answer is invalid: its user_code {why}"));
    }
    let longest = parse(&with("").replace("\"U\"", &format!("\"{}\"", "Ä".repeat(64)))).unwrap();
    assert!(longest.check_for_display(&EndpointPolicy::new()).is_ok());
}

#[test]
fn a_verification_uri_parses_and_is_then_refused_for_display_unless_it_is_safe() {
    let long = format!("https://a.example/{}", "x".repeat(495));
    for (uri, is_shown) in [
        ("https://a.example/device", true),
        ("https://www.twitch.tv/activate?device-code=ABCDEFGH", true),
        ("https://a.example/#device", true),
        ("http://127.0.0.1:8000/o/device", true),
        ("http://localhost/device", true),
        ("http://[::1]:8080/device", true),
        (&long[..512], true),
        (&long, false),
        ("http://am.example/device", false),
        ("http://127.0.0.1.example/device", false),
        ("http://localhost.example/", false),
        ("/device", false),
        ("a.example/device", false),
        ("javascript:alert(1)", false),
        ("data:text/html,x", false),
        ("file:///etc/passwd", false),
        ("ftp://a.example/", false),
        ("https://user@a.example/", false),
        ("https://user:password@a.example/", false),
        ("https:///device", false),
        ("https://a.example/\\u001b[2J", false),
        ("https://a.example/\\u0000", false),
        ("https://a.example/ device", false),
        ("https://a.example\\\\@b.example/", false),
        ("https://аpple.example/", false), // A Cyrillic а.
        ("https://a.example/\\u202egpj", false),
    ] {
        let codes = parse(&with("").replace("https://a.example/", uri)).unwrap();
        let shown = codes.check_for_display(&EndpointPolicy::new());
        match shown {
            Ok(shown) => assert!(is_shown && shown.verification_uri == uri, "{uri}"),
            Err(Error::InvalidResponse(InvalidResponse::UnsafeVerificationUri(_))) => {
                assert!(!is_shown, "{uri}");
            }
            other => panic!("{uri}: {other:?}"),
        }
    }
}

#[test]
fn http_is_shown_where_the_policy_allows_it() {
    let codes = with("").replace("https://a.example/", "http://am.example/oauth2/device/user");
    let allowed =
        parse(&codes).unwrap().check_for_display(&EndpointPolicy::dangerously_allow_http("am.example"));
    assert_eq!(allowed.unwrap().verification_uri, "http://am.example/oauth2/device/user");
    for (host, is_shown) in [("am.example", true), ("b.example", false)] {
        let grant = DeviceCodeGrant::new(request_allowing_http(host), EXACT, 1);
        let mut login = ScriptedLogin::of(grant);
        login.sends();
        login.answer(200, &codes);
        assert_eq!(login.grant.codes().is_some(), is_shown, "{host}");
    }
}

#[test]
fn a_login_whose_codes_cannot_be_shown_ends_before_anything_is_shown() {
    let mut login = ScriptedLogin::issued(&with("").replace("https", "http"));
    let http = Undisplayable::Url(EndpointUrlProblem::Http);
    assert_eq!(
        login.ends_at_once(),
        Err(Error::InvalidResponse(InvalidResponse::UnsafeVerificationUri(http)))
    );
    assert_eq!((login.sent, login.shown), (1, 0));
}

#[test]
fn a_complete_uri_is_never_built_and_left_out_where_it_is_not_https() {
    let shown = |complete: &str| {
        let member = format!(r#", "verification_uri_complete": {complete}"#);
        parse(&with(&member)).unwrap().check_for_display(&EndpointPolicy::new())
    };
    let complete = |complete: &str| shown(complete).unwrap().verification_uri_complete;
    assert_eq!(complete(r#""https://a.example/?c=U""#).as_deref(), Some("https://a.example/?c=U"));
    assert_eq!(parse(&with("")).unwrap().verification_uri_complete, None);
    for none in ["null", r#""""#, "7", r#""http://a.example/?c=U""#, r#""/?c=U""#, r#""javascript:x""#] {
        assert_eq!(complete(none), None, "{none}");
    }
    let too_long = format!(r#""https://a.example/{}""#, "x".repeat(500));
    assert_eq!(complete(&too_long), None);
    // What was meant for the terminal's own ears is refused with all that came along.
    for (hostile, character) in
        [(r#""https://a.example/\u001b]0;x\u0007""#, '\u{1b}'), (r#""https://a.example/\u202e""#, '\u{202e}')]
    {
        let why = Undisplayable::Character(character);
        let refused = Err(Error::InvalidResponse(InvalidResponse::UnsafeVerificationUriComplete(why)));
        assert_eq!(shown(hostile), refused, "{hostile}");
    }
}

#[test]
fn extras_of_any_type_are_kept() {
    let codes = parse(&with(
        r#", "message": "To sign in, use a web browser", "qrcode_url": "http://q/", "n": [1, {"a": null}],
            "huge": 1e999, "nothing": null"#,
    ))
    .unwrap();
    assert_eq!(codes.extra.value("message").unwrap(), "To sign in, use a web browser");
    assert_eq!(codes.extra.value("n").unwrap().to_string(), r#"[1,{"a":null}]"#);
    assert_eq!(codes.extra.value("huge").unwrap(), "1e999");
    assert!(codes.extra.json("nothing").is_none() && codes.extra.json("user_code").is_none());
}

#[test]
fn an_answer_without_codes_says_which_is_missing() {
    let missing = |name| Err(Error::InvalidResponse(InvalidResponse::MissingParameter(name)));
    assert_eq!(parse("{}"), missing("device_code"));
    assert_eq!(
        parse(r#"{"device_auth_id": "x", "user_code": "U", "interval": "5"}"#),
        missing("device_code")
    );
    assert_eq!(
        parse(r#"{"device_code": "d", "user_code": 1.5, "verification_uri": "x"}"#),
        missing("user_code")
    );
}
