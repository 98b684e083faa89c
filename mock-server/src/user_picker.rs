//! Who signs in, as a person chooses it on a page; `login_hint` chooses beforehand (OpenID Connect Core section
//! 3.1.2.1).

use std::sync::Arc;

use hyper::StatusCode;
use maud::{Markup, html};
use serde_json::Value;

use crate::http_response::Response;
use crate::page;
use crate::person::{People, Person};
use crate::settings::Settings;

/// More than this many do not all fit on a screen: they are folded into a list.
const MOST_RADIO_BUTTONS: usize = 6;

/// The people of whom one is to be chosen.
pub(crate) struct UserPicker<'a> {
    people: &'a People,
    chosen: Option<Arc<Person>>,
}

impl<'a> UserPicker<'a> {
    /// Without a hint the first is chosen beforehand, with one who is meant by it, or nobody.
    pub(crate) fn new(people: &'a People, login_hint: Option<&str>) -> Self {
        let chosen = match login_hint {
            None => Some(people.first()),
            Some(hint) => people.hinted(hint).map(Arc::clone),
        };
        Self { people, chosen }
    }

    /// The only one who can sign in: there is nothing to choose.
    pub(crate) fn only(&self) -> Option<Arc<Person>> {
        self.people.iter().nth(1).is_none().then(|| self.people.first())
    }

    /// Radio buttons, as long as there are few; nothing for an only user.
    pub(crate) fn fields(&self) -> Markup {
        match self.people.iter().count() {
            0 | 1 => html! {},
            2..=MOST_RADIO_BUTTONS => self.radio_buttons(),
            _ => self.list("user"),
        }
    }

    /// One line among others; `id` tells it from the pickers of other forms on the page.
    pub(crate) fn line(&self, id: &str) -> Markup {
        if self.only().is_some() {
            html! {}
        } else {
            self.list(id)
        }
    }

    fn radio_buttons(&self) -> Markup {
        html! {
            fieldset.users {
                legend { "Sign in as" }
                @for person in self.people.iter() {
                    label {
                        input type="radio" name="user" value=(person.subject) required checked[self.is_chosen(person)];
                        span {
                            strong { (person.display_name()) }
                            span.claims { (claims_that_tell_apart(person)) }
                        }
                    }
                }
            }
        }
    }

    fn list(&self, id: &str) -> Markup {
        html! {
            div.users {
                label for=(id) { "Sign in as" }
                select id=(id) name="user" required {
                    @if self.chosen.is_none() {
                        option value="" { "Choose .." }
                    }
                    @for person in self.people.iter() {
                        option value=(person.subject) selected[self.is_chosen(person)] {
                            (person.display_name()) " (" (claims_that_tell_apart(person)) ")"
                        }
                    }
                }
            }
        }
    }

    fn is_chosen(&self, person: &Person) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.subject == person.subject)
    }
}

fn claims_that_tell_apart(person: &Person) -> String {
    let email = person.claims.get("email").and_then(Value::as_str);
    [Some(person.subject.as_str()), email].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Who a form names; the only one need not be named.
pub(crate) fn chosen_user(people: &People, named: Option<&str>) -> Result<Arc<Person>, NobodyChosen> {
    let first = people.first();
    match named {
        None if people.iter().nth(1).is_none() => Ok(first),
        None => Err(NobodyChosen::NotNamed),
        Some(subject) if first.subject == subject => Ok(first),
        Some(subject) => people.find(subject).map(Arc::clone).ok_or(NobodyChosen::Unknown),
    }
}

/// Why it is not clear who signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NobodyChosen {
    NotNamed,
    Unknown,
}

impl NobodyChosen {
    pub(crate) fn page(self, settings: &Settings) -> Response {
        let (title, text) = match self {
            Self::NotNamed => {
                ("Who signs in?", "Several people can sign in here. Go back and choose one of them.")
            }
            Self::Unknown => (
                "Nobody of that name",
                "Nobody with the name that was sent can sign in here. Nothing was decided. \
                 Go back, reload the page and choose one of the people it lists.",
            ),
        };
        page::message(settings, StatusCode::BAD_REQUEST, title, text)
    }
}
