//! Widget Availability API, and its twin in the Visitor Chat API: is a widget online?

use super::error::ClientError;
use super::operation::Operation;
use super::{Client, VisitorChats};
use crate::error::DecodeError;
use crate::id::WidgetId;
use crate::wire::model::model;

model! {
    /// Availability of a widget, and the fields that its visitors have to fill in.
    ///
    /// On the wire the booleans are text.
    ///
    /// See [SnapEngage docs/Widget Availability API](https://developer.snapengage.com/#widget-availability-api).
    #[derive(Default)]
    pub struct Availability {
        /// Id of the widget.
        pub widget_id: Option<WidgetId> = "widgetId",
        /// `true` if a chat can be started.
        pub online: Option<bool> = "online" as text,
        /// `true` if a chat cannot be started without an email address.
        pub email_required: Option<bool> = "emailRequired" as text,
        /// `true` if a chat cannot be started without a first message.
        pub message_required: Option<bool> = "messageRequired" as text,
        /// `true` if the widget requires a screenshot.
        pub screenshot_required: Option<bool> = "screenshotRequired" as text,
    }
}

impl Availability {
    /// Returns `true` if a chat can be started; `false` as well if the answer does not say.
    pub fn is_online(&self) -> bool {
        self.online == Some(true)
    }
}

model! {
    /// Answer of the Widget Availability API: the availability, or an error, with status 200 in
    /// either case.
    ///
    /// [`Client::availability`] reads it.
    ///
    /// See [SnapEngage docs/Widget Availability API](https://developer.snapengage.com/#widget-availability-api).
    #[derive(Default)]
    pub struct AvailabilityAnswer {
        /// 1 if there is no error. The other numbers are not documented.
        pub status_code: Option<i64> = "statusCode",
        /// Availability of the widget.
        pub data: Option<Availability> = "data",
        /// Error, which is not documented: SnapEngage's own clients look for it.
        pub error: Option<AvailabilityError> = "error",
    }
}

model! {
    /// Error in an answer of the Widget Availability API.
    #[derive(Default)]
    pub struct AvailabilityError {
        /// Text for people.
        pub message: Option<String> = "message",
    }
}

impl Client {
    /// Asks whether a widget is online. It needs no credential.
    ///
    /// Fit to be asked once a minute and kept, not for every page view.
    ///
    /// # Errors
    ///
    /// If SnapEngage refuses the call, or does not answer it. A refusal comes with status 200, and
    /// has a [number](ClientError::code).
    pub async fn availability(
        &self,
        widget: impl Into<WidgetId>,
    ) -> Result<Availability, ClientError> {
        let widget = widget.into();
        let path = ["public", "api", "v2", "chat", widget.as_str()];
        let answer = self.call(Operation::Availability, &path).send().await?;
        let read: AvailabilityAnswer = answer.read(WHAT)?;
        match read.data {
            Some(data) if read.error.is_none() => Ok(data),
            None if read.status_code == Some(SUCCESS) => {
                Err(answer.malformed(DecodeError::new(WHAT, "missing field `data`")))
            }
            _ => Err(answer.refused(read.status_code)),
        }
    }
}

impl VisitorChats {
    /// Asks whether a widget is online, and what a chat with it needs.
    ///
    /// # Errors
    ///
    /// If SnapEngage refuses the call, or does not answer it. A widget that it does not know
    /// [is not found](ClientError::is_not_found).
    pub async fn availability(
        &self,
        widget: impl Into<WidgetId>,
    ) -> Result<Availability, ClientError> {
        let widget = widget.into();
        let path = ["api", "v1", "chat", widget.as_str()];
        self.call(Operation::ChatAvailability, &path).send().await?.read(WHAT)
    }
}

const WHAT: &str = "availability";
const SUCCESS: i64 = 1;
