//! A running server for a test, and what posts to it.

pub mod programs;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{SinkExt as _, StreamExt as _};
use jiff::ToSpan as _;
use leptos::config::LeptosOptions;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use takings::access::{password, store as access};
use takings::demo::shop::{DemoOrder, Shop};
use takings::live::bus::Bus;
use takings::period::{Instant, plus};
use takings::sales::books::Books;
use takings::sales::recording::Delivery;
use takings::server::clock::Clock;
use takings::server::database::{self, WORKSPACE};
use takings::server::http;
use takings::server::run::{Parts, run};
use takings::sources::{shopify, standard, store as sources};
use takings::visitors::countries::Countries;
use takings::voice::config::Config as VoiceConfig;
use takings::voice::monitor::Sample;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};

/// The secret of every source in the tests, in a form that both signatures take.
pub const SECRET: &str = "whsec_dGFraW5ncy10ZXN0LXNlY3JldC0w";
/// The password of everyone in the tests.
pub const PASSWORD: &str = "a long password";

/// When a test is, unless it says otherwise: Saturday 21 November 2026.
const NOW: &str = "2026-11-21T14:30:07Z";

/// A server on a free port with a database of its own and a clock that stands still.
pub struct TestApp {
    pub address: String,
    pub db: PgPool,
    pub bus: Bus,
    pub books: Books,
    pub clock: Clock,
    pub client: Client,
    /// Says how the calls go, to a server that was started so.
    pub sampling: watch::Sender<Arc<Sample>>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

/// Takes all orders away again, and tells those who keep sums in memory.
pub async fn empty(db: &PgPool) {
    let truncated =
        "truncate orders, ledger, deliveries, live_events, order_values, order_value_additions, sums_quarter_hour,
         sums_day, sums_quarter_hour_by, sums_day_by, day_changes";
    sqlx::query(truncated).execute(db).await.expect("empty");
    let told = "with emptied as (update cursors set revision = revision + 1 returning workspace_id, revision)
         insert into day_changes (workspace_id, revision, days) select workspace_id, revision, '{}' from emptied";
    sqlx::query(told).execute(db).await.expect("told");
}

/// An instant from RFC 3339.
pub fn at(text: &str) -> Instant {
    DateTime::parse_from_rfc3339(text).expect("an instant").with_timezone(&Utc)
}

/// Orders of the demo shop from a day on, as they stand at an instant.
pub fn demo_orders(first: &str, books: &Books, until: Instant) -> Vec<Delivery> {
    let first = first.parse().expect("a date");
    let end = plus(books.calendar.date(until), 1.day());
    let shop = Shop::new(7);
    let orders = shop.orders(first, end, &books.calendar, until);
    let delivery = |order: DemoOrder| Delivery {
        source: 1,
        platform: order.platform.into(),
        received_at: until,
        order: Some((order.external_id, order.order)),
        ..Delivery::default()
    };
    orders.map(delivery).collect()
}

impl TestApp {
    /// A server whose clock stands at Saturday 21 November 2026, 14:30:07.
    pub async fn start(db: PgPool) -> TestApp {
        TestApp::start_at(db, NOW).await
    }

    pub async fn start_at(db: PgPool, now: &str) -> TestApp {
        TestApp::start_with(db, now, None).await
    }

    /// A server that fetches exchange rates from an address.
    pub async fn start_with(db: PgPool, now: &str, rates_url: Option<String>) -> TestApp {
        // As the program connects. The pool of sqlx::test may wait forever when it is closed twice (sqlx 0.9.0): what is
        // acquired meanwhile counts its size below nothing.
        let db = database::pool((*db.connect_options()).clone());
        sources::add(&db, WORKSPACE, "shop", "shopify", SECRET).await.expect("a source");
        sources::add(&db, WORKSPACE, "own", "direct", SECRET).await.expect("a source");
        let bus = Bus::of_database(&db);
        TestApp::serve(db, bus, Clock::fixed(at(now)), Outside { rates_url, ..Outside::default() }).await
    }

    /// A server that is told by the test how its calls go.
    pub async fn sampled(db: &PgPool, now: &str) -> TestApp {
        let db = database::pool((*db.connect_options()).clone());
        let bus = Bus::of_database(&db);
        TestApp::serve(db, bus, Clock::fixed(at(now)), Outside { is_sampled: true, ..Outside::default() }).await
    }

    /// A server that carries no voice.
    pub async fn without_voice(db: &PgPool) -> TestApp {
        let db = database::pool((*db.connect_options()).clone());
        let bus = Bus::of_database(&db);
        TestApp::serve(db, bus, Clock::fixed(at(NOW)), Outside { is_voiceless: true, ..Outside::default() }).await
    }

    /// The next server over a database that had one.
    pub async fn again(db: &PgPool, now: &str) -> TestApp {
        let db = database::pool((*db.connect_options()).clone());
        let bus = Bus::of_database(&db);
        TestApp::serve(db, bus, Clock::fixed(at(now)), Outside::default()).await
    }

    /// A server that knows countries of addresses.
    pub async fn with_countries(db: &PgPool, countries: Countries) -> TestApp {
        let db = database::pool((*db.connect_options()).clone());
        let bus = Bus::of_database(&db);
        TestApp::serve(db, bus, Clock::fixed(at(NOW)), Outside { countries, ..Outside::default() }).await
    }

    /// A server on another bus than the database's.
    pub async fn start_on(db: PgPool, bus: &str) -> TestApp {
        let db = database::pool((*db.connect_options()).clone());
        sources::add(&db, WORKSPACE, "shop", "shopify", SECRET).await.expect("a source");
        let bus = Bus::at(&bus.parse().expect("an address"), &db).await.expect("a bus");
        TestApp::serve(db, bus, Clock::fixed(at(NOW)), Outside::default()).await
    }

    /// Another one over the same database, on a bus.
    pub async fn beside_on(&self, bus: &str) -> TestApp {
        let db = database::pool((*self.db.connect_options()).clone());
        let bus = Bus::at(&bus.parse().expect("an address"), &db).await.expect("a bus");
        TestApp::serve(db, bus, self.clock.clone(), Outside::default()).await
    }

    /// Another server over the same database.
    pub async fn beside(&self) -> TestApp {
        let db = database::pool((*self.db.connect_options()).clone());
        let bus = Bus::of_database(&db);
        TestApp::serve(db, bus, self.clock.clone(), Outside::default()).await
    }

    async fn serve(db: PgPool, bus: Bus, clock: Clock, outside: Outside) -> TestApp {
        let Outside { rates_url, countries, is_sampled, is_voiceless } = outside;
        let books = database::books(&db).await.expect("a workspace");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("127.0.0.1:{}", listener.local_addr().expect("an address").port());
        let leptos = LeptosOptions::builder().output_name("takings").site_root("target/site").build();
        let (stop, stopped) = oneshot::channel();
        let (sampling, _) = watch::channel(Arc::default());
        let parts = Parts {
            listener,
            db: db.clone(),
            bus: bus.clone(),
            books: books.clone(),
            clock: clock.clone(),
            rates_url,
            countries,
            voice: (!is_voiceless).then(|| VoiceConfig::at(Ipv4Addr::LOCALHOST.into())),
            leptos,
            samples: is_sampled.then(|| sampling.subscribe()),
        };
        let server = tokio::spawn(async move {
            run(parts, async { drop(stopped.await) }).await.expect("the server ends well");
        });
        let client = http::client().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        TestApp { address, db, bus, books, clock, client, sampling, stop: Some(stop), server }
    }

    /// Stops the server as SIGTERM would, and waits until it has.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        self.server.await.expect("the server ends");
    }

    /// Ends the server at once, in the midst of whatever it does.
    pub async fn kill(self) {
        self.server.abort();
        assert!(self.server.await.is_err_and(|end| end.is_cancelled()));
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Posts a Shopify delivery signed with the secret.
    pub async fn shopify(&self, topic: &str, body: impl Into<Vec<u8>>) -> Response {
        let body = body.into();
        let signature = shopify::sign(&body, SECRET);
        self.client
            .post(self.url("/webhooks/shopify/shop"))
            .header("X-Shopify-Topic", topic)
            .header("X-Shopify-Hmac-Sha256", signature)
            .body(body)
            .send()
            .await
            .expect("an answer")
    }

    /// Posts a Standard Webhooks delivery signed with the secret.
    pub async fn standard(&self, body: &Value) -> Response {
        let (body, now) = (body.to_string(), Utc::now().timestamp());
        let signature = standard::sign("msg_1", now, body.as_bytes(), SECRET).expect("a signature");
        self.client
            .post(self.url("/webhooks/standard/own"))
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", now.to_string())
            .header("webhook-signature", signature)
            .body(body)
            .send()
            .await
            .expect("an answer")
    }

    /// An API token.
    pub async fn token(&self) -> String {
        access::make_token(&self.db, WORKSPACE, "tests").await.expect("a token")
    }

    /// Adds someone with the usual password; returns the cookie of a session.
    pub async fn cookie_of(&self, name: &str) -> String {
        self.cookie_as(name, "analyst").await
    }

    /// The same of somebody with a role.
    pub async fn cookie_as(&self, name: &str, role: &str) -> String {
        let hash = password::hash(PASSWORD.into()).await.expect("a hash");
        let person = access::put_person(&self.db, WORKSPACE, name, &hash, role).await.expect("a person");
        let token = access::begin_session(&self.db, WORKSPACE, person).await.expect("a session");
        format!("takings_session={token}")
    }

    /// The newest figures, computed now.
    pub async fn overview(&self) -> takings::sales::model::Overview {
        let mut db = self.db.acquire().await.expect("a connection");
        takings::sales::snapshot::compute(&mut db, &self.books, &Default::default(), self.clock.now())
            .await
            .expect("a snapshot")
            .overview
    }

    /// What the API answers to a page's query.
    pub async fn snapshot(&self, query: &str) -> Value {
        let url = self.url(&format!("/api/v1/snapshot{query}"));
        let answer = self.client.get(url).bearer_auth(self.token().await).send().await.expect("an answer");
        serde_json::from_str(&assert_status(answer, StatusCode::OK).await).expect("JSON")
    }

    /// How many sums differ from the ledger: none, ever.
    pub async fn differing_sums(&self) -> i64 {
        let mut db = self.db.acquire().await.expect("a connection");
        takings::sales::sums::additions_store::sums_that_differ(&mut db, &self.books).await.expect("a count")
    }

    /// The socket of a person's page.
    pub async fn page_of(&self, cookie: &str) -> Socket {
        let mut request = format!("ws://{}/ws", self.address).into_client_request().expect("a request");
        request.headers_mut().insert("cookie", cookie.parse().expect("a header"));
        request.headers_mut().insert("sec-websocket-protocol", "takings.v1".parse().expect("a header"));
        Socket::open(request).await
    }

    /// A socket on `/ws`.
    pub async fn socket(&self, query: &str, protocol: Option<&str>) -> Socket {
        let mut request = format!("ws://{}/ws{query}", self.address).into_client_request().expect("a request");
        let headers = request.headers_mut();
        headers.insert("authorization", format!("Bearer {}", self.token().await).parse().expect("a header"));
        if let Some(protocol) = protocol {
            headers.insert("sec-websocket-protocol", protocol.parse().expect("a header"));
        }
        Socket::open(request).await
    }
}

/// What a socket goes over.
pub trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

/// What a server knows from elsewhere.
#[derive(Default)]
struct Outside {
    rates_url: Option<String>,
    countries: Countries,
    /// Whether the test says how the calls go.
    is_sampled: bool,
    is_voiceless: bool,
}

/// The client's end of a socket.
pub struct Socket(WebSocketStream<Box<dyn Connection>>);

impl Socket {
    /// Opens one.
    pub async fn open(request: tungstenite::handshake::client::Request) -> Socket {
        let (host, port) = (request.uri().host().expect("a host"), request.uri().port_u16().expect("a port"));
        let connection = TcpStream::connect((host, port)).await.expect("a connection");
        Socket::over(Box::new(connection), request).await
    }

    /// Opens one over a connection.
    pub async fn over(connection: Box<dyn Connection>, request: tungstenite::handshake::client::Request) -> Socket {
        Socket(tokio_tungstenite::client_async(request, connection).await.expect("a socket").0)
    }

    /// Sends a message.
    pub async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    /// Opens one for a script where a server is there to answer.
    pub async fn try_open(address: &str, query: &str, token: &str) -> Option<Socket> {
        let mut request = format!("ws://{address}/ws{query}").into_client_request().ok()?;
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().ok()?);
        request.headers_mut().insert("sec-websocket-protocol", "takings.v1".parse().ok()?);
        let connection: Box<dyn Connection> = Box::new(TcpStream::connect(address).await.ok()?);
        Some(Socket(tokio_tungstenite::client_async(request, connection).await.ok()?.0))
    }

    /// The next message, or `None` when the server closed with "going away".
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let frame = tokio::time::timeout(Duration::from_secs(20), self.0.next()).await.expect("a message in time");
            match frame {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(frame))) => {
                    assert_eq!(frame.map(|f| f.code), Some(tungstenite::protocol::frame::coding::CloseCode::Away));
                    return None;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next message that `wanted` finds something in.
    pub async fn find<T>(&mut self, mut wanted: impl FnMut(&Value) -> Option<T>) -> T {
        loop {
            let message = self.next().await.expect("the socket is open");
            if let Some(found) = wanted(&message) {
                return found;
            }
        }
    }
}

/// The address of a test's database, for a program of its own.
pub fn database_url(db: &PgPool) -> String {
    let options = db.connect_options();
    let (user, host, port) = (options.get_username(), options.get_host(), options.get_port());
    format!("postgres://{user}@{host}:{port}/{}", options.get_database().expect("a database"))
}

/// The address of a server function: its name is followed by a hash of its place.
pub fn function(name: &str) -> String {
    let paths = leptos::server_fn::axum::server_fn_paths();
    paths
        .map(|(path, _)| path.to_owned())
        .find(|path| path.starts_with(&format!("/api/{name}")))
        .expect("a server function")
}

/// A small Shopify order.
pub fn shopify_order(id: i64, total: &str, created_at: &str) -> String {
    json!({
        "id": id, "name": format!("#{id}"), "created_at": created_at, "updated_at": created_at, "currency": "GBP",
        "total_price": total, "financial_status": "paid", "shipping_address": {"country_code": "GB"},
    })
    .to_string()
}

/// A refund of a Shopify order, all of it goods.
pub fn shopify_refund(order: i64, amount: &str, created_at: &str) -> String {
    let paid = json!({"id": order + 1, "order_id": order, "kind": "refund", "status": "success", "amount": amount, "currency": "GBP"});
    json!({"id": order + 2, "order_id": order, "created_at": created_at, "processed_at": created_at, "transactions": [paid]})
        .to_string()
}

/// Asserts the status, with the answer's sentence where it is another.
pub async fn assert_status(response: Response, status: StatusCode) -> String {
    let got = response.status();
    let text = response.text().await.unwrap_or_default();
    assert_eq!(got, status, "{text}");
    text
}
