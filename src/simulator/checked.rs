//! Checks of what people write, the same for all who may write it.

use std::net::{IpAddr, Ipv6Addr};

use http::uri::Authority;

use super::lever::LeverError;

/// Most bytes of a text.
pub(super) const LONGEST_TEXT: usize = 64 << 10;

/// Most characters of the details of a status.
pub(super) const LONGEST_SUB_STATUS: usize = 256;

/// Longest email address, in bytes (RFC 5321, 4.5.3.1.3, without the brackets).
const LONGEST_EMAIL: usize = 254;

/// Checks a text that says something.
pub(super) fn words(name: &str, text: &str) -> Result<(), LeverError> {
    if text.is_empty() {
        return Err(LeverError::malformed(format!("`{name}` is empty, expected a text")));
    }
    text_in_bounds(name, text)
}

/// Checks a text that may be empty.
pub(super) fn text_in_bounds(name: &str, text: &str) -> Result<(), LeverError> {
    match too_long(name, text) {
        Some(problem) => Err(LeverError::malformed(problem)),
        None => Ok(()),
    }
}

/// Describes a text that is too long.
pub(super) fn too_long(name: &str, text: &str) -> Option<String> {
    let is_too_long = text.len() > LONGEST_TEXT;
    is_too_long.then(|| format!("`{name}` is longer than {LONGEST_TEXT} bytes"))
}

/// Checks an email address.
pub(super) fn email(name: &str, text: &str) -> Result<(), LeverError> {
    if is_email(text) {
        return Ok(());
    }
    Err(LeverError::malformed(format!("`{name}` is not an email address, such as ann@example.com")))
}

/// Returns `true` for a text that has the form of an email address: one `@` with something on both
/// sides, and nothing that no header can carry. Whether there is such a mailbox, nobody asks.
pub(super) fn is_email(text: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "<>,;\"()[]\\".contains(c);
    let Some((mailbox, domain)) = text.split_once('@') else { return false };
    let is_domain = domain.split('.').all(|label| !label.is_empty()) && !domain.contains('@');
    !mailbox.is_empty() && is_domain && text.len() <= LONGEST_EMAIL && !text.contains(is_odd)
}

/// Returns `true` for the name of a machine or its address, without a port. An IPv6 address may be
/// in brackets.
pub(super) fn is_host(text: &str) -> bool {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let is_ipv6 = bare.unwrap_or(text).parse::<Ipv6Addr>().is_ok();
    is_ipv6 || Authority::try_from(text).is_ok_and(|authority| authority.host() == text)
}

/// Reads an IP address, of either version, and returns it in its usual form: a ban holds for it
/// however it is written.
pub(super) fn ip_address(name: &str, text: &str) -> Result<String, LeverError> {
    let address: Result<IpAddr, _> = text.parse();
    let problem = || LeverError::malformed(format!("`{name}` is not an IP address"));
    address.map(|address| address.to_string()).map_err(|_| problem())
}

/// Checks the details of a status.
pub(super) fn sub_status(name: &str, text: &str) -> Result<(), LeverError> {
    if text.chars().count() <= LONGEST_SUB_STATUS {
        return Ok(());
    }
    let problem = format!("`{name}` has more than {LONGEST_SUB_STATUS} characters");
    Err(LeverError::malformed(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_mail_are_told_from_other_texts() {
        for good in ["a@b", "ann@example.com", "ann+tag@mail.example.com", "jörg@exämple.de"] {
            assert!(is_email(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in [
            "",
            "@",
            "ann",
            "ann@",
            "@example.com",
            "a@b@c",
            "a b@example.com",
            "a@b c",
            "a@b..c",
            "a@.b",
            "a@b.",
            "Ann <ann@example.com>",
            "a@b,c@d",
            "a\n@b",
            &long,
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn hosts_have_neither_port_nor_spaces() {
        for good in ["sim.example", "Localhost", "192.0.2.1", "2001:db8::1", "[2001:db8::1]"] {
            assert!(is_host(good), "{good}");
        }
        let odd = ["", "a b", "sim.example:7070", "192.0.2.1:80", "[::1]:80", "me@sim.example"];
        for bad in odd.into_iter().chain(["http://sim.example", "sim.example/", "[::1", "::1]"]) {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn addresses_of_machines_have_one_form() {
        for (text, address) in [("203.0.113.9", "203.0.113.9"), ("2001:DB8:0::1", "2001:db8::1")] {
            assert_eq!(ip_address("ip_address", text).as_deref(), Ok(address));
        }
        for bad in ["", "1.2.3", "1.2.3.256", "1.2.3.4:80", "[::1]", "localhost", "010.0.0.1"] {
            assert!(ip_address("ip_address", bad).is_err(), "{bad}");
        }
    }
}
