//! The Bot API as the spine sees it.

use std::pin::Pin;
use std::sync::Arc;

use super::broken::Broken;
use super::fallback::Fallback;
use super::{Event, Handler, Reply};
use crate::api::Api;
use crate::endpoint::rejection::{Failure, Rejection};
use crate::endpoint::{Answer, Call, Endpoint, Input, supervise};
use crate::error::HandlerError;

pub(crate) struct Route<H> {
    handler: Arc<H>,
    fallback: Fallback,
}

impl<H: Handler> Route<H> {
    pub(crate) fn new(handler: H, fallback: Fallback) -> Self {
        Self { handler: Arc::new(handler), fallback }
    }

    /// The visitor waits for an answer whatever is wrong with the request.
    fn unread(&self, body: &[u8], failure: Failure) -> Result<Call, Rejection> {
        let Broken { event, widget_id, case_id } = Broken::find(body);
        if case_id.is_none() {
            return Err(failure.into());
        }
        let reply = self.fallback.for_unreadable(event.as_deref());
        let body = reply.encode(widget_id.as_ref(), case_id.as_ref());
        let answer = Answer::json(body).instead_of(Some(failure));
        let outcome = Box::pin(async { Ok(answer) });
        Ok(Call { event: event.unwrap_or_default().into(), case_id, outcome })
    }
}

impl<H: Handler> Endpoint for Route<H> {
    fn api(&self) -> Api {
        Api::Bot
    }

    fn accept(&self, request: Input<'_>) -> Result<Call, Rejection> {
        let event = match Event::from_request(&request.body) {
            Ok(event) => event,
            Err(error) => return self.unread(&request.body, Failure::Unreadable(error)),
        };
        let name = event.to_name();
        let (widget_id, case_id) = (event.widget_id().cloned(), event.case_id().cloned());
        let handler = Arc::clone(&self.handler);
        let net = self.fallback.net(&event);
        let deadline = request.deadline;
        Ok(Call {
            event: name,
            case_id: case_id.clone(),
            outcome: Box::pin(async move {
                let answered = async { dispatch(&*handler, *event).await };
                let (reply, failure, warning) = match supervise(deadline, answered).await {
                    Ok(reply) => {
                        let (reply, warning) = net.complete(reply);
                        (reply, None, warning)
                    }
                    Err(failure) => (net.of_failure(), Some(failure), None),
                };
                let body = reply.encode(widget_id.as_ref(), case_id.as_ref());
                Ok(Answer::json(body).instead_of(failure).with(warning))
            }),
        })
    }

    fn turn_away(&self, body: &[u8], failure: Failure) -> Result<Call, Rejection> {
        self.unread(body, failure)
    }
}

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
