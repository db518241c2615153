//! Pseudonyms: what stands in a recording in place of what was redacted.

use std::hash::Hasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use data_encoding::BASE32_NOPAD;
use siphasher::sip128::{Hasher128, SipHasher24};

/// PseudonymKind of a pseudonym.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PseudonymKind {
    /// `p-K@example.invalid`, after `wc:` or not.
    Email,
    /// `+999` and nine digits.
    Phone,
    /// In 240.0.0.0/4.
    Ipv4,
    /// In 2001:db8::/32.
    Ipv6,
    /// `Name-K`: of a person, or the alias of an agent.
    Name,
    /// `Street-K`.
    Street,
    /// UUID that begins with `5eda5eda-`, or `id-K`.
    Id,
    /// 13 to 19 digits that begin with 999999.
    Card,
    /// `eyJyZWRhY3RlZCI6dHJ1ZX0.K.K`.
    Jwt,
    /// 16 and more that begin with `5eda5eda`: of long hex, or of a value in an address's query.
    Hex,
    /// `masked-K`: of what is of no other kind.
    Masked,
}

/// Key of the pseudonyms: under one key, equal values have equal pseudonyms.
#[derive(Clone)]
pub(crate) struct PseudonymKey([u8; 16]);

impl PseudonymKey {
    pub(crate) fn new(key: [u8; 16]) -> Self {
        Self(key)
    }

    /// Returns the pseudonym of a value; the value itself if it is one already.
    pub(crate) fn pseudonym(&self, kind: PseudonymKind, value: &str) -> String {
        if kind_of(value).is_some() {
            return value.to_owned();
        }
        match kind {
            PseudonymKind::Email => match value.strip_prefix(WEB_CLIENT) {
                Some(email) => format!("{WEB_CLIENT}p-{}{EMAIL_END}", self.k(kind, email)),
                None => format!("p-{}{EMAIL_END}", self.k(kind, value)),
            },
            PseudonymKind::Phone => format!("{PHONE}{}", self.digits(kind, &digits_of(value), 9)),
            PseudonymKind::Ipv4 | PseudonymKind::Ipv6 => self.address(kind, value),
            PseudonymKind::Name => format!("{NAME}{}", self.k(kind, value)),
            PseudonymKind::Street => format!("{STREET}{}", self.k(kind, value)),
            PseudonymKind::Id if is_uuid(value) => self.uuid(value),
            PseudonymKind::Id => format!("{ID}{}", self.k(kind, value)),
            PseudonymKind::Card => {
                let digits = digits_of(value);
                let rest = digits.len().saturating_sub(CARD.len());
                format!("{CARD}{}", self.digits(kind, &digits, rest))
            }
            PseudonymKind::Jwt => {
                let head = self.k(kind, value);
                format!("{JWT}{head}.{}", self.k(kind, &format!("{value}.")))
            }
            PseudonymKind::Hex => {
                let rest = value.chars().count().saturating_sub(HEX.len());
                format!("{HEX}{}", self.hex(kind, value, rest))
            }
            PseudonymKind::Masked => format!("{MASKED}{}", self.k(kind, value)),
        }
    }

    /// Returns 128 bits that are the same for the same value, and tell nothing of it.
    fn bits(&self, kind: PseudonymKind, value: &[u8]) -> u128 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(&[kind as u8]);
        hasher.write(value);
        hasher.finish128().as_u128()
    }

    fn k(&self, kind: PseudonymKind, value: &str) -> String {
        let mut k = BASE32_NOPAD.encode(&self.bits(kind, value.as_bytes()).to_le_bytes());
        k.truncate(K);
        k.make_ascii_lowercase();
        k
    }

    fn digits(&self, kind: PseudonymKind, value: &str, count: usize) -> String {
        let number = self.bits(kind, value.as_bytes()) % 10_u128.pow(18);
        format!("{number:018}")[..count.min(18)].to_owned()
    }

    fn hex(&self, kind: PseudonymKind, value: &str, count: usize) -> String {
        // The value, which may be long, is hashed once; what follows is a hash of the one before.
        let mut bits = self.bits(kind, value.as_bytes());
        let mut hex = format!("{bits:032x}");
        while hex.len() < count {
            bits = self.bits(kind, &bits.to_le_bytes());
            hex += &format!("{bits:032x}");
        }
        hex.truncate(count);
        hex
    }

    fn uuid(&self, value: &str) -> String {
        let hex = self.hex(PseudonymKind::Id, value, 24);
        format!("{HEX}-{}-{}-{}-{}", &hex[..4], &hex[4..8], &hex[8..12], &hex[12..])
    }

    /// Returns an address of the same version. What is written differently and means the same
    /// stays equal.
    fn address(&self, kind: PseudonymKind, value: &str) -> String {
        let value = value.parse::<IpAddr>().map_or_else(|_| value.to_owned(), |ip| ip.to_string());
        let bits = self.bits(kind, value.as_bytes());
        if kind == PseudonymKind::Ipv4 {
            let [a, b, c, d, ..] = bits.to_le_bytes();
            return Ipv4Addr::new(a | 0xf0, b, c, d).to_string();
        }
        Ipv6Addr::from((bits >> 32) | (0x2001_0db8 << 96)).to_string()
    }
}

/// Length of `K`, 60 bits in base32.
const K: usize = 12;
const WEB_CLIENT: &str = "wc:";
const EMAIL: &str = "p-";
const EMAIL_END: &str = "@example.invalid";
const PHONE: &str = "+999";
const NAME: &str = "Name-";
const STREET: &str = "Street-";
const ID: &str = "id-";
const MASKED: &str = "masked-";
const CARD: &str = "999999";
const HEX: &str = "5eda5eda";
/// `{"redacted":true}` as the header of a JWT, and its full stop.
pub(crate) const JWT: &str = "eyJyZWRhY3RlZCI6dHJ1ZX0.";
/// Length of the shortest pseudonym of a value in an address's query.
const SHORTEST_HEX: usize = 16;

/// Returns the kind of a text that is a pseudonym, and nothing else.
pub(crate) fn kind_of(text: &str) -> Option<PseudonymKind> {
    let text = text.strip_prefix(WEB_CLIENT).filter(|rest| is_email(rest)).unwrap_or(text);
    let (length, kind) = at_start(text)?;
    (length == text.len()).then_some(kind)
}

/// Finds the pseudonyms within a text, in their order.
pub(crate) fn find(text: &str) -> Vec<(Range<usize>, PseudonymKind)> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut is_in_a_word = false;
    while let Some(c) = text[at..].chars().next() {
        let length = if is_in_a_word { None } else { at_start(&text[at..]) };
        if let Some((length, kind)) = length {
            found.push((at..at + length, kind));
            at += length;
            is_in_a_word = true;
        } else {
            at += c.len_utf8();
            is_in_a_word = c.is_alphanumeric();
        }
    }
    found
}

fn is_email(text: &str) -> bool {
    at_start(text)
        .is_some_and(|(length, kind)| kind == PseudonymKind::Email && length == text.len())
}

/// Returns length and kind of the pseudonym that a text starts with.
fn at_start(text: &str) -> Option<(usize, PseudonymKind)> {
    match text.as_bytes().first()? {
        b'p' => word(text, EMAIL, EMAIL_END).map(|length| (length, PseudonymKind::Email)),
        b'N' => word(text, NAME, "").map(|length| (length, PseudonymKind::Name)),
        b'S' => word(text, STREET, "").map(|length| (length, PseudonymKind::Street)),
        b'i' => word(text, ID, "").map(|length| (length, PseudonymKind::Id)),
        b'm' => word(text, MASKED, "").map(|length| (length, PseudonymKind::Masked)),
        b'e' => jwt(text).map(|length| (length, PseudonymKind::Jwt)),
        b'+' => {
            let digits = run(text.strip_prefix(PHONE)?, |byte| byte.is_ascii_digit());
            (digits == 9).then_some((PHONE.len() + digits, PseudonymKind::Phone))
        }
        b'5' => hex_or_uuid(text),
        b'9' => {
            let digits = run(text, |byte| byte.is_ascii_digit());
            let is_card = text.starts_with(CARD) && (13..=19).contains(&digits);
            (is_card && !is_alphanumeric_at(text, digits)).then_some((digits, PseudonymKind::Card))
        }
        b'2' => address(text),
        _ => None,
    }
}

/// Returns the length of what starts with this, `K` and that.
fn word(text: &str, start: &str, end: &str) -> Option<usize> {
    let rest = text.strip_prefix(start)?;
    let k = rest.as_bytes().get(..K)?;
    let is_k = k.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
    let length = start.len() + K + end.len();
    (is_k && rest[K..].starts_with(end) && !is_alphanumeric_at(text, length)).then_some(length)
}

fn jwt(text: &str) -> Option<usize> {
    const FIRST: usize = JWT.len() + K;
    word(text.get(..FIRST)?, JWT, "")?;
    Some(FIRST + word(&text[FIRST..], ".", "")?)
}

fn hex_or_uuid(text: &str) -> Option<(usize, PseudonymKind)> {
    const UUID: usize = 36;
    if text.get(..UUID).is_some_and(|uuid| uuid.starts_with(HEX) && is_uuid(uuid))
        && !is_alphanumeric_at(text, UUID)
    {
        return Some((UUID, PseudonymKind::Id));
    }
    let length = run(text, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_hex = text.starts_with(HEX) && length >= SHORTEST_HEX;
    (is_hex && !is_alphanumeric_at(text, length)).then_some((length, PseudonymKind::Hex))
}

fn address(text: &str) -> Option<(usize, PseudonymKind)> {
    let length = run(text, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
    // The longest address is shorter; what ends a sentence is no part of it.
    let text = &text[..length.min(46)];
    let text = text.trim_end_matches('.');
    let text = text.strip_suffix(':').filter(|text| !text.ends_with(':')).unwrap_or(text);
    let kind = match text.parse().ok()? {
        IpAddr::V4(ip) if ip.octets()[0] >= 240 => PseudonymKind::Ipv4,
        IpAddr::V6(ip) if ip.segments()[..2] == [0x2001, 0xdb8] => PseudonymKind::Ipv6,
        _ => return None,
    };
    (!is_alphanumeric_at(text, text.len())).then_some((text.len(), kind))
}

/// Returns the number of bytes at the start that are such.
fn run(text: &str, is_such: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|&byte| is_such(byte)).count()
}

fn is_alphanumeric_at(text: &str, at: usize) -> bool {
    text.get(at..).and_then(|rest| rest.chars().next()).is_some_and(char::is_alphanumeric)
}

/// Returns `true` for the form of a UUID, whatever its version.
pub(crate) fn is_uuid(text: &str) -> bool {
    let is_right = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}

fn digits_of(value: &str) -> String {
    value.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: &[(PseudonymKind, &str)] = &[
        (PseudonymKind::Email, "jane@shop.example"),
        (PseudonymKind::Email, "wc:jane@shop.example"),
        (PseudonymKind::Phone, "+1 (555) 617-8980"),
        (PseudonymKind::Ipv4, "203.0.113.9"),
        (PseudonymKind::Ipv6, "2a00:1450::68"),
        (PseudonymKind::Name, "Jane Doe"),
        (PseudonymKind::Street, "12 Long Lane"),
        (PseudonymKind::Id, "b88d3c4d-c402-4673-8e5b-68778eac45cb"),
        (PseudonymKind::Id, "8b7c3b3b-f5d7-4e58-96d8"),
        (PseudonymKind::Card, "4111 1111 1111 1111"),
        (PseudonymKind::Jwt, "eyJhbGciOiJub25lIn0.e30."),
        (PseudonymKind::Hex, "00112233445566778899aabbccddeeff00"),
        (PseudonymKind::Hex, "AbCdEfGhIjKlMnO_"),
        (PseudonymKind::Masked, "anything"),
    ];

    #[test]
    fn pseudonyms_are_recognised_alone_and_within_a_text() {
        let key = PseudonymKey::new([7; 16]);
        for &(kind, value) in VALUES {
            let pseudonym = key.pseudonym(kind, value);
            assert_eq!(kind_of(&pseudonym), Some(kind), "{pseudonym}");
            assert_eq!(kind_of(value), None);
            assert_eq!(
                PseudonymKey::new([8; 16]).pseudonym(PseudonymKind::Masked, &pseudonym),
                pseudonym
            );
            let text = format!("ä {value}: ({pseudonym}), {pseudonym}.");
            let found: Vec<_> =
                find(&text).into_iter().map(|(at, kind)| (&text[at], kind)).collect();
            let bare = pseudonym.trim_start_matches(WEB_CLIENT);
            assert_eq!(found, [(bare, kind); 2], "{text}");
        }
    }

    #[test]
    fn equal_values_have_equal_pseudonyms_within_a_key() {
        let (key, other) = (PseudonymKey::new([1; 16]), PseudonymKey::new([2; 16]));
        for &(kind, value) in VALUES {
            assert_eq!(key.pseudonym(kind, value), key.pseudonym(kind, value));
            assert_ne!(key.pseudonym(kind, value), other.pseudonym(kind, value));
        }
        let agent = key.pseudonym(PseudonymKind::Email, "wc:jane@shop.example");
        assert_eq!(
            agent,
            format!("wc:{}", key.pseudonym(PseudonymKind::Email, "jane@shop.example"))
        );
        let phone = |text| key.pseudonym(PseudonymKind::Phone, text);
        assert_eq!(phone("+1 (555) 617-8980"), phone("+15556178980"));
        let ip = |text| key.pseudonym(PseudonymKind::Ipv6, text);
        assert_eq!(ip("2a00::1"), ip("2A00:0:0:0:0:0:0:1"));
    }

    #[test]
    fn lengths_are_kept_where_they_are_the_form() {
        let key = PseudonymKey::new([3; 16]);
        assert_eq!(key.pseudonym(PseudonymKind::Card, "378282246310005").len(), 15);
        assert_eq!(key.pseudonym(PseudonymKind::Hex, &"a1".repeat(500)).len(), 1000);
        assert_eq!(
            key.pseudonym(PseudonymKind::Id, "b88d3c4d-c402-4673-8e5b-68778eac45cb").len(),
            36
        );
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in [
            "",
            "Name-",
            "Name-abcdefghijk",
            "Name-abcdefghijklm",
            "Name-abcdefghijk1",
            "p-abcdefghijkl@example.com",
            "p-abcdefghijkl@example.invalids",
            "wc:Name-abcdefghijkl",
            "+99912345678",
            "+9991234567890",
            "239.1.2.3",
            "2001:db9::1",
            "5eda5eda",
            "5eda5edb-8d11-8f3c-9a52-0b7c5f1d2e90",
            "999999123456",
            "ähm-abcdefghijkl",
        ] {
            assert_eq!(kind_of(text), None, "{text}");
        }
        assert!(find("a5eda5eda00112233, xName-abcdefghijkl").is_empty());
    }
}
