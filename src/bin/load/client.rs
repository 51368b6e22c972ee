//! A cheap HTTP/1.1 client, and signed orders: what the load program spends is taken from what it measures.

use std::io::{Error, ErrorKind};

use nix::sys::socket::{setsockopt, sockopt};
use takings::sources::shopify;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::bench::SECRET;

/// The id of the first order; all ids have as many digits, so that bodies are of one length.
pub const FIRST_ID: u64 = 7_000_000_000_000;
/// Bytes of a body: what a small order of Shopify's has.
const BODY_BYTES: usize = 1_600;
/// What stands in the template where the id, the price and the signature go.
const ID: &str = "@@@@@@@@@@@@@";
const PRICE: &str = "%%.%%";
const SIGNATURE: &str = "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~";

/// What a thin client takes in before it reads.
const THIN_BYTES: u32 = 16 * 1024;
/// A segment as of Ethernet. By loopback's own of 64 kB, a server's system would take megabytes for a client that does not read.
const THIN_SEGMENT_BYTES: u32 = 1_400;

/// A signature as Shopify writes it: 32 bytes in base64.
pub type Signature = [u8; 44];

/// A connection that is kept.
pub struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
    body_at: usize,
}

impl Client {
    /// Connects.
    pub async fn connect(address: &str) -> std::io::Result<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, answer: Vec::with_capacity(32 * 1024), body_at: 0 })
    }

    /// Connects as from far away, with little room: what it does not read soon waits at the server.
    pub async fn connect_thin(address: &str) -> std::io::Result<Client> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(THIN_BYTES)?;
        setsockopt(&socket, sockopt::TcpMaxSeg, &THIN_SEGMENT_BYTES)?;
        let stream = socket.connect(address.parse().map_err(|_| ErrorKind::InvalidInput)?).await?;
        Ok(Client { stream, answer: Vec::new(), body_at: 0 })
    }

    /// Sends a request and reads the whole answer; returns its status.
    pub async fn send(&mut self, request: &[u8]) -> std::io::Result<u16> {
        self.stream.write_all(request).await?;
        self.read_head().await?;
        let head = &self.answer[..self.body_at];
        let status = status(head).ok_or(ErrorKind::InvalidData)?;
        match header(head, "content-length") {
            Some(length) => {
                let length: usize = length.parse().map_err(|_| ErrorKind::InvalidData)?;
                while self.answer.len() < self.body_at + length {
                    self.read_more().await?;
                }
            }
            None => self.read_chunks().await?,
        }
        Ok(status)
    }

    /// Reads a body that comes in chunks, up to the empty one.
    async fn read_chunks(&mut self) -> std::io::Result<()> {
        let mut at = self.body_at;
        loop {
            let Some(line) = self.answer[at..].windows(2).position(|bytes| bytes == b"\r\n") else {
                self.read_more().await?;
                continue;
            };
            let size = std::str::from_utf8(&self.answer[at..at + line]).ok();
            let size = size.and_then(|size| usize::from_str_radix(size, 16).ok()).ok_or(ErrorKind::InvalidData)?;
            at += line + 2 + size + 2;
            while self.answer.len() < at {
                self.read_more().await?;
            }
            if size == 0 {
                return Ok(());
            }
        }
    }

    /// The body of the last answer, as it came.
    pub fn body(&self) -> &[u8] {
        &self.answer[self.body_at..]
    }

    /// Asks for the WebSocket. Returns the stream and what came behind the answer.
    pub async fn upgrade(mut self, request: &[u8]) -> std::io::Result<(TcpStream, Vec<u8>)> {
        self.stream.write_all(request).await?;
        self.read_head().await?;
        match status(&self.answer) {
            Some(101) => Ok((self.stream, self.answer[self.body_at..].to_vec())),
            other => Err(Error::other(format!("the server refused a WebSocket: {other:?}"))),
        }
    }

    async fn read_head(&mut self) -> std::io::Result<()> {
        self.answer.clear();
        loop {
            self.read_more().await?;
            if let Some(end) = self.answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                self.body_at = end + 4;
                return Ok(());
            }
        }
    }

    async fn read_more(&mut self) -> std::io::Result<()> {
        match self.stream.read_buf(&mut self.answer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn status(head: &[u8]) -> Option<u16> {
    std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let lines = std::str::from_utf8(head).ok()?.split("\r\n");
    lines
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// A GET request with one header more.
pub fn get(path: &str, host: &str, header: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{header}\r\n\r\n").into_bytes()
}

/// A signed order's request, into which the id, the price and the signature of each order are written.
#[derive(Clone)]
pub struct OrderRequest {
    bytes: Vec<u8>,
    body_at: usize,
    ids: Vec<usize>,
    prices: Vec<usize>,
    signature: usize,
}

impl OrderRequest {
    /// For orders placed now, to be posted to `path`.
    pub fn new(host: &str, path: &str) -> OrderRequest {
        let body = body();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nX-Shopify-Topic: orders/create\r\nX-Shopify-Webhook-Id: {ID}\r\n\
             X-Shopify-Hmac-Sha256: {SIGNATURE}\r\n\r\n",
            body.len()
        );
        let text = head.clone() + &body;
        let places = |of: &str| text.match_indices(of).map(|(at, _)| at).collect::<Vec<_>>();
        OrderRequest {
            ids: places(ID),
            prices: places(PRICE),
            signature: places(SIGNATURE).first().copied().unwrap_or(0),
            body_at: head.len(),
            bytes: text.into_bytes(),
        }
    }

    /// The request of order number `n`, with its signature where it is known already.
    pub fn order(&mut self, n: u64, signature: Option<&Signature>) -> &[u8] {
        let id = (FIRST_ID + n).to_string();
        let price = format!("{}.{:02}", 10 + n * 7 % 90, n * 31 % 100);
        for &at in &self.ids {
            self.bytes[at..at + ID.len()].copy_from_slice(id.as_bytes());
        }
        for &at in &self.prices {
            self.bytes[at..at + PRICE.len()].copy_from_slice(price.as_bytes());
        }
        let signature = signature.copied().unwrap_or_else(|| sign(&self.bytes[self.body_at..]));
        self.bytes[self.signature..self.signature + SIGNATURE.len()].copy_from_slice(&signature);
        &self.bytes
    }

    /// The signatures of the first `n` orders.
    pub fn signatures(&mut self, n: u64) -> Vec<Signature> {
        (0..n)
            .map(|i| {
                self.order(i, Some(&[b'A'; 44]));
                sign(&self.bytes[self.body_at..])
            })
            .collect()
    }
}

fn sign(body: &[u8]) -> Signature {
    shopify::sign(body, SECRET).as_bytes().try_into().unwrap_or([b'?'; 44])
}

fn body() -> String {
    let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%S+00:00");
    let money = |amount: &str| {
        format!(
            r#"{{"shop_money":{{"amount":"{amount}","currency_code":"GBP"}},"presentment_money":{{"amount":"{amount}","currency_code":"GBP"}}}}"#
        )
    };
    let (total, tax) = (money(PRICE), money("1.50"));
    let start = format!(
        r#"{{"id":{ID},"admin_graphql_api_id":"gid://shopify/Order/{ID}","name":"O-{ID}","test":false,"confirmed":true,"currency":"GBP","presentment_currency":"GBP","financial_status":"paid","fulfillment_status":null,"cancelled_at":null,"created_at":"{now}","processed_at":"{now}","updated_at":"{now}","total_price":"{PRICE}","total_price_set":{total},"total_tax":"1.50","total_tax_set":{tax},"total_discounts":"0.00","shipping_lines":[{{"title":"Standard","code":"standard","price":"3.99","discounted_price":"3.99"}}],"shipping_address":{{"city":"London","zip":"EC1A 1BB","country":"United Kingdom","country_code":"GB"}},"line_items":[{{"quantity":1,"sku":"BENCH-1","title":"A thing","vendor":"Bench","taxable":true,"price_set":{tax}}}],"refunds":[],"note_attributes":[{{"name":"filler","value":""#
    );
    let end = r#""}]}"#;
    let filler = "x".repeat(BODY_BYTES.saturating_sub(start.len() + end.len()));
    start + &filler + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_signed_readable_and_its_own() {
        let mut request = OrderRequest::new("127.0.0.1:1", "/webhook/shopify");
        let signatures = request.signatures(3);
        let body_at = request.body_at;
        for n in 0..3 {
            let prepared = request.order(n, Some(&signatures[n as usize])).to_vec();
            assert_eq!(prepared, request.order(n, None));
            assert_eq!(prepared.len() - body_at, BODY_BYTES);
            let (id, _) = shopify::read("orders/create", &prepared[body_at..]).expect("readable").expect("an order");
            assert_eq!(id, (FIRST_ID + n).to_string());
        }
    }
}
