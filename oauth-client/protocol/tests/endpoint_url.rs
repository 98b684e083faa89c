//! Which URLs may be endpoints, and what of them goes out.

use oauth_protocol::{EndpointPolicy, EndpointUrl, EndpointUrlProblem};

#[test]
fn a_url_goes_out_byte_for_byte() {
    for (url, host, port, target, origin) in [
        ("https://a.example/token", "a.example", 443, "/token", "https://a.example"),
        ("https://a.example/token/", "a.example", 443, "/token/", "https://a.example"),
        ("https://a.example", "a.example", 443, "/", "https://a.example"),
        ("https://a.example?x=1", "a.example", 443, "/?x=1", "https://a.example"),
        (
            "https://A.Example:8443/T/?q=%7e&r=a%2Fb",
            "A.Example",
            8443,
            "/T/?q=%7e&r=a%2Fb",
            "https://A.Example:8443",
        ),
        ("HTTPS://a.example//x/../y/./%2e", "a.example", 443, "//x/../y/./%2e", "HTTPS://a.example"),
        ("https://a.example:443/", "a.example", 443, "/", "https://a.example:443"),
        ("https://[2001:db8::1]:65535/t", "2001:db8::1", 65535, "/t", "https://[2001:db8::1]:65535"),
        ("https://a.example/x@y:z", "a.example", 443, "/x@y:z", "https://a.example"),
        (
            "https://a_b.example/realms/{}".trim_end_matches("{}"),
            "a_b.example",
            443,
            "/realms/",
            "https://a_b.example",
        ),
        ("http://127.0.0.1:8080/t", "127.0.0.1", 8080, "/t", "http://127.0.0.1:8080"),
        ("http://localhost", "localhost", 80, "/", "http://localhost"),
    ] {
        let parsed = EndpointUrl::parse(url).unwrap();
        assert_eq!(parsed.as_str(), url);
        assert_eq!(parsed.to_string(), url);
        assert_eq!(parsed.host(), host, "{url}");
        assert_eq!(parsed.port(), port, "{url}");
        assert_eq!(parsed.path_and_query(), target, "{url}");
        assert_eq!(parsed.origin(), origin, "{url}");
        assert_eq!(parsed.is_https(), url.to_ascii_lowercase().starts_with("https:"), "{url}");
    }
}

#[test]
fn http_is_for_this_machine_only() {
    for url in [
        "http://localhost/",
        "http://LOCALHOST:1/",
        "http://127.0.0.1/",
        "http://127.255.255.254/",
        "http://[::1]/",
        "http://[0:0:0:0:0:0:0:1]:80/",
    ] {
        assert!(EndpointUrl::parse(url).unwrap().is_loopback(), "{url}");
    }
    for url in [
        "http://a.example/",
        "http://localhost.a.example/",
        "http://localhost./",
        "http://a.localhost.example/",
        "http://127.0.0.1.a.example/",
        "http://128.0.0.1/",
        "http://0.0.0.0/",
        "http://127.1/",
        "http://127.0.0.01/",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://[::]/",
        "http://[::2]/",
        "http://[::ffff:127.0.0.1]/",
        "http://192.168.0.1/",
    ] {
        assert_eq!(EndpointUrl::parse(url).unwrap_err().problem(), EndpointUrlProblem::Http, "{url}");
    }
}

#[test]
fn one_host_may_be_allowed_on_purpose_and_only_that_one() {
    let policy = EndpointPolicy::dangerously_allow_http("am.example");
    assert_eq!(policy.dangerously_allowed_http_host(), Some("am.example"));
    assert!(policy.endpoint("http://am.example/token").is_ok());
    assert!(policy.endpoint("http://AM.example:8080/token").is_ok());
    assert!(policy.endpoint("http://127.0.0.1/token").is_ok());
    for other in
        ["http://b.am.example/", "http://am.example.b/", "http://xam.example/", "http://am.example./"]
    {
        assert_eq!(policy.endpoint(other).unwrap_err().problem(), EndpointUrlProblem::Http, "{other}");
    }
    assert!(EndpointPolicy::new().endpoint("http://am.example/token").is_err());
    assert_eq!(EndpointPolicy::default(), EndpointPolicy::new());
    for address in ["fd00::1", "[fd00::1]"] {
        assert!(EndpointPolicy::dangerously_allow_http(address).endpoint("http://[fd00::1]:8080/").is_ok());
    }
}

#[test]
fn what_is_no_endpoint_and_why() {
    use EndpointUrlProblem::{Character, Fragment, Host, Port, Scheme, TooLong, UserInfo};
    let too_long = format!("https://a.example/{}", "x".repeat(2048));
    for (url, problem) in [
        (too_long.as_str(), TooLong),
        ("", Scheme),
        ("a.example/token", Scheme),
        ("/token", Scheme),
        ("//a.example/token", Scheme),
        ("https:/a.example/", Scheme),
        ("https:a.example", Scheme),
        ("ftp://a.example/", Scheme),
        ("javascript:alert(1)", Scheme),
        ("file:///etc/passwd", Scheme),
        ("xhttps://a.example/", Scheme),
        (" https://a.example/", Character),
        ("https://a.example/ ", Character),
        ("https://a.example/a b", Character),
        ("https://a.example/\n", Character),
        ("https://a.exam\tple/", Character),
        ("https://a.example/\u{0}", Character),
        ("https://a.example/\u{1b}[2J", Character),
        ("https://a.example\\@b.example/", Character),
        ("https://bücher.example/", Character),
        ("https://a.example/ü", Character),
        ("https://a.example/\u{202e}", Character),
        ("https://a.example/<x>", Character),
        ("https://a.example/{tenant}", Character),
        ("https://user@a.example/", UserInfo),
        ("https://user:password@a.example/", UserInfo),
        ("https://@a.example/", UserInfo),
        ("https://a.example:443@b.example/", UserInfo),
        ("https://", Host),
        ("https:///token", Host),
        ("https://?x", Host),
        ("https://:443/", Host),
        ("https://a%2eexample/", Host),
        ("https://a!b/", Host),
        ("https://[::1/", Host),
        ("https://[]/", Host),
        ("https://[127.0.0.1]/", Host),
        ("https://[::1%25eth0]/", Host),
        ("https://a.example:/", Port),
        ("https://a.example:0/", Port),
        ("https://a.example:65536/", Port),
        ("https://a.example:+80/", Port),
        ("https://a.example:80:80/", Port),
        ("https://[::1]x/", Port),
        ("https://a.example/#", Fragment),
        ("https://a.example/token#part", Fragment),
    ] {
        assert_eq!(EndpointUrl::parse(url).unwrap_err().problem(), problem, "{url:?}");
    }
}

#[test]
fn a_page_may_have_a_fragment_that_no_request_carries() {
    let page = EndpointPolicy::new().page("https://a.example/device?a=b#part?c").unwrap();
    assert_eq!(page.as_str(), "https://a.example/device?a=b#part?c");
    assert_eq!(page.path_and_query(), "/device?a=b");
    let page = EndpointPolicy::new().page("https://a.example#part").unwrap();
    assert_eq!((page.host(), page.path_and_query().as_str()), ("a.example", "/"));
}

#[test]
fn messages_hold_neither_credentials_nor_queries_and_are_safe_to_print() {
    for (url, secret) in [
        ("https://user:hunter2@a.example/", "hunter2"),
        ("https://user:hunter2@a.example/#x", "hunter2"),
        ("https://user:hunt er2@a.example/", "er2"),
        ("ftp://user:hunter2@a.example/", "hunter2"),
        ("http://a.example/?state=hunter2", "hunter2"),
        ("http://a.example/#access_token=hunter2", "hunter2"),
    ] {
        let error = EndpointUrl::parse(url).unwrap_err();
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains(secret), "{text}");
            assert!(text.contains("the URL"), "{text}");
        }
    }
    let hostile = EndpointUrl::parse("https://a.example/\u{1b}]0;x\u{7}").unwrap_err();
    assert_eq!(
        hostile.to_string(),
        "the URL \"https://a.example/ ]0;x \" holds a character that a URL must percent-encode, \
         or a host write in its xn-- form"
    );
    let http = EndpointUrl::parse("http://a.example/").unwrap_err().to_string();
    assert!(http.contains("dangerously_allow_http"), "{http}");
    let url = EndpointPolicy::new().page("https://a.example/cb?code=hunter2#hunter3").unwrap();
    assert_eq!(format!("{url:?}"), "EndpointUrl(https://a.example/cb)");
}
