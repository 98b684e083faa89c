//! Who is signed in (OpenID Connect Core 1.0).

use std::sync::Arc;

use base64::Engine as _;
use oauth_protocol::{AccessTokenResponse, AuthorizationScheme, HttpResponse, Secret, ServerText};
use serde_json::Value;

use crate::client::{Client, Shared};
use crate::endpoints::Endpoint;
use crate::error::Error;

/// What the server says about the person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The person's identifier at this issuer: the only claim to recognise somebody by.
    pub sub: ServerText,
    /// A short name that the person chose.
    pub preferred_username: Option<ServerText>,
    /// The full name.
    pub name: Option<ServerText>,
    /// An e-mail address.
    pub email: Option<ServerText>,
}

impl Identity {
    /// What to call the person on a screen.
    pub fn display_name(&self) -> &ServerText {
        [&self.preferred_username, &self.email, &self.name].into_iter().flatten().next().unwrap_or(&self.sub)
    }

    fn from_claims(claims: &Value) -> Option<Self> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(ServerText::from);
        Some(Self {
            sub: text("sub")?,
            preferred_username: text("preferred_username"),
            name: text("name"),
            email: text("email"),
        })
    }

    fn has_a_name(&self) -> bool {
        self.preferred_username.is_some() || self.name.is_some() || self.email.is_some()
    }
}

impl Client {
    /// Who signed in: from the `id_token`, and from the userinfo endpoint where that says no name.
    /// `None` where the scope `openid` was not granted.
    ///
    /// The `id_token` came straight from the token endpoint, so its signature need not be checked (OpenID
    /// Connect Core §3.1.3.7); its issuer and audience are.
    pub fn identity(
        &self,
        tokens: &AccessTokenResponse,
    ) -> impl Future<Output = Result<Option<Identity>, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let (id_token, access_token) = (tokens.id_token.clone(), tokens.access_token.clone());
        async move {
            let Some(id_token) = id_token else { return Ok(None) };
            let Some(identity) = shared.identity_in(&id_token) else { return Ok(None) };
            if identity.has_a_name() {
                return Ok(Some(identity));
            }
            // A name is a courtesy: without one, the identifier serves.
            let more = shared.userinfo(&access_token).await.unwrap_or_default();
            // OpenID Connect Core §5.3.2: "MUST be verified to exactly match".
            Ok(Some(more.filter(|more| more.sub == identity.sub).unwrap_or(identity)))
        }
    }
}

/// Byte for byte, but for the one issuer that leaves its scheme out of older `id_token`s.
fn is_the_same(sent: &str, issuer: &str) -> bool {
    sent == issuer || (sent == "accounts.google.com" && issuer == "https://accounts.google.com")
}

impl Shared {
    fn identity_in(&self, id_token: &Secret) -> Option<Identity> {
        let payload = id_token.expose().split('.').nth(1)?;
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        let is_own_issuer = match &self.provider.issuer {
            Some(issuer) => {
                claims.get("iss").and_then(Value::as_str).is_some_and(|sent| is_the_same(sent, issuer))
            }
            None => true,
        };
        let is_for_us = match claims.get("aud") {
            Some(Value::String(audience)) => *audience == self.client_id,
            Some(Value::Array(audiences)) => {
                audiences.iter().any(|audience| audience.as_str() == Some(&self.client_id))
            }
            _ => false,
        };
        if is_own_issuer && is_for_us { Identity::from_claims(&claims) } else { None }
    }

    async fn userinfo(&self, access_token: &Secret) -> Result<Option<Identity>, Error> {
        let Some(response) = self.ask_userinfo(access_token).await? else { return Ok(None) };
        if response.status() != 200 {
            return Ok(None);
        }
        let claims: Option<Value> = serde_json::from_slice(response.body()).ok();
        Ok(claims.as_ref().and_then(Identity::from_claims))
    }

    /// What the userinfo endpoint answers; `None` where the token may not be sent to it.
    pub(crate) async fn ask_userinfo(&self, access_token: &Secret) -> Result<Option<HttpResponse>, Error> {
        let endpoint = self.endpoint(Endpoint::Userinfo).await?;
        // Metadata may name any origin: the token goes only to one that the caller or the preset named.
        let provider = &self.provider;
        let mut named =
            provider.issuer.iter().chain(provider.endpoints.iter()).chain(&provider.resource_origins);
        if !named.any(|named| self.is_origin_of(named, &endpoint)) {
            return Ok(None);
        }
        Ok(Some(self.send(AuthorizationScheme::Bearer.get(&endpoint, access_token)).await?))
    }
}
