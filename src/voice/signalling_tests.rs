//! Whether a socket lives, over a real connection at a quicker pace.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::routing::get;
use futures_util::StreamExt as _;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::access::session::{self, Credential};
use crate::access::store;
use crate::access::visitors::Visitors;
use crate::live::socket::upgrade_up_to;
use crate::server::database::{self, WORKSPACE};
use crate::voice::switchboard::tests::{Page, person, voice};

const PACE: Pace = Pace {
    pinged_every: Duration::from_millis(20),
    silent_max: Duration::from_millis(500),
    looked_at_every: Duration::from_secs(3_600),
};
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A socket whose server's end says when it is over.
async fn socket() -> (WebSocketStream<TcpStream>, oneshot::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (over, is_over) = oneshot::channel();
    let over = Arc::new(Mutex::new(Some(over)));
    let open = async move |request: Request| {
        upgrade_up_to(INCOMING_MAX_BYTES, request, "takings.voice.1", move |mut socket, _| async move {
            let db = database::pool(PgConnectOptions::new().host("127.0.0.1").port(1));
            let headers = HeaderMap::from_iter([(
                "cookie".parse().expect("a name"),
                "takings_session=x".parse().expect("a value"),
            )]);
            let credential = Credential::of(&headers).expect("a credential");
            let mut visit = Visit::new(person(7, "analyst"), Visitors::new(db), credential);
            serve(&voice().await, &mut visit, PACE, &mut socket).await;
            let over = over.lock().expect("a sender").take().expect("one socket");
            let _ = over.send(());
        })
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/voice", get(open))).await });
    let connection = TcpStream::connect(address).await.expect("a connection");
    let request = format!("ws://{address}/voice");
    (tokio_tungstenite::client_async(request, connection).await.expect("a socket").0, is_over)
}

#[tokio::test]
async fn a_browser_that_is_there_stays_and_one_that_is_not_is_given_up() {
    let (mut browser, mut is_over) = socket().await;
    // For longer than the longest silence it says nothing of its own; reading answers the pings.
    let mut pings = 0;
    while pings < 40 {
        let heard = tokio::time::timeout(PATIENCE, browser.next()).await.expect("in time");
        pings += u32::from(matches!(heard, Some(Ok(Message::Ping(_)))));
        assert!(matches!(heard, Some(Ok(_))), "{heard:?}");
    }
    assert!(is_over.try_recv().is_err(), "the socket lives");
    // A lid is closed: nothing is read any more, and nothing closed.
    tokio::time::timeout(PATIENCE, &mut is_over).await.expect("it is given up").expect("an end");
    drop(browser);
}

#[sqlx::test(migrations = "./migrations")]
async fn who_is_signed_out_while_no_socket_is_there_loses_the_seat(db: PgPool) {
    let id = store::put_person(&db, WORKSPACE, "ada", "", "analyst").await.expect("a person");
    let token = store::begin_session(&db, WORKSPACE, id).await.expect("a session");
    let cookie = format!("{}={token}", session::COOKIE).parse().expect("a value");
    let headers = HeaderMap::from_iter([("cookie".parse().expect("a name"), cookie)]);
    let visitors = Visitors::new(db);
    let mut visit =
        Visit::new(person(id, "analyst"), visitors.clone(), Credential::of(&headers).expect("a credential"));
    let pace = Pace { looked_at_every: Duration::from_millis(10), ..PACE };

    let voice = voice().await;
    let (page, seat, resume) = Page::in_room(&voice, id).await;
    assert_eq!(voice.close(page.number), Some(seat));
    let left = tokio::time::timeout(20 * pace.looked_at_every, look_after(&voice, &mut visit, pace, seat)).await;
    assert!(left.is_err() && voice.is_left(seat), "it is kept while they are let in");
    visitors.end_session(&token).await.expect("signed out");
    let left = tokio::time::timeout(PATIENCE, look_after(&voice, &mut visit, pace, seat)).await;
    assert!(left.is_ok());
    assert_eq!(voice.state().rooms.seat_of(id), None);

    // Who has come back is looked at by the socket that they came with.
    let (page, seat, resume_again) = Page::in_room(&voice, id).await;
    assert_ne!(resume, resume_again);
    voice.close(page.number);
    let again = Page::open(&voice, id).await;
    voice.join(again.number, "ada".into(), 1, Some(resume_again)).await.expect("the seat");
    let left = tokio::time::timeout(PATIENCE, look_after(&voice, &mut visit, pace, seat)).await;
    assert!(left.is_ok());
    assert_eq!(voice.state().rooms.seat_of(id), Some(seat));
}
