//! What goes wrong: browsers that vanish, offers that are none, floods, networks without UDP.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// A connection that never stood has been given up by then.
const GIVEN_UP: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_empties_their_slot_and_their_candidates_are_refused() {
    let (sfu, mut told) = engine();
    let (a, _b) = (join(&sfu, seat(1), 1).await, join(&sfu, seat(2), 1).await);
    told.connected(seat(2), 1).await;
    told.slots(seat(2), 1).await;
    told.forget();
    sfu.leave(seat(1)).await;
    told.slots(seat(2), 0).await;
    let candidate = "candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host".to_owned();
    assert_eq!(sfu.candidate(seat(1), 1, candidate).await, Err(Refused::Gone));
    assert_eq!(measured(&sfu, seat(1)).await, None);
    a.close().await;
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_is_none_is_refused_and_takes_no_seat() {
    let (sfu, _events) = Sfu::start(place()).unwrap();
    let refused = sfu.offer(seat(1), 1, "v=0\r\nm=video 9 x 96\r\n".to_owned()).await.unwrap_err();
    assert_eq!(refused.to_string(), "the browser's description of its sound cannot be used: it offers more than sound");
    let (caller, offer) = Caller::offer(HERE, false).await.unwrap();
    let broken = offer.replace("a=fingerprint:", "a=finger:");
    assert!(matches!(sfu.offer(seat(1), 1, broken).await, Err(Refused::Unusable(_))));
    assert!(sfu.measured().await.is_empty());
    caller.close().await;
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_too_much_is_dropped_to_the_limit() {
    let (sfu, mut told) = engine();
    let (mut a, mut b) = two(&sfu, &mut told).await;
    let mut pace = tokio::time::interval(Duration::from_millis(1));
    for n in 0..500 {
        pace.tick().await;
        a.say(payload(1, n), LOUD, OPUS).await.unwrap();
    }
    let figures = arrived(&sfu, seat(1), 490).await;
    assert!((250..=400).contains(&figures.dropped), "{figures:?}");
    let mut heard = 0;
    while let Ok(Some(_)) = tokio::time::timeout(Duration::from_millis(300), b.heard.recv()).await {
        heard += 1;
    }
    assert!((100..=200).contains(&heard), "{heard}");
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_vanishes_is_told_as_lost() {
    let (sfu, mut told) = engine();
    let a = join(&sfu, seat(1), 1).await;
    told.connected(seat(1), 1).await;
    a.close().await;
    let wanted = Event::Connection(seat(1), Connection::Lost(1));
    told.find(|event| (*event == wanted).then_some(())).await;
    assert!(measured(&sfu, seat(1)).await.is_some_and(|figures| !figures.is_connected), "the seat stays");
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_reached_over_tcp_where_udp_is_blocked() {
    let (sfu, mut told) = engine_at(Place { tcp: Some((HERE, 0).into()), ..place() });
    let mut b = join(&sfu, seat(2), 1).await;
    let (mut a, offer) = Caller::offer(HERE, true).await.unwrap();
    let answer = sfu.offer(seat(1), 1, offer).await.unwrap();
    tokio::time::timeout(PATIENCE, a.connect(answer)).await.expect("connects").unwrap();
    told.connected(seat(1), 1).await;
    told.slots(seat(2), 1).await;
    talk(&mut a, 1, 0..20, LOUD).await;
    assert_eq!(hear(&mut b, 20).await.last().map(|heard| heard.2), Some(19));
    sfu.close().await;
}

/// The first message of a stream for the connection of this name: a check (RFC 8489) of nobody's, after its length (RFC 4571).
fn check(name: &str) -> Vec<u8> {
    let user = format!("{name}:me");
    let padded = user.len().next_multiple_of(4);
    let mut message = vec![0, 1, 0, 4 + padded as u8, 0x21, 0x12, 0xa4, 0x42];
    message.extend([0; 12]);
    message.extend([0, 6, 0, user.len() as u8]);
    message.extend(user.as_bytes());
    message.resize(24 + padded, 0);
    [&(message.len() as u16).to_be_bytes()[..], &message].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_few_streams_of_tcp() {
    let (sfu, _told) = engine_at(Place { tcp: Some((HERE, 0).into()), ..place() });
    let (caller, offer) = Caller::offer(HERE, false).await.unwrap();
    let answer = sfu.offer(seat(1), 1, offer).await.unwrap();
    let name = answer.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).unwrap();
    let port = answer.lines().find(|line| line.contains(" tcp ")).and_then(|line| line.split(' ').nth(5)).unwrap();
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = TcpStream::connect((HERE, port.parse().unwrap())).await.unwrap();
        stream.write_all(&check(name)).await.unwrap();
        streams.push(stream);
    }
    let ends = streams.iter_mut().map(|stream| Box::pin(stream.read_u8()));
    let (end, n, rest) =
        tokio::time::timeout(PATIENCE, futures_util::future::select_all(ends)).await.expect("one is closed");
    assert!(end.is_err());
    drop(rest);
    streams.remove(n);
    for stream in &streams {
        let read = stream.try_read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(read, Err(std::io::ErrorKind::WouldBlock), "the others stay");
    }
    // Where the connection ends, so do its streams.
    sfu.leave(seat(1)).await;
    for stream in &mut streams {
        let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
        assert!(end.is_ok(), "it is closed");
    }
    caller.close().await;
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_joins_leave_neither_sockets_nor_seats() {
    let (sfu, _events) = Sfu::start(Place { ports: 42_000..=42_003, ..place() }).unwrap();
    let files = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let mut before = None;
    for n in 0..50 {
        let caller = join(&sfu, Seat { epoch: n, ..seat(1) }, 1).await;
        sfu.leave(Seat { epoch: n, ..seat(1) }).await;
        caller.close().await;
        before.get_or_insert_with(files);
    }
    assert!(sfu.measured().await.is_empty());
    // Other tests of the same process open files as well; fifty connections would be a hundred.
    assert!(files() < before.unwrap() + 60, "{} files after {}", files(), before.unwrap());
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_silenced_before_their_first_offer_is_not_heard() {
    let (sfu, mut told) = engine();
    sfu.silence(seat(1), true);
    let (mut a, mut b) = two(&sfu, &mut told).await;
    talk(&mut a, 1, 0..10, LOUD).await;
    arrived(&sfu, seat(1), 10).await;
    sfu.silence(seat(1), false);
    talk(&mut a, 1, 10..11, LOUD).await;
    assert_eq!(hear(&mut b, 1).await[0].2, 10);
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_somebody_else_has_is_passed_over_also_where_tcp_would_do() {
    let taken = std::net::UdpSocket::bind((HERE, 42_010)).unwrap();
    let (sfu, mut told) = engine_at(Place { ports: 42_010..=42_011, tcp: Some((HERE, 0).into()), ..place() });
    join(&sfu, seat(1), 1).await;
    told.connected(seat(1), 1).await;
    drop(taken);
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_fails_is_not_told_while_the_first_stands() {
    let (sfu, mut told) = engine();
    let (mut a, mut b) = two(&sfu, &mut told).await;
    told.forget();
    // An offer whose browser is never heard of again.
    let (gone, offer) = Caller::offer(HERE, false).await.unwrap();
    sfu.offer(seat(1), 2, offer).await.unwrap();
    gone.close().await;
    let failing = async {
        // While it is there, it takes so many ways and no more; those of one that is gone are kept for the next.
        let candidate = || sfu.candidate(seat(1), 2, "candidate:1 1 udp 1 192.0.2.1 5000 typ host".to_owned());
        while candidate().await.is_ok() {}
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        while candidate().await.is_err() {
            looks.tick().await;
        }
    };
    tokio::time::timeout(GIVEN_UP, failing).await.expect("it is given up");
    talk(&mut a, 1, 0..10, LOUD).await;
    assert_eq!(hear(&mut b, 10).await.len(), 10);
    while let Ok(event) = told.events.try_recv() {
        assert!(!matches!(event, Event::Connection(_, Connection::Lost(_))), "sound flows all the same: {event:?}");
    }
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_ways_to_a_browser_are_tried() {
    let (sfu, mut told) = engine();
    let (_a, _b) = two(&sfu, &mut told).await;
    let candidate = |port: u16| format!("candidate:1 1 udp 2122260223 192.0.2.1 {port} typ host");
    let mut taken = 0;
    while sfu.candidate(seat(1), 1, candidate(50_000 + taken)).await.is_ok() {
        taken += 1;
    }
    assert!((30..=40).contains(&taken), "{taken}");
    sfu.close().await;
}
