//! Documented fields: what each holds that is to be redacted.

use super::documented;

/// Meaning of a value, and so what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Stays, but for what is found in it.
    Scan,
    /// The same, of a browser or a system: four numbers with dots are its version.
    Versions,
    /// Text of a message: kept, masked or dropped by choice.
    Text,
    /// Name of a person.
    Name,
    /// Alias of an agent.
    Alias,
    /// Email address, as a rule, or whatever else a person is known by.
    Person,
    /// Id of an agent: an email address after `wc:` or not.
    Agent,
    Street,
    /// Id of a case or of a widget.
    Id,
    Phone,
    Ip,
    /// Link to a profile or to a picture.
    Link,
    /// Value of a page variable, an operator variable or a label.
    Variable,
    /// Page variables in one text.
    Variables,
    /// Parameters of a bot's command in one text.
    Parameters,
    /// Anything that is not documented.
    Masked,
}

impl Class {
    /// Returns what a value looks like that is masked only for where it stands.
    pub(super) fn what(self) -> Option<&'static str> {
        match self {
            Self::Link => Some("link to a profile"),
            Self::Variable | Self::Variables | Self::Parameters => {
                Some("value of a variable or a label")
            }
            Self::Phone => Some("phone number"),
            Self::Ip => Some("IP address"),
            _ => None,
        }
    }
}

/// Content of a place in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holding {
    /// A value, or several of the same class.
    Value(Class),
    Object(Shape),
    /// Several objects.
    List(Shape),
}

/// Objects of the payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    BotEvent,
    Geo,
    Verification,
    VerificationProperty,
    FailedCommand,
    Reply,
    Content,
    Button,
    Cards,
    Card,
    SupportRequest,
    RequesterDetails,
    Language,
    TranscriptLine,
    /// Texts by language.
    Translations,
    Variable,
    ConversationEvent,
    StatusChange,
    /// Answer to anything but a bot's event: `{"code": 400, "message": "..."}`.
    Answer,
    /// Whatever is not documented.
    Unknown,
}

impl Shape {
    /// Returns what a field of the object holds. Ids are ids wherever they stand.
    pub(super) fn field(self, name: &str) -> Holding {
        if self == Self::Translations {
            return Holding::Value(Class::Text);
        }
        if let Some(field) = self.telling(name) {
            return field;
        }
        let is_id = matches!(name, "case_id" | "widget_id" | "caseId" | "widgetId");
        Holding::Value(match self {
            _ if is_id => Class::Id,
            _ if documented::names(self).contains(&name) => Class::Scan,
            _ => Class::Masked,
        })
    }

    /// Returns what a field holds that names or tells something, or is an object. All other
    /// documented ones are only looked through.
    fn telling(self, name: &str) -> Option<Holding> {
        use Class::*;
        use Holding::{List, Object, Value};
        Some(match (self, name) {
            (Self::BotEvent, "email") => Value(Person),
            (Self::BotEvent, "text" | "description" | "proactive_message") => Value(Text),
            (Self::BotEvent, "ip_address") => Value(Ip),
            (Self::BotEvent, "user_agent") => Value(Versions),
            (Self::BotEvent, "jsVariables") => Value(Variables),
            (Self::BotEvent, "geo") => Object(Shape::Geo),
            (Self::BotEvent, "hmacVerificationResult") => Object(Shape::Verification),
            (Self::BotEvent, "failedCommands") => List(Shape::FailedCommand),
            (Self::Verification, "content") => Value(Person),
            (Self::Verification, "verificationProperty") => Object(Shape::VerificationProperty),
            (Self::FailedCommand, "params") | (Self::Content, "parameters") => Value(Parameters),
            (Self::Reply, "content") => List(Shape::Content),
            (Self::Content | Self::Button, "text") => Value(Text),
            (Self::Content, "display_responses") => List(Shape::Button),
            (Self::Cards, "cards") => List(Shape::Card),
            (Self::Card, "title" | "excerpt") => Value(Text),
            (Self::SupportRequest, "id") => Value(Id),
            (Self::SupportRequest, "requested_by" | "visitor_transcript_email") => Value(Person),
            (Self::SupportRequest, "chat_agent_id") => Value(Agent),
            (Self::SupportRequest, "chat_agent_alias") => Value(Alias),
            (Self::SupportRequest, "description" | "survey_comments") => Value(Text),
            (Self::SupportRequest, "ip_address") => Value(Ip),
            (Self::SupportRequest, "user_agent" | "browser" | "os") => Value(Versions),
            (Self::SupportRequest, "requester_details") => Object(Shape::RequesterDetails),
            (Self::SupportRequest, "languages") => List(Shape::Language),
            (Self::SupportRequest, "transcripts") => List(Shape::TranscriptLine),
            (Self::SupportRequest, "plugins" | "javascript_variables") => List(Shape::Variable),
            (Self::SupportRequest, "operator_variables" | "labels") => List(Shape::Variable),
            (Self::RequesterDetails, "name" | "employees") => Value(Name),
            (Self::RequesterDetails, "emails") => Value(Person),
            (Self::RequesterDetails, "phones") => Value(Phone),
            (Self::RequesterDetails, "address" | "address_2") => Value(Street),
            (Self::RequesterDetails, "name_profile_link" | "company_profile_link") => Value(Link),
            (Self::RequesterDetails, "social_profile_links" | "avatars") => Value(Link),
            (Self::RequesterDetails, "notes") => Value(Text),
            (Self::RequesterDetails, "other_data") => Value(Masked),
            (Self::TranscriptLine, "id") => Value(Agent),
            (Self::TranscriptLine, "alias") => Value(Alias),
            (Self::TranscriptLine, "message") => Value(Text),
            (Self::TranscriptLine, "translations") => Object(Shape::Translations),
            (Self::Variable, "value") => Value(Variable),
            (Self::ConversationEvent | Self::StatusChange, "agent_id") => Value(Agent),
            (Self::ConversationEvent, "agent_email") => Value(Person),
            (Self::ConversationEvent, "agent_alias") => Value(Alias),
            (Self::ConversationEvent, "label") => Object(Shape::Variable),
            (Self::ConversationEvent, "survey_comment") => Value(Text),
            _ => return None,
        })
    }
}

impl Holding {
    /// Returns the class of a text that stands here. One in place of an object is not documented.
    pub(super) fn class(self) -> Class {
        match self {
            Self::Value(class) => class,
            Self::Object(_) | Self::List(_) => Class::Masked,
        }
    }

    /// Returns the object that stands here.
    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Object(shape) | Self::List(shape) => shape,
            Self::Value(Class::Parameters) => Shape::Cards,
            Self::Value(_) => Shape::Unknown,
        }
    }
}

/// Returns what a parameter of a query about a visitor holds.
pub(super) fn parameter(name: &str) -> Class {
    match name {
        "email" => Class::Person,
        "ip" => Class::Ip,
        "url" => Class::Scan,
        "caseId" | "case_id" | "widgetId" | "widget_id" => Class::Id,
        _ => Class::Masked,
    }
}
