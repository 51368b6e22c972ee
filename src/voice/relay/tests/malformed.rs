//! What no client would send.

use super::*;

/// All that the server knows, and some that it does not.
const METHODS: [Method; 8] = [
    METHOD_BINDING,
    METHOD_ALLOCATE,
    METHOD_REFRESH,
    METHOD_SEND,
    METHOD_CREATE_PERMISSION,
    METHOD_CHANNEL_BIND,
    METHOD_DATA,
    METHOD_CONNECT,
];

/// Attributes that somebody with credentials may fill as they like.
const FILLED: [AttrType; 6] = [
    ATTR_XOR_PEER_ADDRESS,
    ATTR_CHANNEL_NUMBER,
    ATTR_LIFETIME,
    ATTR_DATA,
    ATTR_REQUESTED_TRANSPORT,
    ATTR_REQUESTED_ADDRESS_FAMILY,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever comes, the server goes on.
    #[test]
    fn it_survives_what_is_malformed(
        changes in prop::collection::vec((0..METHODS.len(), 0usize..200, any::<u8>()), 100),
        cut in 0usize..200,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let site = Site::start(|_| {}).await;
            let mut client = site.client(7).await;
            client.allocates().await.expect("an allocation");
            client.binds(0x4000, site.peer()).await.expect("a channel");
            for (method, place, value) in changes {
                let class = if METHODS[method] == METHOD_SEND { CLASS_INDICATION } else { CLASS_REQUEST };
                let mut message = Message::new();
                message.build(&[
                    Box::new(TransactionId::new()),
                    Box::new(MessageType::new(METHODS[method], class)),
                    Box::new(Filled(FILLED[place % FILLED.len()], vec![value; place % 24])),
                    boxed(site.peer()),
                    Box::new(ChannelNumber(0x4000)),
                    Box::new(Data(vec![value; 40])),
                    Box::new(TextAttribute::new(ATTR_USERNAME, client.username.clone())),
                    Box::new(TextAttribute::new(ATTR_REALM, credentials::REALM.to_owned())),
                    Box::new(TextAttribute::new(ATTR_NONCE, client.nonce.clone())),
                    Box::new(MessageIntegrity(client.key.clone())),
                ]).expect("a message");
                let length = message.raw.len();
                if value % 3 == 0 {
                    message.raw[place % length] = value;
                }
                let end = if value % 4 == 0 { cut.min(length) } else { length };
                client.socket.send(&message.raw[..end]).await.expect("sent");
                tokio::task::yield_now().await;
            }
            // A server that runs ends its allocation; one that has panicked does not.
            site.relay.close().await;
            assert!(site.relay.table().is_empty());
        });
    }
}
