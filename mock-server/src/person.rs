//! The people who can sign in here, and what a client may learn about them: OpenID Connect Core sections 5.1 and 5.4.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::scope::Scope;

/// Someone who can sign in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Person {
    /// The `sub` claim, and the name that they sign in with.
    #[serde(rename = "sub")]
    pub subject: String,
    /// Everything else that is known about them, by claim name.
    #[serde(flatten)]
    pub claims: Map<String, Value>,
}

impl Person {
    /// Someone of whom nothing but the name is known.
    pub fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), claims: Map::new() }
    }

    /// The same person with one more claim.
    #[must_use]
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// The one who is there without any configuration.
    #[must_use]
    pub fn alice() -> Self {
        Self::new("alice")
            .with_claim("name", "Alice Example")
            .with_claim("email", "alice@example.com")
            .with_claim("email_verified", true)
    }

    /// What a person reads on the pages.
    pub(crate) fn display_name(&self) -> &str {
        let name = self.claims.get("name").and_then(Value::as_str).unwrap_or_default();
        if name.trim().is_empty() { &self.subject } else { name }
    }

    /// The claims that `scope` opens. One that no scope of OpenID Connect guards is open to all.
    pub(crate) fn claims_for(&self, scope: &Scope) -> Map<String, Value> {
        let mut claims = Map::new();
        if scope.contains("profile") {
            claims.insert("preferred_username".into(), json!(self.subject));
        }
        let open = |name: &str| match guarding_scope(name) {
            Some(guard) => scope.contains(guard),
            None => true,
        };
        let opened = self.claims.iter().filter(|(name, _)| open(name));
        claims.extend(opened.map(|(name, value)| (name.clone(), value.clone())));
        claims.insert("sub".into(), json!(self.subject));
        claims
    }
}

/// The scope that opens a standard claim (OpenID Connect Core section 5.4).
fn guarding_scope(claim: &str) -> Option<&'static str> {
    const PROFILE: [&str; 14] = [
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ];
    match claim {
        "email" | "email_verified" => Some("email"),
        "address" => Some("address"),
        "phone_number" | "phone_number_verified" => Some("phone"),
        _ => PROFILE.contains(&claim).then_some("profile"),
    }
}

/// Everyone who can sign in; the first is who is meant where nobody is named.
#[derive(Debug)]
pub(crate) struct People(Vec<Arc<Person>>);

impl People {
    pub(crate) fn new(people: &[Person]) -> Self {
        Self(people.iter().cloned().map(Arc::new).collect())
    }

    /// Who is meant where nobody is named: alice again, if everyone was removed.
    pub(crate) fn first(&self) -> Arc<Person> {
        self.0.first().map_or_else(|| Arc::new(Person::alice()), Arc::clone)
    }

    pub(crate) fn find(&self, subject: &str) -> Option<&Arc<Person>> {
        self.0.iter().find(|person| person.subject == subject)
    }

    /// Who a client means by its `login_hint` (OpenID Connect Core section 3.1.2.1): a subject, an e-mail address, a
    /// telephone number, or a name that only one of them has.
    pub(crate) fn hinted(&self, hint: &str) -> Option<&Arc<Person>> {
        self.find(hint).or_else(|| {
            ["email", "preferred_username", "phone_number", "name"].into_iter().find_map(|claim| {
                let is_meant = |person: &&Arc<Person>| {
                    let value = person.claims.get(claim).and_then(Value::as_str);
                    value.is_some_and(|value| value.eq_ignore_ascii_case(hint))
                };
                let mut meant = self.0.iter().filter(is_meant);
                meant.next().filter(|_| meant.next().is_none())
            })
        })
    }

    /// Adds someone; who has the same subject makes room. True if they are new.
    pub(crate) fn put(&mut self, person: Person) -> bool {
        let person = Arc::new(person);
        if let Some(known) = self.0.iter_mut().find(|known| known.subject == person.subject) {
            *known = person;
            return false;
        }
        self.0.push(person);
        true
    }

    /// Forgets someone; true if they were known.
    pub(crate) fn remove(&mut self, subject: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|person| person.subject != subject);
        self.0.len() < before
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Person> {
        self.0.iter().map(Arc::as_ref)
    }
}
