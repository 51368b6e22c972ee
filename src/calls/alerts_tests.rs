//! Alerts are raised late, cleared later, and told of once.

use super::*;
use crate::voice::monitor::CallSample;

/// A call of two, of whom the first is as given, so many seconds after noon.
fn sample(second: i64, person: PersonSample) -> Sample {
    let at = "2026-11-21T12:00:00Z".parse::<Instant>().expect("an instant") + TimeDelta::seconds(second);
    let first = PersonSample { person: 1, name: "Ada".into(), ..person };
    let other = PersonSample { person: 2, name: "Bob".into(), is_connected: true, ..PersonSample::default() };
    let call = CallSample { id: 7, room: 1, name: "Sales".into(), began_at: at, people: vec![first, other] };
    Sample { at, calls: vec![call] }
}

fn loss(percent: f64) -> PersonSample {
    PersonSample { loss_percent: Some(percent), is_connected: true, ..PersonSample::default() }
}

/// The alert after samples of these losses, one a second.
fn after(watch: &mut Watch, from: i64, losses: &[f64]) -> Option<Alert> {
    for (n, percent) in losses.iter().enumerate() {
        watch.look(&sample(from + n as i64, loss(*percent)));
    }
    watch.alerts().first().cloned()
}

#[test]
fn what_lasts_three_seconds_is_raised_and_what_does_not_is_not() {
    let mut watch = Watch::default();
    assert_eq!(after(&mut watch, 0, &[6.0, 6.0, 6.0, 2.0, 6.0, 6.0, 6.0]), None, "never three seconds on end");
    let raised = after(&mut watch, 7, &[6.5]).expect("an alert");
    assert_eq!((raised.kind, raised.severity, raised.worst), (Kind::Loss, Severity::Warning, 6.5));
    assert_eq!((raised.name.as_str(), raised.room_name.as_str(), raised.call), ("Ada", "Sales", 7));
    assert_eq!(raised.words(), "6.5 % of the packets are lost");
    assert_eq!(watch.alerts().len(), 1, "loss explains the poor quality that it makes");
}

#[test]
fn it_is_cleared_ten_seconds_below_a_lower_bound() {
    let mut watch = Watch::default();
    after(&mut watch, 0, &[8.0; 4]).expect("an alert");
    // Between the bounds it stays, however long.
    assert!(after(&mut watch, 4, &[4.0; 30]).expect("an alert").is_on());
    assert!(after(&mut watch, 34, &[1.0; 10]).expect("an alert").is_on());
    assert!(after(&mut watch, 44, &[4.0]).expect("an alert").is_on(), "the pause begins anew");
    assert!(after(&mut watch, 45, &[1.0; 10]).expect("an alert").is_on());
    let over = after(&mut watch, 55, &[1.0]).expect("it stays in sight");
    assert_eq!(over.cleared_at, Some(sample(55, loss(1.0)).at));
    // It comes again as another one.
    let again = after(&mut watch, 56, &[8.0; 4]).expect("an alert");
    assert!(again.is_on() && again.id > over.id);
    assert_eq!(watch.alerts().len(), 2);
}

#[test]
fn worse_makes_it_critical_and_asks_for_another_look() {
    let mut watch = Watch::default();
    let raised = after(&mut watch, 0, &[6.0; 4]).expect("an alert");
    watch.acknowledge(raised.id, "ann", raised.raised_at).expect("acknowledged");
    assert!(!watch.alerts()[0].is_open());
    let worse = after(&mut watch, 4, &[15.0; 3]).expect("an alert");
    assert_eq!((worse.severity, worse.is_open()), (Severity::Warning, false));
    let worse = after(&mut watch, 7, &[12.0]).expect("an alert");
    assert_eq!((worse.severity, worse.is_open(), worse.worst), (Severity::Critical, true, 15.0));
    let better = after(&mut watch, 8, &[6.0; 30]).expect("an alert");
    assert_eq!(better.severity, Severity::Critical, "it says the worst that it was");
}

#[test]
fn a_connection_that_is_gone_for_five_seconds_is_critical() {
    let gone = || PersonSample { is_connected: false, rtt_ms: Some(900.0), ..PersonSample::default() };
    let mut watch = Watch::default();
    for second in 0..5 {
        assert_eq!(watch.look(&sample(second, gone())), [], "{second}");
    }
    let [raised] = &watch.look(&sample(5, gone()))[..] else { panic!("an alert") };
    assert_eq!((raised.kind, raised.severity), (Kind::Disconnected, Severity::Critical));
    assert_eq!(raised.words(), "not connected for 5 s");
    for second in 6..20 {
        assert_eq!(watch.look(&sample(second, gone())), [], "one more second is no news");
    }
    assert_eq!(watch.alerts()[0].words(), "not connected for 19 s");
    let [over] = &watch.look(&Sample { calls: Vec::new(), ..sample(20, gone()) })[..] else { panic!("its end") };
    assert_eq!(over.words(), "not connected for 19 s");
    // Silence is none: with DTX a connected microphone sends nothing for seconds.
    let silent = PersonSample { is_connected: true, silent_ms: Some(60_000), ..PersonSample::default() };
    let mut watch = Watch::default();
    assert!((0..30).all(|second| watch.look(&sample(second, silent.clone())).is_empty()));
}

#[test]
fn poor_quality_without_one_cause_and_a_long_way_are_alerts() {
    let poor = PersonSample {
        rtt_ms: Some(280.0),
        jitter_ms: Some(80.0),
        loss_percent: Some(2.0),
        is_connected: true,
        ..PersonSample::default()
    };
    let far = PersonSample { rtt_ms: Some(700.0), is_connected: true, ..PersonSample::default() };
    for (person, kind, severity) in [(poor, Kind::Quality, Severity::Warning), (far, Kind::Delay, Severity::Critical)] {
        let mut watch = Watch::default();
        let changed: Vec<Alert> = (0..6).flat_map(|second| watch.look(&sample(second, person.clone()))).collect();
        assert_eq!(changed.len(), 1, "told once: {changed:?}");
        assert_eq!((changed[0].kind, changed[0].severity), (kind, severity));
    }
}

#[test]
fn who_leaves_takes_the_alert_along_and_who_acknowledges_it_afterwards_puts_it_away() {
    let mut watch = Watch::default();
    after(&mut watch, 0, &[8.0; 4]).expect("an alert");
    let empty = Sample { calls: Vec::new(), ..sample(4, loss(0.0)) };
    let [over] = &watch.look(&empty)[..] else { panic!("a change") };
    assert_eq!(over.cleared_at, Some(empty.at));
    assert_eq!(
        watch.acknowledge(over.id, "ann", empty.at).and_then(|alert| alert.acknowledged),
        Some(("ann".into(), empty.at))
    );
    assert_eq!(watch.alerts(), []);
    assert_eq!(watch.acknowledge(over.id, "ann", empty.at), None);
}

#[test]
fn those_that_are_over_are_bounded() {
    let mut watch = Watch::default();
    for n in 0..(KEPT_MAX as i64 + 20) {
        after(&mut watch, n * 10, &[8.0; 4]).expect("an alert");
        watch.look(&Sample { calls: Vec::new(), ..sample(n * 10 + 5, loss(0.0)) });
    }
    assert!(watch.alerts().len() <= KEPT_MAX + 1, "{}", watch.alerts().len());
    watch.look(&Sample { calls: Vec::new(), ..sample(100_000, loss(0.0)) });
    assert_eq!(watch.alerts(), [], "after an hour they are history");
}
