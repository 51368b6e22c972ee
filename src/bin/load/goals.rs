//! What is aimed for beside the peers, as ratios of one run, and whether it was reached.

use crate::report::{Report, figure, medians};
use crate::sockets::{self, Load};

/// An empty table of goals.
pub fn table() -> Report {
    Report::new("Goals", &["what", "Takings", "beside", "ratio", "goal", "reached"], &[])
}

/// A line of it: our figure, another's, and the bound of what is aimed for.
struct Goal<'a> {
    what: &'a str,
    ours: f64,
    theirs: f64,
    /// The ratio of ours to theirs may be so much at most, or has to be at least.
    bound: Bound,
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

fn add(report: &mut Report, goal: Goal) {
    let ratio = goal.ours / goal.theirs;
    let (words, is_met) = match goal.bound {
        Bound::AtMost(most) => (format!("≤ {}", figure(most)), ratio <= most),
        Bound::AtLeast(least) => (format!("≥ {}", figure(least)), ratio >= least),
    };
    report.say(vec![
        goal.what.to_owned(),
        figure(goal.ours),
        figure(goal.theirs),
        figure(ratio),
        words,
        if is_met { "yes" } else { "no" }.to_owned(),
    ]);
}

/// A goal without a peer: our figure beside what it may be.
fn add_plain(report: &mut Report, what: &str, ours: f64, most: f64) {
    let met = if ours <= most { "yes" } else { "no" };
    report.say(vec![what.to_owned(), figure(ours), "-".into(), "-".into(), format!("≤ {}", figure(most)), met.into()]);
}

/// Where this stands in the figures of [`sockets::once`].
fn column(name: &str) -> usize {
    sockets::COLUMNS.iter().position(|column| *column == name).unwrap_or(0)
}

/// Of orders reaching sockets: the figures of all contenders, in their order.
pub fn of_sockets(load: Load, figures: &[Vec<f64>; 4]) -> Report {
    let mut report = table();
    let of = |name: &str| figures.each_ref().map(|figures| figures[column(name)]);
    let [lost, ..] = of("lost");
    add_plain(&mut report, "deliveries lost", lost, 0.0);
    let [doubled, ..] = of("doubled");
    add_plain(&mut report, "deliveries doubled", doubled, 0.0);
    let [caught_up, ..] = of("slow caught up");
    add_plain(&mut report, "slow sockets without the last event", load.slow as f64 - caught_up, 0.0);
    let [p99, bun, ..] = of("p99 ms");
    add_plain(&mut report, "p99 ms", p99, 250.0);
    let most = |what, ours, theirs, most| Goal { what, ours, theirs, bound: Bound::AtMost(most) };
    add(&mut report, most("p99 ms, Bun", p99, bun, 1.0));
    let [ours, bun, ws, socket_io] = of("CPU µs/delivery");
    add(&mut report, most("CPU µs an order and socket, Socket.IO", ours, socket_io, 1.0 / 8.0));
    add(&mut report, most("CPU µs an order and socket, ws", ours, ws, 1.0 / 6.0));
    add(&mut report, most("CPU µs an order and socket, Bun", ours, bun, 0.65));
    let [ours, _, ws, socket_io] = of("kB/socket");
    add(&mut report, most("kB a socket, Socket.IO", ours, socket_io, 0.25));
    add(&mut report, most("kB a socket, ws", ours, ws, 0.6));
    report
}

/// Of calls beside orders: the runs without and with them.
pub fn of_calls(alone: &[Vec<f64>], beside: &[Vec<f64>]) -> Report {
    let mut report = table();
    let p99 = |runs| medians(runs)[column("p99 ms")];
    let bound = Bound::AtMost(1.5);
    add(&mut report, Goal { what: "orders' p99 ms, without calls", ours: p99(beside), theirs: p99(alone), bound });
    report
}

/// Of a hundred rooms, by the columns of [`crate::voice`].
pub fn of_rooms(lost: f64, cpu_percent: f64, rss_mb: f64) -> Report {
    let mut report = table();
    add_plain(&mut report, "packets lost", lost, 0.0);
    add_plain(&mut report, "CPU % of a core", cpu_percent, 40.0);
    add_plain(&mut report, "RSS MB", rss_mb, 150.0);
    report
}

/// Of joins and leaves.
pub fn of_joins(drift_mb: f64) -> Report {
    let mut report = table();
    add_plain(&mut report, "drift MB", drift_mb, 5.0);
    report
}

/// Of ingest: the figures of Takings, Bun, and Express with ws.
pub fn of_ingest(report: &mut Report, connections: usize, figures: &[Vec<f64>; 3]) {
    let [ours, bun, ws] = figures.each_ref().map(|figures| figures[0]);
    for (who, theirs, least) in [("Express", ws, 2.5), ("Bun's bare insert", bun, 0.9)] {
        let what = format!("orders/s on {connections} connections, {who}");
        add(report, Goal { what: &what, ours, theirs, bound: Bound::AtLeast(least) });
    }
}

/// Of page loads: p50 with nothing new and after an order, of the page, of the eleven GETs, and of theirs.
pub fn of_page(report: &mut Report, orders: i64, viewers: u32, p50: &[[f64; 2]]) {
    let [page, eleven, theirs] = p50 else { return };
    let most = match orders {
        ..500_000 => 0.35,
        500_000..5_000_000 => 0.06,
        _ => 0.005,
    };
    for (name, ours) in [("the page", page), ("11 GETs", eleven)] {
        for (when, i) in [("", 0), (", after an order", 1)] {
            // What comes after an order is asked for by one viewer, whatever their number.
            if i == 1 && viewers > 1 {
                continue;
            }
            let what = format!("{name}, p50 ms at {orders} orders, viewers: {viewers}{when}");
            add(report, Goal { what: &what, ours: ours[i], theirs: theirs[i], bound: Bound::AtMost(most) });
        }
    }
}
