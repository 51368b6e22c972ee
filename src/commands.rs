//! What each command does.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, Read as _, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use leptos::config::get_configuration;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use takings::access::{password, secret, store as access};
use takings::demo::{self, live, shop::Shop, visits};
use takings::exchange::{ecb, learn};
use takings::imports::{orders, run as royalties, sheet, words};
use takings::live::bus::{self, Bus, Kind};
use takings::royalties::sums_store as statement_sums;
use takings::sales::books::Books;
use takings::sales::sums::additions_store as sums;
use takings::server::clock::Clock;
use takings::server::database::{self, WORKSPACE};
use takings::server::{postgres, run};
use takings::settings::{self, Change, currency};
use takings::sources::{replay, store as sources};
use takings::visitors::countries::{Countries, UnusableDatabase};
use takings::voice::config::{self, Config as VoiceConfig, RelayConfig};
use takings::voice::relay::External;

use super::{Cli, Command, Import, Place, Rates, Serve, Settings, Source, Token, User, Voice};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// The name of the demo shop's administrator.
const DEMO_PERSON: &str = "demo";
/// How many orders of the demo shop are looked through for one of the source's platform.
const ORDERS_TRIED: u64 = 500;

/// Does what was asked.
pub async fn run(cli: Cli) -> Outcome {
    match cli.command {
        Command::Serve(serve) => serve_with(cli.place, serve, None).await,
        Command::Demo { serve, pace } => {
            serve_with(cli.place, serve, Some(Duration::from_secs_f64(pace.max(0.05)))).await
        }
        Command::Migrate => with_database(cli.place, async |_| say("The database is of this version.".into())).await,
        Command::CheckSums { rebuild } => with_database(cli.place, async |it| check_sums(&it, rebuild).await).await,
        Command::Openapi => say(serde_json::to_string_pretty(takings::rest::specification())?),
        Command::Replay => with_database(cli.place, async |it| replay(&it).await).await,
        Command::Import(Import::Orders { file, source, map, errors }) => {
            with_database(cli.place, async |it| import_orders(&it, &file, &source, &map, &errors).await).await
        }
        Command::Import(Import::Royalties { files, apply }) => {
            with_database(cli.place, async |it| import_royalties(&it, &files, apply).await).await
        }
        Command::SendOrder { source, server } => {
            with_database(cli.place, async |it| send_order(&it.db, &source, &server).await).await
        }
        Command::User(User::Add { name, role }) => {
            with_database(cli.place, async |it| add_user(&it.db, &name, &role).await).await
        }
        Command::User(User::Link { name }) => with_database(cli.place, async |it| user_link(&it.db, &name).await).await,
        Command::Token(Token::Add { name }) => {
            with_database(cli.place, async |it| say(access::make_token(&it.db, WORKSPACE, &name).await?)).await
        }
        Command::Source(Source::Add { name, platform, secret }) => {
            with_database(cli.place, async |it| add_source(&it.db, &name, &platform, secret).await).await
        }
        Command::Rates(Rates::Import { files }) => {
            with_database(cli.place, async |it| import_rates(&it, &files).await).await
        }
        Command::Settings(Settings::Show) => with_database(cli.place, async |it| show_settings(&it.db).await).await,
        Command::Settings(Settings::Set { currency, zone, week_start, completes_minutes }) => {
            let change = Change { currency, zone, week_start, completes_minutes };
            with_database(cli.place, async |it| set_settings(&it, change).await).await
        }
    }
}

/// What a command works on.
struct Instance {
    db: PgPool,
    /// Where running servers are told what the command changed.
    bus: Bus,
    books: Books,
}

/// Prints what a command has to say.
fn say(sentence: String) -> Outcome {
    println!("{sentence}");
    Ok(())
}

/// The database of a command: one's own server, the one that a running Takings keeps, or an embedded one for as long
/// as the command takes.
async fn with_database(place: Place, work: impl AsyncFnOnce(Instance) -> Outcome) -> Outcome {
    let bus: bus::Address = place.bus.parse()?;
    let (options, embedded) = connect(&place).await?;
    let db = database::pool(options);
    let bus = Bus::at(&bus, &db).await?;
    let outcome = match database::open(&db).await {
        Ok(books) => work(Instance { db: db.clone(), bus: bus.clone(), books }).await,
        Err(error) => Err(error.into()),
    };
    bus.flush().await;
    db.close().await;
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    outcome
}

async fn connect(
    place: &Place,
) -> Result<(PgConnectOptions, Option<postgres::Embedded>), Box<dyn Error + Send + Sync>> {
    if let Some(url) = &place.database_url {
        let options =
            url.parse().map_err(|_| "DATABASE_URL is not of the form postgres://user:password@host/database")?;
        return Ok((options, None));
    }
    if let Some(options) = postgres::running(&place.data).await {
        return Ok((options, None));
    }
    let embedded = postgres::start(&place.data).await?;
    Ok((embedded.options(), Some(embedded)))
}

/// Serves until SIGINT or SIGTERM; with `pace` as the demo shop.
async fn serve_with(place: Place, serve: Serve, pace: Option<Duration>) -> Outcome {
    let countries = countries(serve.country_db)?;
    let voice = voice_config(serve.voice, serve.addr.ip())?;
    let bus: bus::Address = place.bus.parse()?;
    let listener = TcpListener::bind(serve.addr).await.map_err(|error| {
        format!("{} cannot be served on: {error}. Set another address with --addr or TAKINGS_ADDR.", serve.addr)
    })?;
    let embedded = match &place.database_url {
        Some(_) => None,
        None => Some(postgres::start(&place.data).await?),
    };
    let options = match &embedded {
        Some(embedded) => embedded.options(),
        None => connect(&place).await?.0,
    };
    let db = database::pool(options);
    let outcome = match database::open(&db).await {
        Ok(books) => {
            let outside = Outside { rates_url: serve.rates_url.filter(|url| !url.is_empty()), countries, voice };
            let bus = Bus::at(&bus, &db).await?;
            serve_on(listener, Instance { db, bus, books }, outside, pace).await
        }
        Err(error) => Err(error.into()),
    };
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    outcome
}

/// What the server knows from elsewhere.
struct Outside {
    rates_url: Option<String>,
    countries: Countries,
    voice: Option<VoiceConfig>,
}

/// Where voice is carried. A relay elsewhere needs its secret: there is none to fall back to.
fn voice_config(voice: Voice, served: IpAddr) -> Result<Option<VoiceConfig>, &'static str> {
    if voice.carried == "off" {
        return Ok(None);
    }
    let relay = match (voice.relay_urls, voice.relay_secret) {
        (urls, _) if urls.is_empty() => RelayConfig::Own(voice.relay_port),
        (_, secret) if secret.is_empty() => {
            return Err(
                "--relay-urls needs TAKINGS_RELAY_SECRET: what static-auth-secret is in coturn's configuration",
            );
        }
        (urls, secret) => RelayConfig::External(External { urls, secret, relays_from: voice.relay_from }),
    };
    Ok(Some(VoiceConfig {
        bind: voice.voice_address.unwrap_or_else(|| config::address_of(served)),
        public: voice.voice_public,
        ports: voice.voice_ports.0..=voice.voice_ports.1,
        tcp_port: voice.voice_tcp_port,
        relay,
        credential_seconds: voice.relay_seconds,
        drop_percent: voice.voice_drop_percent,
    }))
}

/// The database of countries; an empty name is none, so that the variable can be left empty.
fn countries(file: Option<PathBuf>) -> Result<Countries, UnusableDatabase> {
    match file.filter(|file| !file.as_os_str().is_empty()) {
        Some(file) => Countries::open(&file),
        None => Ok(Countries::default()),
    }
}

async fn serve_on(listener: TcpListener, instance: Instance, outside: Outside, pace: Option<Duration>) -> Outcome {
    let Instance { db, bus, books } = instance;
    let address = format!("http://{}", listener.local_addr()?);
    let clock = Clock::default();
    let books = if pace.is_some() { demo::with_carried_rates(books, clock.now()) } else { books };
    let stopping = tokio_util::sync::CancellationToken::new();
    if pace.is_some() {
        let filled = demo::fill(&db, &bus, &books, clock.now(), |orders| {
            eprint!("\rThe demo shop: {orders} orders");
            let _ = std::io::stderr().flush();
        });
        if filled.await? > 0 {
            eprintln!();
        }
        // Nobody knows this password: the demo is opened by its link.
        let hash = password::hash(secret::generate()).await.ok_or("no password could be made")?;
        let person = access::put_person(&db, WORKSPACE, DEMO_PERSON, &hash, "administrator").await?;
        let link = access::make_link(&db, WORKSPACE, Some(person)).await?;
        println!(
            "Takings is at {address}\nSign in with this link, which works once:\n  {address}/welcome?token={link}"
        );
    } else if !access::has_people(&db, WORKSPACE).await? {
        let link = access::make_link(&db, WORKSPACE, None).await?;
        println!(
            "Takings is at {address}\nNobody can sign in yet. Open this link, which works once, and become the administrator:\n  {address}/welcome?token={link}"
        );
    } else {
        println!("Takings is at {address}");
    }
    let demo_sources = if pace.is_some() { sources::all(&db, WORKSPACE).await? } else { Vec::new() };
    let shop = pace.map(|pace| {
        tokio::spawn(live::run(
            address.clone(),
            demo_sources,
            Shop::new(demo::SEED),
            clock.clone(),
            pace,
            stopping.clone(),
        ))
    });
    let guests = pace.map(|pace| tokio::spawn(visits::run(address.clone(), pace, stopping.clone())));
    let leptos = get_configuration(leptos_toml())
        .map_err(|error| format!("Leptos.toml cannot be read: {error}"))?
        .leptos_options;
    let stop = {
        let stopping = stopping.clone();
        async move {
            end_signal().await;
            stopping.cancel();
        }
    };
    let Outside { rates_url, countries, voice } = outside;
    run::run(run::Parts { listener, db, bus, books, clock, rates_url, countries, voice, leptos, samples: None }, stop)
        .await?;
    stopping.cancel();
    for task in [shop, guests].into_iter().flatten() {
        let _ = task.await;
    }
    Ok(())
}

/// The deployed binary reads `Leptos.toml`; under `cargo leptos` the environment says it all.
fn leptos_toml() -> Option<&'static str> {
    let file = "Leptos.toml";
    (std::env::var_os("LEPTOS_OUTPUT_NAME").is_none() && Path::new(file).exists()).then_some(file)
}

async fn end_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn check_sums(it: &Instance, rebuild: bool) -> Outcome {
    let Instance { db, bus, books } = it;
    let mut connection = db.acquire().await?;
    let of_orders = sums::sums_that_differ(&mut connection, books).await?;
    let of_royalties = statement_sums::differing(&mut connection, books.workspace).await?;
    match of_orders + of_royalties {
        0 => say("The sums equal the ledger.".into()),
        n if rebuild => {
            sums::rebuild(db, books).await?;
            let mut tx = db.begin().await?;
            statement_sums::renew(&mut tx, books.workspace, None).await?;
            tx.commit().await?;
            bus.tell(Kind::Figures).await;
            say(format!("{n} sums differed from the ledger; all are built again."))
        }
        n => Err(format!("{n} sums differ from the ledger: build them again with --rebuild").into()),
    }
}

async fn replay(it: &Instance) -> Outcome {
    let replay::Replayed { recorded, unreadable } = replay::replay(&it.db, &it.bus, &it.books).await?;
    say(format!("{recorded} deliveries are recorded now; {unreadable} still cannot be read."))
}

async fn import_orders(it: &Instance, file: &Path, source: &str, map: &str, errors: &Path) -> Outcome {
    let Instance { db, bus, books } = it;
    let mapping: orders::Mapping = map.parse()?;
    if file.canonicalize().ok().is_some_and(|file| errors.canonicalize().is_ok_and(|errors| errors == file)) {
        return Err("the file for rejected rows is the file to import: give another with --errors".into());
    }
    let opened = File::open(file).map_err(|error| format!("{} cannot be opened: {error}", file.display()))?;
    let known = sources::find(db, WORKSPACE, source).await?;
    let (id, platform) = match known {
        Some(source) => (source.id, source.platform),
        None => {
            (sources::add(db, WORKSPACE, source, "direct", &secret::generate_signing()).await?, "direct".to_owned())
        }
    };
    let mut rejected =
        File::create(errors).map_err(|error| format!("{} cannot be written: {error}", errors.display()))?;
    let progress = |progress: orders::Report| {
        eprint!("\r{} rows", progress.rows);
        let _ = std::io::stderr().flush();
    };
    let received_at = Clock::default().now();
    let target = orders::Target { db, bus, books, source_id: id, platform: &platform, received_at };
    let report = orders::import(&target, Box::new(opened), &mapping, &mut rejected, progress).await?;
    eprintln!();
    println!("{} rows read, {} recorded, {} rejected", report.rows, report.recorded, report.rejected);
    if report.rejected > 0 {
        println!("Rejected rows and their reasons are in {}", errors.display());
    } else {
        let _ = std::fs::remove_file(errors);
    }
    Ok(())
}

/// Differences, and rejected rows, that are printed of a file; the page shows more.
const PRINTED_MAX: usize = 20;

async fn import_royalties(it: &Instance, paths: &[PathBuf], apply: bool) -> Outcome {
    let Instance { db, bus, books } = it;
    let mut files = Vec::new();
    for path in paths {
        let unreadable = |error| format!("{} cannot be read: {error}", path.display());
        let file = File::open(path).map_err(unreadable)?;
        let mut content = Vec::new();
        // One byte more than a file may have says that it is too large.
        file.take(sheet::FILE_BYTES_MAX as u64 + 1).read_to_end(&mut content).map_err(unreadable)?;
        files.push(royalties::File::new(&path.to_string_lossy(), content));
    }
    let now = Clock::default().now();
    let today = books.calendar.date(now);
    let looked = royalties::look(&mut *db.acquire().await?, books.workspace, files.clone(), today).await?;
    looked.iter().for_each(|one| print_looked(one, books));
    let refused = looked.iter().filter(|one| one.found.is_err()).count();
    if refused > 0 {
        return Err(format!("{refused} of {} files cannot be imported; nothing was stored", looked.len()).into());
    }
    if looked.iter().all(|one| one.before.is_some()) {
        return say("Nothing is new in these files.".into());
    }
    if !apply {
        return say("Nothing is stored yet: add --apply to import this.".into());
    }
    let seen = royalties::digest(&looked);
    let done = royalties::apply(db, bus, books, files, Some(&seen), ("the command line", now)).await?;
    let numbers: Vec<String> = done.imports.iter().map(i32::to_string).collect();
    say(format!("Imported as {}.", numbers.join(", ")))
}

fn print_looked(one: &royalties::Looked, books: &Books) {
    let (report, plan) = match &one.found {
        Ok(found) => found,
        Err(reason) => return println!("{}: {reason}", one.name),
    };
    if let Some(before) = &one.before {
        return println!("{}: {}", one.name, words::before(before, &books.calendar));
    }
    println!("{}: {}: {}", one.name, report.kind.title(), words::counts(report, plan));
    let said = report.notices.iter().chain(&plan.warnings).cloned();
    let rejected = words::rejected(report, plan).take(PRINTED_MAX);
    let differences = words::differences(plan).take(PRINTED_MAX);
    let differences = differences.map(|(line, of, old, new)| format!("Line {line}: {of}: {old} → {new}"));
    said.chain(rejected).chain(differences).for_each(|sentence| println!("  {sentence}"));
}

async fn send_order(db: &PgPool, name: &str, server: &str) -> Outcome {
    let source = sources::find(db, WORKSPACE, name).await?;
    let source =
        source.ok_or_else(|| format!("there is no source {name:?}: add it with `takings source add {name}`"))?;
    let now = Clock::default().now();
    let (shop, first) = (Shop::new(demo::SEED), now.timestamp_micros() as u64);
    let mut orders = (first..first + ORDERS_TRIED).map(|n| shop.fresh_order(n, now));
    let order = orders.find(|order| order.platform == source.platform).unwrap_or_else(|| shop.fresh_order(first, now));
    live::send(server, &source, &order).await?;
    say(format!("Order {} was recorded.", order.external_id))
}

async fn add_user(db: &PgPool, name: &str, role: &str) -> Outcome {
    let password = match std::env::var("TAKINGS_PASSWORD") {
        Ok(password) => password,
        Err(_) => {
            eprint!("Password for {name}: ");
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line)?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    let least = takings::access::model::PASSWORD_MIN_CHARS;
    if password.chars().count() < least {
        return Err(format!("the password needs at least {least} characters").into());
    }
    let hash = password::hash(password).await.ok_or("this password cannot be used; choose another")?;
    access::put_person(db, WORKSPACE, name, &hash, role).await?;
    say(format!("{name} may sign in as {role}."))
}

async fn user_link(db: &PgPool, name: &str) -> Outcome {
    let (person, _) =
        access::find_person(db, WORKSPACE, name).await?.ok_or_else(|| format!("there is nobody called {name:?}"))?;
    let token = access::make_link(db, WORKSPACE, Some(person)).await?;
    say(format!("/welcome?token={token}"))
}

async fn add_source(db: &PgPool, name: &str, platform: &str, secret: Option<String>) -> Outcome {
    let secret = secret.unwrap_or_else(secret::generate_signing);
    sources::add(db, WORKSPACE, name, platform, &secret).await?;
    let platform = sources::find(db, WORKSPACE, name).await?.map_or(platform.to_owned(), |source| source.platform);
    let format = if platform == "shopify" { "shopify" } else { "standard" };
    say(format!("/webhooks/{format}/{name}\n{secret}"))
}

async fn import_rates(it: &Instance, files: &[PathBuf]) -> Outcome {
    let Instance { db, bus, books } = it;
    let today = Clock::default().now().date_naive();
    for file in files {
        let bytes =
            tokio::fs::read(file).await.map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        let days = ecb::read(&bytes).map_err(|error| format!("{}: {error}", file.display()))?;
        let new =
            learn::learn(db, bus, books, days, today).await.map_err(|error| format!("{}: {error}", file.display()))?;
        let learn::Learned { days, currencies, orders } = new;
        println!("{}: new rates of {days} days in {currencies} currencies", file.display());
        if orders > 0 {
            println!("{orders} orders that had no rate have one now.");
        }
    }
    Ok(())
}

async fn show_settings(db: &PgPool) -> Outcome {
    let settings = settings::store::read(&mut *db.acquire().await?, WORKSPACE).await?;
    println!("currency            {}", settings.currency);
    println!("zone                {}", settings.zone);
    println!("week start          {}", settings.week_start);
    println!("completes minutes   {}", settings.completes_minutes);
    if let Some(currency::Progress { currency, done, total }) = currency::progress(db, WORKSPACE).await? {
        println!("The currency is being changed to {currency}: {done} of {total} orders are converted.");
    }
    Ok(())
}

async fn set_settings(it: &Instance, change: Change) -> Outcome {
    let Instance { db, bus, books } = it;
    if change == Change::default() {
        return Err(
            "nothing was named: say what to change with --currency, --zone, --week-start or --completes-minutes".into(),
        );
    }
    let wanted = settings::change(db, bus, WORKSPACE, change).await?;
    let knows = |from| books.rates.newest().and_then(|day| books.rates.rate(from, wanted.currency, day)).is_some();
    if !knows(takings::money::Currency::EUR) {
        println!("There are no exchange rates of {} now: orders in other currencies are left out.", wanted.currency);
    }
    let progress = |progress: currency::Progress| {
        eprint!("\r{} of {} orders", progress.done, progress.total);
        let _ = std::io::stderr().flush();
    };
    // A running server works on it too; they take turns.
    if currency::run(db, books, progress).await? {
        eprintln!();
        bus.tell(Kind::Books).await;
    }
    show_settings(db).await
}
