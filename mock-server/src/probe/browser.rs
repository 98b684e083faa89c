//! A browser of the simplest kind: cookies, redirects and forms.

use hyper::header::COOKIE;

use super::check::Miss;
use super::html::{Form, forms};
use super::http_client::{Answer, HttpClient, Request};

/// More than a sign-in page needs.
const MAX_REDIRECTS: usize = 10;

/// One person's browser.
pub(super) struct Browser<'a> {
    http: &'a HttpClient,
    cookies: Vec<(String, String)>,
    /// Where the journey ends: the redirect URI, at which nobody needs to listen.
    destination: Option<String>,
}

/// Where a request led.
pub(super) enum Arrival {
    Page(Page),
    /// To the redirect URI, with its parameters; the status of the answer that led there.
    Destination(String, u16),
}

/// A page that the browser shows.
pub(super) struct Page {
    pub(super) url: String,
    pub(super) answer: Answer,
}

impl Page {
    /// The first form whose answer is a POST.
    pub(super) fn form(&self) -> Option<Form> {
        forms(&self.answer.body).into_iter().find(|form| form.is_post)
    }
}

impl<'a> Browser<'a> {
    /// With an empty memory.
    pub(super) fn new(http: &'a HttpClient, destination: Option<&str>) -> Self {
        Self { http, cookies: Vec::new(), destination: destination.map(str::to_owned) }
    }

    /// Types a URL.
    pub(super) async fn open(&mut self, url: &str) -> Result<Arrival, Miss> {
        self.go(url.to_owned(), Request::get(url)).await
    }

    /// Opens a page, and nothing else will do.
    pub(super) async fn open_page(&mut self, url: &str) -> Result<Page, Miss> {
        match self.open(url).await? {
            Arrival::Page(page) => Ok(page),
            Arrival::Destination(..) => Err(Miss::Broken("a redirect to the client".to_owned())),
        }
    }

    /// Presses a button of a form after filling in some of its fields.
    pub(super) async fn submit(
        &mut self,
        page: &Page,
        form: &Form,
        filled_in: &[(&str, &str)],
        button: Option<(&str, &str)>,
    ) -> Result<Arrival, Miss> {
        let url = if form.action.is_empty() { page.url.clone() } else { resolve(&page.url, &form.action) };
        let mut parameters: Vec<(&str, &str)> = Vec::new();
        for field in &form.fields {
            let typed = filled_in.iter().find(|(name, _)| *name == field.name);
            parameters.push((&field.name, typed.map_or(&field.value, |(_, value)| value)));
        }
        parameters.extend(button.filter(|(name, _)| !name.is_empty()));
        self.go(url.clone(), Request::post(&url, &parameters)).await
    }

    async fn go(&mut self, mut url: String, mut request: Request) -> Result<Arrival, Miss> {
        for _ in 0..MAX_REDIRECTS {
            if !self.cookies.is_empty() {
                let pairs: Vec<_> =
                    self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request = request.header(COOKIE, pairs.join("; "));
            }
            let answer = self.http.send(request).await?;
            self.remember_cookies(&answer);
            if !answer.is_redirect() {
                return Ok(Arrival::Page(Page { url, answer }));
            }
            url = resolve(&url, &answer.header("location").unwrap_or_default());
            if self.destination.as_ref().is_some_and(|destination| url.starts_with(destination)) {
                return Ok(Arrival::Destination(url, answer.status));
            }
            request = Request::get(&url);
        }
        Err(Miss::Broken(format!("more than {MAX_REDIRECTS} redirects")))
    }

    fn remember_cookies(&mut self, answer: &Answer) {
        for line in answer.headers.get_all("set-cookie") {
            let pair = line.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.retain(|(known, _)| known != name);
                if !value.is_empty() {
                    self.cookies.push((name.to_owned(), value.to_owned()));
                }
            }
        }
    }
}

/// An absolute URL for what stands in `Location` or in `action`.
pub(super) fn resolve(base: &str, reference: &str) -> String {
    if reference.contains("://") {
        return reference.to_owned();
    }
    let path = base.split(['?', '#']).next().unwrap_or_default();
    let authority_start = path.find("://").map_or(0, |at| at + 3);
    let authority_end = path[authority_start..].find('/').map_or(path.len(), |at| authority_start + at);
    if let Some(without_scheme) = reference.strip_prefix("//") {
        return format!("{}{without_scheme}", &path[..authority_start]);
    }
    if reference.starts_with('/') {
        return format!("{}{reference}", &path[..authority_end]);
    }
    if reference.starts_with('?') {
        return format!("{path}{reference}");
    }
    let directory = path.rfind('/').filter(|at| *at >= authority_end).map_or(path, |at| &path[..at]);
    format!("{directory}/{reference}")
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn a_reference_is_resolved_against_its_page() {
        for (reference, url) in [
            ("/x?y", "http://h:1/x?y"),
            ("x", "http://h:1/a/x"),
            ("?q", "http://h:1/a/b?q"),
            ("//other/x", "http://other/x"),
            ("https://o/", "https://o/"),
        ] {
            assert_eq!(resolve("http://h:1/a/b?c", reference), url);
        }
        assert_eq!(resolve("http://h:1", "x"), "http://h:1/x");
    }
}
