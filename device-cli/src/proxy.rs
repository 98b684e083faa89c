//! The way to the server through a proxy, as the environment says.

use crate::environment::variable;

/// A proxy that the environment names. Its URL may hold a password.
pub(crate) struct Proxy {
    /// Where it stands.
    pub(crate) variable: String,
    pub(crate) url: String,
    /// Whether `NO_PROXY` leaves the server out.
    pub(crate) is_excepted: bool,
}

/// The proxy for requests to `server`, a URL where it is known; the SDK never uses one for loopback.
pub(crate) fn proxy_for(server: &str) -> Option<Proxy> {
    choose(server, variable)
}

fn choose(server: &str, variable: impl Fn(&str) -> Option<String>) -> Option<Proxy> {
    let either = |lower: &str| {
        [lower.to_owned(), lower.to_ascii_uppercase()].into_iter().find_map(|name| {
            let value = variable(&name).filter(|value| !value.is_empty())?;
            Some((name, value))
        })
    };
    let exceptions = either("no_proxy").map(|(_, value)| value).unwrap_or_default();
    let is_excepted = exceptions.split(',').any(|exception| covers(exception.trim(), host_of(server)));
    let own = if server.starts_with("http://") { "http_proxy" } else { "https_proxy" };
    let (variable, proxy) = either(own).or_else(|| either("all_proxy"))?;
    // "proxy.example.com:3128" is how many write it.
    let url = if proxy.contains("://") { proxy } else { format!("http://{proxy}") };
    Some(Proxy { variable, url, is_excepted })
}

impl Proxy {
    /// Whether it is of the kind that can be used.
    pub(crate) fn is_http(&self) -> bool {
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") && self.address().is_some()
    }

    /// Host and port.
    pub(crate) fn address(&self) -> Option<(String, u16)> {
        let (scheme, rest) = self.url.split_once("://")?;
        let default = if scheme == "https" { 443 } else { 80 };
        let authority = rest.split(['/', '?', '#']).next()?;
        let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (address, default),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty()).then(|| (host.to_owned(), port))
    }

    /// Without its password, to be shown.
    pub(crate) fn in_words(&self) -> String {
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        match self.address() {
            Some((host, port)) if self.has_credentials() => {
                format!("{scheme}://{host}:{port} with a user name and a password")
            }
            Some((host, port)) => format!("{scheme}://{host}:{port}"),
            None => "no URL of a proxy".to_owned(),
        }
    }

    pub(crate) fn has_credentials(&self) -> bool {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
    }
}

/// "*", a host, or a domain with everything below it; a port is not looked at.
fn covers(exception: &str, host: &str) -> bool {
    let exception = exception.rsplit_once(':').map_or(exception, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { exception }
    });
    let domain = exception.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    exception == "*"
        || (!domain.is_empty()
            && (host == domain || host.strip_suffix(&domain).is_some_and(|above| above.ends_with('.'))))
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once(':').map_or(authority, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
    })
}

#[cfg(test)]
mod tests {
    use super::{Proxy, choose};

    fn named(server: &str, variables: &[(&str, &str)]) -> Option<Proxy> {
        choose(server, |name| {
            variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn chosen(server: &str, variables: &[(&str, &str)]) -> Option<String> {
        named(server, variables).filter(|proxy| !proxy.is_excepted).map(|proxy| proxy.url)
    }

    #[test]
    fn a_proxy_is_shown_with_its_variable_and_without_its_password() {
        for (value, address, words) in [
            ("proxy.example.com:3128", Some(("proxy.example.com", 3128)), "http://proxy.example.com:3128"),
            ("https://proxy.example.com/", Some(("proxy.example.com", 443)), "https://proxy.example.com:443"),
            (
                "http://alice:s3cret@[::1]:8080",
                Some(("::1", 8080)),
                "http://::1:8080 with a user name and a password",
            ),
            ("http://alice:p@ss/word@proxy.example.com", None, "no URL of a proxy"),
        ] {
            let proxy = named("https://auth.example.com", &[("HTTPS_PROXY", value)]).unwrap();
            assert_eq!(proxy.variable, "HTTPS_PROXY");
            let address = address.map(|(host, port)| (host.to_owned(), port));
            if address.is_some() {
                assert_eq!((proxy.address(), proxy.in_words().as_str()), (address, words), "{value}");
            }
            assert!(!proxy.in_words().contains("s3cret") && !proxy.in_words().contains("alice"), "{value}");
        }
    }

    #[test]
    fn the_proxy_for_https_is_its_own_and_may_lack_its_scheme() {
        let variables =
            [("HTTPS_PROXY", "proxy.example.com:3128"), ("http_proxy", "http://other.example.com:8080")];
        let chosen = |server| chosen(server, &variables);
        assert_eq!(chosen("https://auth.example.com").as_deref(), Some("http://proxy.example.com:3128"));
        assert_eq!(chosen("http://auth.example.com").as_deref(), Some("http://other.example.com:8080"));
        assert!(choose("https://auth.example.com", |_| None).is_none());
    }

    #[test]
    fn no_proxy_names_hosts_domains_or_all() {
        for (exceptions, goes_through) in [
            ("", true),
            ("auth.example.com", false),
            ("AUTH.example.com:443", false),
            (".example.com", false),
            ("*.example.com", false),
            ("example.com", false),
            ("ample.com", true),
            ("other.com, example.com", false),
            ("*", false),
        ] {
            let variables = [("https_proxy", "http://proxy.example.com"), ("NO_PROXY", exceptions)];
            let chosen = chosen("https://auth.example.com:8443/realm", &variables);
            assert_eq!(chosen.is_some(), goes_through, "{exceptions}");
        }
    }
}
