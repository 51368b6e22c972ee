//! Quarters and months as tables: what was received, what is estimated, and what the running quarter will bring.

use crate::money::Change;
use crate::royalties::figure::Of;
use crate::royalties::model::{Stage, month_of};
use crate::royalties::rate::{Rate, completes};
use crate::royalties::standing::{Month, Quarter};
use crate::royalties::tables::{
    Converted, Royalties, dollars, listing, percent, some_dollars, source_address, source_words,
};
use crate::table::{Column, Data, Listing, Value};

impl Royalties {
    /// Quarters, the newest first. Money received is of final months alone.
    pub fn quarters(&self) -> Listing {
        let mut columns = vec![
            Column::text("quarter", "Quarter"),
            Column::text("state", "State"),
            Column::number("received", "Received"),
        ];
        columns.extend(self.reporting_title("Received").map(|title| Column::number("converted", &title)));
        columns.extend([
            Column::number("provisional", "Provisional"),
            Column::number("estimated", "Estimated"),
            Column::number("minutes", "Minutes"),
            Column::number("completes", "Completes"),
            Column::number("rate", "Rate a minute, $"),
            Column::number("rate_per_thousand", "Rate per 1,000"),
            Column::number("change", "Change"),
        ]);
        let (mut rows, mut leads): (Vec<Vec<Value>>, Vec<_>) = (Vec::new(), Vec::new());
        let mut earlier = None;
        for quarter in &self.standing.quarters {
            let is_final = quarter.stage() == Some(Stage::Final);
            let received = quarter.received_minor();
            let change = if is_final { earlier.map(|earlier| Change::between(received, earlier)) } else { None };
            earlier = is_final.then_some(received);
            let rate = quarter.final_rate();
            let mut row = vec![
                Value::Text(quarter.name()),
                Value::Text(quarter.stage().map_or("incomplete", Stage::name).into()),
                dollars(received),
            ];
            row.extend(self.reporting.is_some().then(|| self.received_converted(quarter)));
            row.extend([
                some_dollars(quarter.provisional_minor()),
                some_dollars(quarter.estimated_minor(self.rate())),
                Value::Count(quarter.minutes()),
                Value::Count(completes(quarter.minutes(), self.title_minutes)),
                rate.map_or(Value::Empty, |rate| Value::Decimal(rate.decimal())),
                rate.map_or(Value::Empty, |rate| dollars(rate.per_thousand_minor())),
                percent(change),
            ]);
            rows.push(row);
            let address = Of::Quarter(quarter.first).address();
            leads
                .push(["received", "provisional", "estimated", "minutes"].map(|name| (name, address.clone())).to_vec());
        }
        rows.reverse();
        leads.reverse();
        let money = ["received", "converted", "provisional", "estimated", "rate_per_thousand"];
        listing(Data::new(columns, &money, rows), leads)
    }

    /// What the final months of a quarter are in the reporting currency, each at the rate of its last day; nothing where one
    /// has no rate.
    fn received_converted(&self, quarter: &Quarter) -> Value {
        let months = quarter.months.iter().filter(|month| month.stage == Some(Stage::Final));
        let sum = months.map(|month| self.converted(month).map(|converted| converted.minor)).sum::<Option<i64>>();
        let currency = self.reporting.as_ref().map(|reporting| reporting.currency);
        sum.zip(currency).map_or(Value::Empty, |(minor, currency)| Value::Money(minor, currency))
    }

    /// The money of a month's statement in the reporting currency: at the rate of its last day, as no statement says when it
    /// was paid.
    fn converted(&self, month: &Month) -> Option<Converted> {
        let (_, last) = month_of(month.first);
        self.reporting.as_ref()?.convert(month.revenue_minor?, last)
    }

    /// Months that have a statement, the newest first.
    pub fn statements(&self) -> Listing {
        let mut columns = vec![
            Column::text("month", "Month"),
            Column::text("state", "State"),
            Column::number("minutes", "Minutes"),
            Column::number("revenue", "Revenue"),
        ];
        columns.extend(self.reporting_title("Revenue").map(|title| Column::number("converted", &title)));
        if self.reporting.is_some() {
            columns.push(Column::number("exchange_rate", "Exchange rate"));
            columns.push(Column::text("rate_of", "Of"));
        }
        columns.extend([Column::number("rate", "Rate a minute, $"), Column::text("source", "Source")]);
        let months = self.standing.quarters.iter().rev().flat_map(|quarter| quarter.months.iter().rev());
        let stated = months.filter_map(|month| Some((month, month.sources?, month.revenue_minor?)));
        let (mut rows, mut leads) = (Vec::new(), Vec::new());
        for (month, sources, minor) in stated {
            let address = Of::Month(month.first).address();
            let rate = Rate::of(minor, month.minutes);
            let mut row = vec![
                Value::Text(month_name(month)),
                Value::Text(month.stage.map_or("", Stage::name).into()),
                Value::Count(month.minutes),
                dollars(minor),
            ];
            if let Some(reporting) = &self.reporting {
                row.extend(match self.converted(month) {
                    Some(Converted { minor, rate, date }) => {
                        [Value::Money(minor, reporting.currency), Value::Decimal(rate), Value::Date(date.to_string())]
                    }
                    None => [Value::Empty, Value::Empty, Value::Empty],
                });
            }
            row.push(rate.map_or(Value::Empty, |rate| Value::Decimal(rate.decimal())));
            row.push(Value::Text(source_words(sources)));
            rows.push(row);
            let source = source_address(sources, address.clone());
            leads.push(vec![("minutes", address.clone()), ("revenue", address), ("source", source)]);
        }
        listing(Data::new(columns, &["revenue", "converted"], rows), leads)
    }

    /// The months of the running quarter.
    pub fn months(&self) -> Listing {
        let columns = vec![
            Column::text("month", "Month"),
            Column::text("state", "State"),
            Column::number("days_known", "Days known"),
            Column::number("minutes", "Minutes"),
            Column::number("revenue", "Revenue"),
            Column::text("source", "Source"),
        ];
        let (mut rows, mut leads) = (Vec::new(), Vec::new());
        if let Some(projection) = &self.projection {
            for month in &projection.quarter.months {
                let (minutes, minor) = projection.month(month);
                let source = match (month.sources, month.days_known) {
                    (Some(sources), _) => source_words(sources),
                    (None, 0) => "the recent pace".to_owned(),
                    (None, known) if known < month.days() => "weekly reports, the rest at the recent pace".to_owned(),
                    (None, _) => "weekly reports".to_owned(),
                };
                rows.push(vec![
                    Value::Text(month_name(month)),
                    Value::Text(month.stage.map_or("to come", Stage::name).into()),
                    Value::Count(month.days_known),
                    Value::Count(minutes),
                    dollars(minor),
                    Value::Text(source),
                ]);
                let address = Of::Month(month.first).address();
                let source = month.sources.map_or(address.clone(), |sources| source_address(sources, address.clone()));
                let known = month.stage.is_some();
                let lead = vec![("minutes", address.clone()), ("revenue", address), ("source", source)];
                leads.push(if known { lead } else { Vec::new() });
            }
        }
        listing(Data::new(columns, &["revenue"], rows), leads)
    }

    /// What the running quarter brings at each rate of the last quarters, and at one that somebody wants.
    pub fn rates(&self) -> Listing {
        let columns = vec![
            Column::text("source", "Rate of"),
            Column::number("rate", "Rate a minute, $"),
            Column::number("projected", "The quarter"),
        ];
        let rows = self.projection.iter().flat_map(|projection| {
            let current = [(format!("now ({})", projection.rate.source), projection.rate.rate)].into_iter();
            let wanted = self.wanted_rate.map(|rate| ("what you asked for".to_owned(), rate));
            let all = wanted.into_iter().chain(current).chain(projection.rate.quarters.clone());
            all.map(|(source, rate)| {
                vec![Value::Text(source), Value::Decimal(rate.decimal()), dollars(projection.at(rate))]
            })
        });
        Listing::of(Data::new(columns, &["projected"], rows.collect()))
    }
}

fn month_name(month: &Month) -> String {
    month.first.strftime("%B %Y").to_string()
}
