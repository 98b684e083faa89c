//! How many connections the simulator opens, at a server that answers each as its test says.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use embedded_demo::Transport as _;
use oauth_protocol::{
    AuthorizationScheme, AuthorizationServerMetadata, ClientAuthentication, EndpointPolicy, HttpRequest,
    RefreshTokenRequest, Secret, TransportFailure,
};

use super::network::Network;

const EMPTY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// Serves one connection after the other. Gives its issuer, and a word for each connection that has ended.
fn server(serve: impl Fn(TcpStream) + Send + 'static) -> (String, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let (ended, connections) = mpsc::channel();
    thread::spawn(move || {
        for connection in listener.incoming() {
            serve(connection.unwrap());
            if ended.send(()).is_err() {
                return;
            }
        }
    });
    (issuer, connections)
}

/// Reads one request, whole; false at the end of the connection.
fn request(connection: &mut TcpStream) -> bool {
    let mut received = Vec::new();
    let mut byte = [0];
    while !received.ends_with(b"\r\n\r\n") {
        if connection.read(&mut byte).unwrap_or(0) == 0 {
            return false;
        }
        received.push(byte[0]);
    }
    let head = String::from_utf8(received).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    connection.read_exact(&mut body).is_ok()
}

fn form(issuer: &str) -> HttpRequest {
    let token = EndpointPolicy::new().endpoint(&format!("{issuer}/token")).unwrap();
    let client = ClientAuthentication::none("device").unwrap();
    RefreshTokenRequest::new(client, token, Secret::from("refresh-1")).request()
}

fn get(issuer: &str) -> HttpRequest {
    let resource = EndpointPolicy::new().endpoint(&format!("{issuer}/resource")).unwrap();
    AuthorizationScheme::Raw.get(&resource, &Secret::from("access-1"))
}

#[test]
fn requests_in_a_row_share_a_connection() {
    let (issuer, connections) = server(|mut connection| {
        while request(&mut connection) {
            connection.write_all(EMPTY.as_bytes()).unwrap();
        }
    });
    let mut network = Network::plain();
    for request in [form(&issuer), get(&issuer), form(&issuer)] {
        assert_eq!(network.exchange(&request).unwrap().status(), 200);
    }
    assert!(connections.try_recv().is_err(), "the first one is still open");
}

#[test]
fn a_form_is_not_sent_into_a_connection_that_the_server_has_closed() {
    let (issuer, connections) = server(|mut connection| {
        assert!(request(&mut connection));
        connection.write_all(EMPTY.as_bytes()).unwrap();
        connection.shutdown(Shutdown::Both).unwrap();
    });
    let mut network = Network::plain();
    for _ in 0..3 {
        assert_eq!(network.exchange(&form(&issuer)).unwrap().status(), 200);
        connections.recv().unwrap();
    }
}

#[test]
fn metadata_may_be_longer_than_an_answer() {
    let (issuer, _connections) = server(|mut connection| {
        assert!(request(&mut connection));
        let body = "x".repeat(20_000);
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        // A reader that refuses it does not wait for its end.
        let _ = connection.write_all(answer.as_bytes());
    });
    let mut network = Network::plain();
    let [request, ..] = &AuthorizationServerMetadata::requests(&EndpointPolicy::new(), &issuer).unwrap()[..]
    else {
        panic!("no request")
    };
    assert_eq!(network.metadata(request).unwrap().body().len(), 20_000);
    assert_eq!(network.exchange(&get(&issuer)).unwrap_err(), TransportFailure::BodyTooLarge);
}
