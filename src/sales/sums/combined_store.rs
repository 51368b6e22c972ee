//! Reading parts of days out of the ledger, of orders that two dimensions name: no table of sums holds these.
//!
//! It costs as much as there are entries in the days, but each day is read once and then kept until a recording changes it.

use std::sync::Arc;

use sqlx::PgConnection;

use crate::period::Instant;
use crate::sales::sums::Sums;
use crate::sales::sums::additions::Dimension;
use crate::sales::sums::kept::{Combination, Row};
use crate::sales::sums::store::sums_of;

/// What a part of a day is cut into.
#[derive(Debug, Clone, Copy)]
pub enum Grain {
    /// Nothing.
    Whole,
    /// Quarters of an hour.
    Quarters,
    /// Single entries.
    Entries,
}

impl Grain {
    fn name(self) -> &'static str {
        match self {
            Grain::Whole => "whole",
            Grain::Quarters => "quarter",
            Grain::Entries => "entry",
        }
    }
}

/// What has to be read, by combination.
#[derive(Default)]
pub struct Combined(Vec<(Arc<Combination>, Windows)>);

/// Windows as columns: a place, the grain, where it begins and ends.
#[derive(Default)]
struct Windows {
    places: Vec<i32>,
    grains: Vec<String>,
    from: Vec<Instant>,
    to: Vec<Instant>,
}

impl Combined {
    /// Adds a window.
    pub fn add(&mut self, place: i32, grain: Grain, of: &Arc<Combination>, from: Instant, to: Instant) {
        let known = self.0.iter().position(|(known, _)| known == of);
        let i = known.unwrap_or_else(|| {
            self.0.push((Arc::clone(of), Windows::default()));
            self.0.len() - 1
        });
        let windows = &mut self.0[i].1;
        windows.places.push(place);
        windows.grains.push(grain.name().to_owned());
        windows.from.push(from);
        windows.to.push(to);
    }

    /// Reads it: the rows with their places.
    pub async fn read(self, db: &mut PgConnection, workspace: i32) -> sqlx::Result<Vec<(usize, Row)>> {
        let mut out = Vec::new();
        for (of, windows) in self.0 {
            out.extend(windows.read(db, workspace, &of).await?);
        }
        Ok(out)
    }
}

impl Windows {
    async fn read(self, db: &mut PgConnection, workspace: i32, of: &Combination) -> sqlx::Result<Vec<(usize, Row)>> {
        let slice = &of.slice;
        let rows = sqlx::query!(
            r#"select w.place as "place!", e.at, e.value as "value!", e.orders as "orders!", e.gross_minor as "gross_minor!",
                 e.discount_minor as "discount_minor!", e.shipping_minor as "shipping_minor!", e.tax_minor as "tax_minor!",
                 e.returned_goods_minor as "returned_goods_minor!", e.returned_shipping_minor as "returned_shipping_minor!",
                 e.returned_tax_minor as "returned_tax_minor!", e.reversed_goods_minor as "reversed_goods_minor!",
                 e.reversed_shipping_minor as "reversed_shipping_minor!", e.reversed_tax_minor as "reversed_tax_minor!",
                 e.flagged as "flagged!"
             from unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[]) as w (place, grain, since, until)
             cross join lateral (
                 select case w.grain when 'whole' then null
                         when 'quarter' then date_bin('15 minutes', s.at, timestamptz '2000-01-01 00:00Z') else s.at end as at,
                     o.value, sum(orders)::bigint as orders, sum(gross_minor)::bigint as gross_minor,
                     sum(discount_minor)::bigint as discount_minor, sum(shipping_minor)::bigint as shipping_minor,
                     sum(tax_minor)::bigint as tax_minor, sum(returned_goods_minor)::bigint as returned_goods_minor,
                     sum(returned_shipping_minor)::bigint as returned_shipping_minor,
                     sum(returned_tax_minor)::bigint as returned_tax_minor,
                     sum(reversed_goods_minor)::bigint as reversed_goods_minor,
                     sum(reversed_shipping_minor)::bigint as reversed_shipping_minor,
                     sum(reversed_tax_minor)::bigint as reversed_tax_minor, sum(flagged)::bigint as flagged
                 from (
                     select * from ledger_measures where workspace_id = $1 and at >= w.since and at < w.until offset 0
                 ) s
                 cross join lateral (
                     select case $6 when 'country' then coalesce(country, 'unknown') when 'source' then source_id::text
                         when 'status' then coalesce(payment, 'unknown') else '' end as value
                     from orders
                     where workspace_id = $1 and id = s.order_id
                       and ($7::text[] is null or coalesce(country, 'unknown') = any($7))
                       and ($8::text[] is null or source_id::text = any($8))
                       and ($9::text[] is null or coalesce(payment, 'unknown') = any($9))
                     offset 0
                 ) o
                 group by 1, 2
             ) e"#,
            workspace,
            &self.places,
            &self.grains,
            &self.from,
            &self.to,
            of.by.map_or("", Dimension::name),
            slice.countries.as_deref() as Option<&[String]>,
            slice.sources.as_deref() as Option<&[String]>,
            slice.statuses.as_deref() as Option<&[String]>
        )
        .fetch_all(db)
        .await?;
        let row = |(at, value, sums): (Option<Instant>, String, Sums)| Row {
            at: at.map_or(0, |at| at.timestamp_micros()),
            value: value.as_str().into(),
            sums,
        };
        Ok(rows.into_iter().map(|r| (r.place as usize, row((r.at, r.value.clone(), sums_of!(r))))).collect())
    }
}
