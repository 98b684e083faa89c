//! How the client says who it is, to the byte.

use oauth_protocol::{
    ClientAuthentication, DeviceCodeGrant, DeviceCodeRequest, EndpointUrl, HttpRequest, InvalidClient, Secret,
};

use crate::scripted_login::{CODES, EXACT, Next, ScriptedLogin};

const GRANT: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d";

/// What both requests of a device login carry: the `Authorization` header and the body.
fn sent(client: ClientAuthentication) -> [(Option<String>, String); 2] {
    let endpoint = |url| EndpointUrl::parse(url).unwrap();
    let request =
        DeviceCodeRequest::new(client, endpoint("https://a.example/d"), endpoint("https://a.example/t"));
    let mut login = ScriptedLogin::of(DeviceCodeGrant::new(request, EXACT, 1));
    let Next::Sends(first) = login.next() else { panic!("no request") };
    login.answer(200, &CODES.replace("GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS", "d"));
    let Next::Sends(second) = login.next() else { panic!("no poll") };
    [&*first, &*second].map(|request: &HttpRequest| {
        let named =
            |wanted| request.headers().filter(move |(name, _)| *name == wanted).map(|(_, value)| value);
        assert_eq!(named("content-type").collect::<Vec<_>>(), ["application/x-www-form-urlencoded"]);
        assert_eq!(named("accept").collect::<Vec<_>>(), ["application/json"]);
        let authorization: Vec<&str> = named("authorization").collect();
        assert!(authorization.len() <= 1);
        (authorization.first().map(ToString::to_string), request.body().to_owned())
    })
}

#[test]
fn a_public_client_sends_its_id_and_nothing_else() {
    let [first, second] = sent(ClientAuthentication::none("s6BhdRkqt3").unwrap());
    assert_eq!(first, (None, "client_id=s6BhdRkqt3".into()));
    assert_eq!(second, (None, format!("{GRANT}&client_id=s6BhdRkqt3")));
}

/// RFC 6749 §2.3.1: `Authorization: Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3`
#[test]
fn basic_is_the_example_of_rfc_6749() {
    let client = ClientAuthentication::client_secret_basic("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw").unwrap();
    let basic = Some("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3".to_owned());
    let [first, second] = sent(client);
    assert_eq!(first, (basic.clone(), String::new()));
    assert_eq!(second, (basic, GRANT.into()));
}

/// RFC 6749 §2.3.1: `client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw`
#[test]
fn post_is_the_example_of_rfc_6749() {
    let client = ClientAuthentication::client_secret_post("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw").unwrap();
    let [first, second] = sent(client);
    assert_eq!(first, (None, "client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw".into()));
    assert_eq!(second, (None, format!("{GRANT}&client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw")));
}

#[test]
fn basic_encodes_both_halves_first_and_a_space_as_percent_20() {
    let client = ClientAuthentication::client_secret_basic("my app:1", "p+q r/s=t%&\"\\~*").unwrap();
    // base64("my%20app%3A1:p%2Bq%20r%2Fs%3Dt%25%26%22%5C~%2A")
    let basic = "Basic bXklMjBhcHAlM0ExOnAlMkJxJTIwciUyRnMlM0R0JTI1JTI2JTIyJTVDfiUyQQ==";
    let [(authorization, _), _] = sent(client);
    assert_eq!(authorization.as_deref(), Some(basic));
}

#[test]
fn post_encodes_a_form_as_its_media_type_has_it() {
    let client = ClientAuthentication::client_secret_post("my app:1", "p+q r/s=t%&\"").unwrap();
    let [(_, body), _] = sent(client);
    assert_eq!(body, "client_id=my+app%3A1&client_secret=p%2Bq+r%2Fs%3Dt%25%26%22");
}

#[test]
fn client_id_may_stand_in_the_body_beside_basic() {
    let client = ClientAuthentication::client_secret_basic("id", "secret").unwrap().client_id_in_body();
    let [first, second] = sent(client);
    assert_eq!(first, (Some("Basic aWQ6c2VjcmV0".into()), "client_id=id".into()));
    assert_eq!(second, (Some("Basic aWQ6c2VjcmV0".into()), format!("{GRANT}&client_id=id")));
}

#[test]
fn client_id_stands_in_a_body_only_once() {
    let [(_, body), _] = sent(ClientAuthentication::none("id").unwrap().client_id_in_body());
    assert_eq!(body, "client_id=id");
}

#[test]
fn the_secret_may_be_kept_off_the_device_authorization_request() {
    let post = ClientAuthentication::client_secret_post("id", "secret").unwrap();
    let [first, second] = sent(post.no_secret_on_device_authorization());
    assert_eq!(first, (None, "client_id=id".into()));
    assert_eq!(second, (None, format!("{GRANT}&client_id=id&client_secret=secret")));

    let basic = ClientAuthentication::client_secret_basic("id", "secret").unwrap();
    let [first, second] = sent(basic.no_secret_on_device_authorization());
    assert_eq!(first, (None, "client_id=id".into()));
    assert_eq!(second, (Some("Basic aWQ6c2VjcmV0".into()), GRANT.into()));
}

#[test]
fn an_empty_secret_or_one_with_a_line_end_is_never_sent() {
    for secret in ["", "secret\n", "se\0cret", "sécret", "\u{7f}"] {
        for client in [
            ClientAuthentication::client_secret_basic("id", secret),
            ClientAuthentication::client_secret_post("id", secret),
        ] {
            assert_eq!(client.unwrap_err(), InvalidClient::ClientSecret, "{secret:?}");
        }
    }
    assert!(InvalidClient::ClientSecret.to_string().contains("a public client has none"));
}

#[test]
fn a_client_id_is_printable_ascii_and_not_empty() {
    for id in ["", "id\n", "ïd", "i\td"] {
        assert_eq!(ClientAuthentication::none(id).unwrap_err(), InvalidClient::ClientId, "{id:?}");
        assert_eq!(
            ClientAuthentication::client_secret_basic(id, Secret::from("s")).unwrap_err(),
            InvalidClient::ClientId
        );
    }
    let client = ClientAuthentication::none("a b~!").unwrap();
    assert_eq!(client.client_id(), "a b~!");
    assert!(!client.is_confidential());
    assert!(ClientAuthentication::client_secret_post("a", "b").unwrap().is_confidential());
}
