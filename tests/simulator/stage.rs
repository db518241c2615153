//! A developer's side: a receiver with all five feeds, and a simulator that delivers to it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use snapengage::bot::{self, CommandResult, Message, Reply};
use snapengage::client::{ResponseBody, Transport, TransportError};
use snapengage::simulator::{
    IntegrationForm, SimulatedAgent, SimulatedVisit, SimulatedWidget, Simulator, SimulatorBuilder,
};
use snapengage::{
    Auth, HandlerError, Receiver, Token, agent_status, contact, conversation, integration,
};

use crate::ask::JANE;

pub(crate) const BOB: &str = "bob@example.com";
pub(crate) const MY_TOKEN: &str = "my-token";

/// Bot that answers what it is told to: a message that is a reply in JSON, that reply.
pub(crate) struct Parrot;

#[async_trait]
impl bot::Handler for Parrot {
    async fn message(&self, message: Message) -> Result<Reply, HandlerError> {
        let reply = serde_json::from_str(&message.text);
        Ok(reply.unwrap_or_else(|_| Reply::say(format!("You said {}", message.text))))
    }

    async fn command_failed(&self, result: CommandResult) -> Result<Reply, HandlerError> {
        let failed = result.failed_commands.iter();
        let errors = failed.map(|failed| failed.error.as_ref().map_or("?", |error| error.as_str()));
        Ok(Reply::say(errors.collect::<Vec<_>>().join(" ")))
    }
}

/// A receiver that takes everything.
pub(crate) fn receiver() -> Receiver {
    let token = || Token::new(MY_TOKEN);
    let look_up =
        |query: contact::Query| async move { Ok(Some(format!("{} is known", query.email))) };
    Receiver::builder()
        .bot("/bot", token(), Parrot)
        .integration("/cases", token(), integration::from_fn(|_| async { Ok(()) }))
        .conversation("/events", token(), conversation::from_fn(|_| async { Ok(()) }))
        .agent_status("/status", token(), agent_status::from_fn(|_| async { Ok(()) }))
        .contact("/contact", Auth::secret_path(Token::new("secret")), contact::from_fn(look_up))
        .build()
        .expect("no mistakes")
}

/// A widget with a bot and all feeds.
pub(crate) fn sales(form: IntegrationForm) -> SimulatedWidget {
    human(form).bot("/bot", MY_TOKEN).bot_name("Robbie")
}

/// The same without a bot.
pub(crate) fn human(form: IntegrationForm) -> SimulatedWidget {
    SimulatedWidget::new("sales")
        .name("Sales")
        .integration("/cases", MY_TOKEN, form)
        .conversation_events("/events", MY_TOKEN)
        .get_contact("/contact/secret")
}

/// A simulator with this widget, one that has no feeds, and two agents: Jane on the first widget
/// alone, and Bob, who is signed out.
pub(crate) fn stage(widget: SimulatedWidget) -> SimulatorBuilder {
    let bob = SimulatedAgent::new(BOB).alias("Bob").tags(["beards", "cuts"]);
    Simulator::builder()
        .widget(widget)
        .widget("support")
        .agent(SimulatedAgent::new(JANE).alias("Jane").widgets(["sales"]))
        .agent(bob.status(agent_status::Status::Offline))
        .agent_status("/status", MY_TOKEN)
        .deliver_to(receiver())
        .seed(1)
}

pub(crate) fn on_stage() -> Simulator {
    stage(sales(IntegrationForm::Json)).build().expect("no mistakes")
}

/// Lets the bot answer with this content, in JSON.
pub(crate) async fn bot_does(visit: &SimulatedVisit, content: &str) {
    visit.says(format!(r#"{{"content":[{content}]}}"#)).await;
}

/// Lets the bot give this command, with these parameters in JSON.
pub(crate) async fn bot_commands(visit: &SimulatedVisit, operation: &str, parameters: &str) {
    let parameters = match parameters {
        "" => String::new(),
        parameters => format!(r#","parameters":{parameters}"#),
    };
    let command = format!(r#"{{"type":"command","operation":"{operation}"{parameters}}}"#);
    bot_does(visit, &command).await;
}

type Answer = dyn Fn(&Request<Bytes>) -> Response<String> + Send + Sync;

/// A server that answers by hand.
#[derive(Clone)]
pub(crate) struct ByHand(Arc<Answer>);

impl ByHand {
    pub(crate) fn new(
        answer: impl Fn(&Request<Bytes>) -> Response<String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(answer))
    }
}

#[async_trait]
impl Transport for ByHand {
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        Ok((self.0)(&request).map(ResponseBody::from))
    }
}
