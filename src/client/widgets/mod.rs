//! Provisioning API: the widgets of a user.

mod schedule;

use crate::client::Provisioning;
use crate::client::error::ClientError;
use crate::client::operation::Operation;
use crate::client::users::found;
use crate::id::{AgentId, WidgetId};
use crate::wire::model::model;
use crate::wire::open_set::open_set;

pub use self::schedule::{
    ConversationSchedule, DayOfWeek, OpeningHours, ScheduledHours, TimeOfDay,
};

model! {
    /// Widget, as SnapEngage answers: without the schedule, which cannot be read back.
    ///
    /// See [SnapEngage docs/Provisioning API](https://developer.snapengage.com/#provisioning-api).
    #[derive(Default)]
    pub struct Widget {
        /// Id of the widget.
        pub uuid: Option<WidgetId> = "uuid",
        /// Email address of the user whom the widget belongs to, in lower case.
        pub email: Option<String> = "email",
        /// Name of the widget.
        pub name: Option<String> = "name",
        /// Email address to which transcripts are sent.
        pub destination_email: Option<String> = "destinationEmail",
        /// Agents of the widget.
        pub agents: Vec<WidgetAgent> = "agents",
        /// `true` if visitors may be invited to a chat. On the wire it is text.
        pub enable_proactive_chat: Option<bool> = "enableProactiveChat" as text,
        /// `true` if visitors can chat. Absent from the answer to [`Provisioning::widget`].
        pub enable_conversations: Option<bool> = "enableConversations",
    }
}

model! {
    /// Widget to be created.
    ///
    /// ```
    /// use snapengage::client::{
    ///     ConversationSchedule, DayOfWeek, NewWidget, TimeOfDay, WidgetAgent,
    /// };
    ///
    /// const NINE: TimeOfDay = TimeOfDay::new(9, 0).expect("a time of day");
    /// const FIVE: TimeOfDay = TimeOfDay::new(17, 0).expect("a time of day");
    ///
    /// let avatar = "https://www.example.com/jane.png";
    /// let jane = WidgetAgent::webclient("jane@example.com", "Jane", avatar);
    /// let schedule = ConversationSchedule::new("Europe/Berlin")
    ///     .open(DayOfWeek::Monday, NINE, FIVE)
    ///     .open(DayOfWeek::Friday, NINE, FIVE);
    /// let sales = NewWidget::new("owner@example.com", [jane]).name("Sales");
    /// let widget = sales.schedule(schedule);
    /// # let _ = widget;
    /// ```
    ///
    /// See [SnapEngage docs/Provisioning API](https://developer.snapengage.com/#provisioning-api).
    pub struct NewWidget {
        required {
            /// Email address of the user whom the widget is to belong to. SnapEngage lower-cases
            /// it.
            pub email: String = "email",
            /// Agents of the widget, one at least.
            pub agents: Vec<WidgetAgent> = "agents",
        }
        /// Name of the widget, of less than 100 characters.
        pub name: Option<String> = "name",
        /// Email address to which transcripts are sent.
        pub destination_email: Option<String> = "destinationEmail",
        /// `true` if visitors may be invited to a chat. On the wire it is text.
        pub enable_proactive_chat: Option<bool> = "enableProactiveChat" as text,
        /// `true` if visitors can chat.
        pub enable_conversations: Option<bool> = "enableConversations",
        /// Hours in which visitors can chat. No answer has them.
        pub conversation_schedule: Option<ConversationSchedule> = "conversationSchedule",
    }
}

model! {
    /// Widget to be updated: the one of this id.
    ///
    /// - `agents` is the whole list, not a change of it: an agent who is not in it is dropped.
    /// - **SnapEngage resets the settings of proactive chat to its defaults**, whatever is updated.
    /// - The schedule cannot be read back, so there is no keeping it by sending it again; whether
    ///   an update without one keeps it, SnapEngage does not say.
    ///
    /// ```
    /// use snapengage::client::{Widget, WidgetUpdate};
    ///
    /// fn renamed(widget: Widget) -> Option<WidgetUpdate> {
    ///     let update = WidgetUpdate::new(widget.uuid?, widget.email?, widget.agents);
    ///     Some(update.name("Sales").destination_email(widget.destination_email?))
    /// }
    /// # let _ = renamed;
    /// ```
    ///
    /// See [SnapEngage docs/Provisioning API](https://developer.snapengage.com/#provisioning-api).
    pub struct WidgetUpdate {
        required {
            /// Id of the widget to be updated.
            pub uuid: WidgetId = "uuid",
            /// Email address of the user whom the widget belongs to.
            pub email: String = "email",
            /// All agents of the widget, one at least.
            pub agents: Vec<WidgetAgent> = "agents",
        }
        /// New name of the widget, of less than 100 characters.
        pub name: Option<String> = "name",
        /// New email address to which transcripts are sent.
        pub destination_email: Option<String> = "destinationEmail",
        /// `true` if visitors may be invited to a chat. On the wire it is text.
        pub enable_proactive_chat: Option<bool> = "enableProactiveChat" as text,
        /// `true` if visitors can chat.
        pub enable_conversations: Option<bool> = "enableConversations",
        /// New hours in which visitors can chat.
        pub conversation_schedule: Option<ConversationSchedule> = "conversationSchedule",
    }
}

/// Setters of the fields that both requests have.
macro_rules! widget_setters {
    ($request:ty) => {
        impl $request {
            /// Sets the name.
            #[must_use]
            pub fn name(mut self, name: impl Into<String>) -> Self {
                self.name = Some(name.into());
                self
            }

            /// Sets the email address to which transcripts are sent.
            #[must_use]
            pub fn destination_email(mut self, email: impl Into<String>) -> Self {
                self.destination_email = Some(email.into());
                self
            }

            /// Sets whether visitors may be invited to a chat.
            #[must_use]
            pub fn enable_proactive_chat(mut self, enable: bool) -> Self {
                self.enable_proactive_chat = Some(enable);
                self
            }

            /// Sets whether visitors can chat.
            #[must_use]
            pub fn enable_conversations(mut self, enable: bool) -> Self {
                self.enable_conversations = Some(enable);
                self
            }

            /// Sets the hours in which visitors can chat.
            #[must_use]
            pub fn schedule(mut self, schedule: ConversationSchedule) -> Self {
                self.conversation_schedule = Some(schedule);
                self
            }
        }
    };
}

widget_setters!(NewWidget);
widget_setters!(WidgetUpdate);

model! {
    /// Agent of a widget.
    ///
    /// See [SnapEngage docs/Provisioning API](https://developer.snapengage.com/#provisioning-api).
    #[derive(Default)]
    pub struct WidgetAgent {
        /// Id of the agent: in answers with the prefix `wc:`, which a request leaves out.
        pub agent_id: Option<AgentId> = "agentId",
        /// Name that visitors are shown.
        pub agent_alias: Option<String> = "agentAlias",
        /// Address of a picture, which is shown with 53 x 53 pixels.
        pub agent_avatar: Option<String> = "agentAvatar",
        /// Type of the agent.
        pub agent_type: Option<AgentType> = "agentType",
    }
}

impl WidgetAgent {
    /// Creates an agent who works in SnapEngage's Hub, with all that a request needs: email
    /// address, the name that visitors are shown, and the address of a picture.
    ///
    /// SnapEngage lower-cases the email address.
    pub fn webclient(
        agent_id: impl Into<AgentId>,
        alias: impl Into<String>,
        avatar: impl Into<String>,
    ) -> Self {
        Self {
            agent_id: Some(agent_id.into()),
            agent_alias: Some(alias.into()),
            agent_avatar: Some(avatar.into()),
            agent_type: Some(AgentType::Webclient),
            ..Self::new()
        }
    }
}

open_set! {
    /// Type of a widget's agent.
    pub enum AgentType {
        /// User of SnapEngage's Hub.
        Webclient = "webclient",
        /// User of Google's chat, deprecated.
        Google = "google",
        /// User of Skype, deprecated.
        Skype = "skype",
    }
}

// Deletion too: the heading of its section says `user.json`, and its samples this. To `user.json`,
// the same query deletes the user.
const PATH: &[&str] = &["api", "v1", "widget.json"];

impl Provisioning {
    /// Fetches a widget of a user, who is named by email address. `None`: there is none of this id.
    ///
    /// # Errors
    ///
    /// If SnapEngage refuses the call, or does not answer it.
    pub async fn widget(
        &self,
        uuid: impl Into<WidgetId>,
        email: &str,
    ) -> Result<Option<Widget>, ClientError> {
        let call = self.call(Operation::GetWidget, PATH).query("uuid", uuid.into().as_str());
        found(call.private_query("email", email), "widget").await
    }

    /// Creates a widget, which is returned as SnapEngage has it.
    ///
    /// It is sent again only if nothing was done before: a second one would be another widget.
    ///
    /// # Errors
    ///
    /// If SnapEngage refuses the call, or does not answer it. If it
    /// [may have been done](ClientError::may_have_been_done), look in the dashboard before you try
    /// again.
    pub async fn create_widget(&self, mut widget: NewWidget) -> Result<Widget, ClientError> {
        widget.agents.iter_mut().for_each(WidgetAgent::leave_prefix_out);
        self.call(Operation::CreateWidget, PATH).json(&widget).send().await?.read("widget")
    }

    /// Updates a widget, which is returned as SnapEngage has it then.
    ///
    /// Agents who are not named are dropped, and the settings of proactive chat are reset: see
    /// [`WidgetUpdate`].
    ///
    /// # Errors
    ///
    /// If SnapEngage refuses the call, or does not answer it.
    pub async fn update_widget(&self, mut widget: WidgetUpdate) -> Result<Widget, ClientError> {
        widget.agents.iter_mut().for_each(WidgetAgent::leave_prefix_out);
        self.call(Operation::UpdateWidget, PATH).json(&widget).send().await?.read("widget")
    }

    /// Deletes a widget of a user, who is named by email address, for good.
    ///
    /// # Errors
    ///
    /// If SnapEngage refuses the call, or does not answer it. If there is no such widget, it most
    /// likely [is not found](ClientError::is_not_found).
    pub async fn delete_widget(
        &self,
        uuid: impl Into<WidgetId>,
        email: &str,
    ) -> Result<(), ClientError> {
        let call = self.call(Operation::DeleteWidget, PATH).query("uuid", uuid.into().as_str());
        call.private_query("email", email).send().await?;
        Ok(())
    }
}

impl WidgetAgent {
    /// SnapEngage writes `wc:` before the ids of its answers, and expects none in a request.
    fn leave_prefix_out(&mut self) {
        self.agent_id = self.agent_id.take().map(|id| id.email().into());
    }
}
