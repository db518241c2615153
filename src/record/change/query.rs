//! Parameters in a query.

use form_urlencoded::{byte_serialize, parse};

/// Returns a path with a parameter set in its query; the others stay as they are.
pub(super) fn set(target: &str, name: &str, value: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let new = format!("{}={}", encoded(name), encoded(value));
    let (mut parameters, mut is_set) = (Vec::new(), false);
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        if parse(parameter.as_bytes()).next().is_none_or(|(found, _)| found != name) {
            parameters.push(parameter);
        } else if !is_set {
            parameters.push(&new);
            is_set = true;
        }
    }
    if !is_set {
        parameters.push(&new);
    }
    format!("{path}?{}", parameters.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_replaced_or_added() {
        let target = "/c?e=a%40b&ip=%31&e=c";
        assert_eq!(set(target, "e", "x y&z"), "/c?e=x+y%26z&ip=%31");
        assert_eq!(set(target, "name", "Jim"), "/c?e=a%40b&ip=%31&e=c&name=Jim");
        assert_eq!(set("/c", "e", ""), "/c?e=");
    }
}
