//! Chats with a bot, as chat scripts.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::RecordingError;
use super::exchange::Exchange;
use super::recording::Recording;
use crate::api::Api;
use crate::id::{CaseId, WidgetId};
use crate::testing::Transcriber;

/// Chat with a bot that was recorded, as a [chat script](crate::testing#chat-scripts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedChat {
    case_id: CaseId,
    number: u64,
    script: String,
}

impl Recording {
    /// Returns the chats with bots, as scripts, in the order in which they began.
    ///
    /// What was refused, or could not be read by SnapEngage, is a comment in the script. A script
    /// has the pseudonyms of the recording: where a bot says something personal, or sets a label,
    /// what it says has to be put in place of them before the script is run.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn chats(&self) -> Result<Vec<RecordedChat>, RecordingError> {
        let mut chats: Vec<ChatUnderWay> = Vec::new();
        let mut places: HashMap<CaseId, usize> = HashMap::new();
        for exchange in self.exchanges() {
            let exchange = exchange?;
            let Some((widget_id, case_id)) = ids(&exchange) else { continue };
            let place = *places.entry(case_id.clone()).or_insert(chats.len());
            if place == chats.len() {
                let transcriber = Transcriber::new(widget_id, case_id.clone());
                chats.push(ChatUnderWay { case_id, number: exchange.number(), transcriber });
            }
            if let Some(status) = exchange.status() {
                let answer = exchange.answer().cloned().unwrap_or_default();
                chats[place].transcriber.take(exchange.body(), status, &answer);
            }
        }
        Ok(chats.into_iter().map(ChatUnderWay::end).collect())
    }
}

struct ChatUnderWay {
    case_id: CaseId,
    number: u64,
    transcriber: Transcriber,
}

impl ChatUnderWay {
    fn end(self) -> RecordedChat {
        let Self { case_id, number, transcriber } = self;
        RecordedChat { case_id, number, script: transcriber.into_script() }
    }
}

/// Returns the ids in a bot's request.
fn ids(exchange: &Exchange) -> Option<(WidgetId, CaseId)> {
    #[derive(Deserialize)]
    struct ChatIds {
        widget_id: WidgetId,
        case_id: CaseId,
    }

    let body = (exchange.api() == Some(Api::Bot)).then(|| exchange.body())?;
    let ChatIds { widget_id, case_id } = serde_json::from_slice(body).ok()?;
    Some((widget_id, case_id))
}

impl RecordedChat {
    /// Returns the case of the chat.
    pub fn case_id(&self) -> &CaseId {
        &self.case_id
    }

    /// Returns the script, to be read by [`Script::parse`](crate::testing::Script::parse).
    pub fn script(&self) -> &str {
        &self.script
    }

    /// Returns the name of its file: the number of its first exchange, and the case, such as
    /// `000007-5eda5eda-8d11-8f3c-9a52-0b7c5f1d2e90.chat`.
    pub fn file_name(&self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let case_id = self.case_id.as_str().chars().take(64);
        let case_id: String = case_id.map(|c| if is_plain(c) { c } else { '_' }).collect();
        format!("{:06}-{case_id}.chat", self.number)
    }

    /// Writes the script into a folder, which is made if it is not there, and returns its file. One
    /// of this name is replaced.
    ///
    /// # Errors
    ///
    /// If the folder or the file cannot be written.
    pub fn save_script(&self, folder: impl AsRef<Path>) -> Result<PathBuf, RecordingError> {
        let file = folder.as_ref().join(self.file_name());
        let failed = |error| RecordingError::io(&file, error);
        fs::create_dir_all(&folder).map_err(failed)?;
        fs::write(&file, &self.script).map_err(failed)?;
        Ok(file)
    }
}
