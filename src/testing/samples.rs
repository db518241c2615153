//! Sample payloads.

use std::fmt;

use http::Method;

use crate::api::Api;

/// Returns the sample requests of all five APIs: documented ones, and ones after the documented
/// form.
///
/// They are the files of `sample-payloads/` in the repository, where a README names the source of
/// each.
///
/// ```
/// use snapengage::Api;
/// use snapengage::bot::Event;
/// use snapengage::testing::samples;
///
/// for sample in samples().iter().filter(|sample| sample.api() == Api::Bot) {
///     let event = Event::from_json(sample.body());
///     assert!(event.is_ok(), "{}", sample.name());
/// }
/// ```
pub fn samples() -> &'static [Sample] {
    SAMPLES
}

/// Request that SnapEngage could send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    api: Api,
    name: &'static str,
    file: &'static [u8],
}

impl Sample {
    /// Returns the API of the sample.
    pub fn api(&self) -> Api {
        self.api
    }

    /// Returns the name of its file below `sample-payloads/`, such as `bot/message.json`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the method of the request.
    pub fn method(&self) -> Method {
        self.api.method()
    }

    /// Returns the body of the request: JSON or XML, to the byte. Empty for [`Api::Contact`].
    pub fn body(&self) -> &'static [u8] {
        if self.api == Api::Contact { &[] } else { self.file }
    }

    /// Returns the query of the request, without the `?`. `None` for all but [`Api::Contact`].
    pub fn query(&self) -> Option<&'static str> {
        let line = str::from_utf8(self.file).ok().filter(|_| self.api == Api::Contact)?;
        Some(line.trim_end().split_once('?')?.1)
    }
}

impl Sample {
    /// Returns the body, or for [`Api::Contact`] the query.
    pub(crate) fn payload(&self) -> &'static [u8] {
        self.query().map_or_else(|| self.body(), str::as_bytes)
    }
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sample").field(&self.name).finish()
    }
}

macro_rules! samples {
    ($($api:ident $folder:literal: $($name:literal)*;)*) => {
        &[$($(Sample {
            api: Api::$api,
            name: concat!($folder, "/", $name),
            file: include_bytes!(concat!("../../sample-payloads/", $folder, "/", $name)),
        },)*)*]
    };
}

const SAMPLES: &[Sample] = samples! {
    Integration "integration":
        "chat-2010.xml"
        "chat-2018.json"
        "chat-gson-escapes.json"
        "chat.json"
        "chat.xml"
        "date-comma.json"
        "date-narrow-space.json"
        "iso-8859-1.xml"
        "language-text.xml"
        "language-value.xml"
        "logs-case.json"
        "offline.json"
        "proactive.json"
        "requester-details.xml"
        "unknown-elements.xml";
    Bot "bot":
        "chat-closed.json"
        "chat-started-description.json"
        "chat-started-silent.json"
        "chat-started-variables.json"
        "chat-started-verified.json"
        "chat-started.json"
        "command-result.json"
        "message-button.json"
        "message-contact-details.json"
        "message-gson-escapes.json"
        "message-system.json"
        "message-without-timestamp.json"
        "message.json"
        "unknown-event.json";
    Conversation "conversation-events":
        "case-assigned.json"
        "case-broadcasted.json"
        "case-closed.json"
        "case-labeled.json"
        "case-queued.json"
        "case-responded.json"
        "case-surveyed.json"
        "case-transferred.json"
        "unknown-event.json";
    AgentStatus "agent-status":
        "offline.json"
        "online.json"
        "pause.json"
        "unknown-status.json"
        "without-org.json";
    Contact "get-contact":
        "known.txt"
        "placeholder.txt"
        "plus-and-extra.txt";
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    const APIS: [Api; 5] =
        [Api::Integration, Api::Bot, Api::Conversation, Api::AgentStatus, Api::Contact];

    fn files() -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-payloads");
        let mut files = BTreeSet::new();
        for folder in APIS.map(Api::as_str) {
            // Not below it: `bot/replies/` holds answers, not requests.
            for entry in fs::read_dir(root.join(folder)).expect("a folder") {
                let entry = entry.expect("an entry");
                if entry.file_type().expect("a type").is_file() {
                    let name = entry.file_name().into_string().expect("UTF-8");
                    files.insert(format!("{folder}/{name}"));
                }
            }
        }
        files
    }

    #[test]
    fn every_file_is_in_the_table() {
        let table: BTreeSet<_> = samples().iter().map(|sample| sample.name().to_owned()).collect();
        assert_eq!(table, files());
        assert_eq!(table.len(), samples().len());
    }

    #[test]
    fn the_folder_of_a_sample_is_named_after_its_api() {
        for sample in samples() {
            let (folder, _) = sample.name().split_once('/').expect("a folder and a file");
            assert_eq!(folder, sample.api().as_str(), "{sample:?}");
        }
    }

    #[test]
    fn a_sample_has_a_body_or_a_query() {
        for sample in samples() {
            let is_contact = sample.api() == Api::Contact;
            assert_eq!(sample.query().is_some(), is_contact, "{sample:?}");
            assert_eq!(sample.body().is_empty(), is_contact, "{sample:?}");
            assert_eq!(sample.method() == Method::GET, is_contact, "{sample:?}");
        }
    }

    #[test]
    fn a_query_is_what_follows_the_question_mark() {
        let known = samples().iter().find(|sample| sample.name() == "get-contact/known.txt");
        assert_eq!(
            known.expect("a sample").query(),
            Some(
                "email=test%40test.com&ip=127.0.0.1&url=http%3A%2F%2Fwww.test.com%2Fchat&caseId=b88d3c4d-c402-4673-8e5b-68778eac45cb"
            )
        );
    }
}
