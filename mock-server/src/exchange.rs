//! One request on its way through an endpoint.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Bytes;

use crate::basic_credentials::named_in_basic;
use crate::checks::Lenient;
use crate::clock::Timestamp;
use crate::error_response::ErrorResponse;
use crate::issued_tokens::Issuance;
use crate::journal::Note;
use crate::misbehaviour::Fault;
use crate::printable::printable;
use crate::request_parameters::RequestParameters;
use crate::routes::Route;

/// One request on its way through an endpoint.
pub(crate) struct Exchange<'a> {
    /// The virtual time, by which codes and tokens live.
    pub(crate) now: Timestamp,
    /// The time without what tests added.
    pub(crate) real_now: Timestamp,
    pub(crate) peer: IpAddr,
    pub(crate) request: &'a Request<Bytes>,
    /// The issuer as this client knows it.
    pub(crate) issuer: Arc<str>,
    /// What a test asked to go wrong, if the endpoint itself has to know.
    pub(crate) fault: Option<Fault>,
    pub(crate) note: Note,
}

impl Exchange<'_> {
    /// What the tokens that this request brings are issued by, and when.
    pub(crate) fn issuance(&self) -> Issuance<'_> {
        Issuance { now: self.now, issuer: &self.issuer }
    }

    /// Notes what the request says of itself, where no endpoint reads it.
    pub(crate) fn note_parameters(&mut self) {
        let query = self.request.uri().query().unwrap_or_default();
        let form = RequestParameters::form_with_repeats(self.request, Lenient::default())
            .or_else(|_| RequestParameters::with_repeats(query))
            .unwrap_or_default();
        let in_basic = || named_in_basic(self.request);
        self.note.client_id = form.get("client_id").map(printable).or_else(in_basic);
        self.note.grant_type = form.get("grant_type").map(printable);
    }

    /// The method and path as the journal tells them.
    pub(crate) fn journal_line(&self, route: &Route) -> String {
        let method = printable(self.request.method().as_str());
        format!("{method} {}", route.journal_path(self.request.uri().path()))
    }

    /// Lets only the named methods through; `HEAD` goes wherever `GET` does.
    pub(crate) fn allow(&self, methods: &'static str) -> Result<(), ErrorResponse> {
        let method = match self.request.method().as_str() {
            "HEAD" => "GET",
            method => method,
        };
        if methods.split(", ").any(|allowed| allowed == method) {
            return Ok(());
        }
        Err(ErrorResponse::method_not_allowed(methods))
    }
}
