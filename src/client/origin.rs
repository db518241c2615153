//! Origins: where a credential may go.

use http::Uri;
use http::uri::{Authority, Scheme};

/// Base address of SnapEngage, and the other hosts that may be sent a credential.
#[derive(Debug, Clone)]
pub(super) struct Origins {
    base: Uri,
    /// Path of the base, without the slash at its end.
    prefix: String,
    hosts: Vec<String>,
}

impl Origins {
    /// Address of SnapEngage itself.
    pub(super) const SNAPENGAGE: &str = "https://www.snapengage.com";

    /// Parses a base address.
    pub(super) fn new(base: &str, hosts: &[String]) -> Result<Self, String> {
        // Not quoted: whoever puts credentials into it would find them in the log.
        let expected = "base address: expected `https://host`, with a port or a path at most";
        let uri: Uri = base.parse().map_err(|_| expected.to_owned())?;
        let is_http = [Some(&Scheme::HTTPS), Some(&Scheme::HTTP)].contains(&uri.scheme());
        let is_odd = has_user(&uri) || port(&uri).is_none() || uri.query().is_some();
        if !is_http || is_odd || base.contains('#') {
            return Err(expected.to_owned());
        }
        let prefix = uri.path().trim_end_matches('/').to_owned();
        let hosts = hosts.iter().map(|host| listed(host)).collect::<Option<_>>();
        let hosts =
            hosts.ok_or("`hosts`: expected names of hosts, without scheme, port or path")?;
        Ok(Self { base: uri, prefix, hosts })
    }

    pub(super) fn is_https(&self) -> bool {
        self.base.scheme() == Some(&Scheme::HTTPS)
    }

    /// Returns the path of the base, without the slash at its end.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the address of a path and query at the host of the base.
    pub(super) fn address(&self, path_and_query: &str) -> Result<Uri, http::Error> {
        Uri::builder()
            .scheme(self.base.scheme_str().unwrap_or("https"))
            .authority(self.base.authority().map_or("", |authority| authority.as_str()))
            .path_and_query(path_and_query)
            .build()
    }

    /// Returns `true` if a credential may be sent to an address: to the origin of the base, or to
    /// one of the other hosts, by https unless the base is not.
    pub(super) fn may_have_credentials(&self, address: &Uri) -> bool {
        let is_base = address.scheme() == self.base.scheme()
            && host(address) == host(&self.base)
            && port(address) == port(&self.base);
        let is_listed = self.may_be_followed(address)
            && (!self.is_https() || port(address) == Some(443))
            && host(address).is_some_and(|host| self.hosts.contains(&host));
        !has_user(address) && (is_base || is_listed)
    }

    /// Returns `true` if an address may be asked at all, without a credential: a redirect never
    /// leads from https to http.
    pub(super) fn may_be_followed(&self, address: &Uri) -> bool {
        let is_https = address.scheme() == Some(&Scheme::HTTPS);
        let is_http = address.scheme() == Some(&Scheme::HTTP);
        !has_user(address) && (is_https || is_http && !self.is_https())
    }
}

/// `https://www.snapengage.com@example.com` is an address of `example.com`.
fn has_user(address: &Uri) -> bool {
    address.authority().is_some_and(|authority| authority.as_str().contains('@'))
}

fn host(address: &Uri) -> Option<String> {
    address.host().map(plain)
}

/// Names of hosts differ in case alone, or by the dot at the end of the root.
fn plain(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Returns a host as it is compared. Anything else would be a host that never is.
fn listed(host: &str) -> Option<String> {
    let authority: Authority = host.parse().ok()?;
    (authority.host() == host).then(|| plain(host))
}

fn port(address: &Uri) -> Option<u16> {
    let authority = address.authority()?;
    // `http` takes any text for a port, and one that is no number is not the default one.
    let port = authority.as_str().rsplit('@').next()?.strip_prefix(authority.host())?;
    match (port, address.scheme_str()?) {
        ("" | ":", "https") => Some(443),
        ("" | ":", "http") => Some(80),
        _ => authority.port_u16(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(base: &str, hosts: &[&str]) -> Origins {
        let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
        Origins::new(base, &hosts).expect("a base address")
    }

    fn may_have(origins: &Origins, address: &str) -> bool {
        origins.may_have_credentials(&address.parse().expect("an address"))
    }

    #[test]
    fn a_credential_goes_to_its_origin_alone() {
        let origins = origins("https://www.snapengage.com", &[]);
        for same in [
            "https://www.snapengage.com/api?x=y",
            "https://WWW.SnapEngage.com:443/",
            "https://www.snapengage.com./",
        ] {
            assert!(may_have(&origins, same), "{same}");
        }
        for other in [
            "http://www.snapengage.com/",
            "https://www.snapengage.com:8443/",
            "https://snapengage.com/",
            "https://www.snapengage.com.example.com/",
            "https://www.snapengage.com@example.com/",
            "https://user:word@www.snapengage.com/",
            "https://example.com/www.snapengage.com",
            "https://www.snapengage.com:99999/",
            "https://www.snapengage.com:44e/",
            "ftp://www.snapengage.com/",
            "/api",
        ] {
            assert!(!may_have(&origins, other), "{other}");
        }
    }

    #[test]
    fn listed_hosts_are_trusted_by_https() {
        let origins = origins("https://www.snapengage.com", &["Files.Example.com.", "[::1]"]);
        assert!(may_have(&origins, "https://files.example.com/a"));
        assert!(may_have(&origins, "https://[::1]/a"));
        assert!(!may_have(&origins, "http://files.example.com/a"));
        assert!(!may_have(&origins, "https://files.example.com:8443/a"));
        assert!(!may_have(&origins, "https://a.files.example.com/a"));
    }

    #[test]
    fn what_is_no_name_of_a_host_is_refused() {
        for odd in [
            "",
            "https://example.com",
            "example.com:443",
            "a/b",
            "user@a",
            "bücher.de",
            "a b",
            "::1",
        ] {
            let listed = ["example.com", odd].map(str::to_owned);
            let error = Origins::new("https://www.snapengage.com", &listed).expect_err(odd);
            assert!(error.starts_with("`hosts`: expected names of hosts"), "{error}");
        }
    }

    #[test]
    fn a_base_without_tls_is_a_local_one() {
        let origins = origins("http://127.0.0.1:7070/se/", &["localhost"]);
        assert!(may_have(&origins, "http://127.0.0.1:7070/other"));
        assert!(may_have(&origins, "http://localhost:9/"));
        assert!(!may_have(&origins, "http://127.0.0.1/"));
        let address =
            origins.address(&format!("{}/api/v1?x=y", origins.prefix())).expect("an address");
        assert_eq!(address, "http://127.0.0.1:7070/se/api/v1?x=y");
    }

    #[test]
    fn a_base_that_is_none_is_refused() {
        for base in [
            "",
            "www.snapengage.com",
            "/api",
            "ftp://example.com",
            "https://user@example.com",
            "https://example.com/?x",
            "https://example.com/#x",
            "https://exa mple.com",
            "https://example.com:99999",
            "https://example.com:port",
        ] {
            assert!(Origins::new(base, &[]).is_err(), "{base}");
        }
    }
}
