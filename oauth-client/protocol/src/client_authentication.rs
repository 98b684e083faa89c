//! How the client says who it is (RFC 6749 §2.3).

use alloc::string::String;
use core::fmt;

use base64::Engine as _;
use zeroize::Zeroizing;

use crate::form_urlencoded::{Space, append_pair, encode_into};
use crate::{EndpointUrl, HttpRequest, Secret};

/// The client's identifier and the one way in which it authenticates. No method is ever probed.
#[derive(Clone, Debug)]
pub struct ClientAuthentication {
    client_id: String,
    method: AuthenticationMethod,
    client_id_in_body: bool,
    secret_on_device_authorization: bool,
}

#[derive(Clone, Debug)]
enum AuthenticationMethod {
    None,
    ClientSecretBasic(Secret),
    ClientSecretPost(Secret),
}

/// Why a client cannot be described this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidClient {
    /// The `client_id` is empty or holds a character outside `%x20-7E` (RFC 6749 Appendix A.1).
    ClientId,
    /// The secret is empty or holds a character outside `%x20-7E`: a client without a secret is
    /// [`ClientAuthentication::none`].
    ClientSecret,
    /// A request that only a confidential client can make.
    NotConfidential,
}

/// Which endpoint a request goes to, as far as authentication depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    DeviceAuthorization,
    Token,
}

impl ClientAuthentication {
    /// A public client: `client_id` in the body, no secret.
    pub fn none(client_id: impl Into<String>) -> Result<Self, InvalidClient> {
        Self::new(client_id.into(), AuthenticationMethod::None)
    }

    /// A confidential client that sends `Authorization: Basic` (RFC 6749 §2.3.1), both halves
    /// form-encoded first.
    pub fn client_secret_basic(
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
    ) -> Result<Self, InvalidClient> {
        let secret = checked_secret(client_secret.into())?;
        Self::new(client_id.into(), AuthenticationMethod::ClientSecretBasic(secret))
    }

    /// A confidential client that sends `client_id` and `client_secret` in the body.
    pub fn client_secret_post(
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
    ) -> Result<Self, InvalidClient> {
        let secret = checked_secret(client_secret.into())?;
        Self::new(client_id.into(), AuthenticationMethod::ClientSecretPost(secret))
    }

    fn new(client_id: String, method: AuthenticationMethod) -> Result<Self, InvalidClient> {
        if client_id.is_empty() || !is_vschar(&client_id) {
            return Err(InvalidClient::ClientId);
        }
        Ok(Self { client_id, method, client_id_in_body: false, secret_on_device_authorization: true })
    }

    /// Sends `client_id` in the body beside Basic too: django-oauth-toolkit reads it only there.
    #[must_use]
    pub fn client_id_in_body(mut self) -> Self {
        self.client_id_in_body = true;
        self
    }

    /// Keeps the secret off the device authorization request: Google wants it on the token request
    /// only, Auth0 refuses it here.
    #[must_use]
    pub fn no_secret_on_device_authorization(mut self) -> Self {
        self.secret_on_device_authorization = false;
        self
    }

    /// The `client_id`.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Whether the client has a secret (RFC 6749 §2.1: a confidential client).
    pub const fn is_confidential(&self) -> bool {
        !matches!(self.method, AuthenticationMethod::None)
    }

    /// A POST of `parameters`, authenticated.
    pub(crate) fn post(&self, step: Step, url: &EndpointUrl, parameters: &[(&str, &str)]) -> HttpRequest {
        let method = if step == Step::DeviceAuthorization && !self.secret_on_device_authorization {
            &AuthenticationMethod::None
        } else {
            &self.method
        };
        // Growing would leave copies of the secrets behind in freed memory.
        let mut form = Zeroizing::new(String::with_capacity(self.longest_form(parameters)));
        let authorization = match method {
            AuthenticationMethod::ClientSecretBasic(secret) => Some(basic(&self.client_id, secret)),
            AuthenticationMethod::ClientSecretPost(_) | AuthenticationMethod::None => None,
        };
        let client_id_in_body = authorization.is_none() || self.client_id_in_body;
        // In the order of the examples: RFC 8628 §3.1 has it first, RFC 6749 and RFC 8628 §3.4 last.
        let client_id_first = step == Step::DeviceAuthorization;
        if client_id_in_body && client_id_first {
            append_pair(&mut form, "client_id", &self.client_id, Space::Plus);
        }
        for (name, value) in parameters {
            append_pair(&mut form, name, value, Space::Plus);
        }
        if client_id_in_body && !client_id_first {
            append_pair(&mut form, "client_id", &self.client_id, Space::Plus);
        }
        if let AuthenticationMethod::ClientSecretPost(secret) = method {
            append_pair(&mut form, "client_secret", secret.expose(), Space::Plus);
        }
        HttpRequest::post_form(url, form, authorization)
    }

    fn longest_form(&self, parameters: &[(&str, &str)]) -> usize {
        let secret = match &self.method {
            AuthenticationMethod::ClientSecretPost(secret) => secret.expose().len(),
            _ => 0,
        };
        let pairs: usize = parameters.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        3 * (pairs + self.client_id.len() + secret + 32)
    }
}

/// `Basic base64(form(client_id):form(client_secret))`, RFC 6749 §2.3.1.
#[inline(never)] // The encoder has a kilobyte on the stack, which a device without a secret need not have.
fn basic(client_id: &str, secret: &Secret) -> Secret {
    let longest = 3 * (client_id.len() + secret.expose().len()) + 1;
    let mut pair = Zeroizing::new(String::with_capacity(longest));
    encode_into(&mut pair, client_id, Space::Percent);
    pair.push(':');
    encode_into(&mut pair, secret.expose(), Space::Percent);
    let mut value = String::with_capacity("Basic ".len() + longest.div_ceil(3) * 4);
    value.push_str("Basic ");
    base64::engine::general_purpose::STANDARD.encode_string(pair.as_bytes(), &mut value);
    Secret::new(value)
}

fn checked_secret(secret: Secret) -> Result<Secret, InvalidClient> {
    if secret.expose().is_empty() || !is_vschar(secret.expose()) {
        return Err(InvalidClient::ClientSecret);
    }
    Ok(secret)
}

/// `VSCHAR = %x20-7E` (RFC 6749 Appendix A).
fn is_vschar(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..=0x7E))
}

impl fmt::Display for InvalidClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ClientId => "the client_id is empty or holds a character that is not printable ASCII",
            Self::NotConfidential => "this request needs a client secret (a confidential client, RFC 6749 §2.1)",
            Self::ClientSecret => {
                "the client secret is empty or holds a character that is not printable ASCII (a line end, perhaps); \
                 a public client has none"
            }
        })
    }
}

impl core::error::Error for InvalidClient {}
