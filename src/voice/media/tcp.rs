//! ICE over TCP on one port for all browsers: the first message says whose connection it is, which is given all that follow.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::ReadHalf;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::wire::{DATAGRAM_MAX, Wire};

/// Streams at once: two for each seat, as one may be about to replace the other.
const STREAMS_MAX: usize = 2 * super::SEATS_MAX;
/// Streams from one address: a company may stand behind it.
const STREAMS_PER_ADDRESS: usize = 200;
/// What waits in the system: late sound is worse than lost sound, and this is half a second of five voices.
const BUFFER_BYTES: u32 = 16 * 1024;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 256;
/// A browser says at once who it is; a stream that does not is closed.
const FIRST_WITHIN: Duration = Duration::from_secs(5);
/// What a browser does not take within this time, it has no use for any more: the stream is closed.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);
/// A STUN message of a check is far smaller.
const FIRST_MAX_BYTES: usize = 1_024;
const STUN_HEADER_BYTES: usize = 20;
const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const STUN_BINDING_REQUEST: [u8; 2] = [0, 1];
const STUN_USERNAME: u16 = 0x0006;

/// The port.
pub struct Front {
    /// Where it listens.
    pub address: SocketAddr,
    routes: Arc<Mutex<Routes>>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Routes {
    // By the name that a connection has given itself (its ICE user fragment).
    wires: HashMap<String, Weak<Wire>>,
    // Streams by the address that they come from, those included that have not said yet what they are for.
    by_address: HashMap<IpAddr, usize>,
}

/// A stream that is counted for as long as this lives.
struct Counted {
    address: IpAddr,
    routes: Arc<Mutex<Routes>>,
}

impl Counted {
    fn new(address: IpAddr, routes: &Arc<Mutex<Routes>>) -> Option<Counted> {
        let mut all = lock(routes);
        let streams = all.by_address.entry(address).or_default();
        *streams += 1;
        let counted = Counted { address, routes: Arc::clone(routes) };
        let is_allowed = *streams <= STREAMS_PER_ADDRESS;
        drop(all);
        is_allowed.then_some(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut all = lock(&self.routes);
        if let Some(streams) = all.by_address.get_mut(&self.address) {
            *streams -= 1;
            if *streams == 0 {
                all.by_address.remove(&self.address);
            }
        }
    }
}

/// A connection that may be reached for as long as this lives.
pub struct Route {
    name: String,
    routes: Arc<Mutex<Routes>>,
}

impl Front {
    /// Listens.
    pub fn start(address: SocketAddr, threads: &Handle) -> io::Result<Front> {
        let _inside = threads.enter();
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        // What it accepts has the same.
        socket.set_send_buffer_size(BUFFER_BYTES)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let routes = Arc::new(Mutex::new(Routes::default()));
        let accepting = threads.spawn(accept(listener, Arc::clone(&routes)));
        Ok(Front { address, routes, accepting })
    }

    /// Streams for this name are this connection's.
    pub fn route(&self, name: &str, wire: &Arc<Wire>) -> Route {
        lock(&self.routes).wires.insert(name.to_owned(), Arc::downgrade(wire));
        Route { name: name.to_owned(), routes: Arc::clone(&self.routes) }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        lock(&self.routes).wires.remove(&self.name);
    }
}

fn lock(routes: &Mutex<Routes>) -> MutexGuard<'_, Routes> {
    routes.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, routes: Arc<Mutex<Routes>>) {
    let places = Arc::new(Semaphore::new(STREAMS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, browser)) => {
                let Some(counted) = Counted::new(browser.ip(), &routes) else { continue };
                let routes = Arc::clone(&routes);
                tokio::spawn(async move {
                    // Browsers close streams as they like; the connection itself says when it is lost.
                    let _ = carry(stream, browser, &routes).await;
                    drop((place, counted));
                });
            }
            // Out of files, perhaps: others will be closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn carry(mut stream: TcpStream, browser: SocketAddr, routes: &Mutex<Routes>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let first = tokio::time::timeout(FIRST_WITHIN, first_message(&mut stream)).await??;
    let wire = name(&first).and_then(|name| lock(routes).wires.get(name)?.upgrade());
    let Some((wire, frames)) = wire.and_then(|wire| Some((Arc::clone(&wire), wire.open_line(browser)?))) else {
        return Ok(());
    };
    wire.hear(browser, &first);
    let (reader, writer) = stream.split();
    let carried = tokio::select! {
        heard = hear(BufReader::new(reader), &wire, browser) => heard,
        said = say(writer, frames) => said,
    };
    wire.close_line(browser);
    carried
}

/// Gives the connection what the browser sends, until it ends.
async fn hear(mut reader: BufReader<ReadHalf<'_>>, wire: &Wire, browser: SocketAddr) -> io::Result<()> {
    let mut buffer = [0; DATAGRAM_MAX];
    loop {
        let length = usize::from(reader.read_u16().await?);
        let message = buffer.get_mut(..length).ok_or(io::ErrorKind::InvalidData)?;
        reader.read_exact(message).await?;
        wire.hear(browser, message);
    }
}

/// Writes what the connection says, until it ends.
async fn say(mut writer: impl AsyncWrite + Unpin, mut frames: mpsc::Receiver<Bytes>) -> io::Result<()> {
    while let Some(frame) = frames.recv().await {
        tokio::time::timeout(WRITTEN_WITHIN, writer.write_all(&frame)).await??;
    }
    writer.shutdown().await
}

/// A message comes after its length (RFC 4571).
async fn first_message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = usize::from(stream.read_u16().await?);
    if !(STUN_HEADER_BYTES..=FIRST_MAX_BYTES).contains(&length) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

/// Whose connection a check is for: the first half of its user name (RFC 8445).
fn name(message: &[u8]) -> Option<&str> {
    let (header, mut attributes) = message.split_at_checked(STUN_HEADER_BYTES)?;
    if header[..2] != STUN_BINDING_REQUEST || header[4..8] != STUN_COOKIE {
        return None;
    }
    while let Some(([kind0, kind1, length0, length1], rest)) = attributes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([*length0, *length1]));
        let value = rest.get(..length)?;
        if u16::from_be_bytes([*kind0, *kind1]) == STUN_USERNAME {
            return std::str::from_utf8(value).ok()?.split(':').next();
        }
        // Attributes begin at multiples of four bytes.
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(user: &str) -> Vec<u8> {
        let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        message.extend([0; 12]);
        message.extend([0, 0x24, 0, 4, 1, 2, 3, 4]);
        message.extend([0, 6, 0, user.len() as u8]);
        message.extend(user.as_bytes());
        message.extend(vec![0; user.len().next_multiple_of(4) - user.len()]);
        message
    }

    #[test]
    fn a_check_says_whose_connection_it_is_for() {
        assert_eq!(name(&check("server:browser")), Some("server"));
        let mut answer = check("server:browser");
        answer[0] = 1;
        assert_eq!(name(&answer), None);
        assert_eq!(name(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), None);
    }

    #[test]
    fn streams_of_an_address_are_counted() {
        let routes = Arc::new(Mutex::new(Routes::default()));
        let counted = |n: u8| Counted::new(IpAddr::from([192, 0, 2, n]), &routes);
        let mut held: Vec<Counted> = (0..1_000).map_while(|_| counted(1)).collect();
        assert_eq!(held.len(), STREAMS_PER_ADDRESS);
        assert!(counted(2).is_some());
        held.pop();
        assert!(counted(1).is_some());
        drop(held);
        assert!(lock(&routes).by_address.is_empty());
    }

    #[tokio::test]
    async fn a_browser_that_reads_nothing_is_not_waited_for() {
        let (writer, _unread) = tokio::io::duplex(16);
        let (line, frames) = mpsc::channel(4);
        line.try_send(Bytes::from_static(&[0; 64])).unwrap();
        let said = tokio::time::timeout(2 * WRITTEN_WITHIN, say(writer, frames)).await.expect("it ends");
        assert_eq!(said.map_err(|error| error.kind()), Err(io::ErrorKind::TimedOut));
        drop(line);
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_can_upset_it(rest in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut message = check("server:browser")[..20].to_vec();
            message.extend(rest);
            let _ = name(&message);
        }
    }
}
