//! Where a request ends: bytes whose boundaries somebody else could see elsewhere are refused.

use std::fmt::Write;

use snapengage::Server;

use crate::wire::{
    self, Answer, Calls, STATUS, Served, TOKEN, build, builder, chunked_bytes, get_bytes,
    post_bytes, settle,
};

const ONE_HOST: &str = "expected one Host";
const ONE_ENCODING: &str = "expected one Transfer-Encoding, and that chunked";
const NOT_BOTH: &str = "expected either Transfer-Encoding or Content-Length, not both";
const IN_DOUBT: &str =
    "expected a chunked request to start where the one before it has been answered";

/// What hyper says by itself of bytes that are not HTTP.
fn not_http() -> Answer {
    Answer::new(400, &["connection: close"], "")
}

fn doubtful(problem: &str) -> Answer {
    Answer::refused(400, problem).closing()
}

async fn served(calls: &Calls) -> Served {
    Served::start(Server::new(build(builder(calls).body_limit(100_000)))).await
}

/// A request with these lines after its first, and [`STATUS`] in one chunk.
fn chunked(lines: &[&str]) -> String {
    request(lines, &format!("{:x}\r\n{STATUS}\r\n0\r\n\r\n", STATUS.len()))
}

/// A request with these lines after its first, and this body.
fn request(lines: &[&str], body: &str) -> String {
    let mut request = format!("POST /status HTTP/1.1\r\nAuthorization: {TOKEN}\r\n");
    for line in lines {
        write!(request, "{line}\r\n").expect("a string takes it");
    }
    request + "\r\n" + body
}

/// Sends the request twice at once. It is refused with its connection, and no handler is called.
#[track_caller]
fn assert_ends(request: impl Into<String>, expected: Answer) -> impl Future<Output = ()> {
    let (request, caller) = (request.into(), std::panic::Location::caller());
    async move {
        let calls = Calls::default();
        let served = served(&calls).await;
        let answers = served.exchange(request.clone() + &post_bytes("/status", STATUS)).await;
        assert_eq!(answers, [expected], "{caller}: {request:?}");
        served.stop().await;
        assert_eq!(calls.count(), 0, "{caller}: {request:?}");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_is_refused() {
    let length = &format!("Content-Length: {}", STATUS.len());
    for lines in [
        ["Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Host: a", "Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Transfer-Encoding: chunked", "Host: a", "content-length: 0"],
        ["CONTENT-LENGTH:5", "Host: a", "TRANSFER-ENCODING:chunked"],
        ["Host: a", "Transfer-Encoding: CHUNKED", length],
        ["Host: a", "Transfer-Encoding: chunked", "Content-Length: many"],
        ["Host: a", "Transfer-Encoding: chunked", "Content-Length:"],
    ] {
        assert_ends(chunked(&lines), doubtful(NOT_BOTH)).await;
    }
    let two = chunked(&["Host: a", "Content-Length: 5", length, "Transfer-Encoding: chunked"]);
    assert_ends(two, not_http()).await;
}

#[tokio::test]
async fn any_encoding_but_one_chunked_is_refused() {
    let encoded = |encodings: &[&str]| {
        let lines: Vec<_> =
            encodings.iter().map(|encoding| format!("Transfer-Encoding: {encoding}")).collect();
        let lines: Vec<_> =
            ["Host: a"].into_iter().chain(lines.iter().map(String::as_str)).collect();
        chunked(&lines)
    };
    for encodings in [
        &["chunked", "chunked"] as &[_],
        &["gzip", "chunked"],
        &["identity", "chunked"],
        &["gzip, chunked"],
        &["chunked, chunked"],
        &[", chunked"],
        &["chunked;q=1, chunked"],
        &["", "chunked"],
    ] {
        assert_ends(encoded(encodings), doubtful(ONE_ENCODING)).await;
    }
    for encodings in [
        &["gzip"] as &[_],
        &["identity"],
        &["chunked, gzip"],
        &["chunked", "gzip"],
        &["xchunked"],
        &["chunked;q=1"],
        &["\"chunked\""],
        &[""],
        &["chunked,"],
    ] {
        assert_ends(encoded(encodings), not_http()).await;
    }
}

#[tokio::test]
async fn a_chunked_request_is_taken_and_the_last_of_its_connection() {
    let calls = Calls::default();
    let served = served(&calls).await;
    let taken = [Answer::taken().closing()];
    assert_eq!(served.exchange(chunked_bytes("/status", STATUS)).await, taken);
    let next = chunked_bytes("/status", STATUS) + &post_bytes("/status", STATUS);
    assert_eq!(served.exchange(next).await, taken);
    let odd_case = chunked(&["Host: a", "Transfer-Encoding:  Chunked \t"]);
    assert_eq!(served.exchange(odd_case).await, taken);
    assert_eq!(calls.count(), 3);
    let mut client = served.connect().await;
    for _ in 0..3 {
        client.send(get_bytes("/contact?email=a")).await;
        assert_eq!(client.answer().await, Answer::text(200, "a"));
        client.send(post_bytes("/status", STATUS)).await;
        assert_eq!(client.answer().await, Answer::taken());
    }
    client.send(chunked_bytes("/status", STATUS)).await;
    assert_eq!(client.rest().await, taken);
    served.stop().await;
    assert_eq!(calls.count(), 7);
}

#[tokio::test]
async fn a_request_has_one_host() {
    let length = format!("Content-Length: {}", STATUS.len());
    let without = request(&[&length], STATUS);
    let with_two = request(&["Host: a", &length, "Host: a"], STATUS);
    assert_ends(without.clone(), doubtful(ONE_HOST)).await;
    assert_ends(with_two.clone(), doubtful(ONE_HOST)).await;
    assert_ends(request(&["Host: a", "host: b", &length], STATUS), doubtful(ONE_HOST)).await;
    let old = |request: &str| request.replace("HTTP/1.1", "HTTP/1.0");
    assert_ends(old(&with_two), doubtful(ONE_HOST)).await;

    let calls = Calls::default();
    let served = served(&calls).await;
    assert_eq!(served.exchange(old(&without)).await, [Answer::taken()]);
    let with_one = old(&request(&["Host: a", &length], STATUS));
    assert_eq!(served.exchange(with_one).await, [Answer::taken()]);
    let mut client = served.connect().await;
    for _ in 0..2 {
        client.send(old(&request(&["Connection: keep-alive", &length], STATUS))).await;
        assert_eq!(client.answer().await, Answer::taken().with("connection: keep-alive"));
    }
    drop(client);
    served.stop().await;
    assert_eq!(calls.count(), 4);
}

#[tokio::test]
async fn http_1_0_has_no_chunks() {
    let old = |lines: &[&str]| chunked(lines).replace("HTTP/1.1", "HTTP/1.0");
    assert_ends(old(&["Host: a", "Transfer-Encoding: chunked"]), not_http()).await;
    assert_ends(old(&["Transfer-Encoding: chunked", "Content-Length: 5"]), not_http()).await;
    assert_ends(old(&["Content-Length: 5", "Transfer-Encoding: chunked"]), not_http()).await;
    let kept = old(&["Transfer-Encoding: chunked", "Connection: keep-alive"]);
    assert_ends(kept, not_http()).await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let calls = Calls::default();
    let served = served(&calls).await;
    let mut client = served.connect().await;
    let mut requests = String::new();
    for i in 0..50 {
        requests += &get_bytes(&format!("/contact?email={i}"));
        requests += &post_bytes("/status", STATUS);
    }
    client.send(&requests).await;
    for i in 0..50 {
        assert_eq!(client.answer().await, Answer::text(200, i.to_string()));
        assert_eq!(client.answer().await, Answer::taken());
    }
    assert_eq!(calls.count(), 50);
    client.send(get_bytes("/other") + &get_bytes("/contact?email=a")).await;
    assert_eq!(client.answer().await.status, 404);
    assert_eq!(client.answer().await, Answer::text(200, "a"));
    drop(client);
    served.stop().await;
}

#[tokio::test]
async fn nothing_is_answered_after_a_refusal_that_left_a_body() {
    let wrong = post_bytes("/status", &post_bytes("/status", STATUS)).replace(TOKEN, "wrong");
    assert_ends(wrong, Answer::refused(401, wire::DENIED).closing()).await;
    let other = post_bytes("/other", &post_bytes("/status", STATUS));
    assert_ends(other, Answer::refused(404, "nothing is served at this path").closing()).await;
    let put = post_bytes("/status", STATUS).replace("POST", "PUT");
    let put_expected = Answer::refused(405, "expected POST").with("allow: POST").closing();
    assert_ends(put, put_expected).await;
}

#[tokio::test]
async fn a_body_sent_to_healthz_is_not_the_next_request() {
    let calls = Calls::default();
    let receiver = build(builder(&calls).healthz("/healthz"));
    let served = Served::start(Server::new(receiver)).await;
    let hidden = post_bytes("/status", STATUS);
    let health =
        format!("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", hidden.len());
    let last = "GET /contact?email=a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answers = served.exchange(health + &hidden + last).await;
    let bodies: Vec<_> = answers.iter().map(|answer| answer.body.as_str()).collect();
    assert!(matches!(&*bodies, ["ok"] | ["ok", "a"]), "{answers:?}");
    served.stop().await;
    assert_eq!(calls.count(), 0);
}

#[tokio::test]
async fn a_chunked_request_behind_another_is_refused() {
    let calls = Calls::default();
    let served = served(&calls).await;
    let first = get_bytes("/contact?email=a");
    let both = first.clone() + &chunked_bytes("/status", STATUS);
    let expected = [Answer::text(200, "a"), doubtful(IN_DOUBT)];
    assert_eq!(served.exchange(both).await, expected);
    let hidden = chunked(&["Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"]);
    assert_eq!(served.exchange(first.clone() + &hidden).await, expected);
    let taken = [Answer::taken(), doubtful(IN_DOUBT)];
    assert_eq!(served.exchange(post_bytes("/status", STATUS) + &hidden).await, taken);
    served.stop().await;
    assert_eq!(calls.count(), 1);
}

/// Sends the pieces so that the server reads each by itself.
async fn exchange_in_pieces<'a>(
    served: &Served,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<Answer> {
    let mut client = served.connect().await;
    for piece in pieces {
        client.send(piece).await;
        settle().await;
    }
    client.rest().await
}

#[tokio::test]
async fn a_request_may_come_in_two_pieces_anywhere() {
    let calls = Calls::default();
    let served = served(&calls).await;
    let length = format!("Content-Length: {}", STATUS.len());
    let plain = request(&["Host: a", &length, "Connection: close"], STATUS);
    let chunked = chunked(&["Host: a", "Transfer-Encoding: chunked"]);
    for bytes in [&plain, &chunked] {
        for end in 1..bytes.len() {
            let (first, second) = bytes.as_bytes().split_at(end);
            let answers = exchange_in_pieces(&served, [first, second]).await;
            assert_eq!(answers, [Answer::taken().closing()], "{:?}", &bytes[..end]);
        }
        let answers = exchange_in_pieces(&served, bytes.as_bytes().chunks(1)).await;
        assert_eq!(answers, [Answer::taken().closing()], "byte by byte: {bytes:?}");
    }
    served.stop().await;
    assert_eq!(calls.count(), plain.len() + chunked.len());
}

#[tokio::test]
async fn a_conflict_is_seen_in_two_pieces_anywhere() {
    let calls = Calls::default();
    let served = served(&calls).await;
    let conflicts = [
        chunked(&["Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"]),
        chunked(&["Transfer-Encoding: chunked", "Host: a", "Content-Length: 5"]),
    ];
    for bytes in conflicts.iter().map(String::as_bytes) {
        let head = memchr::memmem::find(bytes, b"\r\n\r\n").expect("a head") + 4;
        for end in 1..=head {
            let (first, second) = bytes.split_at(end);
            let answers = exchange_in_pieces(&served, [first, second]).await;
            assert_eq!(answers, [doubtful(NOT_BOTH)], "{:?}", String::from_utf8_lossy(first));
        }
        let answers = exchange_in_pieces(&served, bytes[..head].chunks(1)).await;
        assert_eq!(answers, [doubtful(NOT_BOTH)], "byte by byte");
    }
    served.stop().await;
    assert_eq!(calls.count(), 0);
}

#[tokio::test]
async fn a_conflict_behind_another_request_is_seen_wherever_the_pieces_part() {
    let calls = Calls::default();
    let served = served(&calls).await;
    let first = get_bytes("/contact?email=a");
    let conflict = chunked(&["Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"]);
    let bytes = first.clone() + &conflict;
    let head = first.len() + conflict.find("\r\n\r\n").expect("a head") + 4;
    for end in 1..=head {
        let (one, two) = bytes.as_bytes().split_at(end);
        let answers = exchange_in_pieces(&served, [one, two]).await;
        let [answer, refused] = &*answers else {
            panic!("{answers:?}");
        };
        assert_eq!(*answer, Answer::text(200, "a"));
        let refusals = [doubtful(NOT_BOTH), doubtful(IN_DOUBT)];
        assert!(refusals.contains(refused), "{refused:?} after {:?}", &bytes[..end]);
    }
    served.stop().await;
    assert_eq!(calls.count(), 0);
}

#[tokio::test]
async fn empty_lines_before_a_request_are_skipped() {
    let calls = Calls::default();
    let served = served(&calls).await;
    for lines in ["\r\n", "\n", "\r\n\r\n", "\r\n\n\r\n"] {
        let mut client = served.connect().await;
        for _ in 0..2 {
            client.send(lines.to_owned() + &post_bytes("/status", STATUS)).await;
            assert_eq!(client.answer().await, Answer::taken(), "{lines:?}");
        }
    }
    assert_eq!(calls.count(), 8);
    let conflict = chunked(&["Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"]);
    for lines in ["\r\n", "\n", "\r\n\r\n", "\r\n\n\r\n"] {
        let answers = served.exchange(lines.to_owned() + &conflict).await;
        assert!(matches!(&*answers, [refused] if refused.status == 400), "{answers:?}");
    }
    served.stop().await;
    assert_eq!(calls.count(), 8);
}

#[tokio::test]
async fn lines_may_end_without_carriage_return() {
    let calls = Calls::default();
    let served = served(&calls).await;
    let bare = |request: String| request.replace("\r\n", "\n");
    let mut client = served.connect().await;
    for _ in 0..3 {
        client.send(bare(post_bytes("/status", STATUS))).await;
        assert_eq!(client.answer().await, Answer::taken());
    }
    drop(client);
    let chunked_request = chunked(&["Host: a", "Transfer-Encoding: chunked"]);
    let (head, body) = chunked_request.split_once("\r\n\r\n").expect("a head");
    let mixed = format!("{}\n\n{body}", bare(head.to_owned()));
    assert_eq!(served.exchange(mixed).await, [Answer::taken().closing()]);
    assert_eq!(calls.count(), 4);
    let conflict = bare(chunked(&["Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"]));
    assert_eq!(served.exchange(conflict).await, [doubtful(NOT_BOTH)]);
    served.stop().await;
    assert_eq!(calls.count(), 4);
}

/// The first request's head ends with bare line feeds, and in its body is what ends other heads; so
/// many bytes of the next head follow that whoever takes the latter for the end finds as many bytes
/// after it as the body should have.
#[tokio::test]
async fn a_conflict_is_not_hidden_by_a_head_without_carriage_returns() {
    let calls = Calls::default();
    let served = served(&calls).await;
    let hidden = format!(
        "POST /status HTTP/1.1\r\nAuthorization: {TOKEN}\r\nContent-Length: {}\r\nX: ",
        STATUS.len()
    );
    let fill = hidden.len() - "\r\n\r\n".len();
    let body = format!("{STATUS:fill$}\r\n\r\n");
    let first = format!(
        "POST /status HTTP/1.1\nHost: a\nAuthorization: {TOKEN}\nContent-Length: {}\n\n{body}",
        body.len()
    );
    let mut client = served.connect().await;
    client.send(first + &hidden).await;
    assert_eq!(client.answer().await, Answer::taken());
    let seen = chunked_bytes("/status", STATUS).replace(&format!("Authorization: {TOKEN}\r\n"), "");
    client.send(seen).await;
    assert_eq!(client.rest().await, [doubtful(IN_DOUBT)]);
    served.stop().await;
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn a_length_is_a_number_and_the_only_one() {
    for lengths in [
        &["5", "6"] as &[_],
        &["53", "5"],
        &["5, 5"],
        &["5,6"],
        &["+5"],
        &["-1"],
        &["0x5"],
        &["5 5"],
        &["5;"],
        &["five"],
        &[""],
        &["18446744073709551616"],
        &["99999999999999999999999999999999"],
    ] {
        let lines: Vec<_> =
            lengths.iter().map(|length| format!("Content-Length: {length}")).collect();
        let lines: Vec<_> =
            ["Host: a"].into_iter().chain(lines.iter().map(String::as_str)).collect();
        assert_ends(request(&lines, STATUS), not_http()).await;
    }
    let longest = request(&["Host: a", "Content-Length: 18446744073709551615"], STATUS);
    assert_ends(longest, Answer::new(431, &["connection: close"], "")).await;
    let calls = Calls::default();
    let served = served(&calls).await;
    let length = &format!("Content-Length: {}", STATUS.len());
    let zeros = &format!("Content-Length: 000{}", STATUS.len());
    for lines in [["Host: a", length, length], ["Host: a", zeros, length]] {
        let mut client = served.connect().await;
        for _ in 0..2 {
            client.send(request(&lines, STATUS)).await;
            assert_eq!(client.answer().await, Answer::taken());
        }
    }
    served.stop().await;
    assert_eq!(calls.count(), 4);
}

#[tokio::test]
async fn chunks_that_are_none_break_the_body_off() {
    let extension = format!("1;{}\r\n \r\n0\r\n\r\n", "x".repeat(50_000));
    let extensions = "1;x\r\n \r\n".repeat(20_000) + "0\r\n\r\n";
    let trailer = format!("1\r\n \r\n0\r\nX: {}\r\n\r\n", "x".repeat(50_000));
    let trailers = format!("1\r\n \r\n0\r\n{}\r\n", "X: x\r\n".repeat(200));
    for body in [
        "\r\n",
        "zz\r\n",
        "-5\r\n",
        "+5\r\n",
        "0x5\r\n",
        "5\n",
        "5 5\r\n",
        "5\r\n12345 6\r\n0\r\n\r\n",
        "5\r\n12345\n0\r\n\r\n",
        "5\r12345\r\n0\r\n\r\n",
        "5;a\nb\r\n12345\r\n0\r\n\r\n",
        "10000000000000000\r\n",
        "fffffffffffffffff\r\n",
        "0\r\nX\r\n\r\n",
        "0\r\nX: \0\r\n\r\n",
        &extension,
        &extensions,
        &trailer,
        &trailers,
    ] {
        let request = request(&["Host: a", "Transfer-Encoding: chunked"], body);
        let calls = Calls::default();
        let served = served(&calls).await;
        let answers = served.exchange(request).await;
        let start = &body[..body.len().min(50)];
        assert_eq!(answers, [doubtful("the body broke off")], "{start:?}");
        served.stop().await;
        assert_eq!(calls.count(), 0);
    }
}

#[tokio::test]
async fn a_chunk_larger_than_any_body_is_refused_by_what_comes() {
    let calls = Calls::default();
    let served = served(&calls).await;
    let mut client = served.connect().await;
    let huge = request(&["Host: a", "Transfer-Encoding: chunked"], "fffffffffffffff0\r\n");
    client.send(huge).await;
    let answers = client.rest_while_sending(&[b' '; 10_000]).await;
    assert_eq!(answers, [Answer::refused(413, "the body is larger than 100000 bytes").closing()]);
    served.stop().await;
    assert_eq!(calls.count(), 0);
}

#[tokio::test]
async fn bytes_that_are_not_http_are_refused() {
    for garbage in [
        "GET\r\n\r\n",
        "GET /contact?email=a\r\n\r\n",
        "GET /contact?email=a HTTP/0.9\r\nHost: a\r\n\r\n",
        "GET /contact?email=a HTTP/1.2\r\nHost: a\r\n\r\n",
        "GET /contact?email=a HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /contact?email=a HTTP/11\r\nHost: a\r\n\r\n",
        "GET /contact?email=a http/1.1\r\nHost: a\r\n\r\n",
        " GET /contact?email=a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET  /contact?email=a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /contact?email=a b HTTP/1.1\r\nHost: a\r\n\r\n",
        "G\0T /contact?email=a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /contact?email=\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /contact?email=a HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /contact?email=a HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET /contact?email=a HTTP/1.1\r\nHost\r\n\r\n",
        "GET /contact?email=a HTTP/1.1\r\n: a\r\n\r\n",
        "GET /contact?email=a HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET /contact?email=a HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
        "GET /contact?email=a HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "GET /contact?email=a HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n",
        "GET /contact?email=a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
        "GET /contact?email=a HTTP/1.1\rHost: a\r\r",
        "\0\0\0\0\r\n\r\n",
        "{}\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
    ] {
        assert_ends(garbage, not_http()).await;
    }
}

#[tokio::test]
async fn http_2_is_not_spoken() {
    let calls = Calls::default();
    let served = served(&calls).await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    assert_eq!(served.exchange(preface).await, []);
    let upgrade = "GET /contact?email=a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\
         Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n";
    assert_eq!(served.exchange(upgrade).await, [Answer::text(200, "a").closing()]);
    served.stop().await;
    assert_eq!(calls.count(), 0);
}

#[tokio::test]
async fn any_bytes_end_in_an_answer_or_a_closed_connection() {
    let calls = Calls::default();
    let served = served(&calls).await;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    let seeds = [
        post_bytes("/status", STATUS),
        chunked_bytes("/status", STATUS),
        get_bytes("/contact?email=a"),
    ];
    for _ in 0..500 {
        let mut bytes = seeds[random(3)].clone().into_bytes();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes[at] = b"\r\n :,;0\0\xffa"[random(10)],
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"\r\n :,;0\0\xffa"[random(10)]),
            }
        }
        let mut client = served.connect().await;
        client.send(&bytes).await;
        settle().await;
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await;
        client.count_rest().await;
    }
    let mut client = served.connect().await;
    client.send(get_bytes("/contact?email=a")).await;
    assert_eq!(client.answer().await, Answer::text(200, "a"));
    drop(client);
    served.stop().await;
}
