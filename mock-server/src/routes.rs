//! Which endpoint a path means; each one answers with and without a trailing slash.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::checks::Check;
use crate::endpoint::{ELSEWHERE, Endpoint};
use crate::printable::printable;
use crate::profiles::Rules;
use crate::settings::Settings;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    To(Endpoint),
    Control(Control),
    /// The page that `error_uri` names.
    Explanation {
        check: Check,
        number: Option<u64>,
    },
    /// The page at the root, for who develops a client.
    Home,
    /// Where the redirect of a fault leads: nobody should come here.
    Elsewhere,
    Unknown,
}

/// What can be asked below `/_control`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    Devices,
    Device { user_code: String, choice: Choice },
    DecideInBody { choice: Choice },
    Requests,
    RequestStream,
    Clients,
    Client { client_id: String },
    Users,
    User { subject: String },
    Tokens,
    Tenants,
    Tenant { name: String },
    Clock,
    FreezeClock,
    ThawClock,
    SetClock,
    OpenApi,
    Verdicts,
    Faults,
    Fault { id: u64 },
    Scripts,
    Tls,
    TlsAuthority,
    AdvanceClock,
    Reset,
}

/// What becomes of a device login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Approve,
    Deny,
    Expire,
    /// Its next poll comes too soon, whenever it comes.
    SlowDown,
}

impl Choice {
    /// Its name in paths and forms.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "approve" => Self::Approve,
            "deny" => Self::Deny,
            "expire" => Self::Expire,
            "slow-down" => Self::SlowDown,
            _ => return None,
        })
    }
}

const INSERTED_WELL_KNOWN: [&str; 2] =
    ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

/// Finds the route of `path`, below the issuer's own path or at the root. A path that an endpoint was moved to leads there,
/// whatever the provider that is imitated has at it.
pub(crate) fn route(settings: &Settings, issuer_path: &str, path: &str, rules: &Rules) -> Route {
    let below = below(issuer_path, path);
    let moved = &settings.endpoint_paths;
    if let Some((endpoint, _)) = moved.iter().find(|(_, path)| path == below) {
        return Route::To(*endpoint);
    }
    let path = rules.own_path(path);
    // RFC 8414 section 3.1 inserts the well-known part between host and path; OpenID Connect appends it.
    if INSERTED_WELL_KNOWN.iter().any(|well_known| {
        path.strip_prefix(well_known)
            .is_some_and(|rest| rest.strip_suffix('/').unwrap_or(rest) == issuer_path)
    }) {
        return Route::To(Endpoint::Metadata);
    }
    let below = self::below(issuer_path, path);
    if let Some(control) = below.strip_prefix("/_control") {
        return route_control(control).map_or(Route::Unknown, Route::Control);
    }
    if let Some(explanation) = below.strip_prefix("/explain/") {
        return route_explanation(explanation).unwrap_or(Route::Unknown);
    }
    if below == ELSEWHERE {
        return Route::Elsewhere;
    }
    if below.is_empty() {
        return Route::Home;
    }
    let endpoint = match below {
        "/authorize" => Endpoint::Authorize,
        "/device-authorization" => Endpoint::DeviceAuthorization,
        "/token" => Endpoint::Token,
        "/device" => Endpoint::VerificationPage,
        "/resource" => Endpoint::Resource,
        "/userinfo" => Endpoint::Userinfo,
        "/revoke" => Endpoint::Revocation,
        "/introspect" => Endpoint::Introspection,
        "/jwks" => Endpoint::Jwks,
        "/.well-known/openid-configuration" => Endpoint::Metadata,
        _ => return Route::Unknown,
    };
    if moved.iter().any(|(moved, _)| *moved == endpoint) { Route::Unknown } else { Route::To(endpoint) }
}

fn below<'a>(issuer_path: &str, path: &'a str) -> &'a str {
    let below = path.strip_prefix(issuer_path).filter(|rest| rest.starts_with('/')).unwrap_or(path);
    below.strip_suffix('/').unwrap_or(below)
}

/// The tenant that a path is for: `a` for `/t/a/token` and for `/.well-known/oauth-authorization-server/t/a`.
pub(crate) fn tenant_name<'a>(issuer_path: &str, path: &'a str) -> Option<&'a str> {
    let inserted = INSERTED_WELL_KNOWN.iter().find_map(|well_known| path.strip_prefix(well_known));
    let below = inserted.unwrap_or(path).strip_prefix(issuer_path)?.strip_prefix("/t/")?;
    let (name, _) = below.split_once('/').unwrap_or((below, ""));
    is_tenant_name(name).then_some(name)
}

/// Letters, digits, `-`, `_` and `.`, at most 64.
pub(crate) fn is_tenant_name(name: &str) -> bool {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fit)
}

fn route_explanation(path: &str) -> Option<Route> {
    let (name, number) = match path.split_once('/') {
        Some((name, number)) => (name, Some(number.parse().ok()?)),
        None => (path, None),
    };
    Some(Route::Explanation { check: Check::named(name)?, number })
}

fn route_control(path: &str) -> Option<Control> {
    Some(match path {
        "/devices" => Control::Devices,
        "/requests" => Control::Requests,
        "/requests/stream" => Control::RequestStream,
        "/clients" => Control::Clients,
        "/users" => Control::Users,
        "/tokens" => Control::Tokens,
        "/tenants" => Control::Tenants,
        "/clock" => Control::Clock,
        "/clock/freeze" => Control::FreezeClock,
        "/clock/thaw" => Control::ThawClock,
        "/clock/set" => Control::SetClock,
        "/openapi.json" => Control::OpenApi,
        "/verdicts" => Control::Verdicts,
        "/faults" => Control::Faults,
        "/scripts" => Control::Scripts,
        "/tls" => Control::Tls,
        "/tls/ca.pem" => Control::TlsAuthority,
        "/clock/advance" => Control::AdvanceClock,
        "/reset" => Control::Reset,
        _ => {
            if let Some(id) = path.strip_prefix("/faults/") {
                return Some(Control::Fault { id: id.parse().ok()? });
            }
            let named = |collection: &str| {
                let name = path.strip_prefix(collection)?.strip_prefix('/')?;
                percent_decode_str(name).decode_utf8().ok().map(Cow::into_owned)
            };
            if let Some(client_id) = named("/clients") {
                return Some(Control::Client { client_id });
            }
            if let Some(subject) = named("/users") {
                return Some(Control::User { subject });
            }
            if let Some(name) = named("/tenants") {
                return Some(Control::Tenant { name });
            }
            let decision = path.strip_prefix("/devices/")?;
            let Some((user_code, choice)) = decision.split_once('/') else {
                return Some(Control::DecideInBody { choice: Choice::named(decision)? });
            };
            Control::Device { user_code: user_code.to_owned(), choice: Choice::named(choice)? }
        }
    })
}

impl Route {
    /// The path for the journal, without codes.
    pub(crate) fn journal_path(&self, path: &str) -> String {
        match self {
            Self::Control(Control::Device { user_code, .. }) => {
                printable(&path.replacen(user_code, "{user_code}", 1))
            }
            // A client that puts a token in a path does not put it in the log.
            Self::Unknown => match path.trim_start_matches('/').split('/').next().unwrap_or_default() {
                first if first.len() <= LONGEST_WORD => printable(&format!("/{first}")),
                _ => "/{long}".to_owned(),
            },
            _ => printable(path),
        }
    }
}

/// No word that someone may have meant for a path is longer; every token is.
const LONGEST_WORD: usize = 32;
