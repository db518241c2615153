//! Proxies that the environment names, as curl and Go read it.
//!
//! `client-proxy` of hyper-util would do it too, with two crates more, one of them in two versions
//! beside async-nats. It passes over a proxy that it cannot use, and the requests then go straight.

use std::env;
use std::net::IpAddr;

use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use crate::client::base64::base64;

/// Proxy for the addresses of either scheme, and the hosts that are reached without.
pub(super) struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Vec<Exception>,
}

/// Proxy that is itself spoken to over HTTP.
#[derive(Clone)]
pub(super) struct Proxy {
    /// Without the credentials, so that no error or log of hyper's has them.
    address: Uri,
    credentials: Option<HeaderValue>,
}

impl Proxies {
    /// Every address is reached without a proxy.
    pub(super) fn none() -> Self {
        Self { http: None, https: None, exceptions: Vec::new() }
    }

    /// Reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the same in lower case;
    /// one that is empty is none.
    ///
    /// # Errors
    ///
    /// If one names a proxy that cannot be used: the text has the variable, and not its value.
    pub(super) fn from_env() -> Result<Self, String> {
        Self::from_variables(|name| env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let first = |names: &[&'static str]| {
            let set = names.iter().map(|&name| Some((name, variable(name)?)));
            set.flatten().find(|(_, value)| !value.trim().is_empty())
        };
        let proxy = |names: &[&'static str]| {
            first(names).map(|(name, value)| Proxy::parse(name, value.trim())).transpose()
        };
        // A CGI program has the header `Proxy` of whoever calls it in HTTP_PROXY: httpoxy,
        // CVE-2016-5385.
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let http = if is_cgi { "http_proxy" } else { "HTTP_PROXY" };
        let exceptions = first(&["NO_PROXY", "no_proxy"]).map(|(_, value)| value);
        Ok(Self {
            http: proxy(&[http, "http_proxy", "ALL_PROXY", "all_proxy"])?,
            https: proxy(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])?,
            exceptions: exceptions.as_deref().map(Exception::parse_all).unwrap_or_default(),
        })
    }

    /// Returns the proxy through which an address is reached.
    pub(super) fn of(&self, address: &Uri) -> Option<&Proxy> {
        let is_https = address.scheme() == Some(&Scheme::HTTPS);
        let proxy = if is_https { &self.https } else { &self.http };
        let host = without_brackets(address.host()?);
        let port = address.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        proxy.as_ref().filter(|_| !self.exceptions.iter().any(|except| except.holds(host, port)))
    }

    /// Returns what goes into the head of a request. Over https the proxy does not see that, and
    /// has had it before.
    pub(super) fn credentials_in_request(&self, address: &Uri) -> Option<&HeaderValue> {
        let proxy = self.of(address).filter(|_| address.scheme() == Some(&Scheme::HTTP));
        proxy.and_then(Proxy::credentials)
    }
}

impl Proxy {
    pub(super) fn address(&self) -> &Uri {
        &self.address
    }

    pub(super) fn credentials(&self) -> Option<&HeaderValue> {
        self.credentials.as_ref()
    }

    fn parse(variable: &str, value: &str) -> Result<Self, String> {
        let no_proxy = || format!("{variable} is no address of a proxy, as in http://proxy:3128");
        let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(format!("{variable} is a proxy of another kind than http://"));
        }
        let (credentials, host) = match rest.rsplit_once('@') {
            Some((credentials, host)) => (Some(credentials), host),
            None => (None, rest),
        };
        let host = host.trim_end_matches('/').parse::<Authority>().ok();
        // `http` takes any text for a port, so `name:password` without a host would be an address.
        let host = host.filter(|host| host.port_u16().is_some() || host.as_str() == host.host());
        let address = host.and_then(|host| {
            Uri::builder().scheme(Scheme::HTTP).authority(host).path_and_query("/").build().ok()
        });
        Ok(Self { address: address.ok_or_else(no_proxy)?, credentials: credentials.map(basic) })
    }
}

/// Host, or hosts, reached without a proxy.
enum Exception {
    All,
    Network(IpAddr, u8),
    /// Name of a host, and of all below it, on any port or on one.
    Name(String, Option<u16>),
}

impl Exception {
    fn parse_all(list: &str) -> Vec<Self> {
        let entries = list.split(|separator: char| separator == ',' || separator.is_whitespace());
        entries.filter(|entry| !entry.is_empty()).map(Self::parse).collect()
    }

    fn parse(entry: &str) -> Self {
        if entry == "*" {
            return Self::All;
        }
        let (ip, bits) = match entry.split_once('/') {
            Some((ip, bits)) => (ip, bits.parse().ok()),
            None => (entry, Some(u8::MAX)),
        };
        if let (Ok(ip), Some(bits)) = (without_brackets(ip).parse(), bits) {
            return Self::Network(ip, bits);
        }
        let (name, port) = match entry.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => (name, port.parse().ok()),
            _ => (entry, None),
        };
        let name = name.strip_prefix('*').unwrap_or(name).trim_matches('.');
        Self::Name(without_brackets(name).to_ascii_lowercase(), port)
    }

    fn holds(&self, host: &str, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Network(network, bits) => {
                host.parse().is_ok_and(|ip| is_within(ip, *network, *bits))
            }
            Self::Name(_, Some(only)) if *only != port => false,
            Self::Name(name, _) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                host.strip_suffix(&**name)
                    .is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
        }
    }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Tells whether the first bits of two addresses are the same.
fn is_within(ip: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            let differing = u32::from(ip) ^ u32::from(network);
            differing.leading_zeros() >= u32::from(bits.min(32))
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            let differing = u128::from(ip) ^ u128::from(network);
            differing.leading_zeros() >= u32::from(bits.min(128))
        }
        _ => false,
    }
}

/// Returns the header for the `name:password` of an address, percent-encoded as it is there.
fn basic(credentials: &str) -> HeaderValue {
    let (name, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let mut plain: Vec<u8> = percent_decode_str(name).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(password));
    let header = HeaderValue::try_from(format!("Basic {}", base64(&plain)));
    let mut header = header.expect("base64 is ASCII");
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Proxies, String> {
        Proxies::from_variables(|name| {
            let variable = variables.iter().find(|(variable, _)| *variable == name);
            variable.map(|(_, value)| (*value).to_owned())
        })
    }

    /// The address and the credentials of the proxy for an address.
    fn proxy_of(address: &str, variables: &[(&str, &str)]) -> Option<(String, String)> {
        let proxies = read(variables).expect("proxies");
        let proxy = proxies.of(&address.parse().expect("an address"))?.clone();
        let credentials = proxy.credentials.as_ref().map(|header| header.to_str().expect("ASCII"));
        Some((proxy.address.to_string(), credentials.unwrap_or_default().to_owned()))
    }

    #[test]
    fn a_variable_is_for_the_addresses_of_its_scheme() {
        let (http, https) = ("http://www.snapengage.com/", "https://www.snapengage.com/");
        for (variables, over_http, over_https) in [
            (&[][..], None, None),
            (&[("HTTP_PROXY", "a:1")], Some("a:1"), None),
            (&[("http_proxy", "a:1")], Some("a:1"), None),
            (&[("HTTPS_PROXY", "a:1")], None, Some("a:1")),
            (&[("https_proxy", "a:1")], None, Some("a:1")),
            (&[("ALL_PROXY", "a:1")], Some("a:1"), Some("a:1")),
            (&[("all_proxy", "a:1"), ("HTTPS_PROXY", "b")], Some("a:1"), Some("b")),
            (&[("HTTPS_PROXY", ""), ("https_proxy", "a:1")], None, Some("a:1")),
            (&[("HTTP_PROXY", "a:1"), ("REQUEST_METHOD", "GET")], None, None),
            (&[("http_proxy", "a:1"), ("REQUEST_METHOD", "GET")], Some("a:1"), None),
            (&[("HTTPS_PROXY", "a:1"), ("REQUEST_METHOD", "GET")], None, Some("a:1")),
        ] {
            for (address, proxy) in [(http, over_http), (https, over_https)] {
                let expected = proxy.map(|proxy| (format!("http://{proxy}/"), String::new()));
                assert_eq!(proxy_of(address, variables), expected, "{address} {variables:?}");
            }
        }
    }

    #[test]
    fn credentials_are_taken_out_of_the_address() {
        for (value, address, credentials) in [
            ("http://a:1", "http://a:1/", ""),
            ("HTTP://a:1/", "http://a:1/", ""),
            (" http://[::1]:3128 ", "http://[::1]:3128/", ""),
            ("http://Aladdin:opensesame@a:1", "http://a:1/", "Basic QWxhZGRpbjpvcGVuc2VzYW1l"),
            ("Aladdin:open%73esame@a", "http://a/", "Basic QWxhZGRpbjpvcGVuc2VzYW1l"),
            ("http://u@a", "http://a/", "Basic dTo="),
            ("http://u:p/@:?#@a", "http://a/", "Basic dTpwL0A6PyM="),
        ] {
            let proxy = proxy_of("https://host/", &[("HTTPS_PROXY", value)]);
            assert_eq!(proxy, Some((address.to_owned(), credentials.to_owned())), "{value}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_by_its_variable() {
        for (value, problem) in [
            ("socks5://name:secret@a:1", "is a proxy of another kind than http://"),
            ("https://name:secret@a:1", "is a proxy of another kind than http://"),
            ("http://", "is no address of a proxy, as in http://proxy:3128"),
            ("http://name:secret", "is no address of a proxy, as in http://proxy:3128"),
            ("http://name:secret@", "is no address of a proxy, as in http://proxy:3128"),
            ("http://name:secret@a:70000", "is no address of a proxy, as in http://proxy:3128"),
            ("http://name:secret@a b", "is no address of a proxy, as in http://proxy:3128"),
        ] {
            for variable in ["HTTP_PROXY", "https_proxy", "ALL_PROXY"] {
                let refused = read(&[(variable, value)]).err();
                assert_eq!(refused, Some(format!("{variable} {problem}")), "{value}");
            }
        }
    }

    #[test]
    fn exceptions_are_reached_without_a_proxy() {
        for (exceptions, straight, proxied) in [
            ("", &[][..], &["http://a.example.com/"][..]),
            ("*", &["http://a.example.com/", "http://10.0.0.1/"], &[]),
            (
                "example.com, B.org",
                &["http://example.com/", "http://a.EXAMPLE.com/", "http://b.org./"],
                &["http://notexample.com/", "http://example.com.evil.org/", "http://org/"],
            ),
            (".example.com b.org", &["http://example.com/", "http://b.org/"], &["http://com/"]),
            ("*.example.com", &["http://a.example.com/"], &["http://aexample.com/"]),
            ("a:8080", &["http://a:8080/"], &["http://a/", "http://a:80/"]),
            ("a:80", &["http://a/", "http://a:80/"], &["http://a:8080/"]),
            ("10.0.0.1", &["http://10.0.0.1:8080/"], &["http://10.0.0.10/", "http://a/"]),
            ("10.1.0.0/15", &["http://10.1.2.3/", "http://10.0.0.0/"], &["http://10.2.0.0/"]),
            ("0.0.0.0/0", &["http://10.1.2.3/"], &["http://[::1]/"]),
            ("::1, [fe80::1]", &["http://[::1]/", "http://[fe80::1]/"], &["http://[::2]/"]),
            ("fe80::/10", &["http://[febf::1]:1/"], &["http://[fec0::1]/", "http://1.1.1.1/"]),
            (".,/,:,*.,10.0.0.0/x", &[], &["http://a/", "http://10.0.0.0/"]),
        ] {
            let proxy =
                |to: &str| proxy_of(to, &[("ALL_PROXY", "proxy"), ("NO_PROXY", exceptions)]);
            for address in straight {
                assert_eq!(proxy(address), None, "{exceptions:?} {address}");
            }
            for address in proxied {
                assert!(proxy(address).is_some(), "{exceptions:?} {address}");
            }
        }
    }
}
