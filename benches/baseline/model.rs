//! The payloads as strict structs that own their strings: what a project writes that needs no more.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize)]
pub struct Message {
    pub widget_id: String,
    pub case_id: String,
    pub timestamp: Option<i64>,
    pub event: String,
    pub from: String,
    pub text: String,
    pub id: Option<String>,
    pub context_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub struct Reply {
    widget_id: String,
    case_id: String,
    content: Vec<Content>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Content {
    Message {
        text: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        display_responses: Vec<Button>,
    },
}

#[derive(Serialize, Deserialize)]
struct Button {
    text: String,
    id: Option<String>,
}

impl Message {
    /// The message said back.
    pub fn echo(self) -> Reply {
        let Self { widget_id, case_id, text, .. } = self;
        Reply {
            widget_id,
            case_id,
            content: vec![Content::Message { text, display_responses: Vec::new() }],
        }
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SupportRequest {
    pub id: String,
    pub widget_id: Option<String>,
    pub url: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub requested_by: Option<String>,
    pub requester_details: Option<RequesterDetails>,
    pub description: Option<String>,
    pub created_at_date: Option<String>,
    pub created_at_seconds: Option<i64>,
    pub created_at_milliseconds: Option<u64>,
    pub proactive_chat: Option<bool>,
    pub page_url: Option<String>,
    pub referrer_url: Option<String>,
    pub entry_url: Option<String>,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    pub browser: Option<String>,
    pub os: Option<String>,
    pub country_code: Option<String>,
    pub country: Option<String>,
    pub region: Option<String>,
    pub city: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub source_id: Option<i64>,
    pub chat_waittime: Option<u64>,
    pub chat_duration: Option<u64>,
    pub chat_ended_by: Option<String>,
    pub language_code: Option<String>,
    pub languages: Vec<Pair>,
    pub transcripts: Vec<TranscriptLine>,
    pub plugins: Vec<Pair>,
    pub javascript_variables: Vec<Pair>,
    pub operator_variables: Vec<Pair>,
    pub labels: Vec<Pair>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RequesterDetails {
    pub name: Option<String>,
    pub emails: Vec<String>,
    pub name_profile_link: Option<String>,
    pub phones: Vec<String>,
    pub address: Option<String>,
    pub address_2: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub zip: Option<String>,
    pub country: Option<String>,
    pub company_name: Option<String>,
    pub company_profile_link: Option<String>,
    pub employees: Option<String>,
    pub revenue: Option<String>,
    pub title: Option<String>,
    pub website: Option<String>,
    pub social_profile_links: Vec<String>,
    pub gender: Option<String>,
    pub age: Option<u64>,
    pub influencer_score: Option<String>,
    pub notes: Option<String>,
    pub industry: Option<String>,
    pub avatars: Vec<String>,
    pub other_data: Vec<Value>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TranscriptLine {
    pub id: String,
    pub date: Option<String>,
    pub date_seconds: Option<i64>,
    pub date_milliseconds: Option<u64>,
    pub alias: Option<String>,
    pub message: String,
    pub translations: HashMap<String, String>,
    pub sender: Option<String>,
}

/// A name and a value, or the code of a language.
#[derive(Default, Serialize, Deserialize)]
pub struct Pair {
    pub name: String,
    pub value: String,
}

#[derive(Serialize, Deserialize)]
pub struct Event {
    pub event: String,
    pub widget_id: String,
    pub case_id: String,
    pub widget_name: Option<String>,
    pub agent_id: Option<String>,
    pub agent_email: Option<String>,
    pub agent_alias: Option<String>,
    pub timestamp: Option<i64>,
    pub label: Option<Pair>,
    pub survey_score: Option<u8>,
    pub survey_comment: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub struct StatusChange {
    pub agent_id: String,
    pub status: String,
    pub org: Option<i64>,
    pub sub_status: Option<String>,
    pub timestamp: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Query {
    pub email: String,
    pub ip: Option<String>,
    pub url: Option<String>,
    #[serde(rename = "caseId")]
    pub case_id: Option<String>,
}
