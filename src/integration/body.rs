//! Support request from the body of a request, in either of its forms.

use super::request::SupportRequest;
use super::xml;
use crate::error::DecodeError;
use crate::wire::charset;
use crate::wire::decoded::Decoded;
use crate::wire::json;

const WHAT: &str = "support request";

impl SupportRequest {
    /// Reads the body of a request: JSON, or XML if it starts with `<`.
    ///
    /// # Errors
    ///
    /// Those of [`from_json`](Self::from_json) and [`from_xml`](Self::from_xml).
    pub fn from_body(body: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(body).map(|decoded| *decoded.model)
    }

    pub(super) fn decode(body: &[u8]) -> Result<Decoded<Box<Self>>, DecodeError> {
        let start = charset::without_bom(body).trim_ascii_start();
        if start.starts_with(b"<") && !charset::is_utf_16(body) {
            return xml::decode(WHAT, body);
        }
        json::decode(WHAT, body)
    }

    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// If the body is not a JSON object, or lacks `id`.
    pub fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        json::from_json(WHAT, body)
    }

    /// Reads legacy XML in UTF-8 or, if it declares so, in ISO-8859-1 or windows-1252.
    ///
    /// # Errors
    ///
    /// If the body is not one well-formed element `case` with an `id`, has a DOCTYPE, or nests
    /// deeper than 128.
    pub fn from_xml(body: &[u8]) -> Result<Self, DecodeError> {
        xml::decode(WHAT, body).map(|decoded| *decoded.model)
    }
}
