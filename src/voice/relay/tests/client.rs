//! A client of TURN that can say anything.

use stun::agent::TransactionId;
use stun::attributes::{ATTR_NONCE, ATTR_REALM, ATTR_USERNAME, AttrType};
use stun::error_code::{ErrorCode, ErrorCodeAttribute};
use stun::integrity::MessageIntegrity;
use stun::message::{
    CLASS_ERROR_RESPONSE, CLASS_INDICATION, CLASS_REQUEST, Getter as _, METHOD_ALLOCATE, METHOD_CHANNEL_BIND,
    METHOD_CREATE_PERMISSION, METHOD_REFRESH, METHOD_SEND, Message, MessageType, Method, Setter,
};
use stun::textattrs::TextAttribute;
use turn::proto::PROTO_UDP;
use turn::proto::chandata::ChannelData;
use turn::proto::channum::ChannelNumber;
use turn::proto::data::Data;
use turn::proto::lifetime::Lifetime;
use turn::proto::peeraddr::PeerAddress;
use turn::proto::relayaddr::RelayedAddress;
use turn::proto::reqtrans::RequestedTransport;

use super::super::*;
use super::WITHIN;

/// An attribute of any content.
pub struct Filled(pub AttrType, pub Vec<u8>);

impl Setter for Filled {
    fn add_to(&self, message: &mut Message) -> Result<(), stun::Error> {
        message.add(self.0, &self.1);
        Ok(())
    }
}

/// What a message has.
pub type Attributes = Vec<Box<dyn Setter>>;

/// A browser.
pub struct Client {
    pub socket: UdpSocket,
    pub username: String,
    pub key: Vec<u8>,
    pub nonce: String,
}

impl Client {
    pub async fn new(relay: &Relay, username: String, password: String) -> Client {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        socket.connect(relay.address().expect("a server")).await.expect("connected");
        let key = turn::auth::generate_auth_key(&username, credentials::REALM, &password);
        Client { socket, username, key, nonce: String::new() }
    }

    /// Asks, and takes a nonce when it is given one. The code is that of the error.
    pub async fn asks(&mut self, method: Method, attributes: impl Fn() -> Attributes) -> Result<Message, u16> {
        for _ in 0..2 {
            let answer = self.asks_once(method, attributes(), !self.nonce.is_empty()).await;
            let mut code = ErrorCodeAttribute::default();
            if answer.typ.class != CLASS_ERROR_RESPONSE {
                return Ok(answer);
            }
            code.get_from(&answer).expect("a code");
            match (code.code, TextAttribute::get_from_as(&answer, ATTR_NONCE)) {
                (ErrorCode(401 | 438), Ok(nonce)) => self.nonce = nonce.text,
                (ErrorCode(code), _) => return Err(code),
            }
        }
        Err(401)
    }

    pub async fn asks_once(&self, method: Method, attributes: Attributes, is_signed: bool) -> Message {
        let mut all: Attributes =
            vec![Box::new(TransactionId::new()), Box::new(MessageType::new(method, CLASS_REQUEST))];
        all.extend(attributes);
        if is_signed {
            all.push(Box::new(TextAttribute::new(ATTR_USERNAME, self.username.clone())));
            all.push(Box::new(TextAttribute::new(ATTR_REALM, credentials::REALM.to_owned())));
            all.push(Box::new(TextAttribute::new(ATTR_NONCE, self.nonce.clone())));
            all.push(Box::new(MessageIntegrity(self.key.clone())));
        }
        let mut message = Message::new();
        message.build(&all).expect("a message");
        self.socket.send(&message.raw).await.expect("sent");
        let mut answer = Message { raw: self.hears().await, ..Message::default() };
        answer.decode().expect("an answer");
        assert_eq!(answer.transaction_id, message.transaction_id);
        answer
    }

    pub async fn hears(&self) -> Vec<u8> {
        let mut buffer = [0; 1500];
        let length =
            tokio::time::timeout(WITHIN, self.socket.recv(&mut buffer)).await.expect("in time").expect("a packet");
        buffer[..length].to_vec()
    }

    pub async fn allocates(&mut self) -> Result<SocketAddr, u16> {
        let transport = || -> Attributes { vec![Box::new(RequestedTransport { protocol: PROTO_UDP })] };
        let answer = self.asks(METHOD_ALLOCATE, transport).await?;
        let mut relayed = RelayedAddress::default();
        relayed.get_from(&answer).expect("an address");
        Ok(SocketAddr::new(relayed.ip, relayed.port))
    }

    pub async fn permits(&mut self, peers: &[SocketAddr]) -> Result<Message, u16> {
        let named = || peers.iter().map(|peer| boxed(*peer)).collect();
        self.asks(METHOD_CREATE_PERMISSION, named).await
    }

    pub async fn binds(&mut self, number: u16, peer: SocketAddr) -> Result<Message, u16> {
        self.asks(METHOD_CHANNEL_BIND, || vec![Box::new(ChannelNumber(number)), boxed(peer)]).await
    }

    pub async fn refreshes(&mut self, seconds: u64) -> Result<Message, u16> {
        self.asks(METHOD_REFRESH, || vec![Box::new(Lifetime(Duration::from_secs(seconds)))]).await
    }

    pub async fn indicates(&self, peer: SocketAddr, data: &[u8]) {
        let mut message = Message::new();
        let typ = MessageType::new(METHOD_SEND, CLASS_INDICATION);
        let all: Attributes =
            vec![Box::new(TransactionId::new()), Box::new(typ), boxed(peer), Box::new(Data(data.to_vec()))];
        message.build(&all).expect("a message");
        self.socket.send(&message.raw).await.expect("sent");
    }

    pub async fn sends(&self, number: u16, data: &[u8]) {
        let mut frame = ChannelData { number: ChannelNumber(number), data: data.to_vec(), raw: Vec::new() };
        frame.encode();
        self.socket.send(&frame.raw).await.expect("sent");
    }
}

/// A peer that is named.
pub fn boxed(peer: SocketAddr) -> Box<dyn Setter> {
    Box::new(PeerAddress { ip: peer.ip(), port: peer.port() })
}
