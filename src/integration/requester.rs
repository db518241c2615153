//! Details of a visitor.

use serde_json::Value;

use crate::wire::model::model;

model! {
    /// Details of a visitor from online services.
    ///
    /// See [SnapEngage docs/Integration API](https://developer.snapengage.com/#integration-api).
    #[derive(Default)]
    pub struct RequesterDetails {
        /// Full name.
        pub name: Option<String> = "name",
        /// Email addresses.
        pub emails: Vec<String> = "emails",
        /// Links to profiles.
        pub name_profile_link: Option<String> = "name_profile_link",
        /// Phone numbers.
        pub phones: Vec<String> = "phones",
        /// Address.
        pub address: Option<String> = "address",
        /// Second address.
        pub address_2: Option<String> = "address_2",
        /// City.
        pub city: Option<String> = "city",
        /// State.
        pub state: Option<String> = "state",
        /// Zip code.
        pub zip: Option<String> = "zip",
        /// Country.
        pub country: Option<String> = "country",
        /// Name of the company.
        pub company_name: Option<String> = "company_name",
        /// Link to the company's profile.
        pub company_profile_link: Option<String> = "company_profile_link",
        /// Employees of the company, separated by commas.
        pub employees: Option<String> = "employees",
        /// Revenue of the company. The vendor does not say in what.
        pub revenue: Option<String> = "revenue",
        /// Professional title.
        pub title: Option<String> = "title",
        /// Website.
        pub website: Option<String> = "website",
        /// Links to profiles on social networks; one may be several values separated by commas.
        pub social_profile_links: Vec<String> = "social_profile_links",
        /// Gender.
        pub gender: Option<String> = "gender",
        /// Age in years; 0 if it is not known.
        pub age: Option<i64> = "age",
        /// Score of the visitor's influence. The vendor does not say on what scale.
        pub influencer_score: Option<String> = "influencer_score",
        /// Notes.
        pub notes: Option<String> = "notes",
        /// Industry.
        pub industry: Option<String> = "industry",
        /// Links to pictures of the visitor.
        pub avatars: Vec<String> = "avatars",
        /// Anything else. The vendor does not say what.
        pub other_data: Vec<Value> = "other_data",
    }
}
