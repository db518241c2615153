//! The Bot API as the spine sees it.

use std::pin::Pin;
use std::sync::Arc;

use super::{Event, Handler, Reply};
use crate::endpoint::{Answer, Call, Endpoint, Input, supervise};
use crate::error::HandlerError;
use crate::rejection::Rejection;

pub(crate) struct Route<H> {
    handler: Arc<H>,
    fallback: Arc<Reply>,
}

impl<H: Handler> Route<H> {
    pub(crate) fn new(handler: H, fallback: Arc<Reply>) -> Self {
        Self { handler: Arc::new(handler), fallback }
    }
}

impl<H: Handler> Endpoint for Route<H> {
    fn api(&self) -> &'static str {
        "bot"
    }

    fn accept(&self, request: Input<'_>) -> Result<Call, Rejection> {
        let event = Event::from_request(&request.body)?;
        let name = event.name().to_owned();
        let (widget_id, case_id) = (event.widget_id().cloned(), event.case_id().cloned());
        let (handler, fallback) = (Arc::clone(&self.handler), Arc::clone(&self.fallback));
        let deadline = request.deadline;
        let is_over = matches!(event, Event::ChatClosed(_));
        Ok(Call {
            event: name,
            case_id: case_id.clone(),
            outcome: Box::pin(async move {
                let (reply, failure) =
                    match supervise(deadline, async { dispatch(&*handler, event).await }).await {
                        Ok(reply) => (reply, None),
                        Err(failure) if is_over => (Reply::new(), Some(failure)),
                        Err(failure) => ((*fallback).clone(), Some(failure)),
                    };
                let body = reply.encode(widget_id.as_ref(), case_id.as_ref());
                Ok(Answer::json(body).instead_of(failure))
            }),
        })
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
