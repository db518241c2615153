//! A query string by hand.

use super::model::Query;

/// Reads the query of Get Contact.
pub fn contact(query: &str) -> Option<Query> {
    let mut found = Query::default();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=')?;
        match name {
            "email" => found.email = decode(value)?,
            "ip" => found.ip = Some(decode(value)?),
            "url" => found.url = Some(decode(value)?),
            "caseId" => found.case_id = Some(decode(value)?),
            _ => {}
        }
    }
    (!found.email.is_empty()).then_some(found)
}

fn decode(text: &str) -> Option<String> {
    if !text.contains(['+', '%']) {
        return Some(text.to_owned());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            _ => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}
