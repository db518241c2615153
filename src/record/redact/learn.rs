//! Names, addresses and ids that an exchange tells of its case.

use super::fields::Class;
use super::json::BodyPiece;
use super::looks;
use super::view::DecodedView;
use crate::record::pseudonym::PseudonymKind;

/// Takes the names, addresses and ids of documented fields, and those of a text that lists them.
pub(super) fn take(text: &str, piece: &BodyPiece, values: &mut Vec<(PseudonymKind, String)>) {
    if piece.is_number {
        return;
    }
    let kind = match piece.class {
        Class::Name | Class::Alias => PseudonymKind::Name,
        Class::Street => PseudonymKind::Street,
        Class::Id => PseudonymKind::Id,
        Class::Text => {
            let view = DecodedView::new(&text[piece.at.clone()], piece.coding);
            return contact_details(&view.text, values);
        }
        _ => return,
    };
    let view = DecodedView::new(&text[piece.at.clone()], piece.coding);
    let value = view.text.trim();
    if matches!(value, "visitor" | "Visitor" | "unknown") || looks::whole(value).is_some() {
        return;
    }
    values.push((kind, value.to_owned()));
    if piece.class == Class::Name {
        name_parts(value, values);
    }
}

/// A text speaks of Jane Doe as Jane.
fn name_parts(name: &str, values: &mut Vec<(PseudonymKind, String)>) {
    let parts =
        name.split_whitespace().map(|part| part.trim_matches(|c: char| !c.is_alphanumeric()));
    for part in parts.filter(|part| part.len() < name.len()) {
        if part.chars().count() >= 3 && part.starts_with(char::is_uppercase) {
            values.push((PseudonymKind::Name, part.to_owned()));
        }
    }
}

/// Reads the lines of `[Contact Details]`, as SnapEngage writes them into a text.
fn contact_details(text: &str, values: &mut Vec<(PseudonymKind, String)>) {
    let Some(start) = text.find("[Contact Details") else { return };
    for line in text[start..].lines() {
        let Some((label, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        let label = label.trim().to_lowercase();
        let kind = if label.contains("name") {
            name_parts(value, values);
            PseudonymKind::Name
        } else if label.contains("address") || label.contains("street") {
            PseudonymKind::Street
        } else {
            continue;
        };
        if looks::whole(value).is_none() {
            values.push((kind, value.to_owned()));
        }
    }
}
