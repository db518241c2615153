//! Percent-encoding: RFC 3986, 2.1 to 2.3.

/// Returns the byte of an escape, given the text after the `%`.
pub(crate) fn escaped(digits: &[u8]) -> Option<u8> {
    let &[high, low, ..] = digits else { return None };
    let byte = char::from(high).to_digit(16)? << 4 | char::from(low).to_digit(16)?;
    u8::try_from(byte).ok()
}

/// Returns `true` if a character means the same escaped and unescaped.
pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
