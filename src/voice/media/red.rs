//! Redundant audio (RFC 2198): read as browsers send it, and made for listeners who lose packets or number their codecs otherwise.

use bytes::{BufMut, Bytes, BytesMut};

/// The bit of a block's header that says that another follows.
const FOLLOWS: u8 = 0x80;
/// The header of a block with earlier sound: its type, timestamp offset and length.
const EARLIER_HEADER_BYTES: usize = 4;
/// Earlier blocks at most: browsers send one or two.
const EARLIER_MAX: usize = 8;
/// An offset has 14 bits, a length 10.
const BEFORE_BITS: u32 = 14;
const LENGTH_BITS: u32 = 10;

/// A block of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// How long before the packet's own timestamp, in ticks; the newest is 0.
    pub before: u32,
    /// A frame of Opus.
    pub payload: Bytes,
}

impl Block {
    /// Whether a header can say how long ago and how long it is.
    pub fn fits(&self) -> bool {
        self.before < 1 << BEFORE_BITS && self.payload.len() < 1 << LENGTH_BITS
    }
}

/// The newest block alone. None if the payload is not RFC 2198.
pub fn newest(payload: &Bytes) -> Option<Bytes> {
    let (headers, earlier_bytes) = headers(payload)?;
    (headers + earlier_bytes <= payload.len()).then(|| payload.slice(headers + earlier_bytes..))
}

/// All blocks, the newest last. None if the payload is not RFC 2198.
pub fn blocks(payload: &Bytes) -> Option<Vec<Block>> {
    let (mut data, _) = headers(payload)?;
    let mut blocks = Vec::new();
    for header in payload.chunks_exact(EARLIER_HEADER_BYTES).take_while(|header| header[0] & FOLLOWS != 0) {
        let words = u32::from_be_bytes([0, header[1], header[2], header[3]]);
        let (before, length) = (words >> LENGTH_BITS, words as usize & ((1 << LENGTH_BITS) - 1));
        let end = data + length;
        blocks.push(Block { before, payload: payload.get(data..end).map(|_| payload.slice(data..end))? });
        data = end;
    }
    blocks.push(Block { before: 0, payload: payload.get(data..).map(|_| payload.slice(data..))? });
    Some(blocks)
}

/// A packet of these blocks and the newest, for a browser that numbers Opus so. Each block must fit.
pub fn packet(earlier: &[Block], newest: &[u8], opus: u8) -> Bytes {
    let data: usize = earlier.iter().map(|block| EARLIER_HEADER_BYTES + block.payload.len()).sum();
    let mut packet = BytesMut::with_capacity(data + 1 + newest.len());
    for Block { before, payload } in earlier {
        let words = u32::from(FOLLOWS | opus) << 24 | before << LENGTH_BITS | payload.len() as u32;
        packet.put_u32(words);
    }
    packet.put_u8(opus & !FOLLOWS);
    earlier.iter().for_each(|block| packet.put_slice(&block.payload));
    packet.put_slice(newest);
    packet.freeze()
}

/// The same blocks as packets of another payload type.
pub fn renumbered(payload: &Bytes, payload_type: u8) -> Option<Bytes> {
    let (headers, _) = headers(payload)?;
    let mut copy = BytesMut::with_capacity(payload.len());
    copy.put_slice(payload);
    let mut at = 0;
    while at < headers {
        let follows = copy[at] & FOLLOWS;
        copy[at] = follows | (payload_type & !FOLLOWS);
        at += if follows == 0 { 1 } else { EARLIER_HEADER_BYTES };
    }
    Some(copy.freeze())
}

/// Bytes of all headers, and of all blocks before the newest.
fn headers(payload: &[u8]) -> Option<(usize, usize)> {
    let (mut at, mut earlier) = (0, 0);
    for _ in 0..=EARLIER_MAX {
        let first = *payload.get(at)?;
        if first & FOLLOWS == 0 {
            return Some((at + 1, earlier));
        }
        let length = payload.get(at + 2..at + EARLIER_HEADER_BYTES)?;
        earlier += usize::from(length[0] & 0x03) << 8 | usize::from(length[1]);
        at += EARLIER_HEADER_BYTES;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_one(payload_type: u8, earlier: &'static [u8], newest: &[u8]) -> Bytes {
        packet(&[Block { before: 960, payload: Bytes::from_static(earlier) }], newest, payload_type)
    }

    #[test]
    fn a_packet_is_as_the_format_says() {
        let bytes = with_one(111, &[7, 7], &[9, 9, 9]);
        assert_eq!(bytes, Bytes::from_static(&[0x80 | 111, 0x0f, 0x00, 2, 111, 7, 7, 9, 9, 9]));
        let block = |before, payload: &'static [u8]| Block { before, payload: Bytes::from_static(payload) };
        assert_eq!(blocks(&bytes).unwrap(), [block(960, &[7, 7]), block(0, &[9, 9, 9])]);
        assert!(block(16_383, &[0; 1_023]).fits() && !block(16_384, &[]).fits() && !block(0, &[0; 1_024]).fits());
    }

    #[test]
    fn the_newest_block_is_found_and_types_are_renumbered() {
        let bytes = with_one(111, b"before", b"now");
        assert_eq!(newest(&bytes).unwrap(), Bytes::from_static(b"now"));
        let other = renumbered(&bytes, 109).unwrap();
        assert_eq!(other, with_one(109, b"before", b"now"));
        assert_eq!(
            newest(&Bytes::from_static(&[111, 1, 2])).unwrap(),
            Bytes::from_static(&[1, 2]),
            "the first has none"
        );
    }

    #[test]
    fn what_is_cut_off_is_nothing() {
        let bytes = with_one(111, b"before", b"");
        assert_eq!(newest(&bytes.slice(..6)), None);
        assert_eq!(blocks(&bytes.slice(..6)), None);
        assert_eq!(newest(&Bytes::new()), None);
        assert_eq!(newest(&Bytes::from_static(&[0xff; 64])), None);
    }

    proptest! {
        #[test]
        fn what_is_put_in_is_read_again(
            earlier in prop::collection::vec((0u32..1 << 14, prop::collection::vec(any::<u8>(), 0..300)), 0..EARLIER_MAX),
            newest in prop::collection::vec(any::<u8>(), 0..300),
            opus in 0u8..128,
        ) {
            let mut said: Vec<Block> =
                earlier.into_iter().map(|(before, payload)| Block { before, payload: Bytes::from(payload) }).collect();
            let bytes = packet(&said, &newest, opus);
            said.push(Block { before: 0, payload: Bytes::from(newest) });
            prop_assert_eq!(blocks(&bytes), Some(said));
        }

        #[test]
        fn nothing_that_is_sent_can_upset_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let bytes = Bytes::from(bytes);
            let _ = newest(&bytes);
            if let Some(blocks) = blocks(&bytes) {
                prop_assert_eq!(blocks.last().map(|block| block.payload.clone()), newest(&bytes));
            }
            if let Some(other) = renumbered(&bytes, 111) {
                prop_assert_eq!(other.len(), bytes.len());
            }
        }
    }
}
