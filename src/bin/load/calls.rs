//! Calls beside orders, both carried by one server: what calls cost orders is the ratio of the times that orders take to reach
//! sockets, with and without them.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use takings::access::{session, store as access};
use takings::server::database::WORKSPACE;
use takings::voice::media::Seat;
use takings::voice::store as rooms;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::Outcome;
use crate::bench::Bench;
use crate::contender::Contender;
use crate::goals;
use crate::process::allow_open_files;
use crate::report::Report;
use crate::sockets::{self, COLUMNS};
use crate::voice::{Calls, Load};
use crate::voice_engine::Signalling;

/// How long the server may take to answer on a socket.
const PATIENCE: Duration = Duration::from_secs(10);
/// Files of a person who calls: the socket and the sound.
const FILES_EACH: u64 = 2;
/// What is measured of the calls, as [`Calls::settle`] says it.
const SOUND: [&str; 4] = ["sound packets", "sound lost", "sound p50 ms", "sound p99 ms"];
/// Files of the sockets that watch, and some to spare.
const OTHER_FILES: u64 = 300;

/// Those who call: whom the server knows, and the rooms they call in.
struct Callers {
    /// The rooms' numbers.
    rooms: Vec<i32>,
    /// A session for each person, by room.
    sessions: Vec<Vec<String>>,
}

impl Callers {
    /// Adds rooms and people to the workspace. Nobody signs in: their sessions are begun here.
    async fn prepare(bench: &Bench, load: Load) -> Outcome<Callers> {
        for n in rooms::rooms(&bench.db, WORKSPACE).await?.len()..load.rooms as usize {
            rooms::add_room(&bench.db, WORKSPACE, &format!("Room {n}")).await?;
        }
        let rooms = rooms::rooms(&bench.db, WORKSPACE).await?.into_iter().map(|(id, _)| id).collect();
        let mut sessions = Vec::new();
        for room in 0..load.rooms {
            let mut of_room = Vec::new();
            for person in 0..load.people {
                let name = format!("caller {room}.{person}");
                let person = access::put_person(&bench.db, WORKSPACE, &name, "", "analyst").await?;
                of_room.push(access::begin_session(&bench.db, WORKSPACE, person).await?);
            }
            sessions.push(of_room);
        }
        Ok(Callers { rooms, sessions })
    }

    fn session(&self, seat: Seat) -> Option<(i32, &str)> {
        let room = usize::try_from(seat.room - 1).ok()?;
        let session = self.sessions.get(room)?.get(usize::try_from(seat.person - 1).ok()?)?;
        Some((*self.rooms.get(room)?, session))
    }
}

/// A whole server.
struct Dock<'a> {
    callers: &'a Callers,
    address: &'a str,
}

impl Signalling for Dock<'_> {
    async fn offer(&self, seat: Seat, attempt: u32, sdp: String) -> Outcome<String> {
        let (room, session) = self.callers.session(seat).ok_or("there is no such person")?;
        let mut request = format!("ws://{}/voice", self.address).into_client_request()?;
        request.headers_mut().insert("cookie", format!("{}={session}", session::COOKIE).parse()?);
        request.headers_mut().insert("sec-websocket-protocol", "takings.voice.1".parse()?);
        let stream = TcpStream::connect(self.address).await?;
        let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        say(&mut socket, json!({"type": "join", "room": room})).await?;
        let epoch = told(&mut socket, "joined").await?["epoch"].clone();
        say(&mut socket, json!({"type": "offer", "epoch": epoch, "attempt": attempt, "sdp": sdp})).await?;
        let answer = told(&mut socket, "answer").await?;
        // It is read on, as a browser would, until the calls end.
        tokio::spawn(async move { while let Some(Ok(_)) = socket.next().await {} });
        Ok(answer["sdp"].as_str().ok_or("the answer has no description")?.to_owned())
    }
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: Value) -> Outcome<()> {
    Ok(socket.send(Message::text(message.to_string())).await?)
}

/// What is told next of this kind.
async fn told(socket: &mut WebSocketStream<TcpStream>, kind: &str) -> Outcome<Value> {
    let next = async {
        while let Some(message) = socket.next().await {
            let Message::Text(text) = message? else { continue };
            let told: Value = serde_json::from_str(&text)?;
            if told["type"] == "refused" {
                return Err(format!("the server refused: {}", told["sentence"]).into());
            }
            if told["type"] == kind {
                return Ok(told);
            }
        }
        Err("the server closed the socket".into())
    };
    tokio::time::timeout(PATIENCE, next).await?
}

/// Measures orders alone, then beside calls.
pub async fn run(bench: &Bench, calls: Load, orders: sockets::Load) -> Outcome<()> {
    let callers = Callers::prepare(bench, calls).await?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..bench.repetitions {
        alone.push([sockets::once(bench, Contender::Takings, orders).await?, vec![0.0; SOUND.len()]].concat());
        beside.push(once(bench, &callers, calls, orders).await?);
    }
    let title = format!("Orders beside calls: {} orders a second, {} s", orders.rate, orders.seconds);
    let mut report = Report::new(&title, &["rooms", "people"], &[&COLUMNS[..], &SOUND].concat());
    report.add(&[&0, &0], &alone);
    report.add(&[&calls.rooms, &calls.people], &beside);
    report.print();
    goals::of_calls(&alone, &beside).print();
    Ok(())
}

async fn once(bench: &Bench, callers: &Callers, load: Load, orders: sockets::Load) -> Outcome<Vec<f64>> {
    let people = (load.rooms * load.people) as u64;
    allow_open_files(people * FILES_EACH + orders.sockets as u64 + OTHER_FILES)?;
    Contender::Takings.empty(bench).await?;
    let server = Contender::Takings.start(bench).await?;
    let talking = Calls::begin(&Dock { callers, address: &server.address }, load).await?;
    let (figures, ()) = tokio::join!(
        sockets::deliver(bench, Contender::Takings, &server, orders),
        talking.count(Duration::from_secs(orders.seconds))
    );
    let figures = [figures?, talking.settle().await.to_vec()].concat();
    drop(talking);
    server.stop().await?;
    Ok(figures)
}
