//! Start of a chat.

use super::message::{Message, Speaker, is_contact_details};
use crate::id::{CaseId, WidgetId};
use crate::timestamp::Timestamp;
use crate::wire::model::model;
use crate::wire::open_set::open_set;

model! {
    /// Start of a chat: a visitor was put through to the bot.
    ///
    /// See [SnapEngage docs/Bot API](https://developer.snapengage.com/#bot-api).
    pub struct ChatStarted {
        required {
            /// Id of the widget the chat came in by.
            pub widget_id: WidgetId = "widget_id",
            /// Id of the conversation.
            pub case_id: CaseId = "case_id",
        }
        constant {
            /// Name of the event.
            "event" = Self::EVENT,
        }
        /// Time of the event, in epoch milliseconds.
        pub timestamp: Option<Timestamp> = "timestamp",
        /// Email address of the visitor.
        pub email: Option<String> = "email",
        /// Message that proposed the chat to the visitor; absent if the visitor started the chat.
        pub proactive_message: Option<String> = "proactive_message",
        /// First message of the visitor, as the vendor's table has it; see
        /// [`first_message`](Self::first_message).
        pub description: Option<String> = "description",
        /// First message of the visitor, as the vendor's sample has it; see
        /// [`first_message`](Self::first_message).
        pub text: Option<String> = "text",
        /// Tags set when the chat started. The vendor does not say in what form.
        pub tags: Option<String> = "tags",
        /// Location of the visitor.
        pub geo: Option<Geo> = "geo",
        /// `User-Agent` of the visitor.
        pub user_agent: Option<String> = "user_agent",
        /// Address of the first page of the visit.
        pub entry_url: Option<String> = "entry_url",
        /// Address of the site the visitor came from.
        pub referrer_url: Option<String> = "referrer_url",
        /// Address of the page the chat started on.
        pub page_url: Option<String> = "page_url",
        /// IP address of the visitor.
        pub ip_address: Option<String> = "ip_address",
        /// Variables of the page: names and values, separated by commas. The vendor does not say
        /// more of the form. `jsVariables` in JSON.
        pub js_variables: Option<String> = "jsVariables",
        /// Result of verifying the visitor's identity: `hmacVerificationResult` in JSON.
        pub hmac_verification_result: Option<HmacVerificationResult> = "hmacVerificationResult",
        /// Context id that the last reply in this conversation set; sent back once.
        pub context_id: Option<String> = "context_id",
    }
}

impl ChatStarted {
    pub(super) const EVENT: &str = "chatStarted";

    /// Returns the visitor's first message, if there is one.
    ///
    /// Not the text with the visitor's contact details that SnapEngage itself puts into a chat.
    pub fn first_message(&self) -> Option<&str> {
        let mut texts = [&self.description, &self.text].into_iter().filter_map(Option::as_deref);
        texts.find(|text| !text.trim().is_empty() && !is_contact_details(text))
    }

    /// Returns the visitor's first message, if there is one, as the message it would have been in a
    /// chat that was already open.
    ///
    /// ```
    /// use snapengage::bot::ChatStarted;
    ///
    /// let mut chat = ChatStarted::new("ff7b3314", "ab992c69");
    /// assert_eq!(chat.to_message(), None);
    /// chat.text = Some("Pricing".to_owned());
    /// assert_eq!(chat.to_message().map(|message| message.text), Some("Pricing".to_owned()));
    /// ```
    pub fn to_message(&self) -> Option<Message> {
        let mut message = Message::new(self.widget_id.clone(), self.case_id.clone());
        message.text = self.first_message()?.to_owned();
        message.timestamp = self.timestamp;
        message.from = Some(Speaker::Visitor);
        message.context_id.clone_from(&self.context_id);
        Some(message)
    }

    /// Returns the visitor's email address if SnapEngage verified that it is the visitor's.
    pub fn verified_email(&self) -> Option<&str> {
        let result = self.hmac_verification_result.as_ref()?;
        let property = result.verification_property.as_ref()?.property.as_ref()?;
        let is_verified = result.status == Some(VerificationStatus::Verified)
            && *property == VerifiedProperty::CaseEmail;
        result.content.as_deref().filter(|_| is_verified)
    }
}

model! {
    /// Location of a visitor, derived from the IP address.
    #[derive(Default)]
    pub struct Geo {
        /// City.
        pub city: Option<String> = "city",
        /// Region: a FIPS number, or letters.
        pub region: Option<String> = "region",
        /// Country, in two letters.
        pub country_code: Option<String> = "country_code",
    }
}

model! {
    /// Result of verifying the visitor's identity.
    ///
    /// See [SnapEngage docs/Bot API](https://developer.snapengage.com/#bot-api).
    #[derive(Default)]
    pub struct HmacVerificationResult {
        /// Property that was verified: `verificationProperty` in JSON.
        pub verification_property: Option<VerificationProperty> = "verificationProperty",
        /// Value of the property, such as the visitor's email address.
        pub content: Option<String> = "content",
        /// Outcome of the verification.
        pub status: Option<VerificationStatus> = "status",
    }
}

model! {
    /// Property of a visitor that can be verified.
    #[derive(Default)]
    pub struct VerificationProperty {
        /// Name of the property.
        pub property: Option<VerifiedProperty> = "property",
    }
}

open_set! {
    /// Properties that can be verified.
    pub enum VerifiedProperty {
        /// Email address of the visitor.
        CaseEmail = "CaseEmail",
    }
}

open_set! {
    /// Outcomes of a verification.
    pub enum VerificationStatus {
        /// The visitor is who the page says.
        Verified = "VERIFIED",
    }
}
