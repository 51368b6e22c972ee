//! Redundant audio (RFC 2198) as browsers send it: for listeners that have not agreed to it, or number their codecs otherwise.

use bytes::{BufMut, Bytes, BytesMut};

/// The bit of a block's header that says that another follows.
const FOLLOWS: u8 = 0x80;
/// The header of a block with earlier sound: its type, timestamp offset and length.
const EARLIER_HEADER_BYTES: usize = 4;
/// Earlier blocks at most: browsers send one or two.
const EARLIER_MAX: usize = 8;

/// The newest block alone. None if the payload is not RFC 2198.
pub fn newest(payload: &Bytes) -> Option<Bytes> {
    let (headers, earlier_bytes) = headers(payload)?;
    (headers + earlier_bytes <= payload.len()).then(|| payload.slice(headers + earlier_bytes..))
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

    fn packet(payload_type: u8, earlier: &[u8], newest: &[u8]) -> Bytes {
        let mut bytes = BytesMut::new();
        bytes.put_u8(FOLLOWS | payload_type);
        bytes.put_u32_u24(960 << 10 | earlier.len() as u32);
        bytes.put_u8(payload_type);
        bytes.put_slice(earlier);
        bytes.put_slice(newest);
        bytes.freeze()
    }

    trait PutU24 {
        fn put_u32_u24(&mut self, value: u32);
    }

    impl PutU24 for BytesMut {
        fn put_u32_u24(&mut self, value: u32) {
            self.put_slice(&value.to_be_bytes()[1..]);
        }
    }

    #[test]
    fn the_newest_block_is_found_and_types_are_renumbered() {
        let bytes = packet(111, b"before", b"now");
        assert_eq!(newest(&bytes).unwrap(), Bytes::from_static(b"now"));
        let other = renumbered(&bytes, 109).unwrap();
        assert_eq!(other, packet(109, b"before", b"now"));
        assert_eq!(
            newest(&Bytes::from_static(&[111, 1, 2])).unwrap(),
            Bytes::from_static(&[1, 2]),
            "the first has none"
        );
    }

    #[test]
    fn what_is_cut_off_is_nothing() {
        let bytes = packet(111, b"before", b"");
        assert_eq!(newest(&bytes.slice(..6)), None);
        assert_eq!(newest(&Bytes::new()), None);
        assert_eq!(newest(&Bytes::from_static(&[0xff; 64])), None);
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_can_upset_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let bytes = Bytes::from(bytes);
            let _ = newest(&bytes);
            if let Some(other) = renumbered(&bytes, 111) {
                prop_assert_eq!(other.len(), bytes.len());
            }
        }
    }
}
