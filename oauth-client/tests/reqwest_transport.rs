//! What goes over the wire, and how each real failure of a connection is sorted.

use std::net::TcpStream;

use oauth_client::{
    Client, DeviceLoginEvent, Error, HttpResponse, InvalidResponse, Obstacle, Secret, TransportFailure,
};

use crate::scripted_server::ScriptedServer;
use crate::scripted_server::Step::{Hold, ReadRequest, Reset, Write};

const TOKEN: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 51\r\n\r\n\
                     {\"access_token\":\"2YotnFZFEj\",\"token_type\":\"Bearer\"}";

fn client_of(server: &ScriptedServer) -> Client {
    Client::builder("s6BhdRkqt3")
        .client_secret_basic("7Fjfp0ZBr1KtDRbnfVdmIw")
        .token_endpoint(server.url("/token/"))
        .resource_origin(server.url(""))
        .user_agent("my-device/1.0")
        .build()
        .unwrap()
}

async fn failure_of(server: &ScriptedServer) -> (TransportFailure, String) {
    match client_of(server).client_credentials("").await {
        Err(Error::Transport(error)) => (error.failure(), error.to_string()),
        other => panic!("{other:?}"),
    }
}

async fn resource(server: &ScriptedServer) -> Result<HttpResponse, Error> {
    client_of(server).get_resource(&server.url("/"), &Secret::from("token")).await
}

#[tokio::test]
async fn a_form_goes_out_with_these_headers_and_no_others() {
    let server = ScriptedServer::start(&[&[ReadRequest, Write(TOKEN)]]).await;
    client_of(&server).client_credentials("").await.unwrap();
    let requests = server.requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(request.line, "POST /token/ HTTP/1.1");
    assert_eq!(
        request.header_names(),
        ["accept", "authorization", "content-length", "content-type", "host", "user-agent"]
    );
    assert_eq!(request.header("accept"), Some("application/json"));
    // RFC 6749 §2.3.1
    assert_eq!(request.header("authorization"), Some("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("user-agent"), Some("my-device/1.0"));
    assert_eq!(request.header("host"), Some(format!("127.0.0.1:{}", server.port).as_str()));
    assert_eq!(request.body, "grant_type=client_credentials");
}

#[tokio::test]
async fn a_get_has_no_body_and_asks_for_no_compression() {
    let server =
        ScriptedServer::start(&[&[ReadRequest, Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")]])
            .await;
    assert_eq!(resource(&server).await.unwrap().body(), b"{}");
    let requests = server.requests();
    assert_eq!(requests[0].line, "GET / HTTP/1.1");
    assert_eq!(requests[0].header_names(), ["accept", "authorization", "host", "user-agent"]);
    assert_eq!(requests[0].header("authorization"), Some("Bearer token"));
}

#[tokio::test]
async fn without_a_name_of_its_own_the_client_says_what_it_is() {
    let server = ScriptedServer::start(&[&[ReadRequest, Write(TOKEN)]]).await;
    let client = Client::builder("id").token_endpoint(server.url("/token")).build().unwrap();
    let refreshed = client.refresh(&Secret::from("r")).await.unwrap();
    assert_eq!(refreshed.access_token.expose(), "2YotnFZFEj");
    let user_agent = server.requests()[0].header("user-agent").unwrap().to_owned();
    assert_eq!(user_agent, concat!("oauth-client/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_refused_connection_is_no_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client =
        Client::builder("id").token_endpoint(format!("http://127.0.0.1:{port}/token")).build().unwrap();
    let error = client.refresh(&Secret::from("r")).await.unwrap_err();
    let Error::Transport(transport) = &error else { panic!("{error:?}") };
    assert_eq!(transport.failure(), TransportFailure::Connect);
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_dns_failure() {
    for scheme in ["http", "https"] {
        let client = Client::builder("id")
            .token_endpoint(format!("{scheme}://no-such-host.invalid/token"))
            .dangerously_allow_http("no-such-host.invalid")
            .root_certificates_pem(crate::tls::Authority::new().pem())
            .build()
            .unwrap();
        match client.refresh(&Secret::from("r")).await {
            Err(Error::Transport(error)) => assert_eq!(error.failure(), TransportFailure::Dns, "{error}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_reset_is_a_lost_connection() {
    for script in [&[ReadRequest, Reset][..], &[ReadRequest, Write("HTTP/1.1 200 OK\r\n"), Reset]] {
        let (failure, words) = failure_of(&ScriptedServer::start(&[script]).await).await;
        assert_eq!(failure, TransportFailure::Closed, "{words}");
    }
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_lost_and_the_request_is_not_repeated() {
    let server = ScriptedServer::start(&[&[ReadRequest]]).await;
    let (failure, words) = failure_of(&server).await;
    assert_eq!(failure, TransportFailure::Closed, "{words}");
    assert_eq!((server.connections(), server.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_request_that_reached_a_kept_connection_is_never_sent_twice() {
    let server = ScriptedServer::start(&[&[ReadRequest, Write(TOKEN), ReadRequest]]).await;
    let client = client_of(&server);
    client.client_credentials("").await.unwrap();
    match client.refresh(&Secret::from("single-use")).await {
        Err(Error::Transport(error)) => assert_eq!(error.failure(), TransportFailure::Closed, "{error}"),
        other => panic!("{other:?}"),
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 2));
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_a_lost_connection() {
    for script in [
        &[ReadRequest, Write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\":\"x\"")][..],
        &[ReadRequest, Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"acc")],
        &[ReadRequest, Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")],
    ] {
        let (failure, words) = failure_of(&ScriptedServer::start(&[script]).await).await;
        assert_eq!(failure, TransportFailure::Closed, "{words}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_named_so() {
    for script in [
        &[ReadRequest, Write("SSH-2.0-OpenSSH_9.6\r\n")][..],
        &[ReadRequest, Write("<!doctype html><p>no head at all\r\n\r\n")],
        &[ReadRequest, Write("HTTP/1.1 abc OK\r\n\r\n")],
        &[ReadRequest, Write("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")],
        &[ReadRequest, Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")],
    ] {
        let (failure, words) = failure_of(&ScriptedServer::start(&[script]).await).await;
        assert_eq!(failure, TransportFailure::NotHttp, "{words}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_when_the_code_expires() {
    for script in [
        &[ReadRequest, Hold][..],
        &[ReadRequest, Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), Hold],
    ] {
        let codes = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"device_code\":\"d\",\"user_code\":\"WDJB-MJHT\",\
                     \"verification_uri\":\"https://example.com/device\",\"expires_in\":2,\"interval\":1}";
        let server = ScriptedServer::start(&[&[ReadRequest, Write(codes)], script]).await;
        let client = Client::builder("id")
            .device_authorization_endpoint(server.url("/device"))
            .token_endpoint(server.url("/token"))
            .build()
            .unwrap();
        let mut login = client.device_login("").await.unwrap();
        let mut seen = Vec::new();
        while let Some(event) = login.next_event().await {
            seen.push(match event {
                DeviceLoginEvent::Retrying { cause, .. } => cause,
                DeviceLoginEvent::Failed(error) => error.to_string(),
                _ => continue,
            });
        }
        let [timeout, end] = seen.as_slice() else { panic!("{seen:?}") };
        assert!(timeout.contains("did not answer in time"), "{timeout}");
        assert!(end.contains("the code expired"), "{end}");
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_token_answer_of_64_kib_is_read_and_one_byte_more_is_refused() {
    const LIMIT: usize = 64 * 1024;
    for (length, is_read) in [(LIMIT, true), (LIMIT + 1, false)] {
        let mut server = mockito::Server::new_async().await;
        let body = format!("{{\"access_token\":\"x\"{}}}", " ".repeat(length - 20));
        assert_eq!(body.len(), length);
        server.mock("POST", "/token").with_body(body).create_async().await;
        let client = Client::builder("id").token_endpoint(format!("{}/token", server.url())).build().unwrap();
        match client.refresh(&Secret::from("r")).await {
            Ok(_) => assert!(is_read),
            Err(Error::Transport(error)) => {
                assert_eq!((is_read, error.failure()), (false, TransportFailure::BodyTooLarge));
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_chunked_answer_without_end_is_cut_off_at_the_limit() {
    let mut server = mockito::Server::new_async().await;
    server
        .mock("POST", "/token")
        .with_chunked_body(|writer| {
            // Ends when the client hangs up, or long after it should have.
            (0..64 * 1024).try_for_each(|_| writer.write_all(&[b' '; 1024]))
        })
        .create_async()
        .await;
    let client = Client::builder("id").token_endpoint(format!("{}/token", server.url())).build().unwrap();
    match client.refresh(&Secret::from("r")).await {
        Err(Error::Transport(error)) => assert_eq!(error.failure(), TransportFailure::BodyTooLarge),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn metadata_may_be_256_kib_long_and_one_byte_more_is_refused() {
    const LIMIT: usize = 256 * 1024;
    for (length, is_read) in [(LIMIT, true), (LIMIT + 1, false)] {
        let mut server = mockito::Server::new_async().await;
        let mut body = format!("{{\"issuer\":\"{}\"}}", server.url());
        body.push_str(&" ".repeat(length - body.len()));
        server.mock("GET", "/.well-known/oauth-authorization-server").with_body(body).create_async().await;
        let client = Client::builder("id").issuer(server.url()).build().unwrap();
        match client.metadata().await {
            Ok(metadata) => assert_eq!((is_read, metadata.unwrap().issuer), (true, server.url())),
            Err(Error::Transport(error)) => {
                assert_eq!((is_read, error.failure()), (false, TransportFailure::BodyTooLarge));
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn an_answer_compressed_without_being_asked_is_not_unpacked() {
    let mut server = mockito::Server::new_async().await;
    // gzip of {"access_token":"x"}
    let gzip: &[u8] = &[
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xab, 0x56, 0x4a, 0x4c, 0x4e, 0x4e, 0x2d, 0x2e, 0x8e, 0x2f, 0xc9,
        0xcf, 0x4e, 0xcd, 0x53, 0xb2, 0x52, 0xaa, 0x50, 0xaa, 0x05, 0x00,
    ];
    server
        .mock("POST", "/token")
        .with_header("content-encoding", "gzip")
        .with_body(gzip)
        .create_async()
        .await;
    let client = Client::builder("id").token_endpoint(format!("{}/token", server.url())).build().unwrap();
    match client.refresh(&Secret::from("r")).await {
        Err(Error::InvalidResponse(invalid)) => assert_eq!(invalid, InvalidResponse::NoParameters),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn no_redirect_is_followed_and_its_target_receives_nothing() {
    for status in [301, 302, 303, 307, 308] {
        let mut server = mockito::Server::new_async().await;
        let mut elsewhere = mockito::Server::new_async().await;
        let target = elsewhere.mock("POST", "/token").expect(0).create_async().await;
        let target_of_get = elsewhere.mock("GET", mockito::Matcher::Any).expect(0).create_async().await;
        let location = format!("{}/token", elsewhere.url());
        server
            .mock("POST", "/token")
            .with_status(status)
            .with_header("location", &location)
            .create_async()
            .await;
        let client = Client::builder("id").token_endpoint(format!("{}/token", server.url())).build().unwrap();
        match client.refresh(&Secret::from("r")).await {
            Err(Error::Redirected(redirect)) => {
                assert_eq!(usize::from(redirect.status), status);
                assert_eq!(redirect.location.unwrap().as_sent(), location);
            }
            other => panic!("{other:?}"),
        }
        target.assert_async().await;
        target_of_get.assert_async().await;
    }
}

#[tokio::test]
async fn a_header_that_would_split_the_request_is_never_sent() {
    let server = ScriptedServer::start(&[&[ReadRequest]]).await;
    let token = Secret::from("token\r\nX-Injected: yes");
    let error = client_of(&server).get_resource(&server.url("/"), &token).await.unwrap_err();
    assert!(error.to_string().contains("authorization header"), "{error}");
    assert!(!format!("{error:?} {error}").contains("X-Injected"));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_proxy_gets_what_leaves_the_machine_with_its_password_and_loopback_never() {
    let proxy = ScriptedServer::start(&[&[ReadRequest, Write(TOKEN)]]).await;
    let target = ScriptedServer::start(&[&[ReadRequest, Write(TOKEN)]]).await;
    let through_proxy = |token_endpoint: String| {
        Client::builder("id")
            .token_endpoint(token_endpoint)
            .dangerously_allow_http("auth.example.com")
            .proxy(format!("http://user:pass%40word@127.0.0.1:{}", proxy.port))
            .build()
            .unwrap()
    };
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/token", target.port);
        through_proxy(url).refresh(&Secret::from("r")).await.unwrap();
    }
    assert_eq!((proxy.connections(), target.requests().len()), (0, 2));

    through_proxy("http://auth.example.com/token".into()).refresh(&Secret::from("r")).await.unwrap();
    let request = proxy.requests().remove(0);
    assert_eq!(request.line, "POST http://auth.example.com/token HTTP/1.1");
    // user:pass@word
    assert_eq!(request.header("proxy-authorization"), Some("Basic dXNlcjpwYXNzQHdvcmQ="));
    assert_eq!(target.requests()[0].header("proxy-authorization"), None);
}

#[tokio::test]
async fn no_address_of_loopback_is_asked_of_a_proxy() {
    let proxy = ScriptedServer::start(&[&[ReadRequest, Write(TOKEN)]]).await;
    // Nobody listens there: refused here, answered by the proxy.
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for host in ["127.0.0.1", "127.9.9.9", "localhost", "[::1]"] {
        for scheme in ["http", "https"] {
            let client = Client::builder("id")
                .token_endpoint(format!("{scheme}://{host}:{unused}/token"))
                .root_certificates_pem(crate::tls::Authority::new().pem())
                .proxy(format!("http://127.0.0.1:{}", proxy.port))
                .build()
                .unwrap();
            match client.refresh(&Secret::from("r")).await {
                Err(Error::Transport(error)) => {
                    assert_eq!(error.failure(), TransportFailure::Connect, "{host}");
                }
                other => panic!("{host}: {other:?}"),
            }
        }
    }
    assert_eq!(proxy.connections(), 0);
}

/// How a full backlog is filled is the kernel's own affair.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_made_in_10_seconds_is_none() {
    // A listener whose backlog is full answers no further SYN.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let _waiting = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
    let client = Client::builder("id").token_endpoint(format!("http://{address}/token")).build().unwrap();
    let before = tokio::time::Instant::now();
    match client.refresh(&Secret::from("r")).await {
        Err(Error::Transport(error)) => assert_eq!(error.failure(), TransportFailure::Connect, "{error}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(before.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn https_goes_through_a_proxy_as_a_tunnel_and_a_refused_tunnel_is_no_connection() {
    for (answer, obstacle, words) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
            Obstacle::ProxyCredentials,
            "(the proxy wants a user name and a password); give both in the proxy's URL",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
            Obstacle::ProxyRefused,
            "(the proxy makes no tunnel to it); ask the proxy's operator, or go without a proxy",
        ),
    ] {
        let proxy = ScriptedServer::start(&[&[ReadRequest, Write(answer)]]).await;
        let client = Client::builder("id")
            .token_endpoint("https://auth.example.com/token")
            .root_certificates_pem(crate::tls::Authority::new().pem())
            .proxy(format!("http://127.0.0.1:{}", proxy.port))
            .build()
            .unwrap();
        let error = client.refresh(&Secret::from("r")).await.unwrap_err();
        assert_eq!(error.to_string(), format!("no connection to the server {words}"));
        let Error::Transport(error) = error else { panic!("{error:?}") };
        assert_eq!((error.failure(), error.obstacle()), (TransportFailure::Connect, Some(obstacle)));
        assert_eq!(proxy.requests()[0].line, "CONNECT auth.example.com:443 HTTP/1.1");
    }
}

#[tokio::test]
async fn without_a_tunnel_the_proxys_own_answer_is_not_taken_for_the_servers() {
    let proxy = ScriptedServer::start(&[&[
        ReadRequest,
        Write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
    ]])
    .await;
    let client = Client::builder("id")
        .token_endpoint("http://auth.example.com/token")
        .dangerously_allow_http("auth.example.com")
        .proxy(format!("http://127.0.0.1:{}", proxy.port))
        .build()
        .unwrap();
    match client.refresh(&Secret::from("r")).await {
        Err(Error::Transport(error)) => assert_eq!(error.obstacle(), Some(Obstacle::ProxyCredentials)),
        other => panic!("{other:?}"),
    }
}
