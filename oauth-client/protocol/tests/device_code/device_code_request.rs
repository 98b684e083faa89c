//! The bytes of the two requests.

use oauth_protocol::{
    ClientAuthentication, DeviceCodeGrant, DeviceCodeRequest, EndpointUrl, HttpRequest, Method, Scope,
};

use crate::scripted_login::{CODES, EXACT, Next, ScriptedLogin};

fn both_requests(request: DeviceCodeRequest, codes: &str) -> [HttpRequest; 2] {
    let mut login = ScriptedLogin::of(DeviceCodeGrant::new(request, EXACT, 1));
    let mut send = || match login.next() {
        Next::Sends(request) => *request,
        Next::Ends(outcome) => panic!("{outcome:?}"),
    };
    let first = send();
    login.answer(200, codes);
    let Next::Sends(second) = login.next() else { panic!("no poll") };
    [first, *second]
}

#[test]
fn the_examples_of_rfc_8628() {
    let client = ClientAuthentication::none("1406020730").unwrap();
    let request = DeviceCodeRequest::new(
        client,
        EndpointUrl::parse("https://server.example.com/device_authorization").unwrap(),
        EndpointUrl::parse("https://server.example.com/token").unwrap(),
    )
    .with_scope(&Scope::parse("example_scope"));
    let [first, second] = both_requests(request, CODES);
    for request in [&first, &second] {
        assert_eq!(request.method(), Method::Post);
        assert_eq!(request.method().as_str(), "POST");
        assert_eq!(
            request.headers().collect::<Vec<_>>(),
            [("accept", "application/json"), ("content-type", "application/x-www-form-urlencoded")]
        );
        assert_eq!(request.max_body_bytes(), 65_536);
    }
    // §3.1
    assert_eq!(first.url().as_str(), "https://server.example.com/device_authorization");
    assert_eq!(first.body(), "client_id=1406020730&scope=example_scope");
    // §3.4
    assert_eq!(second.url().as_str(), "https://server.example.com/token");
    assert_eq!(
        second.body(),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
         &device_code=GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS\
         &client_id=1406020730"
    );
}

/// Its page has the slashes, `client_id` alone in the first request, and three parameters in the second.
#[test]
fn the_device_example_of_octopus_energy() {
    let request = DeviceCodeRequest::new(
        ClientAuthentication::none("YOUR_CLIENT_ID").unwrap(),
        EndpointUrl::parse("https://auth.octopus.energy/device-authorization/").unwrap(),
        EndpointUrl::parse("https://auth.octopus.energy/token/").unwrap(),
    );
    let codes = r#"{"device_code": "DEVICE_CODE", "user_code": "ETE39050",
        "verification_uri": "https://auth.example.com/device", "expires_in": 1800, "interval": 5}"#;
    let [first, second] = both_requests(request, codes);
    assert_eq!(first.url().path_and_query(), "/device-authorization/");
    assert_eq!(first.body(), "client_id=YOUR_CLIENT_ID");
    assert_eq!(second.url().path_and_query(), "/token/");
    assert_eq!(
        second.body(),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
         &device_code=DEVICE_CODE&client_id=YOUR_CLIENT_ID"
    );
}

#[test]
fn parameters_of_the_callers_own_go_into_the_device_authorization_request_only() {
    let request = crate::scripted_login::request()
        .with_scope(&Scope::parse("openid offline_access"))
        .with_parameter("audience", "https://api.example.com/?a=b&c");
    let [first, second] = both_requests(request, CODES);
    assert_eq!(
        first.body(),
        "client_id=1406020730&scope=openid+offline_access\
         &audience=https%3A%2F%2Fapi.example.com%2F%3Fa%3Db%26c"
    );
    assert!(!second.body().contains("audience") && !second.body().contains("scope"));
}

#[test]
fn a_device_code_is_form_encoded() {
    let codes = CODES.replace("GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS", "4/4-GMM +&=%é");
    let [_, second] = both_requests(crate::scripted_login::request(), &codes);
    assert!(second.body().contains("&device_code=4%2F4-GMM+%2B%26%3D%25%C3%A9&"), "{}", second.body());
}
