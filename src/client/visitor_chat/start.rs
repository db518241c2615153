//! Visitor Chat API: the start of a chat.

use std::fmt;
use std::pin::Pin;

use super::line::StartedChat;
use super::{VisitorChat, with};
use crate::client::VisitorChats;
use crate::client::call::Call;
use crate::client::error::ClientError;
use crate::client::operation::Operation;
use crate::id::WidgetId;

impl VisitorChats {
    /// Starts a chat with a widget, when awaited.
    ///
    /// SnapEngage does not say what comes of a chat that is started while nobody is online: ask
    /// for the [availability](Self::availability) first, which says what the chat needs as well.
    ///
    /// ```
    /// use snapengage::client::{ClientError, VisitorChats};
    ///
    /// async fn ask(chats: &VisitorChats, question: &str) -> Result<(), ClientError> {
    ///     let start = chats.start("5286374d-5c92-419d-bcdb-b926d242b78b");
    ///     let mut chat = start.email("visitor@example.com").message(question).await?;
    ///     while let Some(line) = chat.next().await? {
    ///         if line.is_from_agent() {
    ///             println!("{}: {}", line.author, line.trimmed());
    ///             chat.close().message("Thank you!").await?;
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// # let _ = ask;
    /// ```
    pub fn start(&self, widget: impl Into<WidgetId>) -> StartChat {
        StartChat {
            chats: self.clone(),
            widget_id: widget.into(),
            email: None,
            phone: None,
            user_agent: None,
            locale: None,
            is_offline: false,
            app_version_name: None,
            message: None,
        }
    }
}

/// Call that starts a chat. It is sent when it is awaited.
///
/// It is sent again only if nothing was done before, since a second one would be another chat. It
/// fails if SnapEngage refuses it, or does not answer it.
///
/// See [SnapEngage docs/Visitor Chat API](https://developer.snapengage.com/#visitor-chat-api).
#[must_use = "the call is sent when it is awaited"]
pub struct StartChat {
    chats: VisitorChats,
    widget_id: WidgetId,
    email: Option<String>,
    phone: Option<String>,
    user_agent: Option<String>,
    locale: Option<String>,
    is_offline: bool,
    app_version_name: Option<String>,
    message: Option<String>,
}

impl StartChat {
    /// Sets the visitor's email address. Some widgets
    /// [require](crate::client::Availability::email_required) one.
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Sets the visitor's phone number.
    pub fn phone(mut self, phone: impl Into<String>) -> Self {
        self.phone = Some(phone.into());
        self
    }

    /// Sets the name of the visitor's program, in the form of a browser's `User-Agent`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Sets the visitor's language: `en`, `en-GB`.
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// Sets the name and the version of your application.
    pub fn app_version_name(mut self, name: impl Into<String>) -> Self {
        self.app_version_name = Some(name.into());
        self
    }

    /// Leaves an offline message: it is sent by email, and no chat is opened.
    ///
    /// Whether what is returned then has lines, SnapEngage does not say.
    pub fn offline(mut self) -> Self {
        self.is_offline = true;
        self
    }

    /// Sets the visitor's first message. Some widgets
    /// [require](crate::client::Availability::message_required) one.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    fn call(&self) -> Call {
        let mut call = self.chats.form(Operation::StartChat);
        call = call.query("widgetId", self.widget_id.as_str());
        for (name, value) in [
            ("email", &self.email),
            ("phone", &self.phone),
            ("userAgent", &self.user_agent),
            ("locale", &self.locale),
        ] {
            call = with(call, name, value.as_deref());
        }
        call = call.query("isOffline", if self.is_offline { "true" } else { "false" });
        call = with(call, "appVersionName", self.app_version_name.as_deref());
        with(call, "visitorMessage", self.message.as_deref())
    }
}

impl IntoFuture for StartChat {
    type Output = Result<VisitorChat, ClientError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let started: StartedChat = self.call().send().await?.read("started chat")?;
            Ok(self.chats.resume(started.case_id))
        })
    }
}

impl fmt::Debug for StartChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartChat").field("widget_id", &self.widget_id).finish_non_exhaustive()
    }
}
