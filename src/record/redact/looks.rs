//! Looks of personal details and secrets in a text.

use std::net::IpAddr;
use std::ops::Range;

use super::phone;
use crate::record::pseudonym::{JWT, PseudonymKind, is_uuid, kind_of};

/// Text that is read with or without its version numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadAs {
    Words,
    /// Browsers and systems: four numbers with dots are a version.
    Versions,
}

/// Finds what looks like a personal detail or a secret. Nothing overlaps, and what is a pseudonym
/// already is not among it.
pub(super) fn find(text: &str, reading: ReadAs) -> Vec<(Range<usize>, PseudonymKind)> {
    let mut found = Vec::new();
    if memchr::memmem::find(text.as_bytes(), b"eyJ").is_some() {
        jwts(text, &mut found);
    }
    if memchr::memchr(b'@', text.as_bytes()).is_some() {
        emails(text, &mut found);
    }
    runs(text, reading, &mut found);
    found.sort_by_key(|(at, kind)| (at.start, rank(*kind), std::cmp::Reverse(at.end)));
    let mut end = 0;
    found.retain(|(at, _)| {
        let is_free = at.start >= end;
        end = if is_free { at.end } else { end };
        is_free
    });
    found.retain(|(at, kind)| *kind != PseudonymKind::Id && kind_of(&text[at.clone()]).is_none());
    found
}

/// Returns the kind of a text that is one thing, and nothing else.
pub(super) fn whole(text: &str) -> Option<PseudonymKind> {
    let bare = text.strip_prefix("wc:").unwrap_or(text);
    match &find(bare, ReadAs::Words)[..] {
        [(at, kind)] if *at == (0..bare.len()) => Some(*kind),
        _ => None,
    }
}

/// Of what starts at the same place, the lowest counts.
fn rank(kind: PseudonymKind) -> u8 {
    match kind {
        PseudonymKind::Jwt => 0,
        PseudonymKind::Email => 1,
        // A UUID, which stays: its digits are no phone number.
        PseudonymKind::Id => 2,
        PseudonymKind::Ipv6 | PseudonymKind::Ipv4 => 3,
        PseudonymKind::Hex => 4,
        PseudonymKind::Card => 5,
        _ => 6,
    }
}

fn jwts(text: &str, found: &mut Vec<(Range<usize>, PseudonymKind)>) {
    let bytes = text.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut after = 0;
    for start in memchr::memmem::find_iter(bytes, b"eyJ") {
        if start < after || start.checked_sub(1).is_some_and(|at| is_part(&bytes[at])) {
            continue;
        }
        let mut end = start;
        let mut parts = 0;
        let most = if text[start..].starts_with(JWT) { 3 } else { 5 };
        loop {
            end += bytes[end..].iter().take_while(|byte| is_part(byte)).count();
            parts += 1;
            if parts == most || bytes.get(end) != Some(&b'.') {
                break;
            }
            end += 1;
        }
        after = end;
        if parts >= 3 {
            // Of an encrypted one all five parts, of a signed one three and no full stop.
            found.push((start..end, PseudonymKind::Jwt));
        }
    }
}

fn emails(text: &str, found: &mut Vec<(Range<usize>, PseudonymKind)>) {
    for at in memchr::memchr_iter(b'@', text.as_bytes()) {
        let local = text[..at].trim_end_matches(|c: char| {
            c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'')
        });
        let start = local.len();
        let skipped = text[start..at].len()
            - text[start..at].trim_start_matches(['.', '\'', '-', '+', '%']).len();
        let domain = domain(&text[at + 1..]);
        if start + skipped < at && domain > 0 {
            found.push((start + skipped..at + 1 + domain, PseudonymKind::Email));
        }
    }
}

/// Returns the length of the host that a text starts with; 0 if there is none with a top level.
fn domain(text: &str) -> usize {
    let end = text.find(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '-'));
    let host = text[..end.unwrap_or(text.len())].trim_end_matches(['.', '-']);
    let host = host.split_once("..").map_or(host, |(host, _)| host);
    match host.rsplit_once('.') {
        Some((name, top)) if !name.is_empty() && is_top_level(top) => host.len(),
        // What follows the last full stop is another word: `a@shop.example.2`.
        Some((name, _)) => match name.rsplit_once('.') {
            Some((first, top)) if !first.is_empty() && is_top_level(top) => name.len(),
            _ => 0,
        },
        None => 0,
    }
}

fn is_top_level(label: &str) -> bool {
    let is_word = label.chars().all(char::is_alphabetic) && label.chars().count() >= 2;
    is_word || label.starts_with("xn--")
}

/// Finds what starts with a digit, a letter of hex or a mark: one pass over the text.
fn runs(text: &str, reading: ReadAs, found: &mut Vec<(Range<usize>, PseudonymKind)>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let end =
            at + count(&bytes[at..], |byte| byte.is_ascii_hexdigit() || b".:-".contains(byte));
        if end == at {
            if matches!(bytes[at], b'+' | b'(')
                && let Some(length) = phone::at(text, at)
            {
                found.push((at..at + length, PseudonymKind::Phone));
                at += length;
            } else {
                at += 1;
            }
            continue;
        }
        run(text, at..end, reading, found);
        at = end;
    }
    numbers(text, found);
}

/// Looks at a run of digits, letters of hex, dots, colons and hyphens.
fn run(
    text: &str,
    run: Range<usize>,
    reading: ReadAs,
    found: &mut Vec<(Range<usize>, PseudonymKind)>,
) {
    let bytes = text.as_bytes();
    uuids(text, &run, found);
    let mut start = run.start;
    for part in text[run.clone()].split('-') {
        let end = start + part.len();
        address(text, start..end, reading, found);
        start = end + 1;
    }
    let mut start = run.start;
    while start < run.end {
        let length = count(&bytes[start..run.end], u8::is_ascii_hexdigit);
        let hex = &text[start..start + length];
        if length >= 32 && hex.bytes().any(|byte| byte != hex.as_bytes()[0]) {
            found.push((start..start + length, PseudonymKind::Hex));
        }
        start += length + 1;
    }
}

fn uuids(text: &str, run: &Range<usize>, found: &mut Vec<(Range<usize>, PseudonymKind)>) {
    const UUID: usize = 36;
    let bytes = text.as_bytes();
    let mut start = run.start;
    while start + UUID <= run.end {
        if bytes[start + 8] == b'-' && is_uuid(&text[start..start + UUID]) {
            found.push((start..start + UUID, PseudonymKind::Id));
            start += UUID;
        } else {
            start += 1;
        }
    }
}

fn address(
    text: &str,
    part: Range<usize>,
    reading: ReadAs,
    found: &mut Vec<(Range<usize>, PseudonymKind)>,
) {
    // None is longer, and a colon may stand before it: `ip:2001:db8::1`.
    const LONGEST: usize = 45;
    let trimmed = text[part.clone()].trim_end_matches('.');
    let stripped = trimmed.strip_suffix(':').filter(|text| !text.ends_with(':'));
    let trimmed = stripped.unwrap_or(trimmed);
    let is_after_a_colon = trimmed.starts_with(":::") || !trimmed.starts_with("::");
    let inner = trimmed.strip_prefix(':').filter(|_| is_after_a_colon).unwrap_or(trimmed);
    let start = part.start + trimmed.len() - inner.len();
    let is_inside = is_word_at(text, start, start + inner.len());
    if inner.len() <= LONGEST
        && !is_inside
        && inner.bytes().filter(|&byte| byte == b':').count() >= 2
        && inner.bytes().any(|byte| byte.is_ascii_digit())
        && inner.parse().is_ok_and(|ip: IpAddr| ip.is_ipv6())
    {
        found.push((start..start + inner.len(), PseudonymKind::Ipv6));
    } else if reading == ReadAs::Words {
        ipv4s(text, part, found);
    }
}

/// Finds IPv4 addresses among what stands between colons.
fn ipv4s(text: &str, part: Range<usize>, found: &mut Vec<(Range<usize>, PseudonymKind)>) {
    let mut start = part.start;
    for piece in text[part].split(':') {
        let ip = piece.trim_end_matches('.');
        let end = start + ip.len();
        let is_address = (7..=15).contains(&ip.len())
            && ip.parse::<std::net::Ipv4Addr>().is_ok()
            && !is_word_at(text, start, end)
            && !is_version(&text[..start], ip);
        if is_address {
            found.push((start..end, PseudonymKind::Ipv4));
        }
        start += piece.len() + 1;
    }
}

/// Returns `true` for the version of a product: `Chrome/120.0.0.0`. In a path, something stands
/// before the product.
fn is_version(before: &str, ip: &str) -> bool {
    if ip.ends_with(".0.0.0") && !ip.starts_with("127.") {
        return true;
    }
    let Some(product) = before.strip_suffix('/') else { return before.ends_with("version ") };
    let name = product.trim_end_matches(|c: char| c.is_alphanumeric() || c == '-' || c == '.');
    name.len() < product.len() && name.chars().next_back().is_none_or(char::is_whitespace)
}

fn is_word_at(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    before.is_some_and(|c| c.is_alphanumeric() || c == '.')
        || after.is_some_and(char::is_alphanumeric)
}

/// Finds cards and phone numbers that start with a digit.
fn numbers(text: &str, found: &mut Vec<(Range<usize>, PseudonymKind)>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let is_start = bytes[at].is_ascii_digit() && (at == 0 || is_before_a_number(text, at));
        if !is_start {
            at += 1;
            continue;
        }
        if let Some(length) = card(&text[at..]) {
            found.push((at..at + length, PseudonymKind::Card));
            at += length;
        } else if let Some(length) = phone::at(text, at) {
            found.push((at..at + length, PseudonymKind::Phone));
            at += length;
        } else {
            at += count(&bytes[at..], u8::is_ascii_digit);
        }
    }
}

fn is_before_a_number(text: &str, at: usize) -> bool {
    let mut before = text[..at].chars().rev();
    match before.next() {
        Some(',') => !before.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) => !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_' | '+'),
        None => true,
    }
}

/// Returns the length of the card number that a text starts with.
fn card(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut groups: Vec<usize> = Vec::new();
    let mut end = 0;
    loop {
        let length = count(&bytes[end..], u8::is_ascii_digit);
        groups.push(length);
        end += length;
        let separator = bytes.get(end).filter(|byte| matches!(byte, b' ' | b'-'));
        let is_same = groups.len() == 1 || separator == bytes.get(groups[0]);
        let goes_on = bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if separator.is_none() || !is_same || !goes_on || length > 6 || groups.len() == 5 {
            break;
        }
        end += 1;
    }
    let count = match groups[..] {
        [4, 4, 4, 4, 1..=3] => 5,
        [4, 4, 4, 1..=4, ..] => 4,
        [4, 6, 4 | 5, ..] => 3,
        _ => 1,
    };
    let end = groups[..count].iter().sum::<usize>() + count - 1;
    let is_end = !text[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let number: String = text[..end].chars().filter(char::is_ascii_digit).collect();
    (is_end && is_card(&number)).then_some(end)
}

/// Returns `true` for the digits of a card number. None starts with 0, and one that starts with 1
/// is an airline's of 15 digits; epoch milliseconds have 13, and microseconds 16.
pub(super) fn is_card(digits: &str) -> bool {
    let is_time = digits.starts_with('1') && digits.len() != 15;
    (13..=19).contains(&digits.len())
        && !digits.starts_with('0')
        && !is_time
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && luhn(digits)
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| match (place % 2, u32::from(byte - b'0')) {
            (0, digit) => digit,
            (_, digit) if digit < 5 => digit * 2,
            (_, digit) => digit * 2 - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn count(bytes: &[u8], is_such: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| is_such(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_found(text: &str, expected: &[(&str, PseudonymKind)]) {
        let found = find(text, ReadAs::Words);
        let found: Vec<_> = found.into_iter().map(|(at, kind)| (&text[at], kind)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn details_are_found_within_a_text() {
        for (kind, value) in [
            (PseudonymKind::Email, "jane.o'neil+snap@mail.shop.example"),
            (PseudonymKind::Email, "jürgen@müller.example"),
            (PseudonymKind::Phone, "+49 (0)30 1234-567"),
            (PseudonymKind::Phone, "(555) 617-8980"),
            (PseudonymKind::Phone, "555.617.8980"),
            (PseudonymKind::Phone, "5556178980"),
            (PseudonymKind::Phone, "1-555-617-8980"),
            (PseudonymKind::Phone, "030 1234567"),
            (PseudonymKind::Phone, "06 12 34 56 78"),
            (PseudonymKind::Phone, "004930123456789"),
            (PseudonymKind::Ipv4, "203.0.113.9"),
            (PseudonymKind::Ipv6, "2a00:1450:4001::68"),
            (PseudonymKind::Ipv6, "::ffff:203.0.113.9"),
            (PseudonymKind::Card, "4111 1111 1111 1111"),
            (PseudonymKind::Card, "4111-1111-1111-1111"),
            (PseudonymKind::Card, "378282246310005"),
            (PseudonymKind::Card, "3782 822463 10005"),
            (PseudonymKind::Card, "4222222222222"),
            (PseudonymKind::Jwt, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln-bmF0_dXJl"),
            (PseudonymKind::Hex, "0123456789abcdef0123456789ABCDEF"),
        ] {
            for text in
                ["{}", "see {}, please", "({})", "<{}>.", "is:{};", "{} {}", "=\"{}\"", "a,{}"]
            {
                let count = text.matches("{}").count();
                assert_found(&text.replace("{}", value), &vec![(value, kind); count]);
            }
        }
    }

    #[test]
    fn numbers_that_are_no_details_are_left() {
        for text in [
            "1551461879355",
            "at 1551461879355000, or 1551461879",
            "2026-11-25T20:11:03.512Z",
            "2026-11-25 20:11:03",
            "25.11.2026, 20:11",
            "11/25/2026 10:30",
            "01/02/2026 10:30",
            "Oct 3, 2014 2:14:31 PM",
            "Mon Oct 18 01:48:27 UTC 2010",
            "39.914700, -105.080902",
            "$1,234,567.89",
            "1.234.567,89 EUR",
            "10.0.45 and 1.6",
            "Mozilla/5.0 AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36",
            "b88d3c4d-c402-4673-8e5b-68778eac45cb",
            "8b7c3b3b-f5d7-4e58-96d8",
            "12 of 345 in 6789 s",
            "1.2.3.4.5",
            "300.1.2.3",
            "12:30:45",
            "a@b and @jane and jane@host",
            "aa:bb:cc:dd:ee:ff",
            "std::vec::Vec and a::b",
            "00000000000000000000000000000000",
            "4111111111111112",
            "order 100-2000",
        ] {
            assert_found(text, &[]);
        }
    }
}
