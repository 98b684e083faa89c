//! Whatever a server sends: nothing panics, and nothing unsafe reaches a terminal.

use std::fmt::{Debug, Display};

use oauth_protocol::{
    AccessTokenResponse, AuthorizationServerMetadata, DeviceAuthorizationResponse, EndpointPolicy,
    EndpointUrl, Error, HttpResponse, PendingLogin, Scope, ServerText, is_safe_to_display,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// JSON that is nearly an answer: known names, odd values.
fn nearly_an_answer() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        4 => prop::sample::select(vec![
            "error", "access_token", "device_code", "user_code", "verification_uri", "interval", "expires_in",
            "scope", "token_type", "message", "error_description", "error_codes", "verification_uri_complete",
            "refresh_token", "issuer", "scopes_supported",
        ]).prop_map(str::to_owned),
        1 => "[a-zA-Z_\\\\]{0,8}",
    ];
    let value = prop_oneof![
        "\"[ -~]{0,12}\"",
        any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        prop::sample::select(vec![
            "null",
            "true",
            "0",
            "-1",
            "1e999",
            "[]",
            "{}",
            "\"\\ud800\"",
            "\"https://a.example/\"",
            "\"slow_down\"",
            "{\"type\": \"x\"}",
            "[[[[1]]]]",
            "\"\\u001b[2J\"",
            "\"\\u202e\"",
            "1.5",
        ])
        .prop_map(str::to_owned),
    ];
    vec((name, value), 0..8).prop_map(|members| {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        format!("{{{}}}", members.join(", ")).into_bytes()
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => nearly_an_answer(),
        1 => vec(any::<u8>(), 0..200),
        1 => "[a-z_%=&+0-9]{0,60}".prop_map(String::into_bytes),
        1 => any::<String>().prop_map(String::into_bytes),
    ]
}

fn header() -> impl Strategy<Value = (String, String)> {
    let name = prop::sample::select(vec!["content-type", "Retry-After", "Date", "location", "x"]);
    let value = prop_oneof![
        any::<String>(),
        Just("text/plain".to_owned()),
        Just("application/x-www-form-urlencoded".to_owned()),
        "[A-Z][a-z]{2}, [0-9]{1,3} (Jan|Dec|Foo) [0-9]{1,5} [0-9:]{0,9} GMT",
        "[0-9]{0,40}",
    ];
    (name.prop_map(str::to_owned), value)
}

fn shows_nothing_unsafe(value: &(impl Display + Debug)) -> Result<(), TestCaseError> {
    for text in [value.to_string(), format!("{value:?}")] {
        prop_assert!(text.chars().all(is_safe_to_display), "{}", text.escape_debug());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(700) })]

    #[test]
    fn no_answer_makes_a_reader_panic_or_an_error_unsafe_to_show(
        status in prop_oneof![prop::sample::select(vec![200, 302, 400, 429, 503]), any::<u16>()],
        headers in vec(header(), 0..4),
        body in body(),
    ) {
        let response = HttpResponse::new(status, headers, body);
        let _ = response.retry_after();
        let errors: Vec<Option<Error>> = vec![
            AccessTokenResponse::process_response(&response).err(),
            DeviceAuthorizationResponse::process_response(&response).err(),
            AuthorizationServerMetadata::process_response("https://a.example", &response).err(),
        ];
        for error in errors.iter().flatten() {
            shows_nothing_unsafe(error)?;
        }
        if let Ok(codes) = DeviceAuthorizationResponse::process_response(&response)
            && let Ok(shown) = codes.clone().check_for_display(&EndpointPolicy::new())
        {
            prop_assert_eq!(&shown.user_code, &codes.user_code);
            let uris = [Some(&shown.verification_uri), shown.verification_uri_complete.as_ref()];
            for text in uris.into_iter().flatten().chain([&shown.user_code]) {
                prop_assert!(text.chars().all(is_safe_to_display));
                prop_assert_eq!(&ServerText::from(text.as_str()).to_string(), text);
            }
        }
    }

    #[test]
    fn no_text_makes_a_url_that_is_not_what_was_given(text in prop_oneof![
        any::<String>(),
        "https?://[a-z0-9.:@\\[\\]/?#%_-]{0,40}",
        "https?://(localhost|127\\.0\\.0\\.1|\\[::1\\])[a-z0-9.:@/?#\\\\-]{0,20}",
    ]) {
        match EndpointPolicy::new().page(&text) {
            Ok(url) => {
                prop_assert_eq!(url.as_str(), &text);
                prop_assert!(text.starts_with(url.origin()));
                prop_assert!(url.origin().contains(url.host()) && !url.host().is_empty());
                prop_assert!(url.is_https() || url.is_loopback());
                prop_assert!(url.path_and_query().starts_with('/'));
                prop_assert!(!url.path_and_query().contains('#'));
            }
            Err(error) => shows_nothing_unsafe(&error)?,
        }
        let _ = EndpointUrl::parse(&text);
    }

    #[test]
    fn no_text_makes_the_other_readers_panic(text in any::<String>()) {
        let _ = PendingLogin::from_json(&text);
        shows_nothing_unsafe(&ServerText::from(text.as_str()))?;
        let scope = Scope::parse(&text);
        prop_assert!(scope.is_same_as(&scope));
        prop_assert!(scope.to_string().chars().all(is_safe_to_display));
    }
}
