//! The one address of the page: the page itself, its script, its events, and its actions.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use form_urlencoded::parse;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::action::{Action, ActionDetail};
use super::event::Event;
use super::handler::Handler;
use super::open_pages::OpenPages;
use super::same_origin::{self, Silence};
use super::session::{ActionError, Session};
use crate::endpoint::rejection::{Failure, Rejection};
use crate::endpoint::{Admitted, Answer, AnswerContent, AnswerHead, Call, Endpoint, Lack};
use crate::error::DecodeError;
use crate::id::{AgentId, CaseId, ConversationId};

/// Endpoint of a page.
pub(super) struct HubEndpoint {
    handler: Arc<dyn Handler>,
    pages: OpenPages,
    page: Bytes,
    policy: HeaderValue,
}

/// Requests that the page answers or makes.
enum Asked<'a> {
    Page,
    Script,
    /// Actions behind the message of this id.
    Stream(Cow<'a, str>),
    Event,
}

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// nginx would keep back what it is told, until its buffer is full.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

impl HubEndpoint {
    /// Creates an endpoint for these origins of the Hub, which are safe in HTML and in a header.
    pub(super) fn new(
        handler: Arc<dyn Handler>,
        origins: &[String],
        max_pages: usize,
        max_waiting: usize,
    ) -> Self {
        let origins = origins.join(" ");
        let page = include_str!("page.html").replace("{origins}", &origins);
        let policy = format!(
            "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors {origins}"
        );
        let policy = HeaderValue::try_from(policy).expect("origins are ASCII");
        Self { handler, pages: OpenPages::new(max_pages, max_waiting), page: page.into(), policy }
    }

    fn page(&self) -> Answer {
        let mut answer = file(HTML, self.page.clone());
        if let AnswerHead::Headers(headers) = &mut answer.head {
            headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        }
        answer
    }

    fn stream(&self, headers: &HeaderMap, last: &str) -> Result<Answer, Rejection> {
        same_origin::check(headers, Silence::Allowed)?;
        // The browser's own, once it connects again by itself.
        let header = headers.get(&LAST_EVENT_ID).and_then(|last| last.to_str().ok());
        let stream = self.pages.open(header.unwrap_or(last))?;
        let mut answer = file(EVENT_STREAM, Bytes::new());
        answer.content = AnswerContent::Stream(Box::pin(stream));
        if let AnswerHead::Headers(headers) = &mut answer.head {
            headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
        }
        Ok(answer)
    }

    fn event(&self, request: Admitted<'_>) -> Result<Call, Rejection> {
        same_origin::check(&request.head.headers, Silence::Refused)?;
        let (session, number) = posted(request.query())?;
        let session = self.pages.session(&session).ok_or_else(Rejection::session_over)?;
        let event = Event::from_request(&request.body, request.odd_fields)?;
        let is_new = session.take(number, event.agent_email.as_ref());
        let work = Work {
            handler: Arc::clone(&self.handler),
            agent: event.agent_email.clone(),
            conversation_id: event.conversation_id.clone(),
            session: session.clone(),
        };
        Ok(Call {
            event: event.detail.name().to_owned().into(),
            case_id: Some(CaseId::from(event.conversation_id.as_str())),
            work: Box::pin(async move {
                // The answer to the first was lost.
                if is_new { work.run(event).await } else { Ok(Answer::empty()) }
            }),
            on_failure: Box::new(move |failure| {
                session.give_back(number);
                Err(failure.into())
            }),
        })
    }
}

impl Endpoint for HubEndpoint {
    fn accept(&self, request: Admitted<'_>) -> Result<Call, Rejection> {
        let (name, answer) = match asked(&request) {
            Asked::Event => return self.event(request),
            Asked::Page => ("page", self.page()),
            Asked::Script => ("script", file(JAVASCRIPT, include_str!("page.js").into())),
            Asked::Stream(last) => ("stream", self.stream(&request.head.headers, &last)?),
        };
        Ok(Call {
            event: name.into(),
            case_id: None,
            work: Box::pin(async { Ok(answer) }),
            on_failure: Box::new(|failure| Err(failure.into())),
        })
    }

    fn start_draining(&self) {
        self.pages.drain();
    }
}

fn asked<'a>(request: &Admitted<'a>) -> Asked<'a> {
    if request.head.method == Method::POST {
        return Asked::Event;
    }
    for (name, value) in parse(request.query().as_bytes()) {
        match &*name {
            "script" => return Asked::Script,
            // A `HEAD` is no page that listens.
            "stream" if request.head.method == Method::GET => return Asked::Stream(value),
            _ => {}
        }
    }
    Asked::Page
}

/// Returns the id of the session and the number of the event.
fn posted(query: &str) -> Result<(Cow<'_, str>, u64), DecodeError> {
    let (mut session, mut number) = (None, None);
    for (name, value) in parse(query.as_bytes()) {
        match &*name {
            "session" => session = Some(value),
            "n" => number = value.parse().ok(),
            _ => {}
        }
    }
    session.zip(number).ok_or_else(|| DecodeError::new("hub query", "expected `session` and `n`"))
}

/// Answer of a type that nobody keeps: its address is a secret.
fn file(content_type: HeaderValue, content: Bytes) -> Answer {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Answer {
        head: AnswerHead::Headers(Box::new(headers.into_iter().collect())),
        content: AnswerContent::Whole(content),
        ..Answer::empty()
    }
}

/// Work that an event gives the handler.
struct Work {
    handler: Arc<dyn Handler>,
    session: Session,
    conversation_id: ConversationId,
    agent: Option<AgentId>,
}

impl Work {
    async fn run(self, event: Event) -> Result<Answer, Failure> {
        let Self { handler, session, conversation_id, agent } = self;
        let details = handler.event(event, session.clone()).await?;
        let act = |detail: ActionDetail| match &agent {
            Some(agent) => {
                session.send(&Action::new(conversation_id.clone(), agent.email(), detail))
            }
            None => session.act(conversation_id.clone(), detail),
        };
        let acted: Result<(), ActionError> = details.into_iter().try_for_each(act);
        Ok(Answer::empty().with(acted.err().map(|error| Lack::Undone(error.as_str()))))
    }
}
