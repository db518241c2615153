//! Faults by choice: which call goes wrong, when, and in what way.

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::fault_form::Form;
use crate::api::Api;
use crate::client::Operation;
use crate::timestamp::Timestamp;

/// Fault: what goes wrong, with which call, and when.
///
/// ```
/// use std::time::Duration;
///
/// use http::StatusCode;
/// use snapengage::client::Operation;
/// use snapengage::simulator::Fault;
///
/// let busy = StatusCode::TOO_MANY_REQUESTS;
/// Fault::nth(1).on(Operation::Logs).status(busy).retry_after(Duration::from_secs(30));
/// Fault::every(3).on(Operation::Say).reset().after_effect();
/// Fault::p(0.1, 7).slow(Duration::from_millis(20));
/// ```
///
/// A fault counts the calls it is for from 1, since it was added, whether or not another one has
/// befallen them. Of several that are due, the first that was added counts.
///
/// In JSON a fault is an object of `call`, `nth` or `every` or `p` and `seed`, `do`, and what that
/// needs:
///
/// | `do` | with |
/// |---|---|
/// | `status` | `status`; `retry_after`, in seconds or as an HTTP date; `html` |
/// | `refuse`, `reset`, `half`, `cyclic-link`, `error-in-200` | |
/// | `stall` | `ms`, or for ever |
/// | `slow` | `ms` a KiB |
/// | `foreign-link`, `foreign-redirect` | `to`, by default `https://elsewhere.invalid` |
///
/// and with each but `refuse` `after_effect`. Without a `call`, by the name that
/// [`Operation::as_str`](crate::client::Operation::as_str) returns, it is for all calls that it can
/// befall: the two links are of `logs` alone.
///
/// With `feed` in place of `call`, by the name that [`Api::as_str`](crate::Api::as_str) returns, it
/// is for the requests that the simulator sends to a feed: `drop`, `duplicate` and `reorder` are
/// for them alone, and links, `foreign-redirect`, `error-in-200` and `after_effect` for calls
/// alone. All but `refuse` and `drop` send the request, and what is answered to it counts as lost,
/// or as what the fault says.
///
/// ```
/// use snapengage::simulator::Fault;
///
/// let fault = r#"{"call": "logs", "every": 2, "do": "status", "status": 503}"#;
/// let fault: Fault = serde_json::from_str(fault)?;
/// # let _ = fault;
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// In process, what breaks is a [`TransportError`](crate::client::TransportError), and waits are on
/// tokio's clock, which tests pause; on a socket, the connection breaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Fault {
    pub(super) trigger: FaultTrigger,
    pub(super) kind: Kind,
    pub(super) is_after_effect: bool,
}

/// Fault of which it is not said yet what it does.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct FaultTrigger {
    pub(super) when: When,
    pub(super) on: Option<Target>,
}

/// Target of a fault: a call, or a feed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Target {
    Call(Operation),
    Feed(Api),
}

/// Call or feed that a [`Fault`] can be for.
///
/// It is made of an [`Operation`] or of an [`Api`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaultTarget(Target);

impl From<Operation> for FaultTarget {
    fn from(operation: Operation) -> Self {
        Self(Target::Call(operation))
    }
}

impl From<Api> for FaultTarget {
    fn from(feed: Api) -> Self {
        Self(Target::Feed(feed))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum When {
    Nth(u64),
    Every(u64),
    /// By chance.
    P {
        p: f64,
        seed: u64,
    },
}

/// Effect of a fault.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Status {
        status: StatusCode,
        retry_after: Option<RetryAfter>,
        is_html: bool,
    },
    /// No connection is made.
    Refuse,
    Reset,
    Half,
    /// Milliseconds before the answer; `None` for ever.
    Stall {
        ms: Option<u64>,
    },
    /// Milliseconds before each KiB.
    Slow {
        ms: u64,
    },
    CyclicLink,
    ForeignLink {
        to: String,
    },
    ForeignRedirect {
        to: String,
    },
    ErrorIn200,
    /// Not sent, and not answered.
    Drop,
    Duplicate,
    /// Sent after the next of its feed.
    Reorder,
}

/// Time after which a call may be made again, in either form of the header.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum RetryAfter {
    Seconds(u64),
    Date(Timestamp),
}

impl Fault {
    /// Creates a fault of the n-th call, and no other. 0 is none.
    pub fn nth(n: u64) -> FaultTrigger {
        FaultTrigger { when: When::Nth(n), on: None }
    }

    /// Creates a fault of every n-th call: 1 is each. 0 is none.
    pub fn every(n: u64) -> FaultTrigger {
        FaultTrigger { when: When::Every(n), on: None }
    }

    /// Creates a fault that befalls calls with this probability, 0 to 1, and the same ones at every
    /// run with the same seed.
    pub fn p(p: f64, seed: u64) -> FaultTrigger {
        FaultTrigger { when: When::P { p, seed }, on: None }
    }

    /// Adds `Retry-After` to a [`status`](FaultTrigger::status), in whole seconds. Others have
    /// none.
    #[must_use]
    pub fn retry_after(self, delay: Duration) -> Self {
        self.with_retry_after(RetryAfter::Seconds(delay.as_secs()))
    }

    /// Adds `Retry-After` to a [`status`](FaultTrigger::status), as a date. Others have none.
    #[must_use]
    pub fn retry_after_date(self, date: Timestamp) -> Self {
        self.with_retry_after(RetryAfter::Date(date))
    }

    fn with_retry_after(mut self, after: RetryAfter) -> Self {
        if let Kind::Status { retry_after, .. } = &mut self.kind {
            *retry_after = Some(after);
        }
        self
    }

    /// Makes the body of a [`status`](FaultTrigger::status) an HTML page, as a front end writes it,
    /// in place of JSON.
    #[must_use]
    pub fn html(mut self) -> Self {
        if let Kind::Status { is_html, .. } = &mut self.kind {
            *is_html = true;
        }
        self
    }

    /// Lets the call have its effect first: it was done, and the caller cannot know. It is for
    /// calls alone, and not for [`refuse`](FaultTrigger::refuse).
    ///
    /// Without it, what is answered by a status, a redirect or an error, or broken off before the
    /// answer, was not done, and a stall comes before the effect. An answer that is halved, slow or
    /// has another link is always that of a call that was done.
    #[must_use]
    pub fn after_effect(self) -> Self {
        Self { is_after_effect: true, ..self }
    }
}

impl FaultTrigger {
    /// Sets the call or the feed that the fault is for. By default it is for all calls.
    ///
    /// [`Say`](Operation::Say) and [`CloseChat`](Operation::CloseChat) are one call on the wire: a
    /// fault of the first befalls both, and one of the second that one alone.
    pub fn on(self, target: impl Into<FaultTarget>) -> Self {
        Self { on: Some(target.into().0), ..self }
    }

    fn does(self, kind: Kind) -> Fault {
        Fault { trigger: self, kind, is_after_effect: false }
    }

    /// Answers with this status, and an error in JSON, or as an [HTML page](Fault::html).
    pub fn status(self, status: StatusCode) -> Fault {
        self.does(Kind::Status { status, retry_after: None, is_html: false })
    }

    /// Makes no connection.
    pub fn refuse(self) -> Fault {
        self.does(Kind::Refuse)
    }

    /// Breaks the connection before the head of the answer.
    pub fn reset(self) -> Fault {
        self.does(Kind::Reset)
    }

    /// Sends half of the answer's body, and breaks the connection.
    pub fn half(self) -> Fault {
        self.does(Kind::Half)
    }

    /// Waits before it answers.
    pub fn stall(self, delay: Duration) -> Fault {
        self.does(Kind::Stall { ms: Some(millis(delay)) })
    }

    /// Never answers.
    pub fn stall_for_ever(self) -> Fault {
        self.does(Kind::Stall { ms: None })
    }

    /// Waits before each KiB of the answer's body.
    pub fn slow(self, delay: Duration) -> Fault {
        self.does(Kind::Slow { ms: millis(delay) })
    }

    /// Links a page of the logs to the first page. It is for [`Logs`](Operation::Logs) alone.
    pub fn cyclic_link(self) -> Fault {
        self.does(Kind::CyclicLink)
    }

    /// Links a page of the logs to this origin: `https://elsewhere.example`. It is for
    /// [`Logs`](Operation::Logs) alone.
    pub fn foreign_link(self, origin: impl Into<String>) -> Fault {
        self.does(Kind::ForeignLink { to: origin.into() })
    }

    /// Redirects to the same path at this origin: `https://elsewhere.example`. It is for calls
    /// alone.
    pub fn foreign_redirect(self, origin: impl Into<String>) -> Fault {
        self.does(Kind::ForeignRedirect { to: origin.into() })
    }

    /// Answers 200 with an error in the body, as Widget Availability does. It is for calls alone.
    pub fn error_in_200(self) -> Fault {
        self.does(Kind::ErrorIn200)
    }
}

/// Faults of feeds alone.
impl FaultTrigger {
    /// Does not send the request, and answers nothing.
    pub fn drop(self) -> Fault {
        self.does(Kind::Drop)
    }

    /// Sends the request twice. What is answered first counts.
    pub fn duplicate(self) -> Fault {
        self.does(Kind::Duplicate)
    }

    /// Sends the request after the next one of its feed, or when time
    /// [advances](super::Simulator::advance), or faults are
    /// [cleared](super::Simulator::clear_faults).
    ///
    /// Until then its [delivery](super::DeliveryRecord::held) is `held`, and nobody waits for it: a
    /// visitor's act returns at once. Of an event for a bot that is held back, a line of the system
    /// in the chat tells.
    pub fn reorder(self) -> Fault {
        self.does(Kind::Reorder)
    }
}

fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}

impl FaultTrigger {
    fn is_for(&self, target: Target, kind: &Kind) -> bool {
        match (self.on, target) {
            (None, Target::Call(_)) => kind.can_befall(target),
            (Some(Target::Call(Operation::Say)), Target::Call(operation)) => {
                matches!(operation, Operation::Say | Operation::CloseChat)
            }
            (on, target) => on == Some(target),
        }
    }

    /// Returns `true` for a call that is due, by its number.
    fn is_due(&self, number: u64) -> bool {
        match self.when {
            When::Nth(n) => number == n,
            When::Every(n) => n > 0 && number.is_multiple_of(n),
            When::P { p, seed } => chance(seed, number) < p,
        }
    }
}

/// Returns a number from 0 to 1, without the latter: a function of seed and number.
fn chance(seed: u64, number: u64) -> f64 {
    // SplitMix64, whose state after so many steps is known without taking them.
    let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let high = u32::try_from(z >> 32).unwrap_or(u32::MAX);
    f64::from(high) / (f64::from(u32::MAX) + 1.0)
}

/// Faults that were added, each with the calls it has counted.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(Fault, u64)>);

impl Faults {
    /// Adds a fault, which can befall what it is for.
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn all(&self) -> Vec<Fault> {
        self.0.iter().map(|(fault, _)| fault.clone()).collect()
    }

    /// Counts a call or a request, and returns what befalls it.
    pub(super) fn befalls(&mut self, target: Target) -> Option<Fault> {
        let mut due = None;
        for (fault, count) in &mut self.0 {
            if fault.trigger.is_for(target, &fault.kind) {
                *count += 1;
                if due.is_none() && fault.trigger.is_due(*count) {
                    due = Some(fault.clone());
                }
            }
        }
        due
    }
}
