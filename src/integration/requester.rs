//! What is known of a visitor.

use serde_json::Value;

use crate::wire::lenient::Extra;
use crate::wire::model::model;

/// What online services know of a visitor.
///
/// See [SnapEngage docs/Integration API](https://developer.snapengage.com/#integration-api).
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RequesterDetails {
    /// The full name.
    pub name: Option<String>,
    /// Email addresses.
    pub emails: Vec<String>,
    /// Links to profiles.
    pub name_profile_link: Option<String>,
    /// Phone numbers.
    pub phones: Vec<String>,
    /// The address.
    pub address: Option<String>,
    /// The second address.
    pub address_2: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// The state.
    pub state: Option<String>,
    /// The zip code.
    pub zip: Option<String>,
    /// The country.
    pub country: Option<String>,
    /// The company's name.
    pub company_name: Option<String>,
    /// A link to the company's profile.
    pub company_profile_link: Option<String>,
    /// Employees of the company, separated by commas.
    pub employees: Option<String>,
    /// The company's revenue. The vendor does not say in what.
    pub revenue: Option<String>,
    /// The professional title.
    pub title: Option<String>,
    /// The website.
    pub website: Option<String>,
    /// Links to profiles on social networks; one may be several values separated by commas.
    pub social_profile_links: Vec<String>,
    /// The gender.
    pub gender: Option<String>,
    /// The age in years; 0 where it is not known.
    pub age: Option<i64>,
    /// How influential the visitor is. The vendor does not say on what scale.
    pub influencer_score: Option<String>,
    /// Notes.
    pub notes: Option<String>,
    /// The industry.
    pub industry: Option<String>,
    /// Links to pictures of the visitor.
    pub avatars: Vec<String>,
    /// Anything else. The vendor does not say what.
    pub other_data: Vec<Value>,
    /// Fields that are not documented, or not of the documented type, by their names; and under
    /// `name (others)`, an array, what else came for a field that came more than once.
    pub extra: Extra,
}

model!(RequesterDetails {
    required {}
    constant {}
    optional {
        "name" => name,
        "emails" => emails,
        "name_profile_link" => name_profile_link,
        "phones" => phones,
        "address" => address,
        "address_2" => address_2,
        "city" => city,
        "state" => state,
        "zip" => zip,
        "country" => country,
        "company_name" => company_name,
        "company_profile_link" => company_profile_link,
        "employees" => employees,
        "revenue" => revenue,
        "title" => title,
        "website" => website,
        "social_profile_links" => social_profile_links,
        "gender" => gender,
        "age" => age,
        "influencer_score" => influencer_score,
        "notes" => notes,
        "industry" => industry,
        "avatars" => avatars,
        "other_data" => other_data,
    }
});
