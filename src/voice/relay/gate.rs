//! What is decided of a datagram before the library sees it: whether it comes too fast, whose it is, and whether what it asks for
//! is allowed. The library itself permits every peer and counts nothing.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use stun::attributes::{
    ATTR_EVEN_PORT, ATTR_MESSAGE_INTEGRITY, ATTR_RESERVATION_TOKEN, ATTR_USERNAME, ATTR_XOR_PEER_ADDRESS,
};
use stun::error_code::{
    CODE_ALLOC_MISMATCH, CODE_ALLOC_QUOTA_REACHED, CODE_BAD_REQUEST, CODE_FORBIDDEN, CODE_INSUFFICIENT_CAPACITY,
    CODE_WRONG_CREDENTIALS, ErrorCode, ErrorCodeAttribute,
};
use stun::integrity::MessageIntegrity;
use stun::message::{
    CLASS_ERROR_RESPONSE, CLASS_INDICATION, CLASS_REQUEST, Getter as _, METHOD_ALLOCATE, METHOD_BINDING,
    METHOD_CHANNEL_BIND, METHOD_CREATE_PERMISSION, METHOD_REFRESH, METHOD_SEND, Message, MessageType,
};
use stun::textattrs::TextAttribute;
use turn::auth::AuthHandler;
use turn::proto::channum::ChannelNumber;
use turn::proto::peeraddr::PeerAddress;

use super::Now;
use super::credentials::{self, Holder};
use super::peers::{Opening, Peers};
use super::strangers::Strangers;
use super::table::{Full, Table, locked};
use crate::voice::rate::Rate;

/// Requests of an address that has no allocation. Fifty people may come from one office at once, each with some four.
const STRANGER: Rate = Rate { burst: 200.0, per_second: 20.0 };
/// Requests of all such addresses together: each may make the library remember a nonce.
const STRANGERS: Rate = Rate { burst: 1000.0, per_second: 200.0 };

/// What becomes of a datagram.
#[derive(Debug)]
pub enum Verdict {
    /// The library handles it; if it makes an allocation, then this one.
    Handled(Option<Opening>),
    /// It is refused with this answer.
    Answered(Vec<u8>),
    /// Nothing comes back.
    Dropped,
}

/// Knows the secret of the credentials.
pub struct Keys {
    /// The secret.
    pub secret: Vec<u8>,
    /// The time of the day.
    pub now: Now,
    /// Who relays.
    pub table: Arc<Table>,
}

impl Keys {
    /// The key of a username that may be used from this address: one that has not expired, or by which the address has an
    /// allocation. A call is longer than its credential.
    fn of(&self, username: &str, from: SocketAddr) -> Option<(Holder, Vec<u8>)> {
        let holder = Holder::parse(username)?;
        let may = holder.expiry >= (self.now)() || self.table.stands_by(from, username);
        may.then(|| (holder, credentials::key(&self.secret, username)))
    }
}

impl AuthHandler for Keys {
    fn auth_handle(&self, username: &str, _realm: &str, from: SocketAddr) -> Result<Vec<u8>, turn::Error> {
        self.of(username, from).map(|(_, key)| key).ok_or(turn::Error::ErrNoSuchUser)
    }
}

/// Stands before the library.
pub struct Gate {
    /// Who may come in.
    pub keys: Arc<Keys>,
    /// Who may be reached.
    pub peers: Peers,
    table: Arc<Table>,
    strangers: Mutex<Strangers>,
}

impl Gate {
    /// A gate at which nobody stands.
    pub fn new(keys: Arc<Keys>, peers: Peers, now: Instant) -> Gate {
        let (table, strangers) = (Arc::clone(&keys.table), Mutex::new(Strangers::new(STRANGER, STRANGERS, now)));
        Gate { keys, peers, table, strangers }
    }

    /// Forgets addresses that have been quiet.
    pub fn sweep(&self, now: Instant) {
        locked(&self.strangers).forget_the_quiet(now);
    }

    /// Decides.
    pub fn judge(&self, datagram: &[u8], from: SocketAddr, now: Instant) -> Verdict {
        let stands = self.table.stands(from);
        // Data of a channel (RFC 8656): its peer was looked at when it was bound, and is again by the socket.
        if datagram.first().is_some_and(|first| (64..128).contains(first)) {
            return if stands { Verdict::Handled(None) } else { Verdict::Dropped };
        }
        let mut message = Message { raw: datagram.to_vec(), ..Message::default() };
        if message.decode().is_err() {
            return Verdict::Dropped;
        }
        match (message.typ.class, message.typ.method) {
            (CLASS_INDICATION, METHOD_SEND) if stands => Verdict::Handled(None),
            (CLASS_REQUEST, _) if !self.is_slow_enough(stands, from, now) => Verdict::Dropped,
            (CLASS_REQUEST, METHOD_BINDING) => Verdict::Handled(None),
            (CLASS_REQUEST, METHOD_ALLOCATE | METHOD_REFRESH | METHOD_CREATE_PERMISSION | METHOD_CHANNEL_BIND) => {
                self.judge_signed(&message, stands, from, now)
            }
            _ => Verdict::Dropped,
        }
    }

    fn is_slow_enough(&self, stands: bool, from: SocketAddr, now: Instant) -> bool {
        if stands { self.table.takes_request(from, now) } else { locked(&self.strangers).take(from.ip(), now) }
    }

    /// A request without a signature, or with a wrong one, is the library's to challenge or refuse: it does nothing else.
    fn judge_signed(&self, message: &Message, stands: bool, from: SocketAddr, now: Instant) -> Verdict {
        let Some((holder, key)) = self.signer(message, from) else { return Verdict::Handled(None) };
        let refused = |code| answer(message, code, key.clone());
        if message.typ.method == METHOD_ALLOCATE {
            return self.judge_allocate(message, holder, stands, from).unwrap_or_else(refused);
        }
        if !stands {
            return refused(CODE_ALLOC_MISMATCH);
        }
        if !self.table.stands_by(from, &holder.username()) {
            return refused(CODE_WRONG_CREDENTIALS);
        }
        let allowed = match message.typ.method {
            METHOD_CREATE_PERMISSION => self.permits(message, |peer| self.peers.has_address(peer.ip())),
            METHOD_CHANNEL_BIND => {
                self.permits(message, |peer| self.peers.has(peer)).and_then(|()| self.channel(message, from))
            }
            _ => {
                self.table.refreshed(from, now);
                Ok(())
            }
        };
        allowed.map_or_else(refused, |()| Verdict::Handled(None))
    }

    /// Who signed a request, with the key of the signature. It is compared in constant time.
    fn signer(&self, message: &Message, from: SocketAddr) -> Option<(Holder, Vec<u8>)> {
        if !message.contains(ATTR_MESSAGE_INTEGRITY) {
            return None;
        }
        let username = TextAttribute::get_from_as(message, ATTR_USERNAME).ok()?.text;
        let (holder, key) = self.keys.of(&username, from)?;
        MessageIntegrity(key.clone()).check(&mut message.clone()).ok()?;
        Some((holder, key))
    }

    fn judge_allocate(
        &self,
        message: &Message,
        holder: Holder,
        stands: bool,
        from: SocketAddr,
    ) -> Result<Verdict, ErrorCode> {
        if stands {
            return Ok(Verdict::Handled(None));
        }
        // Pairs of ports are for RTP without multiplexing, which no browser sends any more.
        let wants_pair =
            message.get(ATTR_EVEN_PORT).is_ok_and(|value| value.first().is_some_and(|first| first & 0x80 != 0));
        if wants_pair || message.contains(ATTR_RESERVATION_TOKEN) {
            return Err(CODE_INSUFFICIENT_CAPACITY);
        }
        match self.table.has_room(holder) {
            Ok(()) => Ok(Verdict::Handled(Some(Opening { client: from, holder }))),
            Err(Full::Person) => Err(CODE_ALLOC_QUOTA_REACHED),
            Err(Full::Server) => Err(CODE_INSUFFICIENT_CAPACITY),
        }
    }

    /// Every peer that is named has to be allowed. The library's own reading sees only the first.
    fn permits(&self, message: &Message, allowed: impl Fn(SocketAddr) -> bool) -> Result<(), ErrorCode> {
        let named = message.attributes.0.iter().filter(|attribute| attribute.typ == ATTR_XOR_PEER_ADDRESS);
        let mut peers = 0;
        for attribute in named {
            let mut alone = Message { transaction_id: message.transaction_id, ..Message::default() };
            alone.attributes.0.push(attribute.clone());
            let mut peer = PeerAddress::default();
            peer.get_from(&alone).map_err(|_| CODE_BAD_REQUEST)?;
            if !allowed(SocketAddr::new(peer.ip, peer.port)) {
                return Err(CODE_FORBIDDEN);
            }
            peers += 1;
        }
        if peers > 0 { Ok(()) } else { Err(CODE_BAD_REQUEST) }
    }

    fn channel(&self, message: &Message, from: SocketAddr) -> Result<(), ErrorCode> {
        let mut channel = ChannelNumber::default();
        channel.get_from(message).map_err(|_| CODE_BAD_REQUEST)?;
        // The library checks the number only when data comes over it.
        if !channel.valid() {
            return Err(CODE_BAD_REQUEST);
        }
        if self.table.takes_channel(from, channel.0) { Ok(()) } else { Err(CODE_INSUFFICIENT_CAPACITY) }
    }
}

/// A refusal, signed by the key of the one who asked.
fn answer(message: &Message, code: ErrorCode, key: Vec<u8>) -> Verdict {
    let mut refusal = Message::new();
    let built = refusal.build(&[
        Box::new(Message { transaction_id: message.transaction_id, ..Message::default() }),
        Box::new(MessageType::new(message.typ.method, CLASS_ERROR_RESPONSE)),
        Box::new(ErrorCodeAttribute { code, reason: Vec::new() }),
        Box::new(MessageIntegrity(key)),
    ]);
    if built.is_ok() { Verdict::Answered(refusal.raw) } else { Verdict::Dropped }
}
