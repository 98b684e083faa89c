//! Tokens that a client or a resource server must refuse, or bear: RFC 7519 section 4.1, RFC 7515 section 4.1.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::signing::{SigningAlgorithm, sign_with_header};

/// What is wrong with the JWTs of an answer; all else about them is right, the signature included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenDefect {
    /// `exp` was an hour ago.
    Expired,
    /// `nbf` and `iat` are an hour ahead.
    NotYetValid,
    /// `iss` is another server's.
    WrongIssuer,
    /// `aud` is somebody else.
    WrongAudience,
    /// `alg` is `none`, and there is no signature.
    AlgorithmNone,
    /// `kid` names a key that is nowhere to be found.
    UnknownKeyId,
    /// `kid` names the key that `/jwks` shows under [`Fault::RotatedKeys`](super::Fault::RotatedKeys).
    RotatedKey,
    /// 20 kB long, and otherwise right: the server takes it.
    Huge,
}

/// What a key is called after a rotation.
pub(super) const ROTATED: &str = "-rotated";

const HUGE: usize = 20_000;
const HOUR: u64 = 3600;

impl TokenDefect {
    /// The words of scripts and of the control interface.
    pub(crate) const NAMES: [(&'static str, Self); 8] = [
        ("expired", Self::Expired),
        ("not_yet_valid", Self::NotYetValid),
        ("wrong_iss", Self::WrongIssuer),
        ("wrong_aud", Self::WrongAudience),
        ("alg_none", Self::AlgorithmNone),
        ("unknown_kid", Self::UnknownKeyId),
        ("rotated_key", Self::RotatedKey),
        ("huge", Self::Huge),
    ];

    /// `jwt` with this defect, signed anew; `None` if it is no JWT of this server.
    pub(crate) fn apply(self, now: Timestamp, jwt: &str) -> Option<String> {
        let mut parts = jwt.split('.').map(|part| {
            let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
        });
        let mut header = parts.next()??;
        let mut claims = parts.next()??;
        let algorithms = [SigningAlgorithm::Es256, SigningAlgorithm::Rs256];
        let algorithm = algorithms.into_iter().find(|algorithm| header["alg"] == algorithm.name())?;
        let now = now.unix_seconds();
        match self {
            Self::Expired => claims["exp"] = now.saturating_sub(HOUR).into(),
            Self::NotYetValid => {
                claims["nbf"] = now.saturating_add(HOUR).into();
                claims["iat"] = now.saturating_add(HOUR).into();
            }
            Self::WrongIssuer => claims["iss"] = "https://attacker.example".into(),
            Self::WrongAudience => claims["aud"] = "https://somebody.else.example".into(),
            Self::AlgorithmNone => {
                header["alg"] = "none".into();
                let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
                return Some(format!("{}.{}.", encode(&header), encode(&claims)));
            }
            Self::UnknownKeyId => header["kid"] = "nobody-knows-this-key".into(),
            Self::RotatedKey => header["kid"] = format!("{}{ROTATED}", algorithm.key_id()).into(),
            Self::Huge => claims["padding"] = json!("x".repeat(HUGE * 3 / 4)),
        }
        Some(sign_with_header(algorithm, &header, &claims))
    }
}
