//! Coming, going and coming back.

use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Instant {
    Instant::from_timestamp(1_795_000_000 + seconds, 0).expect("an instant")
}

fn guest(person: i32, number: u64) -> Guest {
    Guest {
        person,
        name: format!("person {person}"),
        socket: number,
        epoch: number,
        resume_hash: vec![number as u8; 32],
    }
}

fn rooms() -> Rooms {
    let mut rooms = Rooms::default();
    rooms.set(vec![(1, "Team".into()), (2, "Orders".into())]);
    rooms
}

#[test]
fn a_call_lasts_from_the_first_who_comes_to_the_last_who_goes() {
    let mut rooms = rooms();
    let (ada, _) = rooms.join(1, guest(7, 1), at(0)).expect("a seat");
    let first = rooms.room(1).expect("a room").call.expect("a call");
    let (bob, _) = rooms.join(1, guest(8, 2), at(5)).expect("a seat");
    rooms.end(ada, Ending::Left, at(6));
    assert_eq!(rooms.room(1).expect("a room").call, Some(first));
    rooms.end(bob, Ending::Left, at(7));
    assert_eq!(rooms.room(1).expect("a room").call, None);
    rooms.join(1, guest(7, 3), at(0)).expect("a seat");
    assert!(rooms.room(1).expect("a room").call.expect("a call").id > first.id, "another call, at the same time even");
}

#[test]
fn a_person_has_one_seat() {
    let mut rooms = rooms();
    let (first, _) = rooms.join(1, guest(7, 1), at(0)).expect("a seat");
    let (second, ended) = rooms.join(2, guest(7, 2), at(1)).expect("a seat");
    assert_eq!(ended, [Ended { seat: first, socket: Some(1), why: Ending::Elsewhere }]);
    assert_eq!(rooms.seat_of(7), Some(second));
    assert!(rooms.member(first).is_none());
}

#[test]
fn a_room_takes_fifty_and_somebody_in_it_may_join_again() {
    let mut rooms = rooms();
    for person in 0..ROOM_MAX_PEOPLE as i32 {
        rooms.join(1, guest(person, person as u64), at(0)).expect("a seat");
    }
    assert_eq!(rooms.join(1, guest(99, 99), at(0)), Err(NoSeat::Full));
    assert!(rooms.join(1, guest(0, 100), at(0)).is_ok());
    assert_eq!(rooms.join(3, guest(99, 99), at(0)), Err(NoSeat::NoRoom));
    assert_eq!(rooms.people(), ROOM_MAX_PEOPLE);
}

#[test]
fn only_the_person_with_the_secret_takes_the_seat_back() {
    let mut rooms = rooms();
    let (seat, _) = rooms.join(1, guest(7, 1), at(0)).expect("a seat");
    rooms.lose_socket(1, at(1));
    let secret = [1_u8; 32];
    assert_eq!(rooms.resume(1, &guest(8, 2), &secret), None, "another person");
    assert_eq!(rooms.resume(1, &guest(7, 2), &[2; 32]), None, "another secret");
    assert_eq!(rooms.resume(2, &guest(7, 2), &secret), None, "another room");
    assert_eq!(rooms.resume(1, &guest(7, 2), &secret), Some((seat, None)));
    assert_eq!(rooms.resume(1, &guest(7, 3), &secret), Some((seat, Some(2))), "the socket before is told");
    // The older socket ends later: the seat is not its any more.
    rooms.lose_socket(2, at(2));
    assert!(rooms.end_abandoned(at(10_000)).is_empty());
}

#[test]
fn a_seat_that_was_taken_away_is_no_unknown_one() {
    let mut rooms = rooms();
    let (removed, _) = rooms.join(1, guest(7, 1), at(0)).expect("a seat");
    rooms.end(removed, Ending::Removed, at(1));
    assert_eq!(rooms.why_ended(7, &[1; 32], at(2)), Some(Ending::Removed));
    rooms.join(1, guest(7, 2), at(3)).expect("asked for");
    rooms.join(2, guest(7, 3), at(4)).expect("a seat");
    assert_eq!(rooms.why_ended(7, &[2; 32], at(5)), Some(Ending::Elsewhere));
    rooms.lose_socket(3, at(6));
    rooms.end_abandoned(at(60));
    assert_eq!(rooms.why_ended(7, &[3; 32], at(61)), None, "who was away for long comes back");
}

#[test]
fn a_seat_waits_for_its_person_longer_while_its_sound_flows() {
    let mut rooms = rooms();
    let (silent, _) = rooms.join(1, guest(7, 1), at(0)).expect("a seat");
    let (heard, _) = rooms.join(1, guest(8, 2), at(0)).expect("a seat");
    rooms.member_mut(heard).expect("a member").state = State::Connected;
    rooms.lose_socket(1, at(0));
    rooms.lose_socket(2, at(0));
    assert!(rooms.end_abandoned(at(14)).is_empty());
    assert_eq!(rooms.end_abandoned(at(15)), [Ended { seat: silent, socket: None, why: Ending::Left }]);
    assert!(rooms.end_abandoned(at(299)).is_empty());
    assert_eq!(rooms.end_abandoned(at(300)).len(), 1);
}

#[test]
fn who_leaves_presents_no_more_and_a_room_that_is_closed_ends_its_seats() {
    let mut rooms = rooms();
    let (seat, _) = rooms.join(1, guest(7, 1), at(0)).expect("a seat");
    let (other, _) = rooms.join(1, guest(8, 2), at(0)).expect("a seat");
    rooms.room_mut(1).expect("a room").presenter = Some(7);
    rooms.end(seat, Ending::Left, at(1));
    assert_eq!(rooms.room(1).expect("a room").presenter, None);
    let ended = rooms.set(vec![(2, "Orders and goals".into())]);
    assert_eq!(ended, [Ended { seat: other, socket: Some(2), why: Ending::Closed }]);
    assert_eq!(rooms.shown().len(), 1);
    assert_eq!(rooms.shown()[0].name, "Orders and goals");
}

#[test]
fn who_was_muted_stays_so_until_the_call_is_over() {
    let mut rooms = rooms();
    let (seat, _) = rooms.join(1, guest(7, 1), at(0)).expect("a seat");
    let (other, _) = rooms.join(1, guest(8, 2), at(0)).expect("a seat");
    rooms.room_mut(1).expect("a room").mute(7, true);
    rooms.end(seat, Ending::Left, at(1));
    let (seat, _) = rooms.join(1, guest(7, 3), at(1)).expect("a seat");
    assert!(rooms.member(seat).expect("a member").is_server_muted);
    rooms.end(seat, Ending::Left, at(1));
    rooms.end(other, Ending::Left, at(1));
    let (seat, _) = rooms.join(1, guest(7, 4), at(2)).expect("a seat");
    assert!(!rooms.member(seat).expect("a member").is_server_muted);
}

#[test]
fn an_attempt_that_never_stood_interrupts_nobody_who_is_connected() {
    let mut rooms = rooms();
    let (seat, _) = rooms.join(1, guest(7, 1), at(0)).expect("a seat");
    let member = rooms.member_mut(seat).expect("a member");
    for (attempt, is_connected, expected) in [
        (1, false, State::Trouble),
        (2, true, State::Connected),
        (1, false, State::Connected),
        (3, false, State::Connected),
        (4, true, State::Connected),
        (2, false, State::Connected),
        (4, false, State::Trouble),
    ] {
        member.connection(attempt, is_connected, at(1));
        assert_eq!(member.state, expected, "{attempt}");
    }
    // While the page is away, the wait for it becomes shorter when its sound ends, and not when another attempt does.
    member.connection(5, true, at(2));
    rooms.lose_socket(1, at(3));
    let member = rooms.member_mut(seat).expect("a member");
    member.connection(6, false, at(100));
    member.connection(5, false, at(200));
    assert!(rooms.end_abandoned(at(214)).is_empty());
    assert_eq!(rooms.end_abandoned(at(215)).len(), 1);
}

#[test]
fn what_a_browser_measured_counts_for_a_moment() {
    let mut rooms = rooms();
    let (seat, _) = rooms.join(1, guest(7, 1), at(0)).expect("a seat");
    let member = rooms.member_mut(seat).expect("a member");
    assert_eq!(member.measures(at(0)), Reported::default());
    let reported = Reported { rtt_ms: Some(900.0), ..Reported::default() };
    member.reported = Some((at(10), reported.clone()));
    assert_eq!(member.measures(at(14)), reported);
    assert_eq!(member.measures(at(15)), Reported::default());
}

proptest! {
    /// Whatever happens: one seat a person, no room above its size, a call where and only where there is somebody.
    #[test]
    fn rules_hold(steps in proptest::collection::vec((0..5_u8, 1..3_i32, 0..60_i32), 1..200)) {
        let mut rooms = rooms();
        for (number, (step, room, person)) in steps.into_iter().enumerate() {
            let now = at(number as i64 * 7);
            match step {
                0 | 1 => { let _ = rooms.join(room, guest(person, number as u64), now); }
                2 => { if let Some(seat) = rooms.seat_of(person) { rooms.end(seat, Ending::Left, now); } }
                3 => if let Some(seat) = rooms.seat_of(person) {
                    let socket = rooms.member(seat).and_then(|member| member.socket).unwrap_or(0);
                    rooms.lose_socket(socket, now);
                },
                _ => { rooms.end_abandoned(now); }
            }
            let mut people: Vec<i32> = rooms.iter().flat_map(|(_, room)| room.members.iter().map(|m| m.person)).collect();
            let all = people.len();
            people.sort_unstable();
            people.dedup();
            prop_assert_eq!(people.len(), all);
            for (_, room) in rooms.iter() {
                prop_assert!(room.members.len() <= ROOM_MAX_PEOPLE);
                prop_assert_eq!(room.call.is_some(), !room.members.is_empty());
            }
        }
    }
}
