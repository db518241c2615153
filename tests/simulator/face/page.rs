//! The page and the script, as they are served.

use super::served::Served;
use crate::ask::*;

#[tokio::test]
async fn page_is_served_with_its_files_and_a_policy() {
    let served = Served::new(open_office()).await;
    let page = served.get("/").await;
    let html = str::from_utf8(&page.body).expect("UTF-8");
    assert!(html.starts_with("<!doctype html>"), "{html}");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'self';"), "{policy}");
    assert!(policy.ends_with("; frame-src 'none'"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("set-cookie"), None);
    let names = html.split('"').filter(|name| name.starts_with('/') && name.contains('.'));
    let names: Vec<_> = names.collect();
    assert!(names.len() > 2, "{names:?}");
    for name in names {
        let file = served.get(name).await;
        assert_eq!(file.status, 200, "{name}");
        assert_eq!(file.header("content-security-policy"), Some(policy));
        assert_eq!(file.header("access-control-allow-origin"), None);
    }
    served.get("/none.js").await.refused(404, "");
    served.send("POST", "/", &[], "").await.refused(405, "GET");
    let foreign = [("origin", "https://attacker.example")];
    served.send("GET", "/", &foreign, "").await.refused(403, "own page");
}

#[tokio::test]
async fn link_on_another_site_leads_to_the_page() {
    let served = Served::new(open_office()).await;
    let page = served.send("GET", "/", &[("sec-fetch-site", "cross-site")], "").await;
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn script_is_that_of_its_widget() {
    let served = Served::new(open_office()).await;
    let foreign = ("origin", "https://shop.example");
    let host = ("host", "localhost:7070");
    let script = served.send("GET", "/js/sales.js", &[foreign, host], "").await;
    assert_eq!(script.status, 200);
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(script.header("access-control-allow-origin"), Some("*"));
    let text = str::from_utf8(&script.body).expect("UTF-8");
    assert!(text.contains(r#"let widgetId = "sales";"#));
    assert!(text.contains(r#"const base = "http://localhost:7070";"#));
    assert!(!text.contains("{{"), "nothing is left to be replaced");
    for path in ["/js/none.js", "/js/sales", "/js/", "/js/sales.js/more", "/js/%ff.js"] {
        let refused = served.get(path).await;
        assert!(refused.status == 404 || refused.status == 400, "{path}");
    }
}
