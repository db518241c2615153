//! The subjects that an inbox's messages are stored under.

use super::letter::name_of;

/// The subjects of one inbox.
pub(super) struct Subjects {
    name: String,
}

/// The subjects of what is about one case or agent.
pub(super) struct Case {
    /// What is processed now: one message.
    pub(super) head: String,
    /// What comes after it.
    pub(super) tail: String,
    /// Both.
    pub(super) all: String,
}

impl Subjects {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// Every message to be processed now.
    pub(super) fn heads(&self) -> String {
        format!("{}.case.*.head", self.name)
    }

    /// Every message that others of its case come before.
    pub(super) fn tails(&self) -> String {
        format!("{}.case.*.tail", self.name)
    }

    /// Every message to be processed.
    pub(super) fn entries(&self) -> String {
        format!("{}.case.*.*", self.name)
    }

    pub(super) fn case(&self, subject: &str) -> Case {
        let case = format!("{}.case.{}", self.name, name_of(subject));
        Case {
            head: format!("{case}.head"),
            tail: format!("{case}.tail"),
            all: format!("{case}.*"),
        }
    }

    pub(super) fn done(&self, key: &str) -> String {
        format!("{}.done.{key}", self.name)
    }

    pub(super) fn seen(&self, key: &str) -> String {
        format!("{}.seen.{key}", self.name)
    }

    pub(super) fn dead(&self, key: &str) -> String {
        format!("{}.dead.{key}", self.name)
    }

    /// That a handler is at an entry.
    pub(super) fn working(&self, number: u64) -> String {
        format!("{}.try.{number}.working", self.name)
    }

    /// That a handler failed with an entry.
    pub(super) fn failed(&self, number: u64) -> String {
        format!("{}.try.{number}.failed", self.name)
    }

    /// Nothing that is delivered, listed or known: one of each stream, in their order.
    pub(super) fn probes(&self) -> [String; 5] {
        let name = &self.name;
        let (entry, tried) =
            (format!("{name}.case.probe.probe"), format!("{name}.try.probe.probe"));
        [entry, self.done("probe"), self.seen("probe"), self.dead("probe"), tried]
    }

    /// All that is noted of an entry's tries.
    pub(super) fn tries(&self, number: u64) -> String {
        format!("{}.try.{number}.*", self.name)
    }

    /// All that is noted of any.
    pub(super) fn tries_of_all(&self) -> String {
        format!("{}.try.*.*", self.name)
    }

    /// Every entry that a handler is at.
    pub(super) fn all_working(&self) -> String {
        format!("{}.try.*.working", self.name)
    }

    /// The entry that a subject of [`all_working`](Self::all_working) is of.
    pub(super) fn number_in(subject: &str) -> Option<u64> {
        subject.rsplit('.').nth(1)?.parse().ok()
    }
}
