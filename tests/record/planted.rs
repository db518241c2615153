//! Personal details and secrets that were never anybody's, and the ways in which they are written.

use std::fmt::Write as _;

pub(crate) use self::base_64::base64;

/// Sequence of numbers without a pattern, the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).expect("31 bits") % below
    }

    fn letters(&mut self, letters: &str, count: usize) -> String {
        let letters: Vec<_> = letters.chars().collect();
        (0..count).map(|_| letters[self.roll(letters.len())]).collect()
    }
}

/// What is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum What {
    Email,
    Agent,
    Phone,
    Ipv4,
    Ipv6,
    Card,
    Jwt,
    Hex,
    KeyInAnAddress,
}

pub(crate) const WHAT: [What; 9] = [
    What::Email,
    What::Agent,
    What::Phone,
    What::Ipv4,
    What::Ipv6,
    What::Card,
    What::Jwt,
    What::Hex,
    What::KeyInAnAddress,
];

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

impl What {
    pub(crate) fn make(self, dice: &mut Dice) -> String {
        match self {
            Self::Email => match dice.roll(3) {
                0 => format!("{}+{}@shop.example", dice.letters(LOWER, 6), dice.letters(DIGITS, 3)),
                1 => format!(
                    "{}.{}@mail.example.com",
                    dice.letters(LOWER, 4),
                    dice.letters(LOWER, 7)
                ),
                _ => format!("{}@{}.example", dice.letters(LOWER, 9), dice.letters(LOWER, 5)),
            },
            Self::Agent => format!("wc:{}@desk.example", dice.letters(LOWER, 8)),
            Self::Phone => phone(dice),
            Self::Ipv4 => {
                let [a, b, c, d] =
                    [1 + dice.roll(222), dice.roll(256), dice.roll(256), 1 + dice.roll(254)];
                format!("{a}.{b}.{c}.{d}")
            }
            Self::Ipv6 => format!(
                "2a0{:x}:{:x}:{:x}::{:x}",
                dice.roll(16),
                1 + dice.roll(65535),
                1 + dice.roll(65535),
                1 + dice.roll(65535)
            ),
            Self::Card => card(dice),
            Self::Jwt => format!(
                "eyJ{}.eyJ{}.{}",
                dice.letters(WORD, 20),
                dice.letters(WORD, 30),
                dice.letters(WORD, 42)
            ),
            Self::Hex => {
                let length = 32 + dice.roll(32);
                dice.letters("0123456789abcdef", length)
            }
            Self::KeyInAnAddress => dice.letters(&WORD[..62], 24),
        }
    }

    /// Returns what is written around a value, and that is a value of its kind only there.
    pub(crate) fn around(self) -> (&'static str, &'static str) {
        match self {
            Self::KeyInAnAddress => ("https://shop.example/cart?step=2&key=", "&lang=en"),
            _ => ("", ""),
        }
    }

    /// Returns `true` for the form of the pseudonym.
    pub(crate) fn is_pseudonym(self, text: &str, instead_of: &str) -> bool {
        let is_k = |text: &str| {
            text.len() == 12 && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
        };
        let is_email = |text: &str| {
            let k = text.strip_prefix("p-").and_then(|text| text.strip_suffix("@example.invalid"));
            k.is_some_and(is_k)
        };
        match self {
            Self::Email => is_email(text),
            Self::Agent => text.strip_prefix("wc:").is_some_and(is_email),
            Self::Phone => {
                let digits = text.strip_prefix("+999").unwrap_or_default();
                digits.len() == 9 && digits.bytes().all(|byte| byte.is_ascii_digit())
            }
            Self::Ipv4 => text.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.octets()[0] >= 240),
            Self::Ipv6 => text
                .parse::<std::net::Ipv6Addr>()
                .is_ok_and(|ip| ip.segments()[..2] == [0x2001, 0xdb8]),
            Self::Card => {
                let digits = instead_of.bytes().filter(u8::is_ascii_digit).count();
                text.starts_with("999999")
                    && text.len() == digits
                    && text.bytes().all(|byte| byte.is_ascii_digit())
            }
            Self::Jwt => {
                let rest = text.strip_prefix("eyJyZWRhY3RlZCI6dHJ1ZX0.").unwrap_or_default();
                rest.split_once('.').is_some_and(|(first, second)| is_k(first) && is_k(second))
            }
            Self::Hex | Self::KeyInAnAddress => {
                text.starts_with("5eda5eda") && text.len() == instead_of.len()
            }
        }
    }
}

fn phone(dice: &mut Dice) -> String {
    let [area, exchange] =
        [0, 0].map(|_| format!("{}{}", 2 + dice.roll(8), dice.letters("123456789", 2)));
    let line = dice.letters(DIGITS, 4);
    match dice.roll(7) {
        0 => format!("({area}) {exchange}-{line}"),
        1 => format!("{area}-{exchange}-{line}"),
        2 => format!("{area}.{exchange}.{line}"),
        3 => format!("+1 {area} {exchange} {line}"),
        4 => format!("+49{area}{exchange}{line}"),
        5 => format!("+44 20 {line} {}", dice.letters("123456789", 4)),
        _ => format!("030 {exchange}{line}"),
    }
}

fn card(dice: &mut Dice) -> String {
    let mut digits = format!("4{}", dice.letters(DIGITS, 14));
    let last = (0..10).find(|last| {
        let sum: u32 = format!("{digits}{last}")
            .bytes()
            .rev()
            .enumerate()
            .map(|(at, byte)| {
                let digit = u32::from(byte - b'0') * if at % 2 == 1 { 2 } else { 1 };
                digit / 10 + digit % 10
            })
            .sum();
        sum.is_multiple_of(10)
    });
    write!(digits, "{}", last.expect("a check digit")).expect("a digit");
    match dice.roll(3) {
        0 => digits,
        mark => {
            let mark = if mark == 1 { " " } else { "-" };
            [&digits[..4], &digits[4..8], &digits[8..12], &digits[12..]].join(mark)
        }
    }
}

/// Way in which a text stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Header,
    Json,
    Gson,
    Unicode,
    XmlText,
    Entity,
    Cdata,
    Attribute,
    Percent,
    Plus,
    Base64,
    InText,
    Latin1,
    Utf16,
    JsonInJson,
    Binary,
}

pub(crate) const WRITTEN: [Written; 16] = [
    Written::Header,
    Written::Json,
    Written::Gson,
    Written::Unicode,
    Written::XmlText,
    Written::Entity,
    Written::Cdata,
    Written::Attribute,
    Written::Percent,
    Written::Plus,
    Written::Base64,
    Written::InText,
    Written::Latin1,
    Written::Utf16,
    Written::JsonInJson,
    Written::Binary,
];

impl Written {
    /// Returns an exchange in which the text stands, of a bot or of the Integration API.
    pub(crate) fn file(self, number: usize, text: &str) -> Vec<u8> {
        let message = |text: &str| {
            format!(
                r#"{{"event": "message", "widget_id": "w", "case_id": "c-{number}", "from": "visitor", "text": "{text}"}}"#
            )
        };
        let case = |inner: &str| {
            format!("<?xml version=\"1.0\"?>\n<case>\n<id>c-{number}</id>\n{inner}\n</case>")
        };
        let json = serde_json::to_string(text).expect("JSON");
        let json = json.trim_matches('"');
        let xml = text.replace('&', "&amp;").replace('<', "&lt;");
        let post = |head: &str, body: Vec<u8>| exchange(number, "POST /hook HTTP/1.1", head, &body);
        match self {
            Self::Header => post(&format!("X-Note: {text}\n"), message("hi").into()),
            Self::Json | Self::InText => post("", message(&format!("Hello! {json} Bye.")).into()),
            Self::Gson => {
                let gson =
                    json.replace('=', "\\u003d").replace('&', "\\u0026").replace('\'', "\\u0027");
                post("", message(&gson).into())
            }
            Self::Unicode => {
                let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
                post("", message(&units.collect::<String>()).into())
            }
            Self::XmlText => post("", case(&format!("<description>{xml}</description>")).into()),
            Self::Entity => {
                let entities = text.chars().map(|c| format!("&#x{:x};", u32::from(c)));
                post(
                    "",
                    case(&format!("<description>{}</description>", entities.collect::<String>()))
                        .into(),
                )
            }
            Self::Cdata => {
                post("", case(&format!("<description><![CDATA[{text}]]></description>")).into())
            }
            Self::Attribute => {
                post("", case(&format!("<description note=\"{xml}\">hi</description>")).into())
            }
            Self::Percent | Self::Plus => {
                let mut query = percent(text);
                if self == Self::Plus {
                    query = query.replace("%20", "+");
                }
                let line = format!(
                    "GET /look-up?email=unknown&url=https%3A%2F%2Fx.example%2F&url={query} HTTP/1.1"
                );
                exchange(number, &line, "", b"")
            }
            Self::Base64 => {
                post("", message(&format!("see {} there", base64(text.as_bytes()))).into())
            }
            Self::Latin1 => {
                let mut body = message("").into_bytes();
                let end = body.len() - 2;
                body.splice(end..end, [b"Gr\xfc\xdfe ", text.as_bytes(), b" \xe4\xf6"].concat());
                post("Content-Type: application/json; charset=ISO-8859-1\n", body)
            }
            Self::Utf16 => {
                let body = message(json);
                post("", body.encode_utf16().flat_map(u16::to_le_bytes).collect())
            }
            Self::JsonInJson => {
                let inner = serde_json::json!({ "note": text }).to_string();
                let inner = serde_json::to_string(&inner).expect("JSON");
                post("", message(inner.trim_matches('"')).into())
            }
            Self::Binary => {
                post("", [b"\x00\x01\xff\xfe ", text.as_bytes(), b" \xf0\x90\x00\x02"].concat())
            }
        }
    }
}

/// Returns a file with an exchange.
pub(crate) fn exchange(number: usize, line: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let api = if line.starts_with("GET") {
        "get-contact"
    } else if body.starts_with(b"<") {
        "integration"
    } else {
        "bot"
    };
    let (form, body) = match str::from_utf8(body) {
        Ok(_) => ("text", body.to_vec()),
        Err(_) => ("base64", base64(body).into_bytes()),
    };
    let head = format!(
        "# snapengage recording 1\n# n: {number}\n# at: 2026-11-25T20:11:03.512Z\n# offset_ms: 0\n\
         # api: {api}\n# event: other\n# case: c-{number}\n# request-body: {form} {}\n\
         # response: 200 in 1 ms\n# response-body: text 2\n{line}\nHost: bot.example.com\n{head}\n",
        body.len()
    );
    let answer = b"\n### response\nHTTP/1.1 200 OK\n\nok\n";
    [head.as_bytes(), &body, answer].concat()
}

pub(crate) fn percent(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// Returns a file in every way in which it may be read: each is a text of its own.
pub(crate) fn readings(file: &[u8]) -> Vec<String> {
    let text = match String::from_utf8(file.to_vec()) {
        Ok(text) => text,
        Err(_) => file.iter().copied().map(char::from).collect(),
    };
    // UTF-16 is valid UTF-8 where it is ASCII.
    let mut readings = vec![text.replace('\0', ""), text];
    let mut from = 0;
    for _ in 0..3 {
        let to = readings.len();
        for at in from..to {
            let text = readings[at].clone();
            let mut more =
                vec![unescaped(&text), text.replace('+', " "), unescaped(&text.replace('+', " "))];
            more.extend(base64_words(&text));
            for text in more {
                if !readings.contains(&text) {
                    readings.push(text);
                }
            }
        }
        from = to;
    }
    readings
}

fn base64_words(text: &str) -> Vec<String> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let words = text.split(|c| !is_letter(c)).filter(|word| word.len() >= 8);
    let decoded = words.filter_map(base_64::decoded);
    let mut texts = Vec::new();
    for bytes in decoded {
        let (units, _) = bytes.as_chunks::<2>();
        if bytes.contains(&0) {
            let units: Vec<_> = units.iter().map(|&unit| u16::from_le_bytes(unit)).collect();
            texts.push(String::from_utf16_lossy(&units));
        }
        texts.push(bytes.iter().copied().map(char::from).collect());
    }
    texts
}

/// Resolves all escapes once.
fn unescaped(text: &str) -> String {
    let mut new = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let hex = |at: usize, length: usize| {
            let digits = rest.get(at..at + length)?;
            char::from_u32(u32::from_str_radix(digits, 16).ok()?)
        };
        let (decoded, length) = match c {
            '%' => (hex(1, 2), 3),
            '\\' if rest.starts_with("\\u") => (hex(2, 4), 6),
            '\\' => (rest.chars().nth(1).filter(char::is_ascii), 2),
            '&' if rest.starts_with("&#x") => {
                let end = rest.find(';').unwrap_or(3);
                (hex(3, end - 3), end + 1)
            }
            '&' if rest.starts_with("&amp;") => (Some('&'), 5),
            _ => (None, 0),
        };
        match decoded {
            Some(decoded) => {
                new.push(decoded);
                rest = &rest[length..];
            }
            None => {
                new.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    new
}

/// Base64, once more by itself: what is checked is not read by what is to be checked.
mod base_64 {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    pub(crate) fn base64(bytes: &[u8]) -> String {
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let padded = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
            let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
            for place in 0..4 {
                let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
                text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
            }
        }
        text
    }

    pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
        let mut bits = 0_u32;
        let mut count = 0;
        let mut bytes = Vec::new();
        for byte in text.trim_end_matches('=').bytes() {
            let six = LETTERS.iter().position(|&letter| letter == byte)?;
            bits = bits << 6 | u32::try_from(six).expect("six bits");
            count += 6;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from(bits >> count & 255).expect("a byte"));
            }
        }
        Some(bytes)
    }
}
