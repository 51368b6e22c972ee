//! Components of the sales: the hero, the cards, the chart, the ticker.

use std::sync::Arc;

use leptos::prelude::*;

use crate::money::{self, Change, Currency};
use crate::sales::charts::view::{CountryMenu, Downloads};
use crate::sales::model::{Chip, Choice, Controls, Figures, Happening, Menu, OrderEvent, Snapshot, Versus};
use crate::table::Cell;
use crate::ui::change::ChangeBadge;
use crate::ui::chart::LineChartView;
use crate::ui::explain::explained;
use crate::ui::figure::{Figure, Format};
use crate::ui::sparkline::Sparkline;
use crate::ui::table::SortableTable;
use crate::ui::{browser, flag, text};

/// The snapshot that the page shows.
pub type Shown = RwSignal<Snapshot>;

/// The currency of the figures: it may change while the page is open.
fn currency(shown: Shown) -> Memo<Currency> {
    Memo::new(move |_| shown.with(|snapshot| snapshot.currency))
}

fn in_money(currency: Memo<Currency>) -> Format {
    Arc::new(move |minor| money::display(minor, currency.get()))
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
        move || today.with(|t| signed(t.current.revenue - t.earlier.revenue, |m| money::display(m, currency.get())));
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
                        {explained("today.revenue".into(), view! { <Figure value=Signal::derive(move || today.with(|t| Some(t.current.revenue))) format=in_money(currency)/> }.into_any())}
                    </p>
                    <p class="compared">
                        <ChangeBadge change=Signal::derive(move || today.with(Versus::revenue_change)) absolute=text(revenue_difference)/>
                        <span class="quiet">
                            <span data-figure="yesterday-point-revenue">{explained("today.revenue.before".into(), text(move || today.with(|t| money::display(t.earlier.revenue, currency.get()))).into_any())}</span>
                            " yesterday by then"
                        </span>
                    </p>
                </div>
                <div class="hero-figure">
                    <h2 class="label">"Orders"</h2>
                    <p class="value-xl" data-figure="today-orders">
                        {explained("today.orders".into(), view! { <Figure value=Signal::derive(move || today.with(|t| Some(t.current.orders))) format=in_orders()/> }.into_any())}
                    </p>
                    <p class="compared">
                        <ChangeBadge change=Signal::derive(move || today.with(Versus::orders_change)) absolute=text(orders_difference)/>
                        <span class="quiet">
                            <span data-figure="yesterday-point-orders">{explained("today.orders.before".into(), text(move || today.with(|t| money::count(t.earlier.orders))).into_any())}</span>
                            " yesterday by then"
                        </span>
                    </p>
                </div>
                <div class="hero-figure is-aside">
                    <h2 class="label">"Yesterday, whole day"</h2>
                    <p class="value-m" data-figure="yesterday-revenue">{explained("yesterday.revenue".into(), text(move || yesterday.with(|y| money::display(y.current.revenue, currency.get()))).into_any())}</p>
                    <p class="quiet">
                        <span data-figure="yesterday-orders">{explained("yesterday.orders".into(), text(move || yesterday.with(|y| money::count(y.current.orders))).into_any())}</span>
                        " "
                        <span>{text(move || yesterday.with(|y| if y.current.orders == 1 { "order" } else { "orders" }.to_owned()))}</span>
                    </p>
                </div>
            </div>
            <GoalBeside shown figure="today.revenue"/>
            <GoalBeside shown figure="today.orders"/>
            <p class="landing">{text(move || shown.with(|s| s.overview.landing.clone()))}</p>
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
            <Card shown name="week-revenue" figure="week.revenue" title="This week" of=|s| &s.overview.week measure=Measure::Revenue/>
            <Card shown name="month-revenue" figure="month.revenue" title="This month" of=|s| &s.overview.month measure=Measure::Revenue/>
            <Card shown name="week-orders" figure="week.orders" title="Orders this week" of=|s| &s.overview.week measure=Measure::Orders/>
            <Card shown name="average" figure="thirty-days.average" title="Average order, 30 days" of=|s| &s.overview.thirty_days measure=Measure::Average highlighted=true/>
            <Card shown name="thirty-days" figure="thirty-days.revenue" title="Last 30 days" of=|s| &s.overview.thirty_days measure=Measure::Revenue/>
            <Card shown name="yesterday" figure="yesterday.revenue" title="Yesterday" of=|s| &s.overview.yesterday measure=Measure::Revenue highlighted=true/>
        </section>
    }
}

#[component]
fn Card(
    shown: Shown,
    name: &'static str,
    /// The name of what is behind it.
    figure: &'static str,
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
                {explained(figure.into(), view! { <Figure value format none_because="No orders in this window"/> }.into_any())}
            </p>
            <p class="compared">
                <ChangeBadge change=Signal::derive(move || versus.with(|v| measure.change(v))) absolute=text(difference)/>
                <span class="quiet">"from " {explained(format!("{figure}.before"), text(earlier).into_any())}</span>
            </p>
            <GoalBeside shown figure/>
            <Sparkline values=Signal::derive(move || series.get())/>
            {matches!(measure, Measure::Average).then(|| view! { <MedianBeside shown versus/> })}
            <p class="windows quiet" title=text(move || versus.with(|v| format!("{} compared with {}", v.window, v.earlier_window)))>
                <span>{text(move || versus.with(|v| v.window.clone()))}</span>
                <span class="sr-only">" compared with "</span>
                <span class="versus">{text(move || versus.with(|v| v.earlier_window.clone()))}</span>
            </p>
        </article>
    }
}

/// How far the goal of a figure is; nothing where it has none.
#[component]
fn GoalBeside(shown: Shown, figure: &'static str) -> impl IntoView {
    let cell = Memo::new(move |_| {
        shown.with(|s| {
            let goals = s.tables.iter().find(|table| table.name == "goals")?;
            let row = goals.rows.iter().find(|row| row.key == figure)?;
            goals.cell(row, "progress").cloned()
        })
    });
    let of =
        move |part: fn(&Cell) -> String| text(move || cell.with(|cell| cell.as_ref().map(part).unwrap_or_default()));
    view! {
        <p class="goal quiet" class:is-gone=flag(move || cell.with(Option::is_none)) title=of(|cell| cell.title.clone())>
            <progress max="1000" value=of(|cell| cell.order.unwrap_or(0).max(0).to_string()) aria-label="Goal"></progress>
            <span>{of(|cell| cell.text.clone())}</span>
            <span class="sr-only">{of(|cell| cell.title.clone())}</span>
        </p>
    }
}

/// The median beside an average.
#[component]
fn MedianBeside(shown: Shown, versus: Memo<Versus>) -> impl IntoView {
    let currency = currency(shown);
    let written = text(move || match versus.with(|v| v.median) {
        Some(minor) => money::display(minor, currency.get()),
        None => "—".to_owned(),
    });
    let reason = text(move || versus.with(|v| shown.with(|s| s.overview.why_no_median(v.median, &v.current))));
    view! {
        <p class="beside quiet">
            "median " <span data-figure="average-median" title=reason>{written}</span>
        </p>
    }
}

/// One of the answer's charts.
#[component]
pub fn ChartCard(
    shown: Shown,
    controls: RwSignal<Controls>,
    /// The chart's name in the answer, and its element's.
    name: &'static str,
    /// Whether the range's own figures stand above it.
    #[prop(optional)]
    with_range: bool,
) -> impl IntoView {
    let chart =
        Memo::new(move |_| shown.with(|s| s.charts.iter().find(|c| c.name == name).cloned().unwrap_or_default()));
    let earlier = text(move || chart.with(|c| c.earlier_title.clone()));
    view! {
        <section class="card chart-card" class:is-wide=with_range aria-labelledby=format!("{name}-title")>
            <header class="section-head">
                <h2 id=format!("{name}-title")>{text(move || chart.with(|c| c.title.clone()))}</h2>
                {with_range.then(|| view! { <RangeFigures shown/> })}
                <p class="legend quiet">
                    <span class="key is-current">"this range"</span>
                    <span class="key is-earlier" class:is-gone=move || chart.with(|c| c.earlier_title.is_empty())>{earlier}</span>
                </p>
                {with_range.then(|| view! { <a class="note-link" href=text(move || controls.with(|c| format!("/goals?date={}#note-form", c.to)))>"Add a note"</a> })}
                <Downloads controls kind="charts" name/>
            </header>
            <LineChartView id=name chart=Signal::derive(move || chart.get())/>
        </section>
    }
}

/// The figures of the range in question beside those it is compared with, and both windows in words.
#[component]
fn RangeFigures(shown: Shown) -> impl IntoView {
    let currency = currency(shown);
    let range = Memo::new(move |_| shown.with(|s| s.overview.range.clone()));
    let total = Memo::new(move |_| shown.with(|s| s.overview.total.clone()));
    let difference =
        move || range.with(|r| signed(r.current.revenue - r.earlier.revenue, |m| money::display(m, currency.get())));
    let words = move || {
        range.with(|r| match r.earlier_window.as_str() {
            "" => r.window.clone(),
            earlier => format!("{} vs {earlier}", r.window),
        })
    };
    view! {
        <div class="range-figures">
            <p class="value-l" data-figure="range-revenue">
                {explained("range.revenue".into(), view! { <Figure value=Signal::derive(move || range.with(|r| Some(r.current.revenue))) format=in_money(currency)/> }.into_any())}
            </p>
            <p class="compared">
                <ChangeBadge change=Signal::derive(move || range.with(Versus::revenue_change)) absolute=text(difference)/>
                <span class="quiet"><span data-figure="range-orders">{explained("range.orders".into(), text(move || range.with(|r| money::count(r.current.orders))).into_any())}</span>" orders"</span>
            </p>
            <p class="windows quiet">{text(words)}</p>
            <p class="total" class:is-gone=flag(move || total.with(Option::is_none))>
                <a class="explained value-m" href="#with_royalties-title" data-figure="range-total">
                    {text(move || total.with(|t| t.as_ref().map(|t| money::display(t.minor, currency.get())).unwrap_or_default()))}
                </a>
                " with royalties: "
                <span class="quiet">{text(move || total.with(|t| t.as_ref().map(|t| t.words.clone()).unwrap_or_default()))}</span>
            </p>
        </div>
    }
}

/// Columns of tables whose cells are figures that have something behind them.
const FIGURES: &[&str] = &["orders", "revenue", "average"];

/// One of the answer's tables.
#[component]
pub fn TableCard(
    shown: Shown,
    controls: RwSignal<Controls>,
    /// The table's name in the answer.
    name: &'static str,
    /// Whether it takes the whole width.
    #[prop(optional)]
    is_wide: bool,
) -> impl IntoView {
    let table =
        Memo::new(move |_| shown.with(|s| s.tables.iter().find(|t| t.name == name).cloned().unwrap_or_default()));
    view! {
        <section class="card table-card" class:is-wide=is_wide class:is-gone=move || table.with(|t| t.rows.is_empty() && matches!(name, "outlook" | "goals" | "notes" | "with_royalties")) aria-labelledby=format!("{name}-title") data-table=name>
            <header class="section-head">
                <h2 id=format!("{name}-title")>{text(move || table.with(|t| t.title.clone()))}</h2>
                <Downloads controls kind="tables" name/>
            </header>
            <SortableTable table=Signal::derive(move || table.get()) figures=FIGURES/>
        </section>
    }
}

/// The menus of the question, as links, and what narrows it down.
#[component]
pub fn QuestionBar(controls: RwSignal<Controls>) -> impl IntoView {
    let menus = move || controls.with(|c| c.menus.clone()).into_iter().map(menu_view).collect_view();
    let chips = move || {
        let chip = |chip: Chip| {
            let label = format!("Remove {}", chip.title);
            view! { <a class="chip" href=chip.address aria-label=label>{chip.title}<span aria-hidden="true">" ×"</span></a> }
        };
        controls.with(|c| c.chips.clone()).into_iter().map(chip).collect_view()
    };
    let hidden = move || {
        let query = controls.with(|c| c.query.clone());
        let kept = query.split('&').filter_map(|pair| pair.split_once('='));
        let kept = kept.filter(|(name, _)| !matches!(*name, "range" | "from" | "to" | "bucket"));
        kept.map(|(name, value)| view! { <input type="hidden" name=name.to_owned() value=value.to_owned()/> })
            .collect_view()
    };
    view! {
        <nav class="question" aria-label="What is shown">
            {menus}
            <CountryMenu controls/>
            <details class="menu" name="menu">
                <summary>"Dates"</summary>
                <form class="menu-list" method="get" action="/">
                    <label>"From"<input type="date" name="from" required value=text(move || controls.with(|c| c.from.clone()))/></label>
                    <label>"To"<input type="date" name="to" required value=text(move || controls.with(|c| c.to.clone()))/></label>
                    {hidden}
                    <button class="button" type="submit">"Show"</button>
                </form>
            </details>
            {chips}
        </nav>
    }
}

fn menu_view(menu: Menu) -> impl IntoView {
    let chosen = menu.choices.iter().find(|choice| choice.is_chosen).map(|choice| choice.title.clone());
    let choice = |choice: Choice| {
        let current = choice.is_chosen.then_some("true");
        view! { <li><a href=choice.address aria-current=current on:click=|_| browser::close_menus()>{choice.title}</a></li> }
    };
    view! {
        <details class="menu" name="menu">
            <summary>
                <span class="quiet">{menu.title}</span>
                <span class="menu-chosen">{chosen.unwrap_or_default()}</span>
            </summary>
            <ul class="menu-list">{menu.choices.into_iter().map(choice).collect_view()}</ul>
        </details>
    }
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
                " orders of this range are left out: no exchange rate is known for their currency and day."
            </p>
        </Show>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_its_sign() {
        assert_eq!(signed(15_333, |m| money::display(m, Currency::GBP)), "+£153.33");
        assert_eq!(signed(-4, money::count), "\u{2212}4");
    }
}
