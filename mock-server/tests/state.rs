//! The server without a socket, and a clock that only the test moves.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Request;
use hyper::body::Bytes;
use mock_server::{Answer, AuthorizationServer, Settings, Timestamp};
use serde_json::Value;

pub(crate) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// RFC 7636 Appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) struct State {
    pub(crate) server: AuthorizationServer,
    pub(crate) now: Timestamp,
    pub(crate) peer: IpAddr,
    /// Sent with every request, as a browser would.
    pub(crate) cookie: Option<String>,
}

/// An answer, taken apart.
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: String,
}

pub(crate) struct DeviceLogin {
    pub(crate) device_code: String,
    pub(crate) user_code: String,
}

pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

impl State {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(choose: impl FnOnce(&mut Settings)) -> Self {
        let now = Timestamp::from_unix(Duration::from_secs(1_800_000_000));
        let mut settings = Settings::new(8080);
        choose(&mut settings);
        let server = AuthorizationServer::new(settings, now);
        Self { server, now, peer: Ipv4Addr::LOCALHOST.into(), cookie: None }
    }

    pub(crate) fn wait(&mut self, duration: Duration) {
        self.now = self.now + duration;
    }

    pub(crate) fn wait_seconds(&mut self, seconds: u64) {
        self.wait(Duration::from_secs(seconds));
    }

    /// One request with these headers; `Host` is added unless given.
    pub(crate) fn send(&mut self, method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Received {
        let mut request = Request::builder().method(method).uri(uri);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", "127.0.0.1:8080");
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).expect("a request");
        match self.server.handle(self.now, self.peer, &request) {
            Answer::Respond(response) | Answer::Deliver(response, _) => {
                let (parts, body) = response.into_parts();
                let body = String::from_utf8(body.to_vec()).expect("a text");
                Received { status: parts.status.as_u16(), headers: parts.headers, body }
            }
            Answer::ResetConnection => panic!("no answer"),
        }
    }

    pub(crate) fn get(&mut self, uri: &str) -> Received {
        self.send("GET", uri, &[], "")
    }

    pub(crate) fn post(&mut self, uri: &str, form: &str) -> Received {
        self.post_with(uri, &[], form)
    }

    pub(crate) fn post_with(&mut self, uri: &str, headers: &[(&str, &str)], form: &str) -> Received {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        self.send("POST", uri, &headers, form)
    }

    pub(crate) fn start_device_login(&mut self) -> DeviceLogin {
        self.start_device_login_with("client_id=device&scope=read")
    }

    pub(crate) fn start_device_login_with(&mut self, form: &str) -> DeviceLogin {
        let answer = self.post("/device-authorization", form);
        assert_eq!(answer.status, 200, "{}", answer.body);
        DeviceLogin { device_code: answer.text("device_code"), user_code: answer.text("user_code") }
    }

    pub(crate) fn poll(&mut self, login: &DeviceLogin) -> Received {
        let form = format!("grant_type={DEVICE_GRANT}&client_id=device&device_code={}", login.device_code);
        self.post("/token", &form)
    }

    /// The error of a poll; empty for a success.
    pub(crate) fn poll_error(&mut self, login: &DeviceLogin) -> String {
        let answer = self.poll(login);
        if answer.status == 200 { String::new() } else { answer.text("error") }
    }

    pub(crate) fn approve(&mut self, login: &DeviceLogin) {
        self.server.approve(self.now, &login.user_code).expect("a pending login");
    }

    /// Tokens of the client `device`, from a whole device login.
    pub(crate) fn device_tokens(&mut self, scope: &str) -> Tokens {
        let login = self.start_device_login_with(&format!("client_id=device&scope={scope}"));
        self.approve(&login);
        self.poll(&login).tokens()
    }

    /// A code for the client `web`, from an authorization request with these extra parameters.
    pub(crate) fn code(&mut self, extra: &str) -> String {
        let uri = format!("/authorize?response_type=code&client_id=web&state=xyz{extra}");
        let answer = self.get(&uri);
        answer.location_parameter("code").unwrap_or_else(|| panic!("{} {}", answer.status, answer.body))
    }

    pub(crate) fn redeem(&mut self, code: &str, extra: &str) -> Received {
        let form = format!("grant_type=authorization_code&code={code}{extra}");
        self.post_with("/token", &[basic("web", "web-secret").as_header()], &form)
    }

    pub(crate) fn resource(&mut self, access_token: &str) -> Received {
        let authorization = format!("Bearer {access_token}");
        self.send("GET", "/resource", &[("authorization", &authorization)], "")
    }

    /// What the client `api` learns about a token.
    pub(crate) fn introspect(&mut self, token: &str) -> Value {
        let form = format!("token={token}");
        self.post_with("/introspect", &[basic("api", "api-secret").as_header()], &form).json()
    }

    /// Opens a page as a browser does: keeps the cookie, and returns the form's CSRF token.
    pub(crate) fn open_page(&mut self, uri: &str) -> (Received, String) {
        let page = self.get(uri);
        if let Some(cookie) = page.header("set-cookie") {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        let csrf_token = page.hidden_field("csrf_token");
        (page, csrf_token)
    }
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a printable header"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// A string member of the JSON body.
    pub(crate) fn text(&self, member: &str) -> String {
        let json = self.json();
        json[member].as_str().unwrap_or_else(|| panic!("no string {member} in {json}")).to_owned()
    }

    /// Asserts an RFC 6749 section 5.2 answer: status, code, JSON, not to be kept, description in its charset.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, error: &str) {
        assert_eq!((self.status, self.text("error").as_str()), (status, error), "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let description = self.text("error_description");
        let in_charset = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E');
        assert!(!description.is_empty() && description.chars().all(in_charset), "{description}");
    }

    pub(crate) fn tokens(&self) -> Tokens {
        assert_eq!(self.status, 200, "{}", self.body);
        Tokens {
            access_token: self.text("access_token"),
            refresh_token: self.json()["refresh_token"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// A query parameter of `Location`, still percent-encoded.
    pub(crate) fn location_parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.header("location")?.split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }

    /// The value of a hidden field of the page's form.
    pub(crate) fn hidden_field(&self, name: &str) -> String {
        let field = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&field).unwrap_or_else(|| panic!("no {name}: {}", self.body));
        rest.split('"').next().expect("a value").to_owned()
    }

    #[track_caller]
    pub(crate) fn assert_page(&self, status: u16, text: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(self.body.contains(text), "no {text:?} in {}", self.body);
    }
}

pub(crate) struct Basic(String);

impl Basic {
    pub(crate) fn as_header(&self) -> (&str, &str) {
        ("authorization", &self.0)
    }
}

pub(crate) fn basic(client_id: &str, secret: &str) -> Basic {
    Basic(format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}"))))
}
