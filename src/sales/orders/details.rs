//! One order with everything that is kept of it, from one consistent view of the database.

use sqlx::{Connection as _, PgConnection};

use crate::export::local_time;
use crate::money::decimal;
use crate::sales::books::Books;
use crate::sales::orders::model::{LedgerEntry, Order, OrderDetails, Posted, Rate, RawDelivery};
use crate::sales::orders::model::{amounts, reporting_amounts};
use crate::sales::orders::store::{self, DeliveryRow, EntryRow, OrderRow};
use crate::sales::store as sales;

/// The order of that number, and the books that its amounts are of.
pub async fn find(db: &mut PgConnection, known: &Books, id: i64) -> sqlx::Result<Option<(OrderDetails, Books)>> {
    let mut tx = db.begin_with("begin isolation level repeatable read read only").await?;
    let books = current_books(&mut tx, known).await?;
    let Some(row) = store::find(&mut tx, books.workspace, id).await? else { return Ok(None) };
    let ledger = store::ledger(&mut tx, books.workspace, &[id]).await?;
    let deliveries = store::deliveries(&mut tx, books.workspace, id).await?;
    tx.commit().await?;
    let details = OrderDetails {
        order: order(row, &ledger, &books),
        ledger: ledger.into_iter().map(|row| entry(row, &books)).collect(),
        deliveries: deliveries.into_iter().map(|row| delivery(row, &books)).collect(),
    };
    Ok(Some((details, books)))
}

/// The books of a transaction's view of the database: amounts of two reporting currencies never stand side by side.
pub async fn current_books(db: &mut PgConnection, known: &Books) -> sqlx::Result<Books> {
    let cursor = sales::cursor(db, known.workspace).await?;
    known.at(cursor.books_revision, db).await
}

/// An order as scripts are told of it.
pub fn order(row: OrderRow, ledger: &[EntryRow], books: &Books) -> Order {
    let OrderRow { id, external_id, source, platform, sale, rate } = row;
    let posted: Vec<Posted> = ledger.iter().map(|entry| entry.posted.clone()).collect();
    let local = |at| local_time(&books.calendar, at);
    Order {
        id,
        number: sale.as_ref().and_then(|sale| sale.number.clone()),
        external_id,
        source,
        platform,
        country: sale.as_ref().and_then(|sale| sale.country.clone()),
        status: sale.as_ref().and_then(|sale| sale.payment.clone()),
        standing: sale.as_ref().map(|sale| sale.standing.name()),
        placed_at: sale.as_ref().map(|sale| local(sale.placed_at)),
        modified_at: sale.as_ref().map(|sale| local(sale.modified_at)),
        cancelled_at: sale.as_ref().and_then(|sale| sale.cancelled_at).map(local),
        currency: sale.as_ref().map(|sale| sale.currency),
        amounts: sale.as_ref().map(|sale| amounts(sale, &posted)),
        reporting_currency: books.currency,
        reporting_amounts: sale.as_ref().and_then(|sale| reporting_amounts(sale, &posted, books.currency)),
        flagged: posted.iter().map(|entry| entry.flagged).sum::<i16>() > 0,
        rate: rate.map(|(value, date)| Rate { value, date: date.to_string() }),
    }
}

fn entry(row: EntryRow, books: &Books) -> LedgerEntry {
    let EntryRow { part, revision, occurred_at, currency, orders, posted, .. } = row;
    LedgerEntry {
        kind: posted.kind.name().to_owned(),
        part,
        revision,
        occurred_at: local_time(&books.calendar, occurred_at),
        currency,
        amount: decimal(posted.amount, currency),
        reporting_amount: posted.converted.map(|minor| decimal(minor, books.currency)),
        orders,
        flagged: posted.flagged,
    }
}

fn delivery(row: DeliveryRow, books: &Books) -> RawDelivery {
    let DeliveryRow { id, received_at, topic, external_id, bytes, problem } = row;
    RawDelivery {
        id,
        received_at: local_time(&books.calendar, received_at),
        topic,
        external_id,
        bytes: bytes.into(),
        problem,
        body: format!("/api/v1/deliveries/{id}/body"),
    }
}
