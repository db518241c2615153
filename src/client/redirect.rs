//! Redirects: which may be followed, and where they lead.

use http::header::LOCATION;
use http::{HeaderValue, Method, Response, StatusCode, Uri};
use percent_encoding::percent_encode_byte;

use super::call::Call;
use super::error::Failure;
use super::operation::Operation;
use super::transport::ResponseBody;

impl Call {
    /// Returns where a redirect leads, if the call may go there.
    pub(super) fn follow(
        &self,
        from: &Uri,
        status: StatusCode,
        location: &HeaderValue,
    ) -> Result<Uri, Failure> {
        if self.operation.method() != Method::GET {
            let why = "redirected, which is followed for a GET alone";
            let is_outcome = status == StatusCode::SEE_OTHER;
            return Err(if is_outcome { Failure::SeeOther } else { Failure::Astray(why) });
        }
        let target = resolve(from, &ascii(location));
        let target = target.ok_or(Failure::Astray("redirected to an address that is none"))?;
        let origins = self.client.origins();
        // A file may be kept by somebody else, whom the credential is not sent to. Any other answer
        // is SnapEngage's own.
        let is_allowed = match self.operation {
            Operation::File => origins.may_be_followed(&target),
            _ => origins.may_have_credentials(&target),
        };
        if is_allowed { Ok(target) } else { Err(Failure::Astray("redirected to another host")) }
    }
}

/// Returns the `Location` of a redirect.
pub(super) fn location(response: &Response<ResponseBody>) -> Option<&HeaderValue> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    response.headers().get(LOCATION).filter(|_| is_redirect)
}

/// Returns a reference as ASCII: servers write UTF-8 as it is.
fn ascii(location: &HeaderValue) -> String {
    let mut ascii = String::new();
    for &byte in location.as_bytes() {
        if byte.is_ascii() {
            ascii.push(byte.into());
        } else {
            ascii += percent_encode_byte(byte);
        }
    }
    ascii
}

/// Resolves a reference of RFC 3986, 5.2: an address, or a path or query of the same origin.
fn resolve(base: &Uri, reference: &str) -> Option<Uri> {
    let reference = reference.split('#').next()?;
    let scheme = base.scheme_str()?;
    if reference.starts_with("//") {
        return format!("{scheme}:{reference}").parse().ok();
    }
    // A colon in the first segment is the end of a scheme.
    if reference.split(['/', '?']).next()?.contains(':') {
        return reference.parse::<Uri>().ok().filter(|address| address.scheme().is_some());
    }
    let (authority, path) = (base.authority()?, base.path());
    let before = match reference.chars().next() {
        Some('/') => "",
        Some('?') => path,
        Some(_) => &path[..=path.rfind('/')?],
        None => return Some(base.clone()),
    };
    format!("{scheme}://{authority}{before}{reference}").parse().ok()
}
