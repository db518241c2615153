//! Deliveries: what was sent to the feeds, and what they answered.

use http::Method;

use super::Face;
use super::asked::{Asked, one_of};
use super::refused::Refused;
use super::reply::FaceReply;
use crate::simulator::SimulatorChange;
use crate::simulator::delivery::{DeliveryFilter, FEEDS};

impl Face {
    /// `GET /_/deliveries`.
    ///
    /// With `wait`, it is answered once there are some, and none of them is under way. One that a
    /// fault holds back is not: nothing comes of it before something else is sent.
    pub(super) async fn deliveries(&self, asked: &Asked) -> Result<FaceReply, Refused> {
        asked.only(&[Method::GET])?;
        let filter = filter(asked)?;
        if let Some(wait) = asked.wait()? {
            let concerns = |change: &SimulatorChange| {
                matches!(change, SimulatorChange::Delivery(_) | SimulatorChange::Reset)
            };
            let is_so = || {
                let found = self.simulator.deliveries(&filter);
                !found.is_empty() && found.iter().all(|record| record.held || record.is_finished())
            };
            self.wait_until(wait, concerns, is_so).await;
        }
        Ok(FaceReply::json(&self.simulator.deliveries(&filter)))
    }
}

fn filter(asked: &Asked) -> Result<DeliveryFilter, Refused> {
    let known = FEEDS.map(|feed| (feed.as_str(), feed));
    let feed = asked.parameter("feed").map(|name| one_of("feed", name, known));
    let mut filter = DeliveryFilter::default().after(asked.number("after")?.unwrap_or_default());
    filter.feed = feed.transpose()?;
    filter.case = asked.parameter("case").map(Into::into);
    Ok(filter)
}
