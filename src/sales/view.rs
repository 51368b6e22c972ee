//! Components of the sales: the hero, the cards, the chart, the ticker.

use std::sync::Arc;

use leptos::prelude::*;

use crate::money::{self, Change, Currency};
use crate::sales::model::{CHART_DAYS, Figures, Happening, OrderEvent, Snapshot, Versus};
use crate::ui::change::ChangeBadge;
use crate::ui::chart::{LineChart, LineChartView};
use crate::ui::figure::{Figure, Format};
use crate::ui::sparkline::Sparkline;
use crate::ui::text;

/// The snapshot that the page shows.
pub type Shown = RwSignal<Snapshot>;

fn currency(shown: Shown) -> Currency {
    shown.with_untracked(|snapshot| snapshot.currency)
}

fn in_money(currency: Currency) -> Format {
    Arc::new(move |minor| money::display(minor, currency))
}

fn in_orders() -> Format {
    Arc::new(money::count)
}

/// A difference with its sign: `+£153.33`.
fn signed(difference: i64, text: impl Fn(i64) -> String) -> String {
    if difference > 0 { format!("+{}", text(difference)) } else { text(difference) }
}

/// Today against yesterday at the same point: orders and revenue side by side.
#[component]
pub fn Hero(shown: Shown) -> impl IntoView {
    let currency = currency(shown);
    let today = Memo::new(move |_| shown.with(|s| s.overview.today.clone()));
    let yesterday = Memo::new(move |_| shown.with(|s| s.overview.yesterday.clone()));
    let revenue_difference =
        move || today.with(|t| signed(t.current.revenue - t.earlier.revenue, |m| money::display(m, currency)));
    let orders_difference = move || today.with(|t| signed(t.current.orders - t.earlier.orders, money::count));
    let as_of = text(move || shown.with(|s| format!("{} {}", s.overview.as_of, s.overview.zone)));
    view! {
        <section class="hero card" aria-labelledby="hero-title">
            <header class="hero-head">
                <h1 id="hero-title">"Today"</h1>
                <p class="quiet">"to " <time class="as-of">{as_of}</time></p>
            </header>
            <div class="hero-figures">
                <div class="hero-figure">
                    <h2 class="label">"Revenue"</h2>
                    <p class="value-xl" data-figure="today-revenue">
                        <Figure value=Signal::derive(move || today.with(|t| Some(t.current.revenue))) format=in_money(currency)/>
                    </p>
                    <p class="compared">
                        <ChangeBadge change=Signal::derive(move || today.with(Versus::revenue_change)) absolute=text(revenue_difference)/>
                        <span class="quiet">
                            <span data-figure="yesterday-point-revenue">{text(move || today.with(|t| money::display(t.earlier.revenue, currency)))}</span>
                            " yesterday by then"
                        </span>
                    </p>
                </div>
                <div class="hero-figure">
                    <h2 class="label">"Orders"</h2>
                    <p class="value-xl" data-figure="today-orders">
                        <Figure value=Signal::derive(move || today.with(|t| Some(t.current.orders))) format=in_orders()/>
                    </p>
                    <p class="compared">
                        <ChangeBadge change=Signal::derive(move || today.with(Versus::orders_change)) absolute=text(orders_difference)/>
                        <span class="quiet">
                            <span data-figure="yesterday-point-orders">{text(move || today.with(|t| money::count(t.earlier.orders)))}</span>
                            " yesterday by then"
                        </span>
                    </p>
                </div>
                <div class="hero-figure is-aside">
                    <h2 class="label">"Yesterday, whole day"</h2>
                    <p class="value-m" data-figure="yesterday-revenue">{text(move || yesterday.with(|y| money::display(y.current.revenue, currency)))}</p>
                    <p class="quiet">
                        <span data-figure="yesterday-orders">{text(move || yesterday.with(|y| money::count(y.current.orders)))}</span>
                        " "
                        <span>{text(move || yesterday.with(|y| if y.current.orders == 1 { "order" } else { "orders" }.to_owned()))}</span>
                    </p>
                </div>
            </div>
            <p class="windows quiet">
                <span>{text(move || today.with(|t| t.window.clone()))}</span>
                <span>" compared with "</span>
                <span>{text(move || today.with(|t| t.earlier_window.clone()))}</span>
            </p>
        </section>
    }
}

/// What a card shows of a pair of windows.
#[derive(Clone, Copy)]
enum Measure {
    Revenue,
    Orders,
    Average,
}

impl Measure {
    fn of(self, figures: &Figures) -> Option<i64> {
        match self {
            Measure::Revenue => Some(figures.revenue),
            Measure::Orders => Some(figures.orders),
            Measure::Average => figures.average(),
        }
    }

    fn change(self, versus: &Versus) -> Change {
        match self {
            Measure::Revenue => versus.revenue_change(),
            Measure::Orders => versus.orders_change(),
            Measure::Average => versus.average_change(),
        }
    }

    fn daily(self) -> fn(&Figures) -> i64 {
        match self {
            Measure::Revenue => |figures| figures.revenue,
            Measure::Orders => |figures| figures.orders,
            Measure::Average => |figures| figures.average().unwrap_or(0),
        }
    }
}

/// The six metric cards.
#[component]
pub fn Cards(shown: Shown) -> impl IntoView {
    view! {
        <section class="cards" aria-label="Key figures">
            <Card shown name="week-revenue" title="This week" of=|s| &s.overview.week measure=Measure::Revenue/>
            <Card shown name="month-revenue" title="This month" of=|s| &s.overview.month measure=Measure::Revenue/>
            <Card shown name="week-orders" title="Orders this week" of=|s| &s.overview.week measure=Measure::Orders/>
            <Card shown name="average" title="Average order, 30 days" of=|s| &s.overview.thirty_days measure=Measure::Average highlighted=true/>
            <Card shown name="thirty-days" title="Last 30 days" of=|s| &s.overview.thirty_days measure=Measure::Revenue/>
            <Card shown name="yesterday" title="Yesterday" of=|s| &s.overview.yesterday measure=Measure::Revenue highlighted=true/>
        </section>
    }
}

#[component]
fn Card(
    shown: Shown,
    name: &'static str,
    title: &'static str,
    of: fn(&Snapshot) -> &Versus,
    measure: Measure,
    #[prop(optional)] highlighted: bool,
) -> impl IntoView {
    let currency = currency(shown);
    let format = if matches!(measure, Measure::Orders) { in_orders() } else { in_money(currency) };
    let written: Format = format.clone();
    let versus = Memo::new(move |_| shown.with(|s| of(s).clone()));
    let value = Signal::derive(move || versus.with(|v| measure.of(&v.current)));
    let difference = {
        let written = written.clone();
        move || {
            versus.with(|v| {
                signed(measure.of(&v.current).unwrap_or(0) - measure.of(&v.earlier).unwrap_or(0), |m| written(m))
            })
        }
    };
    let earlier = move || versus.with(|v| measure.of(&v.earlier).map_or_else(|| "—".to_owned(), |m| written(m)));
    let series = Memo::new(move |_| shown.with(|s| s.series(measure.daily())));
    view! {
        <article class="card metric" class:is-highlighted=highlighted aria-labelledby=format!("card-{name}")>
            <h2 class="label" id=format!("card-{name}")>{title}</h2>
            <p class="value-l" data-figure=name>
                <Figure value format none_because="No orders in this window"/>
            </p>
            <p class="compared">
                <ChangeBadge change=Signal::derive(move || versus.with(|v| measure.change(v))) absolute=text(difference)/>
                <span class="quiet">"from " <span>{text(earlier)}</span></span>
            </p>
            <Sparkline values=Signal::derive(move || series.get())/>
            <p class="windows quiet" title=text(move || versus.with(|v| format!("{} compared with {}", v.window, v.earlier_window)))>
                <span>{text(move || versus.with(|v| v.window.clone()))}</span>
                <span class="sr-only">" compared with "</span>
                <span class="versus">{text(move || versus.with(|v| v.earlier_window.clone()))}</span>
            </p>
        </article>
    }
}

/// Revenue over 30 days with the 30 days before behind it.
#[component]
pub fn RevenueChart(shown: Shown) -> impl IntoView {
    let chart = Memo::new(move |_| {
        shown.with(|snapshot| {
            let (earlier, current) = snapshot.days.split_at(snapshot.days.len().saturating_sub(CHART_DAYS));
            let labels = |days: &[crate::sales::model::Day]| days.iter().map(|day| short_date(&day.date)).collect();
            let revenue = |days: &[crate::sales::model::Day]| days.iter().map(|day| day.figures.revenue).collect();
            LineChart {
                title: "Revenue by day over 30 days, with the 30 days before".into(),
                currency: snapshot.currency,
                labels: labels(current),
                earlier_labels: labels(earlier),
                current: revenue(current),
                earlier: revenue(earlier),
            }
        })
    });
    view! {
        <section class="card chart-card" aria-labelledby="revenue-title">
            <header class="section-head">
                <h2 id="revenue-title">"Revenue, 30 days"</h2>
                <p class="legend quiet">
                    <span class="key is-current">"these 30 days"</span>
                    <span class="key is-earlier">"the 30 before"</span>
                </p>
            </header>
            <LineChartView id="revenue-chart" chart=Signal::derive(move || chart.get())/>
        </section>
    }
}

/// `2026-11-21` as `21 Nov`.
fn short_date(date: &str) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = date.splitn(3, '-').skip(1).map(|part| part.parse::<usize>().unwrap_or(1));
    let (month, day) = (parts.next().unwrap_or(1), parts.next().unwrap_or(1));
    format!("{day} {}", MONTHS[(month - 1).min(11)])
}

/// The newest orders.
#[component]
pub fn Ticker(shown: Shown) -> impl IntoView {
    let events = Memo::new(move |_| shown.with(|s| s.recent.clone()));
    view! {
        <section class="card ticker" aria-labelledby="ticker-title">
            <header class="section-head"><h2 id="ticker-title">"Just in"</h2></header>
            <Show
                when=move || !events.with(Vec::is_empty)
                fallback=|| view! { <p class="empty">"No orders in the last day. They appear here the moment they arrive."</p> }
            >
                <ol class="ticker-list">
                    <For each=move || events.get() key=|event| event.sequence let:event>
                        <TickerRow event/>
                    </For>
                </ol>
            </Show>
        </section>
    }
}

#[component]
fn TickerRow(event: OrderEvent) -> impl IntoView {
    let what = match event.kind {
        Happening::OrderCreated => "order",
        Happening::PaymentReceived => "paid",
        Happening::OrderRefunded => "refund",
        Happening::OrderCancelled => "cancelled",
        Happening::OrderUpdated => "changed",
    };
    let number = event.number.clone().unwrap_or_default();
    view! {
        <li class="ticker-row" class:is-down=event.amount_minor < 0>
            <time class="quiet">{event.local_time.clone()}</time>
            <span class="ticker-line">{event.line()}</span>
            <span class="quiet ticker-number">{number}</span>
            <span class="tag">{what}</span>
        </li>
    }
}

/// Orders left out because no exchange rate is known (M7); nothing where there are none.
#[component]
pub fn FlaggedNotice(shown: Shown) -> impl IntoView {
    let flagged = Memo::new(move |_| shown.with(|s| s.overview.flagged));
    view! {
        <Show when=move || flagged.get() != 0 fallback=|| ()>
            <p class="notice is-warning" role="status">
                <span>{text(move || money::count(flagged.get()))}</span>
                " orders of the last 60 days are left out: no exchange rate is known for their currency and day."
            </p>
        </Show>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_short_on_the_axis() {
        assert_eq!(short_date("2026-11-21"), "21 Nov");
        assert_eq!(short_date("2026-01-05"), "5 Jan");
    }

    #[test]
    fn a_difference_has_its_sign() {
        assert_eq!(signed(15_333, |m| money::display(m, Currency::GBP)), "+£153.33");
        assert_eq!(signed(-4, money::count), "\u{2212}4");
    }
}
