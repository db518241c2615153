//! Users as Segment knows them.

use super::id;
use crate::integration::SupportRequest;

/// User of Segment whom a conversation is of: an id of your own, or an anonymous one.
///
/// ```
/// use snapengage::segment::SegmentUser;
///
/// let known = SegmentUser::id("019mr8mf4r").email("milton@example.com");
/// let unknown = SegmentUser::anonymous("8d2e…");
/// # assert_ne!(known, unknown);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct SegmentUser {
    pub(super) id: Option<String>,
    pub(super) anonymous_id: Option<String>,
    pub(super) email: Option<String>,
}

impl SegmentUser {
    /// Creates a user who is known by an id of your own: `userId`.
    pub fn id(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), anonymous_id: None, email: None }
    }

    /// Creates a user who is known by an id of a browser or a device: `anonymousId`.
    pub fn anonymous(id: impl Into<String>) -> Self {
        Self { id: None, anonymous_id: Some(id.into()), email: None }
    }

    /// Sets the anonymous id as well, by which Segment joins what was done before a log-in.
    pub fn anonymous_id(mut self, id: impl Into<String>) -> Self {
        self.anonymous_id = Some(id.into());
        self
    }

    /// Sets the email address of the `identify` event. By default that of the case, if one is
    /// known.
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Returns the user of a case: the one that was chosen, if there is an id, or else nobody in
    /// particular.
    pub(super) fn of(case: &SupportRequest, chosen: Option<Self>) -> Self {
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let known_email = email_of(case);
        let chosen = chosen.map(|user| Self {
            id: given(user.id),
            anonymous_id: given(user.anonymous_id),
            email: given(user.email),
        });
        match chosen.filter(|user| user.id.is_some() || user.anonymous_id.is_some()) {
            Some(user) => Self { email: user.email.or(known_email), ..user },
            None => Self { email: known_email, ..Self::nobody(case) },
        }
    }

    /// Returns the user of a case about whom nothing was said. An address of email is no `userId`:
    /// it would make users in Segment that nobody can take out again.
    fn nobody(case: &SupportRequest) -> Self {
        Self::anonymous(match email_of(case) {
            Some(email) => id("visitor", &[&email.to_lowercase()]),
            None => id("case", &[case.key()]),
        })
    }
}

/// Returns the visitor's email address, if it is one and no placeholder.
fn email_of(case: &SupportRequest) -> Option<String> {
    /// RFC 5321, 4.5.3.1.3.
    const LONGEST: usize = 254;
    let email = case.requested_by.as_deref()?.trim();
    let is_email = email.contains('@') && email.len() <= LONGEST;
    (is_email && !email.eq_ignore_ascii_case("unknown@example.com")).then(|| email.to_owned())
}
