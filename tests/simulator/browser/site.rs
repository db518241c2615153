//! A developer's own site, on an origin of its own.

use axum::Router;
use axum::response::Html;
use axum::routing::any;
use tokio::net::TcpListener;

/// Serves one text on a free port of `localhost`, whatever it is asked, and returns its address.
pub(crate) async fn serve_site(html: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let site = Router::new().fallback(any(move || async move { Html(html) }));
    tokio::spawn(async move { axum::serve(listener, site).await });
    format!("http://localhost:{port}")
}

/// A page with the vendor's snippet, but for one address; every callback tells what it is given.
pub(crate) fn page_with_snippet(simulator: &str, body: &str) -> String {
    format!(
        r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Barber</title></head>
<body><h1>Barber</h1>{body}
<script>
  window.fired = [];
  (function() {{
    var se = document.createElement('script'); se.type = 'text/javascript'; se.async = true;
    se.src = '{simulator}/js/local.js';
    var done = false;
    se.onload = se.onreadystatechange = function() {{
      if (!done&&(!this.readyState||this.readyState==='loaded'||this.readyState==='complete')) {{
        done = true;
        Object.values(SnapEngage.callbacks).forEach(function (name) {{
          SnapEngage.setCallback(name, function () {{
            window.fired.push([name].concat([].slice.call(arguments)));
          }});
        }});
      }}
    }};
    var s = document.getElementsByTagName('script')[0]; s.parentNode.insertBefore(se, s);
  }})();
</script></body></html>"#
    )
}
