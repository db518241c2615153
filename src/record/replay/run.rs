//! Replay that is under way.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::OnEach;
use super::compare::{self, NewAnswer};
use super::gaps::Gaps;
use super::outgoing;
use super::plan::Plan;
use super::report::{PlaybackReport, Replayed};
use super::stand_ins::StandIns;
use super::target::{ReplayTarget, Unanswered};
use crate::id::CaseId;
use crate::record::exchange::Exchange;
use crate::record::fresh_ids::FreshIds;
use crate::record::recording::Recording;

/// Replay that is under way.
pub(super) struct PlaybackRun<'r> {
    target: ReplayTarget,
    plan: Plan,
    on_each: Option<OnEach<'r>>,
    gaps: Gaps,
    stand_ins: StandIns,
    fresh_ids: FreshIds,
    in_flight: JoinSet<SentRequest>,
    /// Cases with a request that is not answered yet: the number of the last one, and its end.
    cases: HashMap<CaseId, (u64, oneshot::Receiver<()>)>,
    number: u64,
    report: PlaybackReport,
}

/// Request that was sent.
struct SentRequest {
    number: u64,
    name: String,
    exchange: Exchange,
    outcome: Result<NewAnswer, Unanswered>,
    took: Duration,
}

/// Number of requests that wait for their answers at once, so that memory has a bound: those of
/// other cases that were slow.
const IN_FLIGHT: usize = 16;

impl<'r> PlaybackRun<'r> {
    pub(super) fn new(target: ReplayTarget, plan: Plan, on_each: Option<OnEach<'r>>) -> Self {
        let gaps = Gaps::new(plan.speed);
        Self {
            target,
            plan,
            on_each,
            gaps,
            stand_ins: StandIns::default(),
            fresh_ids: FreshIds::default(),
            in_flight: JoinSet::new(),
            cases: HashMap::new(),
            number: 0,
            report: PlaybackReport::default(),
        }
    }

    pub(super) async fn of(mut self, recording: &Recording) -> PlaybackReport {
        for (name, exchange) in recording.named() {
            let exchange = match exchange {
                Ok(exchange) if self.is_left_out(&exchange) => {
                    self.report.left_out += 1;
                    continue;
                }
                Ok(exchange) => exchange,
                Err(error) => {
                    self.fail(name, error.problem());
                    continue;
                }
            };
            let due = self.gaps.due(exchange.at());
            let at_once = if self.gaps.is_any() { IN_FLIGHT } else { 1 };
            self.wait(due, at_once).await;
            if self.report.stopped.is_some() {
                break;
            }
            match self.prepare(exchange) {
                Ok((exchange, request)) => self.send(name, exchange, request),
                Err(problem) => self.fail(name, problem),
            }
        }
        while self.take_one().await {}
        self.report
    }

    fn is_left_out(&self, exchange: &Exchange) -> bool {
        let was_slow = exchange.status() == Some(StatusCode::REQUEST_TIMEOUT);
        // The receiver has read all of it, and the recording has not.
        let is_lost = exchange.cut.is_some() && exchange.status().is_some_and(|s| s.is_success());
        let response = exchange.response.as_ref();
        let is_of_proxy = response.is_some_and(|response| response.is_of_proxy);
        was_slow || is_lost || is_of_proxy || !self.plan.is_sent(exchange.api())
    }

    /// Waits until a request is due, and until there is room for it.
    async fn wait(&mut self, due: Instant, at_once: usize) {
        while self.in_flight.len() >= at_once {
            self.take_one().await;
        }
        loop {
            tokio::select! {
                biased;
                () = sleep_until(due) => return,
                Some(sent) = self.in_flight.join_next() => self.take(sent.ok()),
            }
        }
    }

    /// Returns the exchange as it is sent now, and the request.
    fn prepare(&mut self, mut exchange: Exchange) -> Result<(Exchange, Request<Bytes>), String> {
        if self.plan.has_fresh_ids {
            self.fresh_ids.apply(&mut exchange);
        }
        for change in &self.plan.changes {
            change.apply(&mut exchange)?;
        }
        let request = outgoing::request(&exchange, &self.plan)?;
        self.stand_ins.sent(&String::from_utf8_lossy(exchange.body()));
        let query = request.uri().query().unwrap_or_default();
        for (_, value) in form_urlencoded::parse(query.as_bytes()) {
            self.stand_ins.sent(&value);
        }
        Ok((exchange, request))
    }

    fn send(&mut self, name: String, exchange: Exchange, request: Request<Bytes>) {
        self.number += 1;
        let (number, target) = (self.number, self.target.clone());
        let (end, ended) = oneshot::channel();
        let case_id = exchange.case_id().cloned();
        let before = case_id.and_then(|case_id| self.cases.insert(case_id, (number, ended)));
        self.in_flight.spawn(async move {
            if let Some((_, ended)) = before {
                // An end that is dropped is one as well.
                let _ = ended.await;
            }
            let start = Instant::now();
            let outcome = target.send(request).await;
            drop(end);
            SentRequest { number, name, exchange, outcome, took: start.elapsed() }
        });
    }

    /// Takes the next answer; `false` if none is awaited.
    async fn take_one(&mut self) -> bool {
        match self.in_flight.join_next().await {
            Some(sent) => self.take(sent.ok()),
            None => return false,
        }
        true
    }

    /// Takes an answer; `None` if the receiver's code has panicked, which it catches itself.
    fn take(&mut self, sent: Option<SentRequest>) {
        let Some(SentRequest { number, name, exchange, outcome, took }) = sent else { return };
        if let Some(case_id) = exchange.case_id()
            && self.cases.get(case_id).is_some_and(|(last, _)| *last == number)
        {
            self.cases.remove(case_id);
        }
        match outcome {
            Ok(answer) => {
                let problem = compare::difference(&exchange, &answer, &mut self.stand_ins);
                let (status, answer) = (Some(answer.status), answer.body);
                self.add(Replayed { name, status, answer, took, problem });
            }
            Err(unanswered) => {
                if unanswered.is_last && self.report.stopped.is_none() {
                    self.report.stopped = Some(unanswered.problem.clone());
                }
                self.fail(name, unanswered.problem);
            }
        }
    }

    fn fail(&mut self, name: String, problem: String) {
        let (answer, took) = (Bytes::new(), Duration::ZERO);
        self.add(Replayed { name, status: None, answer, took, problem: Some(problem) });
    }

    fn add(&mut self, mut replayed: Replayed) {
        if let Some(on_each) = &mut self.on_each {
            on_each(&replayed);
        }
        // It is in the difference, as far as it can be shown.
        replayed.answer = Bytes::new();
        self.report.add(replayed);
    }
}
