//! Doc comments as descriptions for readers of any language.

/// Returns the text of doc comments without examples, and without what is said of items of Rust.
pub(super) fn prose(lines: &[&str]) -> String {
    let paragraphs = paragraphs(lines).into_iter().map(|text| sentences(&text));
    paragraphs.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// Splits docs at empty lines; an item of a list is a paragraph as well.
fn paragraphs(lines: &[&str]) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    let mut is_code = false;
    for line in lines.iter().map(|line| line.trim()) {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if is_code {
        } else if line.is_empty() || line.starts_with("- ") {
            paragraphs.push(line.to_owned());
        } else if let Some(paragraph) = paragraphs.last_mut() {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line);
        }
    }
    paragraphs
}

/// Drops the sentences that have a link to an item, or the last part of one, after a semicolon.
fn sentences(paragraph: &str) -> String {
    let mut kept = Vec::new();
    for sentence in paragraph.split_inclusive(". ").map(str::trim_end) {
        let Some(link) = item_link(sentence) else {
            kept.push(sentence.to_owned());
            continue;
        };
        if let Some(end) = sentence[..link].rfind(';') {
            kept.push(sentence[..end].to_owned() + ".");
        }
    }
    kept.join(" ")
}

/// Returns the place of a link that leads to an item, and to no address.
fn item_link(sentence: &str) -> Option<usize> {
    let starts = sentence.match_indices('[').map(|(start, _)| start);
    let leads_to_an_item = |start: &usize| {
        let link = &sentence[*start..];
        let Some(end) = link.find(']') else { return false };
        match link[end + 1..].strip_prefix('(') {
            Some(target) => !target.starts_with("http"),
            None => link.starts_with("[`"),
        }
    };
    starts.into_iter().find(leads_to_an_item)
}

#[cfg(test)]
mod tests {
    use super::prose;

    #[test]
    fn what_is_said_of_items_is_dropped() {
        let docs = [
            "Kind, chat or offline message: `type` in JSON. Not in XML; see",
            "[`is_offline`](Self::is_offline).",
            "",
            "[`Cases`](crate::Cases) fetches it. It has 100 cases.",
            "",
            "```",
            "let cases = 100;",
            "```",
            "",
            "See [SnapEngage docs](https://example.com/).",
        ];
        let expected = "Kind, chat or offline message: `type` in JSON. Not in XML.\n\n\
            It has 100 cases.\n\nSee [SnapEngage docs](https://example.com/).";
        assert_eq!(prose(&docs), expected);
    }

    #[test]
    fn lists_stay_lists() {
        assert_eq!(
            prose(&["Widget.", "", "- one", "  more", "- two"]),
            "Widget.\n\n- one more\n\n- two"
        );
        assert_eq!(prose(&["`[\"9:00 AM\"]` is text."]), "`[\"9:00 AM\"]` is text.");
    }
}
