//! Settings of a replay.

use std::fmt;

use crate::api::Api;
use crate::record::change::FieldChange;

/// Settings of a replay.
#[derive(Default)]
pub(super) struct Plan {
    /// Path of all requests, whatever was recorded.
    pub(super) path: Option<String>,
    pub(super) paths: Vec<(Api, String)>,
    pub(super) token: Option<String>,
    pub(super) tokens: Vec<(Api, String)>,
    /// APIs that are sent; all if there is none.
    pub(super) only: Vec<Api>,
    pub(super) speed: Speed,
    pub(super) changes: Vec<FieldChange>,
    pub(super) has_fresh_ids: bool,
}

/// Speed at which the gaps between requests pass.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Speed {
    /// As recorded if time is paused; else without gaps.
    #[default]
    ByClock,
    Times(f64),
}

impl Plan {
    pub(super) fn path_of(&self, api: Option<Api>) -> Option<&str> {
        find(&self.paths, api).or(self.path.as_deref())
    }

    pub(super) fn token_of(&self, api: Option<Api>) -> Option<&str> {
        find(&self.tokens, api).or(self.token.as_deref())
    }

    pub(super) fn is_sent(&self, api: Option<Api>) -> bool {
        self.only.is_empty() || api.is_some_and(|api| self.only.contains(&api))
    }
}

fn find(of_apis: &[(Api, String)], wanted: Option<Api>) -> Option<&str> {
    let found = of_apis.iter().rev().find(|(api, _)| Some(*api) == wanted);
    found.map(|(_, text)| text.as_str())
}

/// Keeps tokens, and paths that are secrets, out of the log.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("only", &self.only)
            .field("speed", &self.speed)
            .field("has_fresh_ids", &self.has_fresh_ids)
            .finish_non_exhaustive()
    }
}
