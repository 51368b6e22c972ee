//! Words a figure's explanation for the panel.

use crate::country;
use crate::money::{self, Currency};
use crate::period::{Calendar, Instant, Window};
use crate::sales::inspector::address;
use crate::sales::inspector::figure::Measured;
use crate::sales::inspector::inspect::{Asked, By, Inspection};
use crate::sales::inspector::model::{Fact, Panel, PanelRow};
use crate::sales::inspector::routes::after_text;
use crate::sales::inspector::store::{Posting, RateUsed};
use crate::sales::question::{Measure, Question, RefundDate};
use crate::ui::change;

/// The panel of a figure.
pub fn panel(asked: &Asked, inspection: &Inspection) -> Panel {
    let links = Links::of(asked, inspection);
    let Inspection { figure, books, .. } = inspection;
    let by = |by: By| match by {
        By::Time => "time",
        By::Amount => "amount",
        By::AmountRising => "amount-rising",
    };
    let by_amount = if inspection.by == By::Amount { By::AmountRising } else { By::Amount };
    let next = inspection.next.map(|after| links.rows(by(inspection.by), Some(after_text(after))));
    let rate = |used: &RateUsed| {
        let said = format!("1 {} = {} {}", used.currency, used.rate.normalize(), inspection.currency());
        (said, format!(" of {}", used.date.format("%-d %b %Y")))
    };
    let unsorted = "There are too many rows to sort them by amount: take the file.";
    let more_rates = "Exchange rates are listed of the last 92 days; each row says its own.";
    let notice = [(inspection.unsorted, unsorted), (inspection.has_more_rates, more_rates)];
    let notice: Vec<&str> = notice.into_iter().filter(|(is, _)| *is).map(|(_, words)| words).collect();
    let row = |row: &Posting| row_of(row, &books.calendar, inspection.as_of, inspection.currency());
    Panel {
        title: figure.title.clone(),
        amount: written(inspection.value, figure.measured, inspection.currency()),
        definition: definition(figure.measured, &figure.question),
        parts: parts(inspection),
        facts: facts(asked, inspection),
        rates: inspection.rates.iter().map(rate).collect(),
        notice: notice.join(" "),
        rows: inspection.rows.iter().map(row).collect(),
        by: by(inspection.by).into(),
        by_time: links.rows("time", None),
        by_amount: links.rows(by(by_amount), None),
        next: next.unwrap_or_default(),
        files: [("CSV", "csv"), ("Excel", "xlsx"), ("JSON", "json")]
            .map(|(title, extension)| (title.to_owned(), links.file(extension)))
            .to_vec(),
        as_of: books.calendar.local(inspection.as_of).strftime("%H:%M:%S").to_string(),
        close: links.close,
        fresh: links.fresh,
    }
}

/// Addresses that the panel leads to.
struct Links {
    close: String,
    fresh: String,
    question: String,
    name: String,
    at: i64,
}

impl Links {
    fn of(asked: &Asked, inspection: &Inspection) -> Links {
        let question = asked.question.query();
        Links {
            close: asked.question.address(),
            fresh: address(&question, &asked.name),
            question,
            name: asked.name.clone(),
            at: inspection.as_of.timestamp_micros(),
        }
    }

    /// The panel of the same moment, its rows in another order or from another place on.
    fn rows(&self, by: &str, after: Option<String>) -> String {
        let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
        format!("{}&at={}&by={by}{after}", address(&self.question, &self.name), self.at)
    }

    fn file(&self, extension: &str) -> String {
        let and = if self.question.is_empty() { "" } else { "&" };
        format!("/api/v1/figures/{}.{extension}?{}{and}at={}", self.name, self.question, self.at)
    }
}

fn written(value: Option<i64>, measured: Measured, currency: Currency) -> String {
    match (value, measured) {
        (None, _) => "—".into(),
        (Some(count), Measured::Orders) => money::count(count),
        (Some(minor), _) => money::display(minor, currency),
    }
}

fn definition(measured: Measured, question: &Question) -> String {
    let dated = match question.refunds {
        RefundDate::Refund => "on the date the money went back",
        RefundDate::Order => "on the date of their order",
    };
    match (measured, question.measure) {
        (Measured::Orders, _) => {
            "Orders placed in the window: not tests, drafts, nor what was deleted, voided or failed. \
             A cancelled order was placed and counts."
                .into()
        }
        (Measured::Average, _) => "Order totals as placed, divided by the number of orders.".into(),
        (Measured::Revenue, Measure::Total) => {
            format!("What order totals say, less refunds and cancellations, {dated}.")
        }
        (Measured::Revenue, Measure::Net) => {
            format!("Price × quantity less discounts, less goods refunded or cancelled, {dated}.")
        }
    }
}

fn parts(inspection: &Inspection) -> Vec<(String, String)> {
    if inspection.parts.is_empty() {
        return Vec::new();
    }
    let currency = inspection.currency();
    let sum: i64 = inspection.parts.iter().map(|(_, minor)| minor).sum();
    let divided = (inspection.figure.measured == Measured::Average)
        .then(|| ("÷ orders".to_owned(), money::count(inspection.sums.orders)));
    let parts = inspection.parts.iter().map(|(name, minor)| ((*name).to_owned(), money::display(*minor, currency)));
    parts.chain([("Together".to_owned(), money::display(sum, currency))]).chain(divided).collect()
}

fn facts(asked: &Asked, inspection: &Inspection) -> Vec<Fact> {
    let Inspection { figure, books, .. } = inspection;
    let fact = |name: &str, text: String| Fact { name: name.to_owned(), text, ..Fact::default() };
    let compared = figure.earlier.as_ref().zip(inspection.earlier).map(|((window, name), (value, change))| {
        let written = |value| written(value, figure.measured, inspection.currency());
        let difference = inspection.value.unwrap_or(0) - value.unwrap_or(0);
        let (arrow, text, _) = change::parts(change, &written(Some(difference)));
        let words = books.calendar.words(*window, inspection.as_of);
        let link = (written(value), address(&asked.question.query(), name));
        Fact { name: "Compared with".into(), link, text: format!(" {words}, {arrow} {text}") }
    });
    let mut facts = Vec::new();
    for window in &figure.windows {
        let [local, utc] = ends(*window, &books.calendar);
        facts.push(fact("Window", books.calendar.words(*window, inspection.as_of)));
        facts.push(fact(books.calendar.zone_name(), local));
        facts.push(fact("UTC", utc));
    }
    facts.extend(compared);
    facts.push(fact("Orders asked about", filter_words(&figure.question)));
    facts.push(fact("Orders counted", money::count(inspection.sums.orders)));
    facts.push(fact("Left out", left_out(inspection)));
    facts
}

fn left_out(inspection: &Inspection) -> String {
    let reasons = inspection.left_out.iter().map(|(standing, orders)| {
        let why = match standing.as_str() {
            "test" => "test orders",
            "draft" => "not placed yet",
            "deleted" => "deleted on the platform",
            "voided" => "payment voided",
            "failed" => "payment failed",
            other => other,
        };
        format!("{} {why}", money::count(*orders))
    });
    let flagged = inspection.sums.flagged;
    let flagged = (flagged > 0).then(|| format!("{} without an exchange rate", money::count(flagged)));
    let reasons: Vec<String> = reasons.chain(flagged).collect();
    if reasons.is_empty() { "none".to_owned() } else { reasons.join(", ") }
}

fn row_of(row: &Posting, calendar: &Calendar, now: Instant, currency: Currency) -> PanelRow {
    let local = calendar.local(row.at);
    let this_year = calendar.date(now).year() == local.year();
    let rate = row.rate.filter(|(rate, _)| *rate != rust_decimal::Decimal::ONE);
    let country = row.country.as_deref().map_or_else(|| "Unknown country".to_owned(), country::name);
    PanelRow {
        at: local.strftime(if this_year { "%-d %b %H:%M" } else { "%-d %b %Y %H:%M" }).to_string(),
        order: (row.number.clone(), format!("/orders/{}", row.order)),
        what: happening(row),
        place: format!("{} · {country}", row.source),
        amount: row.currency.map_or_else(String::new, |own| money::display(row.amount, own)),
        rate: rate.map(|(rate, date)| format!("{} of {}", rate.normalize(), date.format("%-d %b"))).unwrap_or_default(),
        counted: if row.is_flagged { "no rate".to_owned() } else { money::display(row.converted, currency) },
        minor: row.converted,
    }
}

/// What a posting is, in a word or two.
pub fn happening(row: &Posting) -> String {
    let has = |prefix: &str| row.kinds.iter().any(|kind| kind.starts_with(prefix));
    let mut words = Vec::new();
    if row.kinds.iter().any(|kind| matches!(kind.as_str(), "sale" | "discount" | "shipping" | "tax")) {
        words.push(if row.orders > 0 || !row.kinds.iter().any(|kind| kind == "sale") {
            "order"
        } else {
            "order, changed"
        });
    }
    if has("refund") {
        words.push("refund");
    }
    if has("cancel") {
        words.push("cancellation");
    }
    words.join(" and ")
}

fn filter_words(question: &Question) -> String {
    let filter = &question.filter;
    let listed = [
        ("platform", &filter.platforms),
        ("country", &filter.countries),
        ("source", &filter.sources),
        ("status", &filter.statuses),
    ];
    let words: Vec<String> = listed
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| format!("{name} {}", values.join(" or ")))
        .collect();
    if words.is_empty() { "all".into() } else { words.join(", ") }
}

/// A window's ends on the calendar and in UTC, the second one not included.
fn ends(window: Window, calendar: &Calendar) -> [String; 2] {
    let local =
        |at: Instant| format!("{} {}", calendar.local(at).strftime("%Y-%m-%d %H:%M:%S"), calendar.abbreviation(at));
    let utc = |at: Instant| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let range = |of: &dyn Fn(Instant) -> String| format!("from {} until before {}", of(window.from), of(window.to));
    [range(&local), range(&utc)]
}
