//! Assertions on what was sent to a feed.

use std::fmt::Write as _;

use serde_json::Value;

use super::Simulator;
use super::delivery::{DeliveryFilter, DeliveryRecord};
use crate::api::Api;

/// Requests that were sent to one feed, with assertions that show them: [`Simulator::delivered`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Deliveries {
    feed: Api,
    records: Vec<DeliveryRecord>,
}

impl Simulator {
    /// Returns what was sent to a feed so far, for a test to look at.
    pub fn delivered(&self, feed: Api) -> Deliveries {
        let records = self.deliveries(&DeliveryFilter::default().feed(feed));
        Deliveries { feed, records }
    }
}

impl Deliveries {
    /// Returns those about this case alone.
    pub fn of(mut self, case: impl AsRef<str>) -> Self {
        self.records.retain(|record| {
            record.case_id.as_ref().is_some_and(|of| of.as_str() == case.as_ref())
        });
        self
    }

    /// Returns the requests, in the order of what caused them.
    pub fn records(&self) -> &[DeliveryRecord] {
        &self.records
    }

    /// Returns the bodies, read as JSON; `null` for what is none.
    pub fn bodies(&self) -> Vec<Value> {
        let bodies = self.records.iter().map(|record| &record.request.body);
        bodies.map(|body| serde_json::from_str(body).unwrap_or_default()).collect()
    }

    /// Returns the names of the events, of a feed that has them; empty for what has none.
    pub fn events(&self) -> Vec<String> {
        let name = |body: Value| body["event"].as_str().unwrap_or_default().to_owned();
        self.bodies().into_iter().map(name).collect()
    }

    /// Asserts the number of requests.
    ///
    /// # Panics
    ///
    /// If it is another, with the requests.
    #[track_caller]
    pub fn assert_count(&self, expected: usize) -> &Self {
        let count = self.records.len();
        self.assert(count == expected, &format!("{count} requests, not {expected}"))
    }

    /// Asserts that there are requests, all of the same bytes.
    ///
    /// # Panics
    ///
    /// If they differ, or there are none, with the requests.
    #[track_caller]
    pub fn assert_same_body(&self) -> &Self {
        let mut bodies = self.records.iter().map(|record| &record.request.body);
        let first = bodies.next();
        let is_same = first.is_some_and(|first| bodies.all(|body| body == first));
        self.assert(is_same, "the bodies are not the same")
    }

    /// Asserts the statuses of the answers; 0 stands for none.
    ///
    /// # Panics
    ///
    /// If they are others, with the requests.
    #[track_caller]
    pub fn assert_statuses(&self, expected: impl IntoIterator<Item = u16>) -> &Self {
        let status = |record: &DeliveryRecord| {
            record.response.as_ref().map_or(0, |response| response.status)
        };
        let statuses: Vec<_> = self.records.iter().map(status).collect();
        let expected: Vec<_> = expected.into_iter().collect();
        let problem = format!("the statuses are {statuses:?}, not {expected:?}");
        self.assert(statuses == expected, &problem)
    }

    /// Asserts the names of the events.
    ///
    /// # Panics
    ///
    /// If they are others, with the requests.
    #[track_caller]
    pub fn assert_events<'e>(&self, expected: impl IntoIterator<Item = &'e str>) -> &Self {
        let events = self.events();
        let expected: Vec<_> = expected.into_iter().collect();
        let problem = format!("the events are {events:?}, not {expected:?}");
        self.assert(events == expected, &problem)
    }

    /// Asserts that each was answered 2xx.
    ///
    /// # Panics
    ///
    /// If one was not, with the requests.
    #[track_caller]
    pub fn assert_accepted(&self) -> &Self {
        let is_accepted = self.records.iter().all(DeliveryRecord::is_accepted);
        self.assert(is_accepted, "not all were accepted")
    }

    /// Asserts that SnapEngage has given up, and written an email to the customer.
    ///
    /// # Panics
    ///
    /// If it has not, with the requests.
    #[track_caller]
    pub fn assert_mailed(&self) -> &Self {
        let is_mailed = self.records.iter().any(|record| record.mailed);
        self.assert(is_mailed, "nobody was written to")
    }

    #[track_caller]
    fn assert(&self, holds: bool, problem: &str) -> &Self {
        assert!(holds, "{}: {problem}\n\n{}", self.feed, self.wire());
        self
    }

    /// Writes the requests and their answers, as people read them.
    fn wire(&self) -> String {
        let mut text = String::from("the wire:\n");
        for record in &self.records {
            let DeliveryRecord { n, attempt, url, at, request, .. } = record;
            // A text can be written to.
            let _ = writeln!(text, "    #{n} {at} attempt {attempt} to {url}");
            let _ = writeln!(text, "      {}", request.body);
            match (&record.response, &record.error) {
                (Some(response), error) => {
                    let _ = writeln!(text, "      {} {}", response.status, response.body);
                    let _ = error.iter().try_for_each(|error| writeln!(text, "      {error}"));
                }
                (None, Some(error)) => {
                    let _ = writeln!(text, "      {error}");
                }
                (None, None) => text.push_str("      under way\n"),
            }
            if record.mailed {
                text.push_str("      given up: the customer gets an email\n");
            }
        }
        text
    }
}
