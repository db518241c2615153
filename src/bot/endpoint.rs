//! Bot API as the spine sees it.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use super::broken::Broken;
use super::fallback::{Fallback, Net};
use super::{Event, Handler, Reply};
use crate::endpoint::rejection::{Failure, Rejection};
use crate::endpoint::{Admitted, Answer, Call, Endpoint};
use crate::error::HandlerError;
use crate::id::{CaseId, WidgetId};

pub(crate) struct BotEndpoint<H> {
    handler: Arc<H>,
    fallback: Fallback,
}

impl<H: Handler> BotEndpoint<H> {
    pub(crate) fn new(handler: H, fallback: Fallback) -> Self {
        Self { handler: Arc::new(handler), fallback }
    }

    /// Answers with the fallback: the visitor waits for an answer whatever is wrong with the
    /// request.
    fn unread(&self, body: &[u8], failure: Failure) -> Result<Call, Rejection> {
        let Broken { event, widget_id, case_id } = Broken::find(body);
        if case_id.is_none() {
            return Err(failure.into());
        }
        let reply = self.fallback.for_unreadable(event.as_deref());
        let addressee = Addressee { widget_id, case_id: case_id.clone() };
        Ok(Call {
            event: event.unwrap_or_default().into(),
            case_id,
            work: Box::pin(ready(Err(failure))),
            on_failure: Box::new(move |failure| Ok(addressee.answer(&reply).instead_of(failure))),
        })
    }
}

impl<H: Handler> Endpoint for BotEndpoint<H> {
    fn accept(&self, request: Admitted<'_>) -> Result<Call, Rejection> {
        let event = match Event::from_request(&request.body, request.odd_fields) {
            Ok(event) => event,
            Err(error) => return self.unread(&request.body, Failure::Unreadable(error)),
        };
        let addressee = Addressee::of(&event);
        let same_addressee = addressee.clone();
        let Net { of_failure, of_silence } = self.fallback.net(&event);
        let handler = Arc::clone(&self.handler);
        Ok(Call {
            event: event.to_name(),
            case_id: event.case_id().cloned(),
            work: Box::pin(async move {
                // Called within the guarded work, so that a panic before there is a future is
                // caught as well.
                let reply = dispatch(&*handler, *event).await?;
                let (reply, lack) = of_silence.complete(reply);
                Ok(addressee.answer(&reply).with(lack))
            }),
            on_failure: Box::new(move |failure| {
                Ok(same_addressee.answer(&of_failure).instead_of(failure))
            }),
        })
    }

    fn turn_away(&self, body: &[u8], failure: Failure) -> Result<Call, Rejection> {
        self.unread(body, failure)
    }
}

/// Addressee of a reply: SnapEngage wants the ids of the request in it.
#[derive(Clone)]
struct Addressee {
    widget_id: Option<WidgetId>,
    case_id: Option<CaseId>,
}

impl Addressee {
    fn of(event: &Event) -> Self {
        Self { widget_id: event.widget_id().cloned(), case_id: event.case_id().cloned() }
    }

    fn answer(&self, reply: &Reply) -> Answer {
        Answer::json(reply.encode(self.widget_id.as_ref(), self.case_id.as_ref()))
    }
}

// Returns the futures of `async_trait` as they are: an `async fn` would box one more around each.
fn dispatch<H: Handler>(handler: &H, event: Event) -> Replying<'_> {
    match event {
        Event::Message(message) if message.is_from_visitor() => handler.message(message),
        Event::Message(message) => handler.system_message(message),
        Event::ChatStarted(chat) => handler.chat_started(*chat),
        Event::CommandResult(result) => handler.command_failed(result),
        Event::ChatClosed(chat) => {
            let closed = handler.chat_closed(chat);
            Box::pin(async { closed.await.map(|()| Reply::new()) })
        }
        Event::Unknown(event) => handler.unknown(event),
    }
}

type Replying<'h> = Pin<Box<dyn Future<Output = Result<Reply, HandlerError>> + Send + 'h>>;
