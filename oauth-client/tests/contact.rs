//! Whether anybody is there, asked without a credential.

use std::time::Duration;

use oauth_client::token_store::UnixTime;
use oauth_client::{Client, ClientBuilder, Endpoint, Error, TransportFailure};

use crate::scripted_transport::Answer::{self, Failure, With};
use crate::scripted_transport::ScriptedTransport;
use crate::virtual_clock::VirtualClock;

fn scripted(
    builder: ClientBuilder,
    answers: impl IntoIterator<Item = Answer>,
) -> (Client, ScriptedTransport) {
    let clock = VirtualClock::new();
    let transport = ScriptedTransport::new(&clock, answers);
    (builder.transport(transport.clone()).clock(clock).build().unwrap(), transport)
}

fn builder() -> ClientBuilder {
    Client::builder("id").client_secret("secret").token_endpoint("https://server.example.com/token")
}

#[tokio::test]
async fn every_status_is_a_contact_and_brings_the_servers_clock() {
    for status in [200, 301, 400, 404, 405, 503] {
        let date = With(status, &[("Date", "Sun, 06 Nov 1994 08:49:37 GMT")], "<html>");
        let (client, transport) = scripted(builder(), [date]);
        let contact = client.contact(Endpoint::Token).await.unwrap();
        assert_eq!((contact.status, contact.elapsed), (status, Duration::ZERO));
        assert_eq!(contact.date, Some(UnixTime::from_seconds(784_111_777)));
        let [sent] = &transport.sent()[..] else { panic!("one request") };
        assert_eq!((sent.url.as_str(), sent.body.as_str()), ("https://server.example.com/token", ""));
        assert_eq!(sent.authorization, None, "no credential goes along");
    }
}

#[tokio::test]
async fn no_answer_and_no_endpoint_are_told_apart() {
    let (client, _) = scripted(builder(), [Failure(TransportFailure::Dns, "no such name")]);
    let error = client.contact(Endpoint::Token).await.unwrap_err();
    assert!(
        matches!(error, Error::Transport(ref error) if error.failure() == TransportFailure::Dns),
        "{error}"
    );
    let error = client.contact(Endpoint::DeviceAuthorization).await.unwrap_err();
    assert!(matches!(error, Error::NoEndpoint { endpoint: "device_authorization_endpoint", .. }), "{error}");
}

#[test]
fn the_authorities_that_are_trusted_are_counted() {
    let (client, _) = scripted(builder(), []);
    assert!(client.count_root_certificates().is_err(), "another transport has its own");
    let key = rcgen::KeyPair::generate().unwrap();
    let pem = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap().pem();
    let with_one = builder().root_certificates_pem(pem).build().unwrap().count_root_certificates().unwrap();
    // Where the system has none at all, that is an error.
    let without = builder().build().unwrap().count_root_certificates().unwrap_or(0);
    assert_eq!(with_one, without + 1);
}
