//! What is known of a visitor.

use serde_json::Value;

use crate::wire::model::model;

model! {
    /// What online services know of a visitor.
    ///
    /// See [SnapEngage docs/Integration API](https://developer.snapengage.com/#integration-api).
    #[derive(Default)]
    pub struct RequesterDetails {
        /// The full name.
        pub name: Option<String> = "name",
        /// Email addresses.
        pub emails: Vec<String> = "emails",
        /// Links to profiles.
        pub name_profile_link: Option<String> = "name_profile_link",
        /// Phone numbers.
        pub phones: Vec<String> = "phones",
        /// The address.
        pub address: Option<String> = "address",
        /// The second address.
        pub address_2: Option<String> = "address_2",
        /// The city.
        pub city: Option<String> = "city",
        /// The state.
        pub state: Option<String> = "state",
        /// The zip code.
        pub zip: Option<String> = "zip",
        /// The country.
        pub country: Option<String> = "country",
        /// The company's name.
        pub company_name: Option<String> = "company_name",
        /// A link to the company's profile.
        pub company_profile_link: Option<String> = "company_profile_link",
        /// Employees of the company, separated by commas.
        pub employees: Option<String> = "employees",
        /// The company's revenue. The vendor does not say in what.
        pub revenue: Option<String> = "revenue",
        /// The professional title.
        pub title: Option<String> = "title",
        /// The website.
        pub website: Option<String> = "website",
        /// Links to profiles on social networks; one may be several values separated by commas.
        pub social_profile_links: Vec<String> = "social_profile_links",
        /// The gender.
        pub gender: Option<String> = "gender",
        /// The age in years; 0 where it is not known.
        pub age: Option<i64> = "age",
        /// How influential the visitor is. The vendor does not say on what scale.
        pub influencer_score: Option<String> = "influencer_score",
        /// Notes.
        pub notes: Option<String> = "notes",
        /// The industry.
        pub industry: Option<String> = "industry",
        /// Links to pictures of the visitor.
        pub avatars: Vec<String> = "avatars",
        /// Anything else. The vendor does not say what.
        pub other_data: Vec<Value> = "other_data",
    }
}
