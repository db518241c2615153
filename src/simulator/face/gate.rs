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
    // Behind a proxy that speaks TLS, the page is of `https`.
    let is_ours = |origin: &[u8]| {
        let name = origin.strip_prefix(b"http://").or(origin.strip_prefix(b"https://"));
        name.is_some_and(|name| name.eq_ignore_ascii_case(host))
    };
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
        Some(_) => Err(Refused::foreign()),
    }
}
