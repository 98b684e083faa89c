//! `decode`: what a JWT says, offline. Nothing is verified, and it says so.

use std::io::{self, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_client::token_store::UnixTime;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::arguments::DecodeArguments;
use crate::failure::Failure;
use crate::login_status::in_words;
use crate::terminal::Terminal;

const MAX_TOKEN_BYTES: u64 = 1024 * 1024;
/// The claims that are moments (RFC 7519 §4.1; OpenID Connect Core §2).
const MOMENTS: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];

pub(crate) fn run(arguments: &DecodeArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let token = match &arguments.token {
        Some(token) if token != "-" => {
            terminal.say("note: others on this machine can read a command line; device-cli decode reads standard input too");
            token.clone()
        }
        _ => from_standard_input()?,
    };
    let jwt = Jwt::parse(without_header(&token))?;
    terminal.say("NOT verified: anybody can write what follows.");
    if arguments.json {
        let object =
            serde_json::json!({"v": 1, "verified": false, "header": jwt.header, "claims": jwt.claims});
        terminal.result_json(&object.to_string())?;
        return Ok(());
    }
    let now = UnixTime::now();
    for (title, members) in [("Header", &jwt.header), ("Claims", &jwt.claims)] {
        terminal.result(title)?;
        for (name, value) in members.as_object().into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let moment = MOMENTS.contains(&name.as_str()).then(|| moment_in_words(value, now)).flatten();
            let moment = moment.map_or_else(String::new, |moment| format!("  ({moment})"));
            terminal.result_text(&format!("  {name:<16} {text}{moment}"))?;
        }
    }
    Ok(())
}

/// What `token --header` prints, or a request, may be given as it is.
fn without_header(token: &str) -> &str {
    let token = without_prefix(token.trim(), "authorization:");
    without_prefix(token, "bearer ")
}

fn without_prefix<'a>(text: &'a str, prefix: &str) -> &'a str {
    match text.split_at_checked(prefix.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(prefix) => rest.trim_start(),
        _ => text,
    }
}

struct Jwt {
    header: Value,
    claims: Value,
}

impl Jwt {
    /// The compact form (RFC 7519 §3, RFC 7515 §7.1).
    fn parse(token: &str) -> Result<Self, Failure> {
        let mut parts = token.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(header), Some(claims), Some(_), None) => {
                Ok(Self { header: object(header, "header")?, claims: object(claims, "claims")? })
            }
            (Some(_), Some(_), Some(_), Some(_)) if token.split('.').count() == 5 => {
                Err(Failure::usage("the token is encrypted (JWE): only its receiver can read it"))
            }
            _ => Err(Failure::usage(
                "this is no JWT, which has three parts with dots between: an opaque token says nothing by itself",
            )),
        }
    }
}

fn object(part: &str, name: &str) -> Result<Value, Failure> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part.trim_end_matches('='))
        .map_err(|_| Failure::usage(format!("the {name} of the JWT is no base64url: is the token whole?")))?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|_| Failure::usage(format!("the {name} of the JWT is no JSON: is the token whole?")))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Failure::usage(format!("the {name} of the JWT is no JSON object: it is no JWT")))
    }
}

/// "2023-11-14T22:13:20Z, 5 min ago".
fn moment_in_words(value: &Value, now: UnixTime) -> Option<String> {
    let seconds = value.as_u64()?;
    let moment = UnixTime::from_seconds(seconds);
    let date =
        OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?.format(&Rfc3339).ok()?;
    let relative = if moment > now {
        format!("in {}", in_words(moment.saturating_duration_since(now)))
    } else {
        format!("{} ago", in_words(now.saturating_duration_since(moment)))
    };
    Some(format!("{date}, {relative}"))
}

fn from_standard_input() -> Result<String, Failure> {
    let mut token = String::new();
    let read = io::stdin().lock().take(MAX_TOKEN_BYTES).read_to_string(&mut token);
    read.map_err(|error| Failure::usage(format!("standard input cannot be read as text: {error}")))?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use oauth_client::token_store::UnixTime;
    use serde_json::json;

    use super::{Jwt, moment_in_words, without_header};

    // RFC 7519 §3.1.
    const EXAMPLE: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    #[test]
    fn the_example_of_the_rfc_is_read() {
        let jwt = Jwt::parse(EXAMPLE).unwrap();
        assert_eq!(jwt.header, json!({"typ": "JWT", "alg": "HS256"}));
        assert_eq!(
            jwt.claims,
            json!({"iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true})
        );
    }

    #[test]
    fn a_header_around_the_token_is_put_aside() {
        for given in [
            "a.b.c",
            " a.b.c\n",
            "Bearer a.b.c",
            "bearer  a.b.c",
            "Authorization: Bearer a.b.c\n",
            "authorization:a.b.c",
        ] {
            assert_eq!(without_header(given), "a.b.c", "{given}");
        }
        assert_eq!(without_header("bearér a.b.c"), "bearér a.b.c");
    }

    #[test]
    fn what_is_no_jwt_is_refused_with_the_reason() {
        for (token, reason) in [
            ("", "no JWT"),
            ("opaque", "no JWT"),
            ("a.b", "no JWT"),
            ("a.b.c.d.e", "encrypted"),
            ("!.e30.x", "no base64url"),
            ("e30.W10.x", "no JSON object"),
            ("e30.eyJ9.x", "no JSON"),
        ] {
            let failure = Jwt::parse(token).err().unwrap();
            assert!(failure.message.contains(reason), "{token}: {}", failure.message);
        }
    }

    #[test]
    fn moments_are_told_from_now() {
        let now = UnixTime::from_seconds(1_700_000_000);
        assert_eq!(moment_in_words(&json!(1_700_000_300), now).unwrap(), "2023-11-14T22:18:20Z, in 5 min");
        assert_eq!(moment_in_words(&json!(1_699_999_940), now).unwrap(), "2023-11-14T22:12:20Z, 1 min ago");
        assert_eq!(moment_in_words(&json!(u64::MAX), now), None);
        assert_eq!(moment_in_words(&json!("soon"), now), None);
    }
}
