//! Orders from a CSV file of any shop: one row an order, its columns named by a mapping.
//!
//! The file is read as a stream and recorded in batches, so a file of any size takes the same memory. Importing a
//! file again changes nothing: a row describes its order under the order's own id.

use std::collections::BTreeMap;
use std::io::{self, Chain, Cursor, Read, Write};
use std::str::FromStr;

use chrono::{DateTime, Utc};
use csv::{ByteRecord, ReaderBuilder, StringRecord, Writer, WriterBuilder};
use flate2::read::MultiGzDecoder;
use jiff::civil::DateTime as Local;
use sqlx::PgPool;

use crate::country;
use crate::live::bus::{Bus, Kind};
use crate::money::{AmountError, Currency, parse_minor};
use crate::period::{Calendar, Instant, UnknownZone};
use crate::sales::books::Books;
use crate::sales::order::{Order, Refund, Sale, Standing};
use crate::sales::recording::Delivery;
use crate::sales::store;

/// Rows recorded in one transaction: large enough to be fast, small enough that webhooks do not wait for long.
const BATCH: usize = 1_000;
/// The largest amount of a row: beyond any order, and sums of four of them still fit 64 bits.
const AMOUNT_MAX_MINOR: i64 = 1_000_000_000_000_000;
/// The first bytes of a gzip file (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Forms of a local time, the likeliest first.
const LOCAL_FORMATS: [&str; 4] = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];

/// The UCI Online Retail data, one row an invoice.
const ONLINE_RETAIL: &str = "id=InvoiceNo,number=InvoiceNo,placed_at=ts,country=country,total=total,\
    default_currency=GBP,zone=Europe/London,refund_prefix=C,adjustment_prefix=A";
/// The zone of local times where the mapping names none: a new workspace's.
const DEFAULT_ZONE: &str = "Europe/London";

/// Which column of the file holds which field, and how the file is to be read.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The columns' names.
    fields: Fields<String>,
    /// The zone in which times without offset are read.
    zone: Calendar,
    /// The currency where the row names none.
    default_currency: Option<Currency>,
    /// Ids that begin with this are money paid back: a negative amount, and no order.
    refund_prefix: Option<String>,
    /// Ids that begin with this are corrections of either sign, and no order.
    adjustment_prefix: Option<String>,
}

/// The fields of a row, each with its column: by name in a mapping, by place in a file.
#[derive(Debug, Clone)]
struct Fields<C> {
    id: C,
    placed_at: C,
    amount: MainAmount<C>,
    /// Where no column says it, when the order was placed.
    modified_at: Option<C>,
    discount: Option<C>,
    shipping: Option<C>,
    tax: Option<C>,
    currency: Option<C>,
    country: Option<C>,
    number: Option<C>,
}

/// The amount that an order is recorded by.
#[derive(Debug, Clone)]
enum MainAmount<C> {
    /// Gross sales.
    Gross(C),
    /// What the buyer paid; gross sales are what makes the parts add up to it.
    Total(C),
}

/// Why a mapping is none. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// Neither a preset nor a pair.
    #[error("{0:?} is neither the preset online-retail nor a pair field=column")]
    NotAPair(String),
    /// No such field.
    #[error(
        "{0:?} is no field or option: there are id, placed_at, modified_at, gross, discount, shipping, tax, total, currency, country, number, zone, default_currency, refund_prefix and adjustment_prefix"
    )]
    UnknownField(String),
    /// A field without which no order can be recorded.
    #[error("the mapping lacks {0}: add {0}=COLUMN")]
    Missing(&'static str),
    /// Both or neither of `gross` and `total`.
    #[error("map either total or gross, not both and not neither: the other follows from discount, shipping and tax")]
    Amount,
    /// Neither a column nor a default.
    #[error("the mapping lacks the currency: add currency=COLUMN, or default_currency=GBP for the whole file")]
    NoCurrency,
    /// The default currency is no code.
    #[error("{0:?} is no currency code: write three letters such as GBP")]
    Currency(String),
    /// The zone is none.
    #[error(transparent)]
    Zone(#[from] UnknownZone),
}

/// Why a file could not be imported to its end. Rows recorded before stay; importing again completes it.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is not CSV, or reading it failed.
    #[error(
        "the file could not be read to its end: {0}; the rows before are recorded, import it again when it is mended"
    )]
    Csv(#[from] csv::Error),
    /// A column of the mapping is not in the file.
    #[error("the file has no column {column:?}: it has {columns}")]
    Column {
        /// The column of the mapping.
        column: String,
        /// The columns that there are.
        columns: String,
    },
    /// The file could not be opened as what it is, or the errors could not be written.
    #[error("a file could not be read or written: {0}; import again when there is room and permission")]
    File(#[from] io::Error),
    /// The database refused or was away.
    #[error("the database could not be used: {0}; the rows before are recorded, import the file again to complete it")]
    Database(#[from] sqlx::Error),
}

/// How far an import is, and at its end its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Rows read, without the header.
    pub rows: u64,
    /// Rows recorded, among them those that said nothing new.
    pub recorded: u64,
    /// Rows that could not be read and stand in the file of errors.
    pub rejected: u64,
}

/// Why a row is no order. The sentence stands in the file of errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("the row is not UTF-8 text")]
    NotText,
    #[error("the row has {0} fields and the header {1}")]
    Fields(usize, usize),
    #[error("{0} is empty")]
    Empty(String),
    #[error("{0}: {1:?} is not a time such as 2026-11-21 14:30 or 2026-11-21T14:30:00Z")]
    Time(String, String),
    #[error("{0}: {1:?} is no currency code")]
    Currency(String, String),
    #[error("{0}: {1}")]
    Amount(String, AmountError),
    #[error("{0} is too large to be an amount of one order")]
    TooLarge(String),
    #[error("a refund's amount has to be negative")]
    PositiveRefund,
}

impl FromStr for Mapping {
    type Err = MappingError;

    /// Reads `online-retail`, or pairs `field=column` and `option=value` separated by commas.
    fn from_str(text: &str) -> Result<Mapping, MappingError> {
        let text = if text.trim() == "online-retail" { ONLINE_RETAIL } else { text };
        let mut pairs = BTreeMap::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (field, value) = pair.split_once('=').ok_or_else(|| MappingError::NotAPair(pair.to_owned()))?;
            pairs.insert(field.trim(), value.trim());
        }
        let mut take = |field: &str| pairs.remove(field).map(str::to_owned).filter(|value| !value.is_empty());
        let amount = match (take("gross"), take("total")) {
            (Some(gross), None) => MainAmount::Gross(gross),
            (None, Some(total)) => MainAmount::Total(total),
            _ => return Err(MappingError::Amount),
        };
        let currency = |code: String| Currency::parse(&code).ok_or(MappingError::Currency(code));
        let mapping = Mapping {
            zone: Calendar::new(take("zone").as_deref().unwrap_or(DEFAULT_ZONE), 1)?,
            default_currency: take("default_currency").map(currency).transpose()?,
            refund_prefix: take("refund_prefix"),
            adjustment_prefix: take("adjustment_prefix"),
            fields: Fields {
                id: take("id").ok_or(MappingError::Missing("id"))?,
                placed_at: take("placed_at").ok_or(MappingError::Missing("placed_at"))?,
                amount,
                modified_at: take("modified_at"),
                discount: take("discount"),
                shipping: take("shipping"),
                tax: take("tax"),
                currency: take("currency"),
                country: take("country"),
                number: take("number"),
            },
        };
        match pairs.into_keys().next() {
            Some(unknown) => Err(MappingError::UnknownField(unknown.to_owned())),
            None if mapping.fields.currency.is_none() && mapping.default_currency.is_none() => {
                Err(MappingError::NoCurrency)
            }
            None => Ok(mapping),
        }
    }
}

/// Where the orders of a file go.
pub struct Target<'a> {
    /// The database.
    pub db: &'a PgPool,
    /// Where servers are told of it.
    pub bus: &'a Bus,
    /// The workspace.
    pub books: &'a Books,
    /// The source that they are kept under.
    pub source_id: i32,
    /// The source's platform.
    pub platform: &'a str,
    /// When the import runs: orders older than a day are not announced to watchers.
    pub received_at: Instant,
}

/// Imports a CSV file, plain or gzip, as orders of a source. Rows that cannot be read are written to
/// `errors` as CSV: the line, the problem, the row. `progress` hears of every batch.
pub async fn import(
    target: &Target<'_>,
    reader: Box<dyn Read + Send>,
    mapping: &Mapping,
    errors: &mut (dyn Write + Send),
    progress: impl Fn(Report),
) -> Result<Report, ImportError> {
    let mut file = ReaderBuilder::new().flexible(true).from_reader(unpacked(reader)?);
    let headers = file.headers()?.clone();
    let columns = Columns::find(mapping, &headers)?;
    let mut rejects =
        Rejects { writer: WriterBuilder::new().flexible(true).from_writer(errors), headers: &headers, any: false };
    let (mut report, mut row, mut batch) = (Report::default(), ByteRecord::new(), Vec::with_capacity(BATCH));
    loop {
        let more = file.read_byte_record(&mut row)?;
        if more {
            report.rows += 1;
            match columns.read(mapping, &row) {
                Ok(order) => batch.push(Delivery {
                    source: target.source_id,
                    platform: target.platform.to_owned(),
                    received_at: target.received_at,
                    order: Some(order),
                    ..Delivery::default()
                }),
                Err(problem) => {
                    report.rejected += 1;
                    rejects.add(&row, &problem)?;
                }
            }
        }
        if batch.len() == BATCH || !more && !batch.is_empty() {
            store::record(&mut *target.db.acquire().await?, target.books, &batch).await?;
            report.recorded += batch.len() as u64;
            batch.clear();
            progress(report);
        }
        if !more {
            break;
        }
    }
    rejects.writer.flush()?;
    target.bus.tell(Kind::Figures).await;
    Ok(report)
}

/// The file as text, unpacked when its first bytes say that it is gzip.
fn unpacked(mut reader: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut head = Vec::with_capacity(GZIP_MAGIC.len());
    reader.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut head)?;
    let is_gzip = head == GZIP_MAGIC;
    let whole: Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>> = Cursor::new(head).chain(reader);
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}

/// The file of rows that could not be read: the header is written with the first of them.
struct Rejects<'a> {
    writer: Writer<&'a mut (dyn Write + Send)>,
    headers: &'a StringRecord,
    any: bool,
}

impl Rejects<'_> {
    fn add(&mut self, row: &ByteRecord, problem: &Problem) -> csv::Result<()> {
        if !self.any {
            self.writer.write_record(["line", "problem"].into_iter().chain(self.headers))?;
            self.any = true;
        }
        let line = row.position().map_or(0, csv::Position::line).to_string();
        let problem = problem.to_string();
        self.writer.write_record([line.as_bytes(), problem.as_bytes()].into_iter().chain(row))
    }
}

/// A column of the file: where it is, and its name for problems.
#[derive(Debug)]
struct Column {
    index: usize,
    name: String,
}

/// Where the fields of a mapping are in a file.
#[derive(Debug)]
struct Columns {
    fields: Fields<Column>,
    /// How many columns the header has.
    count: usize,
}

impl Columns {
    /// Finds the mapping's columns. Names match whatever their case, spaces and byte-order mark.
    fn find(mapping: &Mapping, headers: &StringRecord) -> Result<Columns, ImportError> {
        let plain = |name: &str| name.trim_start_matches('\u{feff}').trim().to_lowercase();
        let find = |name: &String| match headers.iter().position(|header| plain(header) == plain(name)) {
            Some(index) => Ok(Column { index, name: name.clone() }),
            None => Err(ImportError::Column {
                column: name.clone(),
                columns: headers.iter().collect::<Vec<_>>().join(", "),
            }),
        };
        let optional = |name: &Option<String>| name.as_ref().map(find).transpose();
        let names = &mapping.fields;
        let fields = Fields {
            id: find(&names.id)?,
            placed_at: find(&names.placed_at)?,
            amount: match &names.amount {
                MainAmount::Gross(name) => MainAmount::Gross(find(name)?),
                MainAmount::Total(name) => MainAmount::Total(find(name)?),
            },
            modified_at: optional(&names.modified_at)?,
            discount: optional(&names.discount)?,
            shipping: optional(&names.shipping)?,
            tax: optional(&names.tax)?,
            currency: optional(&names.currency)?,
            country: optional(&names.country)?,
            number: optional(&names.number)?,
        };
        Ok(Columns { fields, count: headers.len() })
    }

    /// Reads a row: the order's id and what the row says of it.
    fn read(&self, mapping: &Mapping, row: &ByteRecord) -> Result<(String, Order), Problem> {
        if row.len() != self.count {
            return Err(Problem::Fields(row.len(), self.count));
        }
        let row = StringRecord::from_byte_record(row.clone()).map_err(|_| Problem::NotText)?;
        let id = text(&row, &self.fields.id);
        if id.is_empty() {
            return Err(Problem::Empty(self.fields.id.name.clone()));
        }
        let sale = self.sale(mapping, &row)?;
        let begins = |prefix: &Option<String>| prefix.as_ref().is_some_and(|prefix| id.starts_with(prefix.as_str()));
        let (is_refund, is_adjustment) = (begins(&mapping.refund_prefix), begins(&mapping.adjustment_prefix));
        let order = match is_refund || is_adjustment {
            true if is_refund && sale.total_minor() > 0 => return Err(Problem::PositiveRefund),
            true => returned(id, sale),
            false => Order::placed(sale),
        };
        Ok((id.to_owned(), order))
    }

    fn sale(&self, mapping: &Mapping, row: &StringRecord) -> Result<Sale, Problem> {
        let fields = &self.fields;
        let placed_at = time(row, &fields.placed_at, &mapping.zone)?;
        let currency = self.currency(mapping, row)?;
        // An empty cell is nothing, but not for the amount that the order is recorded by.
        let part = |column: &Option<Column>| {
            let written = column.as_ref().filter(|column| !text(row, column).is_empty());
            written.map_or(Ok(0), |column| amount(row, column, currency))
        };
        let (discount_minor, shipping_minor, tax_minor) =
            (part(&fields.discount)?, part(&fields.shipping)?, part(&fields.tax)?);
        let gross_minor = match &fields.amount {
            MainAmount::Gross(column) => amount(row, column, currency)?,
            // What makes the parts add up to the total.
            MainAmount::Total(column) => amount(row, column, currency)? + discount_minor - shipping_minor - tax_minor,
        };
        let modified_at = match fields.modified_at.as_ref().filter(|column| !text(row, column).is_empty()) {
            Some(column) => time(row, column, &mapping.zone)?,
            None => placed_at,
        };
        Ok(Sale {
            modified_at,
            placed_at,
            number: fields
                .number
                .as_ref()
                .map(|column| text(row, column).to_owned())
                .filter(|number| !number.is_empty()),
            currency,
            gross_minor,
            discount_minor,
            shipping_minor,
            tax_minor,
            presentment: None,
            country: fields.country.as_ref().and_then(|column| country::code(text(row, column))).map(str::to_owned),
            standing: Standing::Counted,
            payment: None,
            cancelled_at: None,
        })
    }

    fn currency(&self, mapping: &Mapping, row: &StringRecord) -> Result<Currency, Problem> {
        let written = self.fields.currency.as_ref().map(|column| (column, text(row, column)));
        match (written.filter(|(_, code)| !code.is_empty()), mapping.default_currency) {
            (Some((column, code)), _) => {
                Currency::parse(code).ok_or_else(|| Problem::Currency(column.name.clone(), code.to_owned()))
            }
            (None, Some(currency)) => Ok(currency),
            (None, None) => {
                Err(Problem::Empty(self.fields.currency.as_ref().map_or("currency", |column| &column.name).to_owned()))
            }
        }
    }
}

/// Money that moved without an order: a negative amount is paid back, a positive one received. Its own amounts
/// are nothing, so that it adds no order; the money is a refund on its own date.
fn returned(id: &str, row: Sale) -> Order {
    let refund = Refund {
        modified_at: row.modified_at,
        refunded_at: row.placed_at,
        currency: row.currency,
        goods_minor: -(row.gross_minor - row.discount_minor),
        shipping_minor: -row.shipping_minor,
        tax_minor: -row.tax_minor,
    };
    let nothing =
        Sale { gross_minor: 0, discount_minor: 0, shipping_minor: 0, tax_minor: 0, standing: Standing::Return, ..row };
    Order { sale: Some(nothing), refunds: [(id.to_owned(), refund)].into() }
}

fn text<'a>(row: &'a StringRecord, column: &Column) -> &'a str {
    row.get(column.index).unwrap_or_default().trim()
}

/// An amount in minor units of `currency`.
fn amount(row: &StringRecord, column: &Column, currency: Currency) -> Result<i64, Problem> {
    let text = text(row, column);
    if text.is_empty() {
        return Err(Problem::Empty(column.name.clone()));
    }
    let minor = parse_minor(text, currency).map_err(|error| Problem::Amount(column.name.clone(), error))?;
    if minor.abs() > AMOUNT_MAX_MINOR {
        return Err(Problem::TooLarge(column.name.clone()));
    }
    Ok(minor)
}

/// A time with its offset, or a local time of the mapping's zone; the later instant where it happens twice (T3).
fn time(row: &StringRecord, column: &Column, zone: &Calendar) -> Result<Instant, Problem> {
    let text = text(row, column);
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.with_timezone(&Utc));
    }
    let local = LOCAL_FORMATS.iter().find_map(|format| Local::strptime(format, text).ok());
    local.map(|local| zone.instant(local)).ok_or_else(|| Problem::Time(column.name.clone(), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::Window;
    use crate::sales::sums;
    use crate::server::database;
    use crate::sources;

    const MAP: &str = "id=Order,placed_at=Date,modified_at=Changed,total=Total,discount=Discount,shipping=Shipping,tax=Tax,\
        currency=Currency,country=Country,number=Number,default_currency=EUR,refund_prefix=C,adjustment_prefix=A";
    const HEADER: &str = "Order,Date,Changed,Total,Discount,Shipping,Tax,Currency,Country,Number";

    fn read(map: &str, header: &str, row: &str) -> Result<(String, Order), Problem> {
        let mapping: Mapping = map.parse().expect("a mapping");
        let columns =
            Columns::find(&mapping, &StringRecord::from(header.split(',').collect::<Vec<_>>())).expect("columns");
        columns.read(&mapping, &ByteRecord::from(row.split(',').collect::<Vec<_>>()))
    }

    fn row(row: &str) -> Result<(String, Order), Problem> {
        read(MAP, HEADER, row)
    }

    fn retail(line: &str) -> Result<(String, Order), Problem> {
        read("online-retail", "InvoiceNo,ts,country,customer,lines,units,total", line)
    }

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_mapping_that_lacks_something_says_what() {
        let said = |text: &str| text.parse::<Mapping>().expect_err("no mapping").to_string();
        for (text, part) in [
            ("retail", "preset"),
            ("placed_at=D,total=T,currency=C", "id=COLUMN"),
            ("id=I,total=T,currency=C", "placed_at=COLUMN"),
            ("id=I,placed_at=D,currency=C", "either total or gross"),
            ("id=I,placed_at=D,total=T,gross=G,currency=C", "not both"),
            ("id=I,placed_at=D,total=T", "default_currency"),
            ("id=I,placed_at=D,total=T,default_currency=pounds", "pounds"),
            ("id=I,placed_at=D,total=T,currency=C,zone=London", "IANA"),
            ("id=I,placed_at=D,total=T,currency=C,colour=R", "colour"),
        ] {
            assert!(said(text).contains(part), "{text}: {}", said(text));
        }
    }

    #[test]
    fn a_column_that_is_not_there_is_named_with_those_that_are() {
        let mapping: Mapping = "online-retail".parse().expect("a mapping");
        let headers = StringRecord::from(vec!["\u{feff}invoiceno", " TS ", "country", "Sum"]);
        let said = Columns::find(&mapping, &headers).expect_err("no such column").to_string();
        assert!(said.contains("\"total\"") && said.contains("Sum"), "{said}");
    }

    #[test]
    fn an_order_is_read_with_its_parts() {
        let (id, order) =
            row("7,2026-11-21T14:30:00+01:00,2026-11-22 09:00,45.67,5.00,2.99,,gbp,Germany,#7").expect("an order");
        let sale = order.sale.expect("a sale");
        assert_eq!(
            (id.as_str(), sale.total_minor(), sale.gross_minor, sale.number.as_deref()),
            ("7", 4_567, 4_768, Some("#7"))
        );
        assert_eq!((sale.placed_at, sale.modified_at), (at("2026-11-21T13:30:00Z"), at("2026-11-22T09:00:00Z")));
        assert_eq!(
            (sale.currency, sale.country.as_deref(), sale.standing),
            (Currency::GBP, Some("DE"), Standing::Counted)
        );
        let (_, order) = row("8,2026-11-21 14:30,,10,,,,,Atlantis,").expect("an order");
        let sale = order.sale.expect("a sale");
        assert_eq!((sale.currency, sale.country, sale.modified_at), (Currency::EUR, None, sale.placed_at));
    }

    #[test]
    fn an_invoice_with_c_is_money_paid_back_and_one_with_a_a_correction() {
        let (id, order) = retail("C536379,2010-12-01 09:41:00,United Kingdom,14527.0,1,-1,-27.5").expect("a refund");
        let sale = order.sale.expect("a sale");
        assert_eq!((sale.standing, sale.total_minor()), (Standing::Return, 0));
        let refund = &order.refunds[&id];
        assert_eq!((refund.goods_minor, refund.refunded_at), (2_750, at("2010-12-01T09:41:00Z")));
        let goods = |line| retail(line).map(|(id, order)| order.refunds[&id].goods_minor);
        assert_eq!(goods("A563185,2011-08-12 14:50:00,United Kingdom,,1,1,11062.06"), Ok(-1_106_206));
        assert_eq!(goods("A563186,2011-08-12 14:51:00,United Kingdom,,1,1,-11062.06"), Ok(1_106_206));
        assert_eq!(retail("C1,2010-12-01 09:41:00,EIRE,,1,1,27.5"), Err(Problem::PositiveRefund));
    }

    #[test]
    fn countries_are_read_by_name() {
        for (name, code) in
            [("EIRE", Some("IE")), ("RSA", Some("ZA")), ("Channel Islands", Some("JE")), ("Unspecified", None)]
        {
            let (_, order) = retail(&format!("1,2010-12-01 08:26:00,{name},,1,1,1.00")).expect("an order");
            assert_eq!(order.sale.and_then(|sale| sale.country).as_deref(), code, "{name}");
        }
    }

    #[test]
    fn a_local_time_that_happens_twice_or_never_is_the_later_instant() {
        for (local, instant) in [
            ("2010-10-31 01:30", "2010-10-31T01:30:00Z"),
            ("2011-03-27 01:30:00", "2011-03-27T01:30:00Z"),
            ("2011-03-27T10:16", "2011-03-27T09:16:00Z"),
            ("2011-03-27 10:16:00Z", "2011-03-27T10:16:00Z"),
        ] {
            let (_, order) = retail(&format!("1,{local},United Kingdom,,1,1,1.00")).expect("an order");
            assert_eq!(order.sale.map(|sale| sale.placed_at), Some(at(instant)), "{local}");
        }
    }

    #[test]
    fn a_row_that_is_no_order_says_why() {
        for (line, part) in [
            (",2010-12-01 08:26,GB,,1,1,1.00", "InvoiceNo is empty"),
            ("1,01/12/2010 08:26,GB,,1,1,1.00", "ts: \"01/12/2010"),
            ("1,2010-12-01,GB,,1,1,1.00", "is not a time"),
            ("1,2010-12-01T08:26+01:00,GB,,1,1,1.00", "is not a time"),
            ("1,2010-12-01 08:26,GB,,1,1,", "total is empty"),
            ("1,2010-12-01 08:26,GB,,1,1,12.345", "more decimal places"),
            ("1,2010-12-01 08:26,GB,,1,1,1e3", "decimal amount"),
            ("1,2010-12-01 08:26,GB,,1", "5 fields and the header 7"),
            ("1,2010-12-01 08:26,GB,,1,1,90000000000000000", "too large"),
        ] {
            let said = retail(line).expect_err("no order").to_string();
            assert!(said.contains(part), "{line}: {said}");
        }
        assert!(row("1,2010-12-01 08:26,,1,,,,pounds,,").expect_err("no order").to_string().contains("pounds"));
    }

    #[test]
    fn a_file_is_unpacked_when_it_is_gzip() {
        let sample: &[u8] = include_bytes!("../tests/fixtures/online-retail-sample.csv.gz");
        let mut text = String::new();
        unpacked(Box::new(sample)).expect("readable").read_to_string(&mut text).expect("text");
        let mapping: Mapping = "online-retail".parse().expect("a mapping");
        let mut file =
            ReaderBuilder::new().from_reader(unpacked(Box::new(Cursor::new(text.into_bytes()))).expect("readable"));
        let columns = Columns::find(&mapping, file.headers().expect("a header")).expect("columns");
        let (mut orders, mut total_minor, mut paid_back_minor) = (0, 0, 0);
        for record in file.byte_records() {
            let (_, order) = columns.read(&mapping, &record.expect("a row")).expect("an order");
            orders += i32::from(order.refunds.is_empty());
            total_minor += order.sale.map_or(0, |sale| sale.total_minor());
            paid_back_minor += order.refunds.values().map(|refund| refund.goods_minor).sum::<i64>();
        }
        // Counted with another program.
        assert_eq!((orders, total_minor, paid_back_minor), (2_023, 97_482_123, 8_258_328));
    }

    #[test]
    fn the_file_of_errors_has_the_line_the_problem_and_the_row() {
        let mut written = Vec::new();
        let headers = StringRecord::from(vec!["id", "total"]);
        let mut file = ReaderBuilder::new().flexible(true).from_reader("id,total\n1,2.00\n2,\"a, b\"\n".as_bytes());
        let row = file.byte_records().nth(1).expect("a row").expect("readable");
        let mut rejects = Rejects {
            writer: WriterBuilder::new().flexible(true).from_writer(&mut written),
            headers: &headers,
            any: false,
        };
        rejects.add(&row, &Problem::Empty("id".into())).expect("written");
        drop(rejects);
        assert_eq!(String::from_utf8(written).expect("text"), "line,problem,id,total\n3,id is empty,2,\"a, b\"\n");
    }

    #[sqlx::test(migrations = "./migrations")]
    async fn importing_a_file_again_changes_no_figure(db: PgPool) {
        let books = database::books(&db).await.expect("books");
        let source = sources::store::add(&db, books.workspace, "old-shop", "direct", "whsec_").await.expect("a source");
        let mapping: Mapping = "online-retail".parse().expect("a mapping");
        let now = at("2026-11-21T14:30:00Z");
        for _ in 0..2 {
            let mut errors = Vec::new();
            let sample: &[u8] = include_bytes!("../tests/fixtures/online-retail-sample.csv.gz");
            let report = import(
                &Target {
                    db: &db,
                    bus: &Bus::of_database(&db),
                    books: &books,
                    source_id: source,
                    platform: "direct",
                    received_at: now,
                },
                Box::new(sample),
                &mapping,
                &mut errors,
                |_| {},
            )
            .await;
            assert_eq!(report.expect("imported"), Report { rows: 2_403, recorded: 2_403, rejected: 0 });
            assert!(errors.is_empty());
            let mut connection = db.acquire().await.expect("a connection");
            let all = Window { from: at("2010-12-01T00:00:00Z"), to: at("2011-04-01T00:00:00Z") };
            let sums =
                sums::store::window_sums(&mut connection, &books, &Default::default(), &[all]).await.expect("sums")[0];
            assert_eq!((sums.orders, sums.placed(), sums.total()), (2_023, 97_482_123, 97_482_123 - 8_258_328));
            assert_eq!(sums::additions_store::sums_that_differ(&mut connection, &books).await.expect("a count"), 0);
            assert_eq!(store::cursor(&mut connection, books.workspace).await.expect("a cursor").last_event, 0);
        }
    }

    #[sqlx::test(migrations = "./migrations")]
    async fn a_row_that_cannot_be_read_does_not_stop_the_import(db: PgPool) {
        let books = database::books(&db).await.expect("books");
        let source = sources::store::add(&db, books.workspace, "old-shop", "direct", "whsec_").await.expect("a source");
        let mapping: Mapping = "id=id,placed_at=at,total=total,default_currency=GBP".parse().expect("a mapping");
        let file =
            b"id,at,total\n1,2026-11-01 10:00,5.00\n2,never,5.00\n\xff,2026-11-01 10:00,1\n4,2026-11-01 11:00,7.00\n";
        let mut errors = Vec::new();
        let now = at("2026-11-21T14:30:00Z");
        let report = import(
            &Target {
                db: &db,
                bus: &Bus::of_database(&db),
                books: &books,
                source_id: source,
                platform: "direct",
                received_at: now,
            },
            Box::new(file.as_slice()),
            &mapping,
            &mut errors,
            |_| {},
        )
        .await;
        assert_eq!(report.expect("imported"), Report { rows: 4, recorded: 2, rejected: 2 });
        let lines: Vec<&[u8]> = errors.split(|byte| *byte == b'\n').collect();
        assert_eq!(lines[0], b"line,problem,id,at,total");
        assert!(lines[1].starts_with(b"3,") && lines[2].starts_with(b"4,the row is not UTF-8 text,\xff,"));
    }
}
