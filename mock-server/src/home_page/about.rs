//! What this server is and who it knows, and the commands that start a login.

use maud::{Markup, html};

use super::Here;
use crate::clients::{Client, grant_type};
use crate::profiles::MetadataDocuments;
use crate::verdicts::Severity;

/// So many clients and users are listed.
const LISTED: usize = 50;

pub(super) fn sections(page: &Here<'_>) -> Markup {
    html! {
        section aria-labelledby="server-heading" {
            h2 id="server-heading" { "This server" }
            div.card id="server" data-whole { (facts(page)) (links(page)) }
        }
        section aria-labelledby="start-heading" {
            h2 id="start-heading" { "Start a login" }
            div.card { (commands(page)) }
        }
        section aria-labelledby="clients-heading" {
            h2 id="clients-heading" { "Clients" }
            div.card { (clients(page)) }
        }
        section aria-labelledby="users-heading" {
            h2 id="users-heading" { "Users" }
            div.card { (users(page)) }
        }
    }
}

fn facts(page: &Here<'_>) -> Markup {
    let server = page.server;
    let settings = &server.settings;
    let relaxed: Vec<&str> = settings.lenient.names().collect();
    let rules = server.misbehaviour.iter().count();
    html! {
        dl {
            dt { "Issuer" }
            dd { code { (page.exchange.issuer) } }
            dt { "Behaves like" }
            dd { (settings.profile.in_words()) }
            dt { "Can be reached from" }
            dd {
                @if settings.allow_remote {
                    strong.warning { "other machines, too" }
                    " (" code { "--allow-remote" } "): whoever reaches port " (settings.port) " can steer this server"
                } @else {
                    "this machine only (" code { "--allow-remote" } " lets others in)"
                }
            }
            @if !relaxed.is_empty() {
                dt { "Relaxed checks" }
                dd { code { (relaxed.join(", ")) } }
            }
            @if settings.auto_approve {
                dt { "Approves" }
                dd { "without a person (" code { "--auto-approve" } ")" }
            }
            @if rules > 0 {
                dt { "Faults" }
                dd { (rules) " in force: " a href=(format!("{}_control/faults", page.base)) { "list" } }
            }
            (clock(page))
            dt { "Verdicts on clients" }
            dd { (verdicts(page)) }
            @if server.tenants().next().is_some() {
                dt { "Tenants" }
                dd {
                    @for name in server.tenants().take(LISTED) {
                        a href=(format!("{}t/{name}/", page.base)) { (name) } " "
                    }
                }
            }
        }
    }
}

/// Nothing where it goes with real time.
fn clock(page: &Here<'_>) -> Markup {
    let (shown, real) = (page.exchange.now, page.exchange.real_now);
    let ahead = shown.since(real).as_secs();
    let behind = real.since(shown).as_secs();
    html! {
        @if page.server.clock_is_frozen() || ahead + behind > 0 {
            dt { "Clock" }
            dd {
                @if page.server.clock_is_frozen() { "stands still" } @else { "goes on" }
                @if ahead > 0 { ", " (ahead) " s ahead of real time" }
                @if behind > 0 { ", " (behind) " s behind real time" }
            }
        }
    }
}

fn verdicts(page: &Here<'_>) -> Markup {
    let count = |severity| page.server.verdicts().filter(|verdict| verdict.severity == severity).count();
    let (errors, warnings, notes) = (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
    html! {
        @if errors + warnings + notes == 0 {
            "no rule broken"
        } @else {
            strong.warning[errors > 0] { (counted(errors, "error")) } ", " (counted(warnings, "warning")) ", "
            (counted(notes, "note"))
        }
        ": " a href=(format!("{}_control/verdicts", page.base)) { "all" }
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn links(page: &Here<'_>) -> Markup {
    let has = page.server.rules().metadata;
    let inserted = page.base.strip_suffix('/').unwrap_or_default();
    let rest = [("device", "verification page"), ("jwks", "keys"), ("_control/requests", "all requests")];
    html! {
        ul.links {
            li { a href=(format!("{}_control/openapi.json", page.base)) { "control interface (OpenAPI)" } }
            @if has != MetadataDocuments::Neither {
                li { a href=(format!("/.well-known/oauth-authorization-server{inserted}")) { "metadata (RFC 8414)" } }
            }
            @if has == MetadataDocuments::Both {
                li { a href=(format!("{}.well-known/openid-configuration", page.base)) { "metadata (OpenID)" } }
            }
            @for (path, name) in rest {
                li { a href=(format!("{}{path}", page.base)) { (name) } }
            }
        }
    }
}

fn commands(page: &Here<'_>) -> Markup {
    let server = page.server;
    let url = |path: &str| server.endpoint_url(&page.exchange.issuer, path);
    let for_devices = |client: &&Client| client.may_use(grant_type::DEVICE_CODE) && client.is_public();
    let client_id = server.clients().find(for_devices).map_or("CLIENT_ID", |client| &client.id);
    html! {
        p { "A device asks for its codes:" }
        pre tabindex="0" { "curl -d client_id=" (shell_word(client_id)) " " (url("/device-authorization")) }
        p { "It shows " code { "user_code" } " and polls until somebody has decided:" }
        pre tabindex="0" {
            "curl -d client_id=" (shell_word(client_id)) " -d grant_type=" (grant_type::DEVICE_CODE)
            " -d device_code=DEVICE_CODE " (url("/token"))
        }
        p { "A program decides in the person’s place:" }
        pre tabindex="0" { "curl -X POST " (page.exchange.issuer) "/_control/devices/next/approve" }
    }
}

/// As a shell takes it for one word.
fn shell_word(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn clients(page: &Here<'_>) -> Markup {
    let all = page.server.clients().count();
    html! {
        ul.known {
            @for client in page.server.clients().take(LISTED) {
                li {
                    strong { (client.display_name()) } " "
                    code { (client.id) } " "
                    span.quiet { (secret(client)) }
                    span.grants {
                        @for grant in &client.grant_types {
                            code { (grant.rsplit(':').next().unwrap_or(grant)) } " "
                        }
                        @if client.may_introspect_all { code { "introspection" } }
                    }
                }
            }
        }
        (more(page, all, "_control/clients"))
    }
}

/// The secrets of the ready-made clients stand in the documentation; others are shown to nobody who looks over a shoulder.
fn secret(client: &Client) -> String {
    let is_in_documentation =
        Client::ready_made().iter().any(|known| known.id == client.id && known.secret == client.secret);
    match &client.secret {
        None => "no secret".to_owned(),
        Some(secret) if is_in_documentation => format!("secret: {secret}"),
        Some(_) => "has a secret".to_owned(),
    }
}

fn users(page: &Here<'_>) -> Markup {
    let all = page.server.users().count();
    html! {
        ul.known {
            @for person in page.server.users().take(LISTED) {
                li {
                    strong { (person.display_name()) } " "
                    code { (person.subject) } " "
                    @if let Some(email) = person.claims.get("email").and_then(|email| email.as_str()) {
                        span.quiet { (email) }
                    }
                }
            }
        }
        (more(page, all, "_control/users"))
    }
}

fn more(page: &Here<'_>, all: usize, list: &str) -> Markup {
    html! {
        @if all > LISTED {
            p { a href=(format!("{}{list}", page.base)) { "all " (all) } }
        }
    }
}
