//! Bodies and values that are no JSON, or hardly.

/// Bodies that are no JSON object, and what is said of them; in every API the same.
pub(crate) const MALFORMED: &[(&[u8], &str)] = &[
    (b"", "expected a JSON object"),
    (b" \r\n\t", "expected a JSON object"),
    (b"\xef\xbb\xbf", "expected a JSON object"),
    (b"null", "expected a JSON object"),
    (b"true", "expected a JSON object"),
    (b"12", "expected a JSON object"),
    (b"\"SECRET\"", "expected a JSON object"),
    (b"[{}]", "expected a JSON object"),
    (b"SECRET=1", "expected a JSON object"),
    (b"{", "EOF while parsing an object at line 1 column 1"),
    (b"{\"SECRET", "EOF while parsing a string at line 1 column 8"),
    (b"{\"SECRET\":1,}", "trailing comma at line 1 column 13"),
    (b"{'SECRET':1}", "key must be a string at line 1 column 2"),
    (b"{SECRET:1}", "key must be a string at line 1 column 2"),
    (b"{\n\"SECRET\" 1}", "expected `:` at line 2 column 10"),
    (b"{\"SECRET\":SECRET}", "expected value at line 1 column 11"),
    (b"{\"SECRET\":\"\xff\",}", "trailing comma at line 1 column 15"),
    (b"{\n\"SECRET\":[\"\xff\xff\",1e999,\"\\ud83d\"}", "expected `,` or `]` at line 2 column 30"),
    (b"\xff{}", "expected a JSON object"),
    (b"{\"SECRET\":\xff}", "expected value at line 1 column 11"),
    (b"{\xef\xbb\xbf\"SECRET\":1}", "key must be a string at line 1 column 2"),
    (b"\xff\xfe{\0\"\0", "expected UTF-8, found UTF-16"),
    (b"\xfe\xff\0{\0\"", "expected UTF-8, found UTF-16"),
    (b"{\0\"\0", "expected UTF-8, found UTF-16"),
    (b"\0{\0\"", "expected UTF-8, found UTF-16"),
];

/// Values that are no JSON, or that no Rust type holds, and what is said of them before the
/// position.
pub(crate) const MALFORMED_VALUES: &[(&str, &str)] = &[
    ("SECRET", "expected value"),
    ("[SECRET]", "expected value"),
    ("[1 2]", "expected `,` or `]`"),
    (r#"{"a":1 "b":2}"#, "expected `,` or `}`"),
    ("01", "invalid number"),
    ("+1", "expected value"),
    ("1.", "invalid number"),
    ("NaN", "expected value"),
    (r#""\x""#, "invalid escape"),
    (r#""\u12""#, "invalid escape"),
];

/// Values that are JSON but for one character, or that no Rust type holds, and how they are read.
pub(crate) const MENDED_VALUES: &[(&[u8], &str)] = &[
    (br#""\ud800""#, r#""\ufffd""#),
    (br#""a\udc00b""#, r#""a\ufffdb""#),
    (br#""\ud800\u0041""#, r#""\ufffdA""#),
    (br#""\ud83d\ud83d\ude80""#, r#""\ufffd\ud83d\ude80""#),
    (br#"{"\ud800":[{"a":"\ud800"}]}"#, r#"{"\ufffd":[{"a":"\ufffd"}]}"#),
    (b"\"K\xf6ln\"", r#""K\ufffdln""#),
    (b"{\"K\xf6ln\":\"\xe2\x82\"}", r#"{"K\ufffdln":"\ufffd"}"#),
    (b"\"\x01\t\0\"", r#""\u0001\t\u0000""#),
    (b"1e999", r#""1e999""#),
    (b"[-1e999]", r#"["-1e999"]"#),
    (
        b"{\"a\":340282366920938463463374607431768211455}",
        r#"{"a":"340282366920938463463374607431768211455"}"#,
    ),
    (b"-9223372036854775809", r#""-9223372036854775809""#),
    (b"1e300", "1e300"),
];

/// `document` with the field `SECRET` added.
#[track_caller]
pub(crate) fn with_value(document: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    let open = document.trim_end().strip_suffix('}').expect("an object");
    [open.as_bytes(), br#","SECRET":"#, value.as_ref(), b"}"].concat()
}

/// `document` with the field `nested` added, of arrays in objects, `depth` levels below the
/// document.
#[track_caller]
pub(crate) fn nested(document: &str, depth: usize) -> String {
    let open = document.trim_end().strip_suffix('}').expect("an object");
    let (start, end): (String, String) = (0..depth)
        .map(|level| if level % 2 == 0 { ("[", "]") } else { (r#"{"a":"#, "}") })
        .fold(Default::default(), |(start, end), (opening, closing)| {
            (start + opening, closing.to_owned() + &end)
        });
    let innermost = if depth.is_multiple_of(2) { "1" } else { "" };
    format!(r#"{open},"nested":{start}{innermost}{end}}}"#)
}
