//! Who is measured: Takings and its peers, each started, emptied and asked in its own way.

use serde_json::Value;
use takings::live::model::PROTOCOL;
use tokio::process::Command;

use crate::Outcome;
use crate::bench::{Bench, SECRET, SOURCE};
use crate::client::{Client, get};
use crate::fill;
use crate::peers::Peers;
use crate::process::Server;

/// What a Socket.IO client says first: it opens the main namespace. Clients mask what they send, here with zeros.
const SOCKET_IO_HELLO: &[u8] = &[0x81, 0x82, 0, 0, 0, 0, b'4', b'0'];

/// A server under the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    /// This one.
    Takings,
    /// Bun's own HTTP, PostgreSQL and publish.
    Bun,
    /// Express and ws.
    Ws,
    /// Express and Socket.IO.
    SocketIo,
}

impl Contender {
    /// All, in the order in which they are measured.
    pub const ALL: [Contender; 4] = [Contender::Takings, Contender::Bun, Contender::Ws, Contender::SocketIo];

    /// As tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Contender::Takings => "Takings",
            Contender::Bun => "Bun",
            Contender::Ws => "Express, ws",
            Contender::SocketIo => "Express, Socket.IO",
        }
    }

    /// Where orders are posted.
    pub fn webhook(self) -> String {
        match self {
            Contender::Takings => format!("/webhooks/shopify/{SOURCE}"),
            _ => "/webhook/shopify".to_owned(),
        }
    }

    /// Takes all orders away, before its server starts.
    pub async fn empty(self, bench: &Bench) -> Outcome<()> {
        match self {
            Contender::Takings => fill::empty(&bench.db).await?,
            _ => bench.peers()?.empty(bench.flush_ms).await?,
        }
        Ok(())
    }

    /// Starts its server.
    pub async fn start(self, bench: &Bench) -> Outcome<Server> {
        match self {
            Contender::Takings => bench.server().await,
            _ => Server::start(&bench.folder, |address| self.command(bench.peers.as_ref(), address)).await,
        }
    }

    fn command(self, peers: Option<&Peers>, address: &str) -> Command {
        let peer = |program: &str, file: &str| {
            let mut command = Command::new(program);
            if let Some(peers) = peers {
                command.arg(peers.folder.join(file)).envs(peers.environment.iter().cloned());
            }
            command.env("PORT", address.rsplit(':').next().unwrap_or_default()).env("SECRET", SECRET);
            command.env("NODE_ENV", "production");
            command
        };
        let bun = peers.map(|peers| peers.folder.join("node_modules/.bin/bun")).unwrap_or_default();
        match self {
            Contender::SocketIo => peer("node", "socketio.mjs"),
            Contender::Bun => peer(&bun.to_string_lossy(), "bun.ts"),
            Contender::Ws | Contender::Takings => peer("node", "ws.mjs"),
        }
    }

    /// The request that opens a socket: with Takings as a client that knows everything so far, like a page just served.
    pub async fn handshake(self, bench: &Bench, server: &Server) -> Outcome<Vec<u8>> {
        let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
        Ok(match self {
            Contender::Takings => {
                let authorization = bench.authorization();
                let path = standing(server, &authorization).await?;
                let headers = format!("{upgrade}\r\nSec-WebSocket-Protocol: {PROTOCOL}\r\n{authorization}");
                get(&path, &server.address, &headers)
            }
            Contender::Ws | Contender::Bun => get("/ws", &server.address, upgrade),
            Contender::SocketIo => get("/socket.io/?EIO=4&transport=websocket", &server.address, upgrade),
        })
    }

    /// What a client says once its socket is open.
    pub fn hello(self) -> &'static [u8] {
        if self == Contender::SocketIo { SOCKET_IO_HELLO } else { &[] }
    }

    /// Orders that are recorded, and the number of the last one's event.
    pub async fn recorded(self, bench: &Bench) -> Outcome<(i64, i64)> {
        let (db, question) = match self {
            Contender::Takings => (&bench.db, "select (select count(*) from orders), (select last_event from cursors)"),
            _ => (&bench.peers()?.db, "select count(*), count(*) from shopify_orders"),
        };
        Ok(sqlx::query_as(question).fetch_one(db).await?)
    }
}

/// The socket's address for a client that has the present snapshot.
async fn standing(server: &Server, authorization: &str) -> Outcome<String> {
    let mut client = Client::connect(&server.address).await?;
    if client.send(&get("/api/v1/snapshot", &server.address, authorization)).await? != 200 {
        return Err("the snapshot was refused".into());
    }
    let snapshot: Value = serde_json::from_slice(client.body())?;
    let number = |field: &str| snapshot["overview"][field].as_i64().ok_or("the snapshot has no overview");
    Ok(format!("/ws?last_event={}&version={}", number("last_event")?, number("version")?))
}
