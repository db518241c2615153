//! One answer of the Logs API.

use serde_json::Value;

use crate::client::each::{AnyObject, each};
use crate::error::DecodeError;
use crate::integration::SupportRequest;
use crate::wire::decoded::Decoded;
use crate::wire::json;
use crate::wire::lenient::others;
use crate::wire::model::model;

model! {
    /// Answer of the Logs API: up to 100 finished conversations.
    ///
    /// [`Cases`](crate::client::Cases) fetches one after the other. A case that cannot be read, for
    /// want of an id, costs itself alone; it is kept in [`extra`](Self::extra), under `cases
    /// (others)`.
    ///
    /// See [SnapEngage docs/Logs API](https://developer.snapengage.com/#logs-api).
    #[derive(Default)]
    pub struct LogPage {
        /// Finished chats and offline messages.
        pub cases: Vec<SupportRequest> = "cases",
        /// Address of the next page, absolute. Absent on the last one.
        pub link_to_next: Option<String> = "linkToNextSetOfResults",
    }
}

const WHAT: &str = "logs";
const CASES: &str = "cases";
const LINK: &str = "linkToNextSetOfResults";

impl LogPage {
    /// Reads the body of an answer.
    ///
    /// # Errors
    ///
    /// If the body is not a JSON object, or has something in it and no `cases`.
    pub fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(body).map(|decoded| decoded.model)
    }

    /// Reads the body of an answer, and logs the names of odd fields.
    pub(super) fn logged(
        body: &[u8],
        odd_fields: Option<&mut Vec<&'static str>>,
    ) -> Result<Self, DecodeError> {
        Self::decode(body).map(|decoded| decoded.logged(odd_fields))
    }

    /// Returns the number of cases that could not be read.
    pub(super) fn unreadable(&self) -> usize {
        match self.extra.get(others!("cases")) {
            Some(Value::Array(unreadable)) => unreadable.len(),
            _ => 0,
        }
    }

    fn decode(body: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        match json::decode::<Self>(WHAT, body) {
            Ok(decoded) if !decoded.model.cases.is_empty() => Ok(decoded),
            // No case at all, or one that cannot be read and spoilt the list.
            _ => one_by_one(body),
        }
    }
}

fn one_by_one(body: &[u8]) -> Result<Decoded<LogPage>, DecodeError> {
    let Decoded { model: AnyObject(mut fields), has_replacements } = json::decode(WHAT, body)?;
    let mut page = LogPage::new();
    let cases = fields.remove(CASES).filter(|cases| !cases.is_null());
    // An error, most likely. It must not pass for days without a conversation.
    let is_odd = cases.is_none() && fields.keys().any(|name| name != LINK);
    let Some((cases, unreadable)) = each(WHAT, cases).filter(|_| !is_odd) else {
        return Err(DecodeError::new(WHAT, "expected a list in the field `cases`"));
    };
    page.cases = cases;
    if !unreadable.is_empty() {
        page.extra.insert(others!("cases").to_owned(), unreadable.into());
    }
    match fields.remove(LINK) {
        Some(Value::String(link)) => page.link_to_next = Some(link).filter(|link| !link.is_empty()),
        None | Some(Value::Null) => {}
        _ => return Err(DecodeError::new(WHAT, "expected text in the field of the link")),
    }
    page.extra.append(&mut fields);
    Ok(Decoded { model: page, has_replacements })
}
