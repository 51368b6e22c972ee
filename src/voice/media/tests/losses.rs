//! Packets that get lost: what is sent once more, to whom, and who is asked to send redundantly.

use std::time::Duration;

use super::super::red;
use super::*;

/// How often a browser says what it lost; twice as often here.
const REPORTED_EVERY: Duration = Duration::from_millis(500);

/// Says a packet each 20 ms, of which those do not leave for which `is_lost`, until something has come of it.
async fn talk_until<T>(caller: &mut Caller, is_lost: impl Fn(u32) -> bool, until: impl Future<Output = T>) -> T {
    let talking = async {
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        for n in 0.. {
            pace.tick().await;
            if is_lost(n) {
                caller.said = caller.said.wrapping_add(1);
            } else {
                caller.say(payload(1, n), LOUD, OPUS).await.unwrap();
            }
        }
    };
    tokio::select! {
        found = tokio::time::timeout(PATIENCE, until) => found.expect("it comes to it"),
        () = talking => unreachable!("talks without an end"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redundant_packets_go_through_as_they_are_and_what_gets_lost_on_its_way_in_asks_for_them() {
    let (sfu, mut told) = engine();
    let (mut a, mut b) = two(&sfu, &mut told).await;
    let redundant = Bytes::from_static(&[0x80 | OPUS, 0x0f, 0x00, 2, OPUS, 7, 7, 9, 9, 9]);
    a.say(redundant.clone(), LOUD, RED).await.unwrap();
    let packet = b.heard.recv().await.unwrap().1;
    assert_eq!(
        (packet.header.payload_type, &packet.payload[..]),
        (OPUS, &[9, 9, 9][..]),
        "it was not on the line before"
    );
    a.say(redundant.clone(), LOUD, RED).await.unwrap();
    let packet = b.heard.recv().await.unwrap().1;
    assert_eq!((packet.header.payload_type, packet.payload), (RED, redundant));
    let asked = told.find(|event| (*event == Event::Redundancy(1, true)).then_some(()));
    talk_until(&mut a, |n| n % 10 == 5, asked).await;
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_packets_is_sent_what_was_said_before_once_more_and_nobody_else_is() {
    let (sfu, mut told) = engine();
    let (mut a, mut b) = two(&sfu, &mut told).await;
    let mut c = join(&sfu, seat(3), 1).await;
    told.connected(seat(3), 1).await;
    told.slots(seat(3), 2).await;
    let reports = async {
        let mut pace = tokio::time::interval(REPORTED_EVERY);
        loop {
            pace.tick().await;
            sfu.note_loss(seat(2), 12.0);
        }
    };
    let hears = async {
        loop {
            let (_, packet) = b.heard.recv().await.expect("the call goes on");
            if packet.header.payload_type == RED {
                return packet.payload;
            }
        }
    };
    let found = tokio::select! {
        found = talk_until(&mut a, |_| false, hears) => found,
        () = reports => unreachable!("reports without an end"),
    };
    let held: Vec<(u32, u32)> =
        red::blocks(&found).unwrap().iter().map(|block| (block.before, number(&block.payload).1)).collect();
    let [(1_920, first), (960, second), (0, third)] = held[..] else { panic!("{held:?}") };
    assert_eq!((second, third), (first + 1, first + 2));
    let mut plain = 0;
    while let Ok((_, packet)) = c.heard.try_recv() {
        assert_eq!(packet.header.payload_type, OPUS, "who loses nothing is sent nothing twice");
        plain += 1;
    }
    assert!(plain > 50, "{plain}");
    let asked = |event: &Event| matches!(event, Event::Redundancy(..)).then_some(());
    told.drain();
    assert!(told.so_far.iter().find_map(asked).is_none(), "nobody's way in is bad");
    sfu.close().await;
}
