//! What the probe does with a server: requests in a client's name, and whole logins up to their tokens.

use std::cell::RefCell;
use std::pin::Pin;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::check::{Check, Met, Miss};
use super::clients::{Client, Clients};
use super::form::{escape, query_value, with_query};
use super::http_client::{Answer, HttpClient, Request};
use super::ledger::Ledger;
use super::person::{Decision, Person};
use super::target::Target;
use super::traffic::Traffic;

pub(super) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// A token, a code or a secret that no server ever issued.
pub(super) const MADE_UP: &str = "probe-made-this-up-0123456789abcdefghijklmnopqrstuvwxyz";
/// RFC 7636 Appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Any printable text has to come back, so this holds what is easily mangled.
pub(super) const STATE: &str = "probe state+%26&=/?~";

/// A story under way, whose end stands in the ledger.
pub(super) type Told<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A server under test, with all that the checks need.
pub(super) struct Probe {
    pub(super) http: HttpClient,
    pub(super) target: Target,
    pub(super) clients: Clients,
    pub(super) person: Person,
    pub(super) ledger: Ledger,
    pub(super) traffic: RefCell<Traffic>,
    pub(super) scope: Option<String>,
    pub(super) patience: Duration,
    /// Held by whoever moves the clock of a mock-server.
    pub(super) clock: Mutex<()>,
    pub(super) user_codes: RefCell<Vec<String>>,
}

/// An answer of the device authorization endpoint (RFC 8628 section 3.2).
#[derive(Clone, Debug)]
pub(super) struct DeviceLogin {
    pub(super) device_code: String,
    pub(super) user_code: String,
    pub(super) verification_uri: String,
    pub(super) verification_uri_complete: Option<String>,
    pub(super) expires_in: u64,
    pub(super) interval: u64,
    pub(super) issued_at: Instant,
}

/// What a login gave.
#[derive(Clone)]
pub(super) struct Tokens {
    pub(super) access_token: String,
    pub(super) refresh_token: Option<String>,
    /// Empty where the answer named none.
    pub(super) scope: String,
    pub(super) expires_in: Option<u64>,
}

/// Where an authorization request led.
pub(super) struct Redirected {
    pub(super) url: String,
    pub(super) status: Option<u16>,
}

impl Redirected {
    pub(super) fn value(&self, name: &str) -> Option<String> {
        query_value(&self.url, name)
    }

    /// What came, in few words.
    pub(super) fn in_words(&self) -> String {
        match self.value("error") {
            Some(error) => format!("a redirect with error {error}"),
            None if self.value("code").is_some() => "a redirect with a code".to_owned(),
            None => "a redirect without code and error".to_owned(),
        }
    }
}

impl Probe {
    /// Runs a story that tells about checks: about one by how it ends; what it leaves open of several is as the reason
    /// for its end.
    ///
    /// Boxed, as all stories together are too much for a stack.
    pub(super) fn scenario<'a>(
        &'a self,
        checks: &'a [&'a Check],
        story: impl Future<Output = Met> + 'a,
    ) -> Told<'a> {
        let story = Box::pin(story);
        Box::pin(async move {
            if !self.ledger.needs(checks) {
                return;
            }
            match (story.await, checks) {
                (met, [only]) if met.is_err() || self.ledger.lacks(only) => self.ledger.judge(only, met),
                (Ok(()), _) => {}
                (Err(miss), _) => {
                    for check in checks.iter().filter(|check| self.ledger.lacks(check)) {
                        self.ledger.judge(check, Err(miss.clone()));
                    }
                }
            }
        })
    }

    /// A story in which time passes: alone, if it moves the clock for everybody.
    pub(super) fn slow_scenario<'a>(
        &'a self,
        checks: &'a [&'a Check],
        story: impl Future<Output = Met> + 'a,
    ) -> Told<'a> {
        let story = self.scenario(checks, story);
        Box::pin(async move {
            let _turn = if self.target.is_mock_server { Some(self.clock.lock().await) } else { None };
            story.await;
        })
    }

    /// Lets time pass: on the clock of a mock-server at once.
    pub(super) async fn wait(&self, time: Duration) -> Met {
        if self.target.is_mock_server {
            let url = format!("{}/_control/clock/advance", self.target.url);
            let answer =
                self.http.send(Request::post_json(&url, &json!({ "seconds": time.as_secs_f64() }))).await?;
            if answer.status >= 300 {
                return Err(Miss::Unknown(format!("the clock cannot be moved: {}", answer.in_words())));
            }
            return Ok(());
        }
        if time > self.patience {
            return Err(Miss::Unknown(format!("takes {} s: give --patience", time.as_secs())));
        }
        sleep(time).await;
        Ok(())
    }

    /// Lets a login expire: a second later, as some servers forget it soon.
    pub(super) async fn wait_for_expiry(&self, login: &DeviceLogin) -> Met {
        let whole = Duration::from_secs(login.expires_in + 1);
        let passed = if self.target.is_mock_server { Duration::ZERO } else { login.issued_at.elapsed() };
        self.wait(whole.saturating_sub(passed)).await
    }

    /// Sends a request of a program and listens to the form of its answer.
    pub(super) async fn send(&self, request: Request) -> Result<Answer, Miss> {
        let answer = self.http.send(request).await?;
        for member in ["device_code", "access_token", "refresh_token", "id_token"] {
            if let Some(secret) = answer.text(member) {
                self.ledger.hide(&secret);
            }
        }
        self.traffic.borrow_mut().note(&answer);
        Ok(answer)
    }

    /// A POST in the name of a client: with Basic if it has a secret.
    pub(super) fn request_of(client: &Client, url: &str, parameters: &[(&str, &str)]) -> Request {
        if let Some(secret) = &client.secret {
            return Request::post(url, parameters).basic("Basic", &escape(&client.id), &escape(secret));
        }
        let mut parameters = parameters.to_vec();
        parameters.push(("client_id", &client.id));
        Request::post(url, &parameters)
    }

    pub(super) async fn post_as(
        &self,
        client: &Client,
        url: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Answer, Miss> {
        self.send(Self::request_of(client, url, parameters)).await
    }

    pub(super) async fn token_request(
        &self,
        client: &Client,
        parameters: &[(&str, &str)],
    ) -> Result<Answer, Miss> {
        self.post_as(client, self.token_endpoint()?, parameters).await
    }

    pub(super) fn token_endpoint(&self) -> Result<&str, Miss> {
        endpoint(self.target.token_endpoint.as_deref(), "token endpoint", "--token-endpoint")
    }

    pub(super) fn device_endpoint(&self) -> Result<&str, Miss> {
        let url = self.target.device_authorization_endpoint.as_deref();
        endpoint(url, "device authorization endpoint", "--device-authorization-endpoint")
    }

    pub(super) fn authorization_endpoint(&self) -> Result<&str, Miss> {
        let url = self.target.authorization_endpoint.as_deref();
        endpoint(url, "authorization endpoint", "--authorization-endpoint")
    }

    pub(super) fn device_client(&self) -> Result<&Client, Miss> {
        part(self.clients.device.as_ref(), "--client-id")
    }

    pub(super) fn code_client(&self) -> Result<(&Client, &str), Miss> {
        let client = part(self.clients.code.as_ref(), "--redirect-uri and a client for it")?;
        Ok((client, client.redirect_uri.as_deref().unwrap_or_default()))
    }

    pub(super) fn confidential_client(&self) -> Result<(&Client, &str), Miss> {
        let client = part(self.clients.confidential.as_ref(), "--confidential-client-id")?;
        Ok((client, client.secret.as_deref().unwrap_or_default()))
    }

    /// Asks for codes, and takes nothing but codes for an answer.
    pub(super) async fn start_device_login(&self) -> Result<DeviceLogin, Miss> {
        let scope = self.scope.as_deref();
        let client = self.device_client()?;
        let parameters: Vec<_> = scope.iter().map(|scope| ("scope", *scope)).collect();
        let answer = self.post_as(client, self.device_endpoint()?, &parameters).await?;
        self.read_device_login(&answer).ok_or_else(|| {
            Miss::Unknown(format!("the device authorization request was answered with {}", answer.in_words()))
        })
    }

    pub(super) fn read_device_login(&self, answer: &Answer) -> Option<DeviceLogin> {
        let members = answer.json();
        let user_code = answer.text("user_code").filter(|_| answer.status == 200)?;
        self.user_codes.borrow_mut().push(user_code.clone());
        Some(DeviceLogin {
            device_code: answer.text("device_code")?,
            user_code,
            verification_uri: answer.text("verification_uri")?,
            verification_uri_complete: answer.text("verification_uri_complete"),
            expires_in: members["expires_in"].as_u64()?,
            // "If no value is provided, clients MUST use 5 as the default."
            interval: members["interval"].as_u64().unwrap_or(5),
            issued_at: Instant::now(),
        })
    }

    pub(super) async fn poll(&self, login: &DeviceLogin) -> Result<Answer, Miss> {
        let parameters = [("grant_type", DEVICE_GRANT), ("device_code", &*login.device_code)];
        self.token_request(self.device_client()?, &parameters).await
    }

    pub(super) async fn decide(&self, login: &DeviceLogin, decision: Decision) -> Met {
        self.person.decide(&self.http, login, decision).await
    }

    /// The tokens of an approved login: of a device, or with an authorization code where there is no device grant.
    pub(super) async fn sign_in(&self) -> Result<Tokens, Miss> {
        self.person.can(Decision::Approve)?;
        if self.clients.device.is_some() && self.target.device_authorization_endpoint.is_some() {
            let login = self.start_device_login().await?;
            self.decide(&login, Decision::Approve).await?;
            return read_tokens(&self.poll(&login).await?);
        }
        let (client, redirect_uri) = self.code_client()?;
        let code = self.authorization_code(&[]).await?;
        let answer = self.redeem(client, &code, redirect_uri, Some(VERIFIER)).await?;
        read_tokens(&answer)
    }

    /// The client to which `sign_in` signs in.
    pub(super) fn signed_in_client(&self) -> Result<&Client, Miss> {
        if self.target.device_authorization_endpoint.is_some()
            && let Some(client) = &self.clients.device
        {
            return Ok(client);
        }
        Ok(self.code_client()?.0)
    }

    /// An authorization request with PKCE; `others` replace its parameters, an empty value takes one away.
    pub(super) fn authorization_url(&self, client: &Client, others: &[(&str, &str)]) -> Result<String, Miss> {
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", &*client.id),
            ("redirect_uri", client.redirect_uri.as_deref().unwrap_or_default()),
            ("state", STATE),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        parameters.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        parameters.retain(|(name, _)| !others.iter().any(|(other, _)| other == name));
        parameters.extend(others.iter().filter(|(_, value)| !value.is_empty()));
        Ok(with_query(self.authorization_endpoint()?, &parameters))
    }

    /// What a client hears at its redirect URI after the person's decision.
    pub(super) async fn authorize(
        &self,
        client: &Client,
        others: &[(&str, &str)],
        decision: Decision,
    ) -> Result<Redirected, Miss> {
        let url = self.authorization_url(client, others)?;
        let sent = others.iter().find(|(name, _)| *name == "redirect_uri").map(|(_, uri)| *uri);
        let redirect_uri = sent.or(client.redirect_uri.as_deref()).unwrap_or_default();
        let (url, status) = self.person.decide_at(&self.http, &url, redirect_uri, decision).await?;
        if let Some(code) = query_value(&url, "code") {
            self.ledger.hide(&code);
        }
        Ok(Redirected { url, status })
    }

    /// A fresh code for the client of the code grant.
    pub(super) async fn authorization_code(&self, others: &[(&str, &str)]) -> Result<String, Miss> {
        let (client, _) = self.code_client()?;
        let redirected = self.authorize(client, others, Decision::Approve).await?;
        let got = || Miss::Unknown(format!("the authorization request led to {}", redirected.in_words()));
        redirected.value("code").ok_or_else(got)
    }

    pub(super) async fn redeem(
        &self,
        client: &Client,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> Result<Answer, Miss> {
        let mut parameters =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri)];
        parameters.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        parameters.retain(|(_, value)| !value.is_empty());
        self.token_request(client, &parameters).await
    }

    pub(super) async fn refresh(
        &self,
        client: &Client,
        refresh_token: &str,
        scope: Option<&str>,
    ) -> Result<Answer, Miss> {
        let mut parameters = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        parameters.extend(scope.map(|scope| ("scope", scope)));
        self.token_request(client, &parameters).await
    }

    /// What introspection says, to a client that may ask.
    pub(super) async fn introspect(&self, token: &str) -> Result<Answer, Miss> {
        let url = self.target.introspection_endpoint.as_deref();
        let url = endpoint(url, "introspection endpoint", "--introspection-endpoint")?;
        let introspector = part(self.clients.introspector.as_ref(), "--confidential-client-id")?;
        self.post_as(introspector, url, &[("token", token)]).await
    }

    /// Whether an access token is good, by introspection or else at a resource.
    pub(super) async fn is_active(&self, access_token: &str) -> Result<bool, Miss> {
        if let Ok(answer) = self.introspect(access_token).await
            && let Value::Bool(active) = answer.json()["active"]
        {
            return Ok(active);
        }
        let Some(resource) = &self.target.resource else {
            return Err(Miss::Unknown(
                "needs introspection or --resource to see whether a token is good".to_owned(),
            ));
        };
        Ok(self.send(Request::get(resource).bearer(access_token)).await?.status == 200)
    }
}

/// The tokens of an answer that has some.
pub(super) fn read_tokens(answer: &Answer) -> Result<Tokens, Miss> {
    let access_token = answer.text("access_token").filter(|_| answer.status == 200);
    let access_token =
        access_token.ok_or_else(|| Miss::Unknown(format!("no tokens came, but {}", answer.in_words())))?;
    Ok(Tokens {
        access_token,
        refresh_token: answer.text("refresh_token"),
        scope: answer.text("scope").unwrap_or_default(),
        expires_in: answer.json()["expires_in"].as_u64(),
    })
}

fn endpoint<'a>(url: Option<&'a str>, name: &str, flag: &str) -> Result<&'a str, Miss> {
    url.ok_or_else(|| Miss::Unknown(format!("the metadata names no {name}, nor does {flag}")))
}

pub(super) fn part<'a>(client: Option<&'a Client>, flag: &str) -> Result<&'a Client, Miss> {
    client.ok_or_else(|| Miss::Unknown(format!("needs {flag}")))
}
