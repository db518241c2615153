//! Percent-encoding: RFC 3986, 2.1 to 2.3.

/// The byte whose escape these are the first two characters of, after the `%`.
pub(crate) fn escaped(digits: &[u8]) -> Option<u8> {
    let &[high, low, ..] = digits else { return None };
    let byte = char::from(high).to_digit(16)? << 4 | char::from(low).to_digit(16)?;
    u8::try_from(byte).ok()
}

/// Whether a character is the same escaped and as it is.
pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
