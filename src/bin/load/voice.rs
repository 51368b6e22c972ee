//! Calls of real WebRTC clients over loopback: what the engine costs, what is lost, and how late packets are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use takings::voice::media::Seat;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::caller::{Caller, Heard, OPUS};
use crate::goals;
use crate::process::{Process, allow_open_files};
use crate::report::{Histogram, Report, medians};
use crate::voice_engine::{Engine, HERE, Signalling};

/// As browsers: a packet each 20 ms.
const PACKET_EVERY: Duration = Duration::from_millis(20);
/// As browsers with DTX: who is silent sends a packet each 400 ms.
const SILENT_EVERY: Duration = Duration::from_millis(400);
/// Opus at 32 kbit/s.
const PACKET_BYTES: usize = 80;
const LOUD: u8 = 30;
const SILENT: u8 = 127;
/// Until slots are given and queues are warm, nothing is counted.
const WARM_UP: Duration = Duration::from_secs(2);
/// What comes later than this after the last packet is lost.
const PATIENCE: Duration = Duration::from_secs(2);
/// Media flows by then, or never.
const CONNECTING_MAX: Duration = Duration::from_secs(20);
/// Clients that connect at once: as many as find time between those that talk already.
const CONNECTING_AT_ONCE: usize = 4;
/// Joins before memory is looked at first: by then everything has been allocated once.
const FIRST_JOINS: u32 = 100;
/// Files of a client: its sockets; those of the engine's process are its own.
const FILES_EACH: u64 = 4;

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Rooms.
    pub rooms: i32,
    /// People in each.
    pub people: i32,
    /// Those of them who talk all the time.
    pub talking: i32,
    /// For how long.
    pub seconds: u64,
}

/// What was heard of what was said.
pub struct Tally {
    began: Instant,
    counts: AtomicBool,
    said: AtomicU64,
    heard: AtomicU64,
    delays: Histogram,
    joins: Histogram,
}

impl Tally {
    fn new() -> Tally {
        Tally {
            began: Instant::now(),
            counts: AtomicBool::new(false),
            said: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            delays: Histogram::new(),
            joins: Histogram::new(),
        }
    }

    /// A payload that says when it was sent and whether it counts.
    fn payload(&self) -> Bytes {
        let mut payload = vec![0x55; PACKET_BYTES];
        payload[..8].copy_from_slice(&(self.began.elapsed().as_nanos() as u64).to_be_bytes());
        payload[8] = u8::from(self.counts.load(Relaxed));
        Bytes::from(payload)
    }

    fn hear(&self, (_, packet): &Heard, now: Instant) {
        let payload = &packet.payload;
        let (Some(sent), Some(1)) = (payload.first_chunk::<8>(), payload.get(8)) else { return };
        let sent = self.began + Duration::from_nanos(u64::from_be_bytes(*sent));
        self.heard.fetch_add(1, Relaxed);
        self.delays.add(now.saturating_duration_since(sent));
    }
}

/// People in calls. Where it is dropped, they fall silent.
pub struct Calls {
    load: Load,
    tally: Arc<Tally>,
    tasks: JoinSet<()>,
}

impl Calls {
    /// Connects everybody, who begin at once to talk or to be silent, until all are heard.
    pub async fn begin(signalling: &impl Signalling, load: Load) -> Outcome<Calls> {
        let mut calls = Calls { load, tally: Arc::new(Tally::new()), tasks: JoinSet::new() };
        let seats: Vec<Seat> = (1..=load.rooms)
            .flat_map(|room| (1..=load.people).map(move |person| Seat { room, person, epoch: 1 }))
            .collect();
        for some in seats.chunks(CONNECTING_AT_ONCE) {
            let joined =
                futures_util::future::join_all(some.iter().map(|seat| join(signalling, *seat, &calls.tally))).await;
            for (seat, caller) in some.iter().zip(joined) {
                calls.live(*seat, caller?);
            }
        }
        tokio::time::sleep(WARM_UP).await;
        Ok(calls)
    }

    fn live(&mut self, seat: Seat, mut caller: Caller) {
        let talks = seat.person <= self.load.talking;
        let (_, nothing) = mpsc::channel(1);
        let mut heard = std::mem::replace(&mut caller.heard, nothing);
        let tally = Arc::clone(&self.tally);
        self.tasks.spawn(async move {
            while let Some(packet) = heard.recv().await {
                tally.hear(&packet, Instant::now());
            }
        });
        let (tally, listeners) = (Arc::clone(&self.tally), self.load.people as u64 - 1);
        self.tasks.spawn(async move {
            let mut pace = tokio::time::interval(if talks { PACKET_EVERY } else { SILENT_EVERY });
            loop {
                pace.tick().await;
                let said = if talks {
                    let payload = tally.payload();
                    tally.said.fetch_add(listeners * u64::from(payload[8]), Relaxed);
                    caller.say(payload, LOUD, OPUS).await
                } else {
                    caller.say(Bytes::from_static(&[0xf8, 0xff, 0xfe]), SILENT, OPUS).await
                };
                if said.is_err() {
                    return;
                }
            }
        });
    }

    /// Counts for so long: what is said from now on, and what of it is heard.
    pub async fn count(&self, time: Duration) {
        self.tally.counts.store(true, Relaxed);
        tokio::time::sleep(time).await;
        self.tally.counts.store(false, Relaxed);
    }

    /// Waits for what is under way: packets that should have been heard, those of them that were not, and the quantiles of their
    /// delay in ms.
    pub async fn settle(&self) -> [f64; 4] {
        let deadline = Instant::now() + PATIENCE;
        while self.tally.heard.load(Relaxed) < self.tally.said.load(Relaxed) && Instant::now() < deadline {
            tokio::time::sleep(PACKET_EVERY).await;
        }
        let (said, heard) = (self.tally.said.load(Relaxed), self.tally.heard.load(Relaxed));
        let delay = |share| self.tally.delays.quantile_ms(share);
        [said as f64, said.saturating_sub(heard) as f64, delay(0.5), delay(0.99)]
    }
}

async fn join(signalling: &impl Signalling, seat: Seat, tally: &Tally) -> Outcome<Caller> {
    let began = Instant::now();
    let (mut caller, offer) = Caller::offer(HERE, false).await?;
    let answer = signalling.offer(seat, 1, offer).await?;
    tokio::time::timeout(CONNECTING_MAX, caller.connect(answer)).await??;
    tally.joins.add(began.elapsed());
    Ok(caller)
}

/// Measures rooms.
pub async fn run(load: Load, repetitions: u32) -> Outcome<()> {
    let title = format!("Voice: packets of 20 ms over loopback, {} s", load.seconds);
    let columns = [
        "packets heard",
        "lost",
        "p50 ms",
        "p99 ms",
        "CPU % of a core",
        "CPU µs/packet",
        "RSS MB",
        "dropped",
        "join p50 ms",
        "join p99 ms",
        "client CPU s",
    ];
    let mut report = Report::new(&title, &["rooms", "people", "talking"], &columns);
    let mut runs = Vec::new();
    for _ in 0..repetitions {
        runs.push(once(load).await?);
    }
    report.add(&[&load.rooms, &load.people, &load.talking], &runs);
    report.print();
    if let [_, lost, _, _, cpu_percent, _, rss_mb, ..] = medians(&runs)[..] {
        goals::of_rooms(lost, cpu_percent, rss_mb).print();
    }
    Ok(())
}

async fn once(load: Load) -> Outcome<Vec<f64>> {
    allow_open_files((load.rooms * load.people) as u64 * FILES_EACH + 300)?;
    let engine = Engine::start()?;
    let calls = Calls::begin(&engine, load).await?;
    let own = || Process::read(std::process::id() as i32).map_or(0.0, |own| own.seconds);
    let (before, own_before) = (engine.seconds()?, own());
    calls.count(Duration::from_secs(load.seconds)).await;
    let (cpu, own_cpu) = (engine.seconds()? - before, own() - own_before);
    let rss = engine.rss_kb()?;
    let [said, lost, p50, p99] = calls.settle().await;
    let joins = |share| calls.tally.joins.quantile_ms(share);
    Ok(vec![
        said,
        lost,
        p50,
        p99,
        100.0 * cpu / load.seconds as f64,
        cpu * 1e6 / said.max(1.0),
        rss as f64 / 1024.0,
        engine.dropped().await? as f64,
        joins(0.5),
        joins(0.99),
        own_cpu,
    ])
}

/// Measures what many who come and go leave behind.
pub async fn joins(joins: u32) -> Outcome<()> {
    let engine = Engine::start()?;
    let tally = Tally::new();
    let mut before = engine.rss_kb()?;
    for n in 0..FIRST_JOINS + joins {
        if n == FIRST_JOINS {
            before = engine.rss_kb()?;
        }
        let seat = Seat { room: 1 + (n % 7) as i32, person: 1, epoch: u64::from(n) };
        let mut caller = join(&engine, seat, &tally).await?;
        for _ in 0..3 {
            caller.say(tally.payload(), LOUD, OPUS).await?;
        }
        engine.leave(seat).await?;
        caller.close().await;
    }
    let after = engine.rss_kb()?;
    let mb = |kb: u64| kb as f64 / 1024.0;
    let columns = ["RSS MB before", "RSS MB after", "drift MB", "join p50 ms", "join p99 ms"];
    let mut report = Report::new("Voice: joins and leaves", &["joins"], &columns);
    let quantile = |share| tally.joins.quantile_ms(share);
    let drift = mb(after) - mb(before);
    report.add(&[&joins], &[vec![mb(before), mb(after), drift, quantile(0.5), quantile(0.99)]]);
    report.print();
    goals::of_joins(drift).print();
    Ok(())
}
