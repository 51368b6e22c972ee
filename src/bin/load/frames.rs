//! The forms that live messages could have: as they are, deflated, and in binary. How many bytes each takes, and how long a
//! server would work on it.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::write::DeflateEncoder;
use flate2::{Compress, Compression, FlushCompress};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

use crate::Outcome;
use crate::bench::Bench;
use crate::client::{Client, OrderRequest};
use crate::contender::Contender;
use crate::fill;
use crate::report::Report;

/// Columns of the table, for a message of mean size.
const COLUMNS: [&str; 8] = [
    "messages",
    "bytes",
    "deflated",
    "µs for all sockets",
    "deflated with what was sent before",
    "µs for each socket",
    "kB kept for each socket",
    "MessagePack",
];
/// What a deflating socket keeps: zlib's window and hash chains with its usual parameters (zconf.h: 2^17 + 2^17 bytes).
const DEFLATE_STATE_KB: f64 = 256.0;
/// How long the last messages may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hears what a page is sent for so many seconds, and weighs it.
pub async fn run(bench: &Bench, rates: &[u64], seconds: u64) -> Outcome<()> {
    let mut report = Report::new("Forms of a message", &["orders a second"], &COLUMNS);
    for &rate in rates {
        let mut runs = Vec::new();
        for _ in 0..bench.repetitions {
            runs.push(weigh(&heard(bench, rate, seconds).await?)?);
        }
        report.add(&[&rate], &runs);
    }
    report.print();
    Ok(())
}

/// The messages of a page while orders come.
async fn heard(bench: &Bench, rate: u64, seconds: u64) -> Outcome<Vec<String>> {
    fill::empty(&bench.db).await?;
    let server = bench.server().await?;
    let handshake = Contender::Takings.handshake(bench, &server).await?;
    let (stream, pending) = Client::connect(&server.address).await?.upgrade(&handshake).await?;
    let mut socket = WebSocketStream::from_partially_read(stream, pending, Role::Client, None).await;
    let mut request = OrderRequest::new(&server.address, &Contender::Takings.webhook());
    let orders = rate * seconds;
    let signatures = request.signatures(orders);
    let mut client = Client::connect(&server.address).await?;
    let posting = tokio::spawn(async move {
        let mut due = tokio::time::interval(Duration::from_micros(1_000_000 / rate.max(1)));
        for n in 0..orders {
            due.tick().await;
            client.send(request.order(n, signatures.get(n as usize))).await?;
        }
        Ok::<_, std::io::Error>(())
    });
    let mut texts = Vec::new();
    let until = tokio::time::Instant::now() + Duration::from_secs(seconds) + PATIENCE;
    while let Ok(Some(message)) = tokio::time::timeout_at(until, socket.next()).await {
        if let Message::Text(text) = message? {
            texts.push(text.to_string());
        }
    }
    posting.await??;
    server.stop().await?;
    Ok(texts)
}

/// The figures of [`COLUMNS`].
fn weigh(texts: &[String]) -> Outcome<Vec<f64>> {
    let count = texts.len().max(1) as f64;
    let plain: usize = texts.iter().map(String::len).sum();
    let began = Instant::now();
    let mut alone = 0;
    for text in texts {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes())?;
        alone += encoder.finish()?.len();
    }
    let alone_us = began.elapsed().as_secs_f64() * 1e6;
    let began = Instant::now();
    let mut window = Compress::new(Compression::default(), false);
    for text in texts {
        // Each message ends with a flush, as RFC 7692 wants it; room for what does not get smaller at all.
        let mut out = Vec::with_capacity(text.len() + 64);
        window.compress_vec(text.as_bytes(), &mut out, FlushCompress::Sync)?;
    }
    let together_us = began.elapsed().as_secs_f64() * 1e6;
    let mut packed = 0;
    for text in texts {
        packed += message_pack_bytes(&serde_json::from_str(text)?);
    }
    Ok(vec![
        count,
        plain as f64 / count,
        alone as f64 / count,
        alone_us / count,
        window.total_out() as f64 / count,
        together_us / count,
        DEFLATE_STATE_KB,
        packed as f64 / count,
    ])
}

/// The bytes of a value in MessagePack (the sizes of its specification).
fn message_pack_bytes(value: &Value) -> usize {
    let head = |len: usize, short: usize| match len {
        len if len < short => 1,
        len if len < 1 << 16 => 3,
        _ => 5,
    };
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Number(number) => match number.as_i64().map(i64::unsigned_abs) {
            Some(0..=127) => 1,
            Some(128..=255) => 2,
            Some(256..=65_535) => 3,
            Some(65_536..=4_294_967_295) => 5,
            Some(_) | None => 9,
        },
        Value::String(text) => text.len() + if (32..256).contains(&text.len()) { 2 } else { head(text.len(), 32) },
        Value::Array(items) => head(items.len(), 16) + items.iter().map(message_pack_bytes).sum::<usize>(),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                message_pack_bytes(&Value::String(name.clone())) + message_pack_bytes(value)
            };
            head(fields.len(), 16) + fields.iter().map(field).sum::<usize>()
        }
    }
}
