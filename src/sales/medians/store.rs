//! The tree of order values in PostgreSQL: reading it, taking additions into it, building it again and checking it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sqlx::{PgConnection, PgPool};

use crate::period::{Instant, Window};
use crate::sales::medians::cells::Cut;
use crate::sales::medians::tree::{Addition, CHILDREN, Counts, LEVELS, Place, rows};
use crate::sales::sums::Sums;
use crate::sales::sums::kept::Row;
use crate::sales::sums::store::Slice;

/// Entries that are folded in one transaction, or those of one recording where it has more: enough that a rush is a few
/// transactions a second, few enough to be kept in memory.
const FOLDED_AT_ONCE: i64 = 20_000;

/// The orders placed in each of some windows, in their order: of their sums, one and its value as placed.
pub async fn placed(db: &mut PgConnection, workspace: i32, windows: &[Window]) -> sqlx::Result<Vec<Vec<Row>>> {
    let mut out = vec![Vec::new(); windows.len()];
    if windows.is_empty() {
        return Ok(out);
    }
    let rows = sqlx::query!(
        r#"select (w.ordinal - 1)::int as "i!", v.placed_at as "placed_at!", v.value_minor as "value_minor!"
         from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as w (since, until, ordinal)
         cross join lateral (
             select placed_at, value_minor from ledger_order_values
             where workspace_id = $1 and placed_at >= w.since and placed_at < w.until offset 0
         ) v
         order by 1, 2"#,
        workspace,
        &windows.iter().map(|window| window.from).collect::<Vec<Instant>>(),
        &windows.iter().map(|window| window.to).collect::<Vec<Instant>>()
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        let sums = Sums { orders: 1, gross: row.value_minor, ..Sums::default() };
        out[row.i as usize].push(Row { at: row.placed_at.timestamp_micros(), value: Arc::default(), sums });
    }
    Ok(out)
}

/// When each order of a slice in some windows was placed, and its total as placed.
pub async fn placed_of(
    db: &mut PgConnection,
    workspace: i32,
    slice: &Slice,
    windows: &[Window],
) -> sqlx::Result<Vec<(Instant, i64)>> {
    if windows.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select v.placed_at as "placed_at!", v.value_minor as "value_minor!"
         from unnest($2::timestamptz[], $3::timestamptz[]) as w (since, until)
         cross join lateral (
             select order_id, placed_at, value_minor from ledger_order_values
             where workspace_id = $1 and placed_at >= w.since and placed_at < w.until offset 0
         ) v
         cross join lateral (
             select from orders
             where workspace_id = $1 and id = v.order_id
               and ($4::text[] is null or coalesce(country, 'unknown') = any($4))
               and ($5::text[] is null or source_id::text = any($5))
               and ($6::text[] is null or coalesce(payment, 'unknown') = any($6))
             offset 0
         ) o"#,
        workspace,
        &windows.iter().map(|window| window.from).collect::<Vec<Instant>>(),
        &windows.iter().map(|window| window.to).collect::<Vec<Instant>>(),
        slice.countries.as_deref() as Option<&[String]>,
        slice.sources.as_deref() as Option<&[String]>,
        slice.statuses.as_deref() as Option<&[String]>
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.placed_at, row.value_minor)).collect())
}

/// What recordings have added that is not in the tree yet.
pub async fn additions(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Vec<Addition>> {
    let rows = sqlx::query!(
        "select quarters, values_minor, orders from order_value_additions where workspace_id = $1",
        workspace
    )
    .fetch_all(db)
    .await?;
    Ok(rows.iter().flat_map(|row| zipped(&row.quarters, &row.values_minor, &row.orders)).collect())
}

fn zipped(quarters: &[i64], values: &[i64], orders: &[i32]) -> impl Iterator<Item = Addition> {
    let entries = quarters.iter().zip(values).zip(orders);
    entries.map(|((&quarter, &value_minor), &orders)| Addition { quarter, value_minor, orders: i64::from(orders) })
}

/// The counts of a level below nodes, each in the cells of a window: `nodes` names a window by its place in `cuts`.
pub async fn counts(
    db: &mut PgConnection,
    workspace: i32,
    level: i16,
    cuts: &[Cut],
    nodes: &BTreeSet<(usize, i64)>,
) -> sqlx::Result<BTreeMap<(usize, i64), Counts>> {
    let runs = || nodes.iter().flat_map(|(i, node)| cuts[*i].runs.iter().map(move |run| (*i as i32, *node, run)));
    let rows = sqlx::query!(
        r#"select w.i as "i!", w.node as "node!", v.children, v.orders
         from unnest($3::int[], $4::bigint[], $5::smallint[], $6::bigint[], $7::bigint[]) as w (i, node, grain, since, until)
         cross join lateral (
             select children, orders from order_values
             where workspace_id = $1 and level = $2 and grain = w.grain and node = w.node
                 and cell >= w.since and cell < w.until offset 0
         ) v"#,
        workspace,
        level,
        &runs().map(|(i, ..)| i).collect::<Vec<i32>>(),
        &runs().map(|(_, node, _)| node).collect::<Vec<i64>>(),
        &runs().map(|(.., run)| run.grain).collect::<Vec<i16>>(),
        &runs().map(|(.., run)| run.cells.start).collect::<Vec<i64>>(),
        &runs().map(|(.., run)| run.cells.end).collect::<Vec<i64>>()
    )
    .fetch_all(db)
    .await?;
    // Many rows say something of the same children, of which a node below the first level has so many at most.
    let mut dense: HashMap<(usize, i64), Vec<i64>> = HashMap::new();
    let mut out: BTreeMap<(usize, i64), Counts> = BTreeMap::new();
    for row in rows {
        let place = (row.i as usize, row.node);
        if level == LEVELS[0] {
            add(out.entry(place).or_default(), &row.children, &row.orders);
            continue;
        }
        let counts = dense.entry(place).or_insert_with(|| vec![0; CHILDREN]);
        for (child, orders) in row.children.iter().zip(&row.orders) {
            counts[*child as usize % CHILDREN] += i64::from(*orders);
        }
    }
    for ((i, node), counts) in dense {
        let children = (node * CHILDREN as i64..).zip(counts).filter(|(_, orders)| *orders != 0);
        out.insert((i, node), children.collect());
    }
    Ok(out)
}

fn add(counts: &mut Counts, children: &[i64], orders: &[i32]) {
    for (child, orders) in children.iter().zip(orders) {
        *counts.entry(*child).or_default() += i64::from(*orders);
    }
}

/// Takes the oldest additions into the tree; whether there were any. Medians are the same before and after. Recordings do
/// not wait for it: those that fold or rebuild the tree take turns by the workspace's row, not by the cursor.
pub async fn fold(db: &PgPool, workspace: i32) -> sqlx::Result<bool> {
    let mut tx = db.begin().await?;
    let is_waiting = sqlx::query_scalar!(
        "select exists (select from order_value_additions where workspace_id = $1) as \"is_waiting!\"",
        workspace
    );
    if !is_waiting.fetch_one(&mut *tx).await? {
        return Ok(false);
    }
    sqlx::query!("select id from workspaces where id = $1 for no key update", workspace).fetch_one(&mut *tx).await?;
    let taken = sqlx::query!(
        "delete from order_value_additions where workspace_id = $1 and revision <= (
             select max(revision) from (
                 select revision, cardinality(quarters) as entries,
                     sum(cardinality(quarters)) over (order by revision) as total
                 from order_value_additions where workspace_id = $1
             ) as summed
             where total - entries < $2
         ) returning quarters, values_minor, orders",
        workspace,
        FOLDED_AT_ONCE
    );
    let taken = taken.fetch_all(&mut *tx).await?;
    let entries = taken.iter().flat_map(|row| zipped(&row.quarters, &row.values_minor, &row.orders));
    let mut changed = rows(entries);
    add_stored(&mut tx, workspace, &mut changed).await?;
    write(&mut tx, workspace, &changed).await?;
    tx.commit().await?;
    Ok(true)
}

/// Adds to the changed rows what they hold already.
async fn add_stored(db: &mut PgConnection, workspace: i32, changed: &mut BTreeMap<Place, Counts>) -> sqlx::Result<()> {
    let stored = sqlx::query!(
        r#"select v.level, v.grain, v.node, v.cell, v.children, v.orders
         from unnest($2::smallint[], $3::smallint[], $4::bigint[], $5::bigint[]) as named (level, grain, node, cell)
         cross join lateral (
             select * from order_values
             where workspace_id = $1 and level = named.level and grain = named.grain and node = named.node
                 and cell = named.cell offset 0
         ) v"#,
        workspace,
        &changed.keys().map(|place| place.level).collect::<Vec<i16>>(),
        &changed.keys().map(|place| place.grain).collect::<Vec<i16>>(),
        &changed.keys().map(|place| place.node).collect::<Vec<i64>>(),
        &changed.keys().map(|place| place.cell).collect::<Vec<i64>>()
    )
    .fetch_all(db)
    .await?;
    for row in stored {
        let place = Place { level: row.level, grain: row.grain, node: row.node, cell: row.cell };
        add(changed.entry(place).or_default(), &row.children, &row.orders);
    }
    Ok(())
}

/// Writes rows of the tree as they are now. PostgreSQL has no lists of lists of unequal length: each row's go as text.
async fn write(db: &mut PgConnection, workspace: i32, rows: &BTreeMap<Place, Counts>) -> sqlx::Result<()> {
    let list = |counts: &Counts, of: fn((&i64, &i64)) -> i64| {
        let numbers: Vec<String> =
            counts.iter().filter(|(_, orders)| **orders != 0).map(|pair| of(pair).to_string()).collect();
        format!("{{{}}}", numbers.join(","))
    };
    sqlx::query!(
        "insert into order_values (workspace_id, level, grain, node, cell, children, orders)
         select $1, level, grain, node, cell, children::bigint[], orders::int[]
         from unnest($2::smallint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
           as new (level, grain, node, cell, children, orders)
         on conflict (workspace_id, level, grain, node, cell) do update
             set children = excluded.children, orders = excluded.orders",
        workspace,
        &rows.keys().map(|place| place.level).collect::<Vec<i16>>(),
        &rows.keys().map(|place| place.grain).collect::<Vec<i16>>(),
        &rows.keys().map(|place| place.node).collect::<Vec<i64>>(),
        &rows.keys().map(|place| place.cell).collect::<Vec<i64>>(),
        &rows.values().map(|counts| list(counts, |(child, _)| *child)).collect::<Vec<String>>(),
        &rows.values().map(|counts| list(counts, |(_, orders)| *orders)).collect::<Vec<String>>()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Builds the tree again from the ledger, with all that was to be folded. The cursor has to be locked.
pub async fn rebuild(db: &mut PgConnection, workspace: i32) -> sqlx::Result<()> {
    sqlx::query!("select rebuild_order_values($1)", workspace).execute(db).await?;
    Ok(())
}

/// Recomputes the tree from the ledger, slowly, and counts where it differs, additions included. There must be nothing.
pub async fn counts_that_differ(db: &mut PgConnection, workspace: i32) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"with expected as (
             select quarter, value_minor, 1 as orders from ledger_order_values where workspace_id = $1
             union all
             select entry.quarter, entry.value_minor, -entry.orders
             from order_value_additions a
             cross join unnest(a.quarters, a.values_minor, a.orders) as entry (quarter, value_minor, orders)
             where workspace_id = $1
         ), compared (level, grain, node, cell, child, orders) as (
             select level, grain, case level when 16 then 0 else value_minor >> (level + 8) end, quarter >> (3 * grain),
                 value_minor >> level, orders
             from expected cross join unnest(array[16, 8, 0]) as level cross join generate_series(0, 4) as grain
             union all
             select v.level, v.grain, v.node, v.cell, entry.child, -entry.orders
             from order_values v cross join unnest(v.children, v.orders) as entry (child, orders)
             where workspace_id = $1
         )
         select count(*) as "differing!" from (
             select from compared group by level, grain, node, cell, child having sum(orders) <> 0
         ) as differing"#,
        workspace
    )
    .fetch_one(db)
    .await
}
