//! Ids of SnapEngage: opaque text, never parsed.
//!
//! They become keys and are logged, so the length of an id, or a name, that comes in is bounded.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most bytes of an id or a name that comes in. SnapEngage's ids have 36 or so, and an email
/// address has 254 at most.
pub(crate) const LONGEST: usize = 256;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Opaque text: the documented ones only look like UUIDs. One that comes in has 256 bytes
        /// at most. Cheap to clone.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Creates an id as SnapEngage wrote it.
            pub fn new(id: impl Into<Arc<str>>) -> Self {
                Self(id.into())
            }

            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.into())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id.into())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

id! {
    /// Id of a conversation: a chat or an offline message, called a case by SnapEngage.
    CaseId
}

id! {
    /// Id of a chat widget, as configured in the SnapEngage dashboard.
    WidgetId
}

id! {
    /// Id of an agent: the email address, with or without the prefix `wc:`.
    AgentId
}

#[cfg(feature = "hub")]
id! {
    /// Id of a conversation, as SnapEngage's Hub has it: not that of the case, or not always.
    ConversationId
}

impl AgentId {
    /// Returns the agent's email address: the id without its prefix `wc:`.
    ///
    /// ```
    /// use snapengage::AgentId;
    ///
    /// assert_eq!(AgentId::from("wc:agent@example.com").email(), "agent@example.com");
    /// assert_eq!(AgentId::from("agent@example.com").email(), "agent@example.com");
    /// ```
    pub fn email(&self) -> &str {
        self.0.strip_prefix("wc:").unwrap_or(&self.0)
    }
}
