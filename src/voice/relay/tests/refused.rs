//! Whom it refuses: other peers than the media, credentials that are not ours or have expired, others than an allocation's maker.

use super::*;

#[tokio::test]
async fn nobody_but_the_media_is_reached() {
    let site = Site::start(|_| {}).await;
    let other = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let beside = other.local_addr().expect("an address");
    let mut client = site.client(7).await;
    let relayed = client.allocates().await.expect("an allocation");
    let port = site.peer().port();
    for address in [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "127.0.0.2",
        "203.0.113.9",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "fe80::1",
        "fd00::1",
    ] {
        let peer = SocketAddr::new(address.parse().expect("an address"), port);
        assert_eq!(client.permits(&[peer]).await.err(), Some(403), "{peer}");
        assert_eq!(client.permits(&[site.peer(), peer]).await.err(), Some(403), "{peer} behind an allowed one");
        assert_eq!(client.binds(0x4001, peer).await.err(), Some(403), "{peer}");
        client.indicates(peer, b"without permission").await;
    }
    assert_eq!(client.binds(0x4001, beside).await.err(), Some(403));
    assert_eq!(client.binds(0x4001, relayed).await.err(), Some(403), "not itself");
    assert_eq!(client.permits(&[]).await.err(), Some(400));
    client.permits(&[site.peer()]).await.expect("a permission");
    client.indicates(beside, b"by the media's permission").await;
    client.sends(0x4001, b"over a channel that was refused").await;
    client.indicates(site.peer(), b"allowed").await;
    assert_eq!(site.hears().await.0, b"allowed", "what was sent before it has been handled");
    assert!(other.try_recv(&mut [0; 1500]).is_err() && site.has_heard_nothing());
    // Back the same: the address has a permission, the port is nobody's.
    other.send_to(b"from beside", relayed).await.expect("sent");
    site.media.send_to(b"from the media", relayed).await.expect("sent");
    assert!(client.hears().await.ends_with(b"from the media\0\0"));
}

#[tokio::test]
async fn credentials_are_ours_and_of_now() {
    let site = Site::start(|_| {}).await;
    let mut wrong = site.client(7).await;
    wrong.key = turn::auth::generate_auth_key(&wrong.username, credentials::REALM, "wrong");
    assert_eq!(wrong.allocates().await.err(), Some(400));
    let mut other = site.client(7).await;
    other.username = other.username.replace(":7:", ":8:");
    assert_eq!(other.allocates().await.err(), Some(400), "another's name");
    let mut longer = site.client(7).await;
    longer.username = longer.username.replacen('1', "9", 1);
    assert_eq!(longer.allocates().await.err(), Some(400), "a later expiry");

    let (mut late, mut early) = (site.client(7).await, site.client(7).await);
    early.allocates().await.expect("an allocation");
    site.clock.fetch_add(600, Ordering::Relaxed);
    site.client(7).await.allocates().await.expect("the last second of the old one, and a new one");
    site.clock.fetch_add(1, Ordering::Relaxed);
    assert_eq!(late.allocates().await.err(), Some(400), "expired");
    early.refreshes(600).await.expect("a call is longer than its credential");
    early.permits(&[site.peer()]).await.expect("a permission");
    early.binds(0x4000, site.peer()).await.expect("a channel, which is how browsers send");
    early.refreshes(0).await.expect("an end");
    assert_eq!(early.allocates().await.err(), Some(400), "expired, and no allocation any more");
}

#[tokio::test]
async fn an_allocation_is_its_maker_s() {
    let site = Site::start(|_| {}).await;
    let mut client = site.client(7).await;
    assert_eq!(client.refreshes(600).await.err(), Some(437), "there is none");
    assert_eq!(client.permits(&[site.peer()]).await.err(), Some(437));
    client.allocates().await.expect("an allocation");
    assert_eq!(client.allocates().await.err(), Some(437), "there is one");
    let other = site.client(8).await;
    (client.username, client.key) = (other.username, other.key);
    assert_eq!(client.refreshes(0).await.err(), Some(441));
    assert_eq!(site.relay.table().len(), 1);
}
