//! Decodes and encodes the payloads of every API, at the documented size and at 200 KB; beside
//! that, strict structs and readers written by hand do the same.
//!
//! ```sh
//! cargo bench --bench decode
//! ```

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use serde::Serialize;
use serde::de::DeserializeOwned;
use snapengage::bot::{self, Reply};
use snapengage::integration::SupportRequest;
use snapengage::{agent_status, contact, conversation};

use crate::baseline::{model, query, xml};

#[expect(dead_code, unreachable_pub, reason = "shared with the servers of benches/instructions")]
mod baseline;
#[expect(unreachable_pub, reason = "shared with the bench of requests")]
mod samples;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    bot(&mut criterion);
    integration(&mut criterion);
    conversation_events(&mut criterion);
    agent_status(&mut criterion);
    get_contact(&mut criterion);
    criterion.final_summary();
}

fn bot(criterion: &mut Criterion) {
    let ours = Codec { decode: |body| bot::Event::from_json(body).ok(), encode: Some(to_json) };
    compare(criterion, "bot event", samples::messages(), &ours, &strict::<model::Message>());

    let (ours, baseline) = (strict::<Reply>(), strict::<model::Reply>());
    compare(criterion, "bot reply", samples::replies(), &ours, &baseline);
}

fn integration(criterion: &mut Criterion) {
    let ours = Codec { decode: |body| SupportRequest::from_json(body).ok(), encode: Some(to_json) };
    let baseline = strict::<model::SupportRequest>();
    compare(criterion, "integration JSON", samples::chats(), &ours, &baseline);

    let ours = Codec { decode: |body| SupportRequest::from_xml(body).ok(), encode: None };
    let baseline =
        Codec { decode: |body| xml::support_request(str::from_utf8(body).ok()?), encode: None };
    compare(criterion, "integration XML", samples::xml_chats(), &ours, &baseline);
}

fn conversation_events(criterion: &mut Criterion) {
    let ours =
        Codec { decode: |body| conversation::Event::from_json(body).ok(), encode: Some(to_json) };
    compare(criterion, "conversation event", samples::events(), &ours, &strict::<model::Event>());
}

fn agent_status(criterion: &mut Criterion) {
    let ours = Codec {
        decode: |body| agent_status::StatusChange::from_json(body).ok(),
        encode: Some(to_json),
    };
    let baseline = strict::<model::StatusChange>();
    compare(criterion, "agent status", samples::statuses(), &ours, &baseline);
}

fn get_contact(criterion: &mut Criterion) {
    let ours = Codec {
        decode: |query| contact::Query::from_query(str::from_utf8(query).ok()?).ok(),
        encode: Some(|query| query.to_query().into_bytes()),
    };
    let baseline =
        Codec { decode: |query| query::contact(str::from_utf8(query).ok()?), encode: None };
    compare(criterion, "get contact", samples::queries(), &ours, &baseline);
}

/// How a payload is read and, where that is done at all, written.
struct Codec<T> {
    decode: fn(&[u8]) -> Option<T>,
    encode: Option<fn(&T) -> Vec<u8>>,
}

fn strict<T: Serialize + DeserializeOwned>() -> Codec<T> {
    Codec { decode: |body| serde_json::from_slice(body).ok(), encode: Some(to_json) }
}

fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("a model can be written as JSON")
}

fn compare<A, B>(
    criterion: &mut Criterion,
    api: &str,
    payloads: [String; 2],
    ours: &Codec<A>,
    baseline: &Codec<B>,
) {
    for payload in payloads {
        measure(criterion, api, "", payload.as_bytes(), ours);
        measure(criterion, api, " (baseline)", payload.as_bytes(), baseline);
    }
}

fn measure<T>(criterion: &mut Criterion, api: &str, whose: &str, payload: &[u8], codec: &Codec<T>) {
    let value = (codec.decode)(payload).expect("a sample can be read");
    let mut group = criterion.benchmark_group(api);
    group.throughput(Throughput::Bytes(payload.len() as u64));
    let id = BenchmarkId::new(format!("decode{whose}"), payload.len());
    group.bench_function(id, |bencher| bencher.iter(|| (codec.decode)(black_box(payload))));
    if let Some(encode) = codec.encode {
        let id = BenchmarkId::new(format!("encode{whose}"), payload.len());
        group.bench_function(id, |bencher| bencher.iter(|| encode(black_box(&value))));
    }
    group.finish();
}
