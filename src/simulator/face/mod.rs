//! Simulator on a socket: the vendor's APIs, and beside them the levers, the page and the script.
//!
//! | paths | who may call | file |
//! |---|---|---|
//! | `/_/` | the page, and what is no page | [`control`], [`visits`], [`agents`], [`deliveries`] |
//! | `/`, `/page.js`, … | the same | [`page`] |
//! | `/js/`, `/_v/` | any page | [`page`], [`visitors`] |
//! | `/public/` | the same | `vendor/` |
//! | all else | as the vendor has it | `vendor/` |

mod agents;
mod asked;
mod control;
mod deliveries;
mod events;
mod extra;
mod gate;
mod overview;
mod page;
mod refused;
mod reply;
mod stream;
mod visitors;
mod visits;
mod waiting;

use std::sync::Arc;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CONNECTION, HOST,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Version};
use hyper::body::Incoming;
use tokio::sync::watch;

use self::asked::Asked;
use self::gate::Gate;
pub(super) use self::page::hub_origin;
use self::refused::Refused;
use self::reply::FaceReply;
use super::Simulator;
use super::vendor;
use super::vendor::refusal::Refusal;
use crate::client::{ResponseBody, TransportError};
use crate::server::service::{Exchange, Paced, Serve};

/// Simulator as it is served.
#[derive(Clone)]
pub(super) struct Face {
    simulator: Simulator,
    gate: Arc<Gate>,
    /// `true` once no more requests should come: what waits is answered, and streams end.
    draining: watch::Sender<bool>,
    /// Number of changes of faults and time.
    world: watch::Sender<u64>,
}

/// Part of the face that a path is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Levers, for programs and the page: `/_/`.
    Control,
    /// Files of the page: `/`, `/page.js`.
    Page,
    /// Scripts of widgets: `/js/`.
    Script,
    /// Calls of these scripts: `/_v/`.
    Visitors,
    /// The vendor's, for pages of any origin: `/public/`.
    Public,
    /// All else of the vendor's.
    Vendor,
}

impl Part {
    fn of(path: &str) -> Self {
        match path.split('/').nth(1) {
            Some("_") => Self::Control,
            Some("_v") => Self::Visitors,
            Some("js") => Self::Script,
            Some(vendor::PUBLIC) => Self::Public,
            _ if page::has(path) => Self::Page,
            _ => Self::Vendor,
        }
    }

    /// Returns `true` for what pages of any origin may read.
    fn is_open(self) -> bool {
        matches!(self, Self::Script | Self::Visitors | Self::Public)
    }

    /// Says in an answer who may read it, whatever else it is: an error as well, and what a fault
    /// has put in its place.
    fn mark(self, headers: &mut HeaderMap) {
        let policy = match self {
            Self::Control | Self::Page => "same-origin",
            Self::Script | Self::Visitors | Self::Public => "cross-origin",
            Self::Vendor => return,
        };
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static(policy));
        if self.is_open() {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        }
    }
}

impl Face {
    pub(super) fn new(simulator: Simulator) -> Self {
        let gate = Arc::new(Gate::new(&simulator.0.hosts));
        let (draining, world) = (watch::Sender::new(false), watch::Sender::new(0));
        Self { simulator, gate, draining, world }
    }

    fn world_changed(&self) {
        self.world.send_modify(|count| *count += 1);
    }

    async fn handle(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        let (head, body) = request.into_parts();
        if let Err(refused) = self.gate.lets_in(&head) {
            return Ok(refused.reply().into_response());
        }
        let part = Part::of(head.uri.path());
        let is_preflight = part.is_open() && head.method == Method::OPTIONS;
        let answer = match part {
            Part::Vendor | Part::Public if !is_preflight => {
                self.simulator.handle(Request::from_parts(head, body)).await?
            }
            _ => {
                let reply = self.reply(part, head, body).await;
                reply.unwrap_or_else(Refused::reply).into_response()
            }
        };
        let mut answer = self.once_kept(answer).await;
        part.mark(answer.headers_mut());
        Ok(answer)
    }

    /// Returns an answer once what it tells of is kept.
    async fn once_kept(&self, answer: Response<ResponseBody>) -> Response<ResponseBody> {
        match self.simulator.keep().await {
            Ok(()) => answer,
            Err(_) => Refused::full("the state could not be written").reply().into_response(),
        }
    }

    async fn reply(&self, part: Part, head: Parts, body: Incoming) -> Result<FaceReply, Refused> {
        match part {
            _ if part.is_open() && head.method == Method::OPTIONS => return Ok(preflight()),
            Part::Control => gate::is_of_this_site(&head)?,
            Part::Page => gate::is_of_this_origin(&head)?,
            _ => {}
        }
        let asked = Asked::read(head, body).await?;
        match part {
            Part::Control => self.control(&asked).await,
            Part::Page => page::file(&asked, &self.simulator.hubs()),
            Part::Script => page::script(&asked, |id| self.simulator.has_widget(id)),
            Part::Visitors => self.visitors(&asked).await,
            Part::Vendor | Part::Public => Err(Refused::unknown("page")),
        }
    }

    async fn control(&self, asked: &Asked) -> Result<FaceReply, Refused> {
        let path = asked.path();
        asked.takes(match *path.as_slice() {
            ["visits", _] => &["wait", "after"],
            ["deliveries"] => &["feed", "case", "after", "wait"],
            _ => &[],
        })?;
        match *path.as_slice() {
            [] | [""] => control::requests(asked),
            ["visits"] => self.visits(asked).await,
            ["visits", case] => self.visit(asked, case).await,
            ["visits", case, verb] => self.visitor_does(asked, case, verb).await,
            ["offline"] => self.offline(asked).await,
            ["agents", email, verb] => self.agent_does(asked, email, verb).await,
            ["deliveries"] => self.deliveries(asked).await,
            ["events"] => self.events(asked),
            ["faults"] => control::faults(self, asked),
            ["time", "advance"] => control::advance(self, asked).await,
            ["reset"] => control::reset(self, asked),
            ["world"] => control::world(self, asked),
            ["explain"] => control::explain(asked),
            _ => Err(Refused::unknown("page")),
        }
    }
}

const ANY: HeaderValue = HeaderValue::from_static("*");

/// Keeps other sites from loading an answer as a script or a picture.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Asked for by browsers before a public page calls a private address.
const PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// Answers what a browser asks before it sends a request that is not a plain one.
fn preflight() -> FaceReply {
    FaceReply::empty()
        .header(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"))
        .header(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"))
        .header(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"))
        .header(PRIVATE_NETWORK, HeaderValue::from_static("true"))
}

impl Serve for Face {
    type Error = TransportError;
    type Body = Paced<ResponseBody>;

    async fn answer(
        &self,
        request: Request<Incoming>,
        exchange: Exchange<'_>,
    ) -> Result<Response<Paced<ResponseBody>>, TransportError> {
        let response = match &exchange.framing {
            Ok(()) => self.handle(request).await?,
            Err(_) => refused_framing(&request),
        };
        Ok(response.map(|body| exchange.paced(body)))
    }

    fn start_draining(&self) {
        self.draining.send_replace(true);
    }

    async fn finished(&self) {}
}

/// Refuses a request whose end is in doubt, and whatever may come behind it.
fn refused_framing<B>(request: &Request<B>) -> Response<ResponseBody> {
    let problem = match request.headers().get_all(HOST).iter().count() {
        // RFC 9112, 3.2, wants 400.
        0 if request.version() != Version::HTTP_10 => "missing header `Host`",
        2.. => "more than one header `Host`",
        _ => "the end of the request is in doubt",
    };
    let answer = Refusal::malformed(problem).answer(None);
    let mut response = answer.into_response(ResponseBody::from);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Part::of(request.uri().path()).mark(response.headers_mut());
    response
}
