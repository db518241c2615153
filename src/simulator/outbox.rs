//! Requests to be sent to the feeds: in order for each case and feed, side by side otherwise.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::agenda::{Due, RETRIES, RETRY};
use super::control::SimulatorChange;
use super::delivery::{DeliveryRecord, RecordedRequest};
use super::fault::{Kind, Target};
use super::feeds::Address;
use super::feeds::bot::BotEvent;
use super::post::{Outcome, Posted};
use super::time::Pace;
use super::world::World;
use crate::api::Api;
use crate::id::CaseId;
use crate::timestamp::Timestamp;

/// Requests that wait, and those that are under way.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    lanes: BTreeMap<LaneKey, Lane>,
    /// Lanes that have something, and from which nothing is under way.
    ready: Vec<LaneKey>,
    /// Requests that wait for the next of their feed, by a fault.
    held: Vec<Parcel>,
    /// Those who wait until something is settled.
    waiting: BTreeMap<Scope, Vec<oneshot::Sender<()>>>,
}

/// Requests that are under way, or settled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    All,
    /// Those of a case; `None` for those of no case.
    Of(Option<CaseId>),
}

/// Of one case and one feed: the next request waits for the answer to the one before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LaneKey {
    case: Option<CaseId>,
    feed: &'static str,
}

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Parcel>,
    under_way: Option<Parcel>,
}

/// Request to a feed, before it is sent.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub(super) feed: Api,
    pub(super) case: Option<CaseId>,
    pub(super) address: Address,
    pub(super) content: Content,
    pub(super) n: u64,
    pub(super) attempt: u32,
    pub(super) first_at: Timestamp,
    pub(super) was_held: bool,
}

/// Request that was not answered yet, or that failed and is sent again.
#[derive(Debug)]
pub(super) struct Unsent {
    pub(super) parcel: Parcel,
    /// Time of the next attempt of one that failed.
    pub(super) again_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Json(Bytes),
    Xml(Bytes),
    /// Event of which the body is written when it is sent.
    Bot(BotEvent),
    Query(String),
}

/// Request that is being sent.
#[derive(Debug)]
pub(super) struct Departure {
    pub(super) posted: Posted,
    pub(super) key: LaneKey,
    pub(super) epoch: u64,
    parcel: Parcel,
    record: DeliveryRecord,
    /// Number of the second time, if it is sent twice.
    again: Option<u64>,
}

impl Departure {
    pub(super) fn is_twice(&self) -> bool {
        self.again.is_some()
    }
}

impl Parcel {
    fn key(&self) -> LaneKey {
        LaneKey { case: self.case.clone(), feed: self.feed.as_str() }
    }
}

impl Outbox {
    fn put(&mut self, parcel: Parcel, is_first: bool) {
        let key = parcel.key();
        let lane = self.lanes.entry(key.clone()).or_default();
        if is_first {
            lane.waiting.push_front(parcel);
        } else {
            lane.waiting.push_back(parcel);
        }
        if lane.under_way.is_none() && !self.ready.contains(&key) {
            self.ready.push(key);
        }
    }

    fn is_settled(&self, scope: &Scope) -> bool {
        let Scope::Of(case) = scope else { return self.lanes.is_empty() };
        let first = LaneKey { case: case.clone(), feed: "" };
        let next = self.lanes.range(first..).next();
        next.is_none_or(|(key, _)| key.case != *case)
    }

    /// Returns what is told, or dropped, once something is settled; `None` if it is.
    pub(super) fn settling(&mut self, scope: Scope) -> Option<oneshot::Receiver<()>> {
        if self.is_settled(&scope) {
            return None;
        }
        let (settled, settling) = oneshot::channel();
        self.waiting.entry(scope).or_default().push(settled);
        Some(settling)
    }

    /// Takes a lane away that has nothing left, and tells those who wait for that.
    fn end(&mut self, key: &LaneKey) {
        self.lanes.remove(key);
        for scope in [Scope::Of(key.case.clone()), Scope::All] {
            if self.is_settled(&scope) {
                // Dropped, which is as good.
                self.waiting.remove(&scope);
            }
        }
    }

    /// Lets go of what waits for the next of its feed.
    pub(super) fn release(&mut self, feed: Option<Api>) {
        let held = std::mem::take(&mut self.held);
        for parcel in held {
            if feed.is_none_or(|feed| feed == parcel.feed) {
                self.put(parcel, true);
            } else {
                self.held.push(parcel);
            }
        }
    }
}

impl World {
    /// Puts a request there, to be sent as soon as those before it of its case and feed were.
    pub(super) fn post(
        &mut self,
        feed: Api,
        case: Option<CaseId>,
        address: Address,
        content: Content,
    ) {
        let (n, first_at) = (self.log.number(), self.time.now());
        let parcel =
            Parcel { feed, case, address, content, n, attempt: 1, first_at, was_held: false };
        self.await_answer(Unsent { parcel, again_at: None });
    }

    /// Sends what failed once more.
    pub(super) fn post_again(&mut self, failed: u64) {
        let Some(Unsent { mut parcel, .. }) = self.unsent.remove(&failed) else { return };
        parcel.n = self.log.number();
        parcel.attempt += 1;
        self.await_answer(Unsent { parcel, again_at: None });
    }

    /// Keeps a request until it is answered, and sends it, now or when it is due.
    pub(super) fn await_answer(&mut self, unsent: Unsent) {
        let n = unsent.parcel.n;
        match unsent.again_at {
            Some(time) => self.agenda.put(time, Due::Retry(n)),
            None => self.outbox.put(unsent.parcel.clone(), false),
        }
        self.unsent.insert(n, unsent);
    }

    /// Returns what can be sent now.
    pub(super) fn departures(&mut self) -> Vec<Departure> {
        let mut departures = Vec::new();
        // What is lost by a fault may have effects that are sent in turn.
        while !self.outbox.ready.is_empty() {
            for key in std::mem::take(&mut self.outbox.ready) {
                departures.extend(self.depart(&key));
            }
        }
        departures
    }

    /// Takes the next request of a lane.
    fn depart(&mut self, key: &LaneKey) -> Option<Departure> {
        loop {
            let lane = self.outbox.lanes.get_mut(key)?;
            lane.under_way = None;
            let Some(mut parcel) = lane.waiting.pop_front() else {
                self.outbox.end(key);
                return None;
            };
            let target = Target::Feed(parcel.feed);
            let fault = if parcel.was_held { None } else { self.faults.befalls(target) };
            let fault = fault.map(|fault| fault.kind);
            if fault == Some(Kind::Reorder) {
                parcel.was_held = true;
                self.hold(parcel);
                continue;
            }
            lane.under_way = Some(parcel.clone());
            let departure = self.dispatch(key.clone(), parcel, fault);
            if departure.posted.fault != Some(Kind::Drop) {
                return Some(departure);
            }
            self.finish(&departure, &Outcome::failed("dropped, by a fault"));
        }
    }

    /// Writes a request, and that it is sent.
    fn dispatch(&mut self, key: LaneKey, parcel: Parcel, fault: Option<Kind>) -> Departure {
        let again = (fault == Some(Kind::Duplicate)).then(|| self.log.number());
        let body = match &parcel.content {
            Content::Bot(event) => self.bot_body(&parcel, event),
            Content::Json(body) | Content::Xml(body) => body.clone(),
            Content::Query(_) => Bytes::new(),
        };
        let posted = Posted::new(&parcel, body, fault);
        let record = self.record_of(&parcel, &posted);
        self.record(record.clone());
        Departure { posted, key, epoch: self.epoch, parcel, record, again }
    }

    fn record_of(&self, parcel: &Parcel, posted: &Posted) -> DeliveryRecord {
        DeliveryRecord {
            n: parcel.n,
            feed: parcel.feed,
            case_id: parcel.case.clone(),
            attempt: parcel.attempt,
            url: posted.shown_url(),
            at: self.time.now(),
            duration_ms: 0,
            request: RecordedRequest {
                headers: posted.shown_headers(),
                body: String::from_utf8_lossy(&posted.body).into_owned(),
            },
            response: None,
            error: None,
            mailed: false,
            held: false,
        }
    }

    /// Holds a request back, and says so: who caused it is answered meanwhile, and would wait for
    /// its effects in vain. An event for a bot has no body yet.
    fn hold(&mut self, parcel: Parcel) {
        let body = match &parcel.content {
            Content::Json(body) | Content::Xml(body) => body.clone(),
            Content::Bot(_) | Content::Query(_) => Bytes::new(),
        };
        let posted = Posted::new(&parcel, body, None);
        let record = DeliveryRecord { held: true, ..self.record_of(&parcel, &posted) };
        self.record(record);
        if let (Content::Bot(event), Some(case)) = (&parcel.content, &parcel.case) {
            self.bot_is_held_back(case, event);
        }
        self.outbox.held.push(parcel);
    }

    /// Writes an event for a bot. What it wants back goes with it, once.
    fn bot_body(&mut self, parcel: &Parcel, event: &BotEvent) -> Bytes {
        let case = parcel.case.as_ref().and_then(|case| self.cases.get_mut(case));
        let Some(case) = case else { return Bytes::new() };
        let context_id = case.context_id.take();
        event.body(&case.id, context_id.as_deref())
    }

    fn record(&mut self, record: DeliveryRecord) {
        self.changed(SimulatorChange::Delivery(record.n));
        self.log.put(record);
    }

    /// Takes an answer, and returns the next request of the lane.
    pub(super) fn arrive(
        &mut self,
        departure: &Departure,
        outcome: &Outcome,
        second: Option<Outcome>,
    ) -> Option<Departure> {
        self.finish(departure, outcome);
        if let (Some(n), Some(second)) = (departure.again, second) {
            let record = DeliveryRecord { n, ..departure.record.clone() };
            let record = second.recorded(record, &departure.parcel.address);
            self.record(self.answered(record));
        }
        self.outbox.release(Some(departure.parcel.feed));
        let next = self.depart(&departure.key);
        // It may have become ready while this was taken in.
        self.outbox.ready.retain(|ready| *ready != departure.key);
        next
    }

    /// Writes down what came back, and does what follows from it.
    fn finish(&mut self, departure: &Departure, outcome: &Outcome) {
        let parcel = &departure.parcel;
        self.unsent.remove(&parcel.n);
        let mut record = departure.record.clone();
        if let (Content::Bot(event), Some(case)) = (&parcel.content, &parcel.case) {
            record.error = self.unreadable(case, event, outcome);
        }
        let mut record = self.answered(outcome.clone().recorded(record, &parcel.address));
        if parcel.feed == Api::Integration && !outcome.is_accepted() {
            record.mailed = !self.retries(parcel.clone());
        }
        self.record(record);
        if let (Content::Bot(event), Some(case)) = (&parcel.content, &parcel.case) {
            self.bot_answered(case, event, outcome);
        }
    }

    /// Returns a record with the time that its answer took: none while time stands still.
    fn answered(&self, mut record: DeliveryRecord) -> DeliveryRecord {
        if self.time.pace() == Pace::Still {
            record.duration_ms = 0;
        }
        record
    }

    /// Sends what failed again later; returns `false` if it is too late for that.
    fn retries(&mut self, parcel: Parcel) -> bool {
        let after = RETRY * parcel.attempt;
        if after > RETRIES {
            return false;
        }
        let next = parcel.first_at.saturating_add(after).max(self.time.now());
        self.await_answer(Unsent { parcel, again_at: Some(next) });
        true
    }
}
