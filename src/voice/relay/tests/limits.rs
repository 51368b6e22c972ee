//! How much it carries, and for how many.

use super::*;

#[tokio::test]
async fn the_fifth_allocation_is_refused_until_one_ends() {
    let site = Site::start(|_| {}).await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = site.client(7).await;
        client.allocates().await.expect("an allocation");
        clients.push(client);
    }
    let mut fifth = site.client(7).await;
    assert_eq!(fifth.allocates().await.err(), Some(486));
    site.client(8).await.allocates().await.expect("somebody else's");
    clients[0].refreshes(0).await.expect("an end");
    fifth.allocates().await.expect("the fourth");
    site.relay.end(7, 3).await;
    assert_eq!(site.relay.table().iter().map(|allocation| allocation.person).collect::<Vec<_>>(), [8]);
}

#[tokio::test]
async fn pairs_of_ports_and_too_many_channels_are_refused() {
    let site = Site::start(|_| {}).await;
    let mut client = site.client(7).await;
    let ports = |first: u8| -> Attributes {
        vec![Box::new(RequestedTransport { protocol: PROTO_UDP }), Box::new(Filled(ATTR_EVEN_PORT, vec![first]))]
    };
    assert_eq!(client.asks(METHOD_ALLOCATE, || ports(0x80)).await.err(), Some(508));
    client.asks(METHOD_ALLOCATE, || ports(0)).await.expect("an even port alone");
    let table = site.relay.table();
    assert_eq!((table.len(), table[0].relayed.port() % 2), (1, 0));
    assert_eq!(client.binds(0x3fff, site.peer()).await.err(), Some(400));
    client.binds(0x4000, site.peer()).await.expect("a channel");
    for number in 0x4001..0x4010 {
        assert_eq!(client.binds(number, site.peer()).await.err(), Some(400), "the peer has a channel");
    }
    assert_eq!(client.binds(0x4010, site.peer()).await.err(), Some(508));
}

#[tokio::test]
async fn the_last_byte_ends_it() {
    let site = Site::start(|config| config.limits.bytes_per_credential = 250).await;
    let mut client = site.client(7).await;
    client.allocates().await.expect("an allocation");
    client.binds(0x4000, site.peer()).await.expect("a channel");
    for _ in 0..3 {
        client.sends(0x4000, RTP).await;
        site.hears().await;
    }
    client.sends(0x4000, RTP).await;
    site.ends_all().await;
    assert!(site.has_heard_nothing());
    assert_eq!(site.relay.meter(7, 3).bytes, 300);
    assert_eq!(client.allocates().await.err(), Some(486), "the same credential");
    site.clock.fetch_add(1, Ordering::Relaxed);
    site.client(7).await.allocates().await.expect("another credential");
}

#[tokio::test]
async fn strangers_are_answered_at_a_rate() {
    let site = Site::start(|_| {}).await;
    let client = site.client(7).await;
    let mut message = Message::new();
    message.build(&[Box::new(TransactionId::new()), Box::new(BINDING_REQUEST)]).expect("a message");
    for _ in 0..1000 {
        client.socket.send(&message.raw).await.expect("sent");
        tokio::task::yield_now().await;
    }
    // Somebody else's address would be needed for more; this one's next answer is a second's twentieth away.
    let mut answers = 0;
    while tokio::time::timeout(Duration::from_millis(300), client.socket.recv(&mut [0; 1500])).await.is_ok() {
        answers += 1;
    }
    assert!((50..=300).contains(&answers), "{answers}");
    let mut mapped = XorMappedAddress::default();
    let answer = client.asks_once(BINDING_REQUEST.method, Vec::new(), false).await;
    mapped.get_from(&answer).expect("an address");
    assert_eq!(mapped.port, client.socket.local_addr().expect("an address").port());
}
