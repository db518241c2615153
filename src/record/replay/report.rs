//! Report of a replay.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

/// Outcome of one request of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    pub(super) name: String,
    pub(super) status: Option<StatusCode>,
    pub(super) answer: Bytes,
    pub(super) took: Duration,
    pub(super) problem: Option<String>,
}

impl Replayed {
    /// Returns the file of the request, or the name of its sample.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the status of the answer; `None` if there was no answer, or if the request could not
    /// be sent.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns the body of the answer; empty if there was none.
    pub fn answer(&self) -> &Bytes {
        &self.answer
    }

    /// Returns the time from the request to its answer.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Returns what is wrong, in several lines: how the answer differs from the recorded one, or
    /// why there is none. `None` if all is as recorded.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.problem, self.status) {
            (Some(problem), _) => write!(f, "{}: {}", self.name, problem.trim_end()),
            (None, Some(status)) => write!(f, "{}: {status}", self.name),
            (None, None) => f.write_str(&self.name),
        }
    }
}

/// Result of a replay. Its text has each difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct PlaybackReport {
    pub(super) sent: u64,
    pub(super) left_out: u64,
    pub(super) differing: u64,
    pub(super) differences: Vec<Replayed>,
    pub(super) stopped: Option<String>,
}

impl PlaybackReport {
    /// Number of differences that are kept with their texts.
    const KEPT: usize = 100;

    pub(super) fn add(&mut self, replayed: Replayed) {
        self.sent += 1;
        if replayed.problem.is_some() {
            self.differing += 1;
            if self.differences.len() < Self::KEPT {
                self.differences.push(replayed);
            }
        }
    }

    /// Returns the number of requests that were sent, or that should have been and could not.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns the number of requests that were left out: not chosen, or such as
    /// [cannot be repeated](super::Playback).
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Returns the number of requests that were not answered as recorded.
    pub fn differing(&self) -> u64 {
        self.differing
    }

    /// Returns the first hundred requests that were not answered as recorded, in the order of
    /// their answers.
    pub fn differences(&self) -> &[Replayed] {
        &self.differences
    }

    /// Returns the reason why the replay ended early: nobody listens at the address.
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// Returns `true` if at least one request was sent, and all were answered as recorded.
    pub fn is_same(&self) -> bool {
        self.sent > 0 && self.differing == 0 && self.stopped.is_none()
    }

    /// Asserts that all answers are the recorded ones.
    ///
    /// # Panics
    ///
    /// If one is not, with the differences, and if nothing was sent at all.
    #[track_caller]
    pub fn assert_same(&self) {
        assert!(self.sent > 0 || self.stopped.is_some(), "nothing was sent: nothing was chosen");
        assert!(self.is_same(), "{self}");
    }
}

impl fmt::Display for PlaybackReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests sent, {} not answered as recorded", self.sent, self.differing)?;
        if self.left_out > 0 {
            write!(f, ", {} left out", self.left_out)?;
        }
        self.differences.iter().try_for_each(|replayed| write!(f, "\n\n{replayed}"))?;
        let more = self.differing - self.differences.len() as u64;
        if more > 0 {
            write!(f, "\n\nand {more} more")?;
        }
        self.stopped.iter().try_for_each(|stopped| write!(f, "\n\nstopped: {stopped}"))
    }
}
