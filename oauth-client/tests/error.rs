//! Errors: each names the cause and the next step, and carries no secret.

use oauth_client::{
    ConfigurationError, Error, InvalidResponse, ServerText, TransportError, TransportFailure, UrlError,
};

#[test]
fn every_failure_of_a_connection_says_what_to_look_at() {
    for (failure, next_step) in [
        (TransportFailure::Dns, "check the name"),
        (TransportFailure::Connect, "check the host and port"),
        (TransportFailure::Closed, "try again"),
        (TransportFailure::Timeout, "try again"),
        (TransportFailure::BodyTooLarge, "check that the URL is the server's"),
        (TransportFailure::NotHttp, "check that the URL is the server's"),
    ] {
        let words = Error::Transport(TransportError::with_detail(failure, "the cause")).to_string();
        assert!(words.contains("(the cause)") && words.contains(next_step), "{words}");
    }
}

#[test]
fn words_that_the_server_chose_are_shown_without_control_characters() {
    let error = Error::Transport(TransportError::with_detail(
        TransportFailure::Tls,
        "for \u{1b}]0;x\u{7}\u{202e}host",
    ));
    let words = error.to_string();
    assert!(words.contains("host") && !words.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{words:?}");
    assert!(!format!("{error:?}").contains('\u{1b}'));
}

#[test]
fn every_error_of_configuration_says_what_to_give() {
    for error in [
        ConfigurationError::NoServer,
        ConfigurationError::NoCertificates,
        ConfigurationError::NoTransport,
        ConfigurationError::LoopbackPort,
        ConfigurationError::LoopbackPath,
        ConfigurationError::Proxy,
        ConfigurationError::UserAgent,
    ] {
        let words = error.to_string();
        assert!(words.len() > 30, "{words}");
        assert_eq!(Error::from(error).to_string(), words);
    }
}

#[test]
fn an_answer_that_breaks_the_rfcs_names_what_is_wrong_and_where_to_look() {
    let words = Error::InvalidResponse(InvalidResponse::MissingParameter("device_code")).to_string();
    assert!(words.contains("device_code is missing") && words.contains("check that the URL"), "{words}");
}

#[test]
fn errors_are_errors_for_the_standard_library() {
    fn is_error(error: impl std::error::Error + Send + Sync + 'static) -> String {
        Box::<dyn std::error::Error + Send + Sync>::from(error).to_string()
    }
    assert!(is_error(Error::Expired).contains("expired"));
    assert!(is_error(TransportError::new(TransportFailure::Dns)).contains("name"));
    assert!(is_error(ConfigurationError::NoServer).contains("issuer"));
    let foreign = UrlError::ForeignOrigin { origin: ServerText::from("https://a.example").to_string() };
    assert!(is_error(foreign).contains("https://a.example"));
}
