//! Which exchanges share a connection, against literal bytes (RFC 9112 §9).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use embedded_demo::Transport as _;
use embedded_demo::http1::{Connector, KeepAlive};
use embedded_io::{ErrorKind, ErrorType, Read, Write};
use oauth_protocol::{
    AuthorizationScheme, ClientAuthentication, EndpointPolicy, EndpointUrl, HttpRequest, RefreshTokenRequest,
    Secret, TransportFailure,
};

const EMPTY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// A server: for each connection what it answers to each request, then it is gone.
#[derive(Default)]
struct Server {
    connections: VecDeque<Vec<&'static str>>,
    opened: Vec<String>,
    requests: Vec<String>,
    /// The timeouts that a connection was opened or taken up again with, in seconds.
    timeouts: Vec<u64>,
    /// Whether the board sees a connection's end before it sends.
    is_end_noticed: bool,
}

#[derive(Clone, Default)]
struct Network(Rc<RefCell<Server>>);

struct Connection {
    server: Rc<RefCell<Server>>,
    answers: VecDeque<&'static str>,
    arrived: Vec<u8>,
}

impl Network {
    fn new(connections: impl IntoIterator<Item = Vec<&'static str>>) -> Self {
        let network = Self::default();
        network.0.borrow_mut().connections = connections.into_iter().collect();
        network
    }

    fn transport(&self) -> KeepAlive<Self> {
        KeepAlive::new(self.clone())
    }

    fn opened(&self) -> Vec<String> {
        self.0.borrow().opened.clone()
    }
}

impl Connector for Network {
    type Connection = Connection;

    fn connect(&mut self, url: &EndpointUrl, timeout: Duration) -> Result<Connection, TransportFailure> {
        let mut server = self.0.borrow_mut();
        let answers = server.connections.pop_front().ok_or(TransportFailure::Connect)?;
        server.opened.push(format!("{}:{}", url.host(), url.port()));
        server.timeouts.push(timeout.as_secs());
        Ok(Connection { server: Rc::clone(&self.0), answers: answers.into(), arrived: Vec::new() })
    }

    fn is_open(&mut self, connection: &mut Connection, timeout: Duration) -> bool {
        let mut server = self.0.borrow_mut();
        server.timeouts.push(timeout.as_secs());
        !(server.is_end_noticed && connection.answers.is_empty())
    }
}

impl ErrorType for Connection {
    type Error = ErrorKind;
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        // A request is one write here.
        self.server.borrow_mut().requests.push(String::from_utf8(bytes.to_vec()).unwrap());
        if let Some(answer) = self.answers.pop_front() {
            self.arrived.extend_from_slice(answer.as_bytes());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let count = buffer.len().min(self.arrived.len());
        buffer[..count].copy_from_slice(&self.arrived[..count]);
        self.arrived.drain(..count);
        Ok(count)
    }
}

fn form(origin: &str) -> HttpRequest {
    let token = EndpointPolicy::new().endpoint(&format!("{origin}/token")).unwrap();
    let client = ClientAuthentication::none("device").unwrap();
    RefreshTokenRequest::new(client, token, Secret::from("refresh-1")).request()
}

fn get(origin: &str) -> HttpRequest {
    let resource = EndpointPolicy::new().endpoint(&format!("{origin}/resource")).unwrap();
    AuthorizationScheme::Bearer.get(&resource, &Secret::from("access-1"))
}

const ISSUER: &str = "https://auth.example.com";

#[test]
fn requests_to_one_origin_share_a_connection_and_do_not_ask_for_its_end() {
    let network = Network::new([vec![EMPTY, EMPTY, EMPTY]]);
    let mut transport = network.transport();
    for request in [form(ISSUER), get(ISSUER), form("https://auth.example.com:443")] {
        assert_eq!(transport.exchange(&request).unwrap().status(), 200);
    }
    assert_eq!(network.opened(), ["auth.example.com:443"]);
    let server = network.0.borrow();
    assert_eq!(server.requests.len(), 3);
    assert!(server.requests.iter().all(|request| !request.contains("connection:")), "{:?}", server.requests);
    assert_eq!(server.timeouts, [30; 3], "each exchange has its own time");
}

#[test]
fn another_origin_gets_a_connection_of_its_own() {
    let network = Network::new([vec![EMPTY, EMPTY], vec![EMPTY], vec![EMPTY], vec![EMPTY]]);
    let mut transport = network.transport();
    for origin in [ISSUER, "https://api.example.com", "https://auth.example.com:8443", ISSUER] {
        assert_eq!(transport.exchange(&get(origin)).unwrap().status(), 200);
    }
    let opened =
        ["auth.example.com:443", "api.example.com:443", "auth.example.com:8443", "auth.example.com:443"];
    assert_eq!(network.opened(), opened);
}

#[test]
fn a_connection_is_kept_only_where_the_answer_leaves_it_in_order() {
    for (answer, is_kept) in [
        (EMPTY, true),
        ("HTTP/1.1 204 No Content\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}", true),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nt: x\r\n\r\n", true),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", true),
        ("HTTP/1.1 200 OK\r\nConnection: Close\r\ncontent-length: 2\r\n\r\n{}", false),
        ("HTTP/1.1 200 OK\r\nconnection: x, close\r\ncontent-length: 2\r\n\r\n{}", false),
        ("HTTP/1.1 200 OK\r\nconnection: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}", false),
        ("HTTP/1.1 200 OK\r\n\r\n{}", false),
        ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}", false),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n", false),
    ] {
        let network = Network::new([vec![answer, EMPTY], vec![EMPTY]]);
        let mut transport = network.transport();
        transport.exchange(&form(ISSUER)).unwrap();
        transport.exchange(&form(ISSUER)).unwrap();
        assert_eq!(network.opened().len(), if is_kept { 1 } else { 2 }, "{answer:?}");
    }
}

#[test]
fn a_failure_ends_the_connection() {
    for answer in ["SSH-2.0\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n"] {
        let network = Network::new([vec![answer, EMPTY], vec![EMPTY]]);
        let mut transport = network.transport();
        transport.exchange(&form(ISSUER)).unwrap_err();
        transport.exchange(&form(ISSUER)).unwrap();
        assert_eq!(network.opened().len(), 2, "{answer:?}");
    }
}

#[test]
fn a_connection_that_the_server_has_closed_is_not_taken_up_again() {
    let network = Network::new([vec![EMPTY], vec![EMPTY]]);
    network.0.borrow_mut().is_end_noticed = true;
    let mut transport = network.transport();
    transport.exchange(&form(ISSUER)).unwrap();
    transport.exchange(&form(ISSUER)).unwrap();
    assert_eq!(network.opened().len(), 2);
    assert_eq!(network.0.borrow().requests.len(), 2, "no request was sent in vain");
}

#[test]
fn a_form_that_meets_a_closing_server_is_lost_and_a_get_is_sent_again() {
    let network = Network::new([vec![EMPTY], vec![EMPTY]]);
    let mut transport = network.transport();
    transport.exchange(&form(ISSUER)).unwrap();
    assert_eq!(transport.exchange(&form(ISSUER)).unwrap_err(), TransportFailure::Closed);
    assert_eq!(transport.exchange(&form(ISSUER)).unwrap().status(), 200, "the next one has a connection");

    let network = Network::new([vec![EMPTY], vec![EMPTY]]);
    let mut transport = network.transport();
    transport.exchange(&get(ISSUER)).unwrap();
    assert_eq!(transport.exchange(&get(ISSUER)).unwrap().status(), 200);
    // Once: on a new connection the failure is one.
    let network = Network::new([vec![EMPTY], vec![], vec![EMPTY]]);
    let mut transport = network.transport();
    transport.exchange(&get(ISSUER)).unwrap();
    assert_eq!(transport.exchange(&get(ISSUER)).unwrap_err(), TransportFailure::Closed);
}

#[test]
fn closed_by_hand_it_is_opened_anew_and_the_bound_of_the_board_counts() {
    let network =
        Network::new([vec![EMPTY, EMPTY], vec!["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345"]]);
    let mut transport = network.transport().with_max_body_bytes(4);
    transport.exchange(&get(ISSUER)).unwrap();
    transport.close();
    assert_eq!(transport.exchange(&get(ISSUER)).unwrap_err(), TransportFailure::BodyTooLarge);
    assert_eq!(network.opened().len(), 2);
}
