//! The way to the server through a proxy, as the environment says.

use crate::environment::variable;

/// The proxy for requests to `server`, a URL where it is known; the SDK never uses one for loopback.
pub(crate) fn proxy_for(server: &str) -> Option<String> {
    choose(server, variable)
}

fn choose(server: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let either = |lower: &str| {
        variable(lower).or_else(|| variable(&lower.to_ascii_uppercase())).filter(|value| !value.is_empty())
    };
    let exceptions = either("no_proxy").unwrap_or_default();
    if exceptions.split(',').any(|exception| covers(exception.trim(), host_of(server))) {
        return None;
    }
    let own = if server.starts_with("http://") { "http_proxy" } else { "https_proxy" };
    let proxy = either(own).or_else(|| either("all_proxy"))?;
    // "proxy.example.com:3128" is how many write it.
    Some(if proxy.contains("://") { proxy } else { format!("http://{proxy}") })
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
    use super::choose;

    fn chosen(server: &str, variables: &[(&str, &str)]) -> Option<String> {
        choose(server, |name| {
            variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_proxy_for_https_is_its_own_and_may_lack_its_scheme() {
        let variables =
            [("HTTPS_PROXY", "proxy.example.com:3128"), ("http_proxy", "http://other.example.com:8080")];
        let chosen = |server| chosen(server, &variables);
        assert_eq!(chosen("https://auth.example.com").as_deref(), Some("http://proxy.example.com:3128"));
        assert_eq!(chosen("http://auth.example.com").as_deref(), Some("http://other.example.com:8080"));
        assert_eq!(choose("https://auth.example.com", |_| None), None);
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
