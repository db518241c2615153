//! Gate: which requests come in at all, by the host they are for and the page they are from.

use std::collections::BTreeSet;

use http::HeaderValue;
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;

use super::refused::Refused;

/// Hosts that the simulator is called by.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    hosts: BTreeSet<String>,
}

/// Names of this machine that no other machine's name leads to.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

impl Gate {
    pub(super) fn new(hosts: &[String]) -> Self {
        let local = LOCAL.map(str::to_owned);
        Self { hosts: hosts.iter().map(|host| bare(host)).chain(local).collect() }
    }

    /// Refuses a request for a host that is not this one.
    ///
    /// A page can let its own name lead to this machine once it has been loaded (DNS rebinding):
    /// for the browser it is still of the page's origin, and only the `Host` tells.
    pub(super) fn lets_in(&self, head: &Parts) -> Result<(), Refused> {
        let named = head.uri.authority().cloned();
        let header =
            head.headers.get_all(HOST).iter().map(|host| Authority::try_from(host.as_bytes()));
        let mut named: Vec<_> = named.into_iter().map(Ok).chain(header).collect();
        let is_known = |host: Result<Authority, _>| host.is_ok_and(|host| self.knows(&host));
        let is_named = !named.is_empty();
        if is_named && named.drain(..).all(is_known) { Ok(()) } else { Err(Refused::misdirected()) }
    }

    fn knows(&self, host: &Authority) -> bool {
        !host.as_str().contains('@') && self.hosts.contains(&host.host().to_ascii_lowercase())
    }
}

/// Returns the name of a host in the form of [`Authority::host`].
fn bare(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let is_ipv6 = host.contains(':') && !host.starts_with('[');
    if is_ipv6 { format!("[{host}]") } else { host }
}

/// Refuses a request that the page of another origin has a browser make: with it go no credentials,
/// but it comes from this machine, as that of the simulator's own page does.
pub(super) fn is_of_this_origin(head: &Parts) -> Result<(), Refused> {
    let host = head.headers.get(HOST).map_or(&b""[..], |host| host.as_bytes());
    let is_ours = |origin: &[u8]| is_own(origin, scheme(head), host);
    let mut origins = head.headers.get_all(ORIGIN).iter();
    if origins.all(|origin| is_ours(origin.as_bytes())) { Ok(()) } else { Err(Refused::foreign()) }
}

/// Refuses what a browser says to be for another site, also where it names no origin: reading is
/// denied to that page anyhow, but not the asking.
pub(super) fn is_of_this_site(head: &Parts) -> Result<(), Refused> {
    is_of_this_origin(head)?;
    let site = head.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    match site {
        None | Some(b"same-origin" | b"none") => Ok(()),
        // To a browser, `localhost` and `127.0.0.1` are two sites; the origin says it better.
        Some(_) if head.headers.contains_key(ORIGIN) => Ok(()),
        Some(_) => Err(Refused::foreign()),
    }
}

/// Returns the scheme that the caller sees: HTTP, unless a proxy that speaks TLS says otherwise. A
/// page of another origin cannot say so: for a header of its own, a browser asks first, and that is
/// refused.
fn scheme(head: &Parts) -> &'static str {
    match head.headers.get("x-forwarded-proto").map(HeaderValue::as_bytes) {
        Some(b"https") => "https",
        _ => "http",
    }
}

/// Returns `true` for an origin that is the server called by this host.
///
/// `localhost` stands for `127.0.0.1` and `[::1]` at the same port: whichever of them a page was
/// loaded by, it came from a server of this machine at the port that is called now. A page of the
/// web has no such origin, and one that has its own name lead here (DNS rebinding) is stopped by
/// its `Host`. `127.0.0.1` and `[::1]` are not each other: two programs may listen there.
fn is_own(origin: &[u8], scheme: &str, host: &[u8]) -> bool {
    let Some((named, origin)) = str::from_utf8(origin).ok().and_then(|text| text.split_once("://"))
    else {
        return false;
    };
    let (Ok(origin), Ok(host)) = (Authority::try_from(origin), Authority::try_from(host)) else {
        return false;
    };
    let usual = if scheme == "https" { 443 } else { 80 };
    let port = |of: &Authority| of.port_u16().unwrap_or(usual);
    let (ours, theirs) = (host.host().to_ascii_lowercase(), origin.host().to_ascii_lowercase());
    let is_plain = !origin.as_str().contains('@');
    let is_same = ours == theirs || is_loopback_pair(&ours, &theirs);
    named == scheme && is_plain && is_same && port(&origin) == port(&host)
}

fn is_loopback_pair(one: &str, other: &str) -> bool {
    let is_address = |name| ["127.0.0.1", "[::1]"].contains(&name);
    (one == "localhost" && is_address(other)) || (other == "localhost" && is_address(one))
}
