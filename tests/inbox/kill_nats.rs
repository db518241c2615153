//! A receiver with an inbox is killed under load again and again, and so is the NATS server that
//! keeps it. Whatever was acknowledged is processed or a dead letter, in order, and nothing is done
//! twice by a handler that commits by key.

use std::collections::HashSet;
use std::time::Duration;

use snapengage::inbox::Inbox;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::killing::{Killed, assert_nothing_lost, live, load, options, receiver};
use crate::nats_cluster::{Cluster, ask};
use crate::nats_server::{SYNCED, Server};

const KILLS: usize = 50;

#[tokio::test]
async fn what_was_acknowledged_outlives_every_kill_of_receiver_and_server() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut server = Server::start(SYNCED);
    let mut acknowledged = HashSet::new();
    for kill in 0..KILLS {
        let before = acknowledged.len();
        let mut child = Killed::start("kill_nats::child", dir.path(), &server.url(""), kill);
        // From before the first answer to the middle of the load; the signal races with what
        // follows.
        child.read(kill * 37 % 150, &mut acknowledged);
        match kill % 3 {
            0 => child.kill(&mut acknowledged),
            1 => {
                server.restart();
                child.read(50, &mut acknowledged);
                child.kill(&mut acknowledged);
            }
            _ => {
                server.kill();
                child.kill(&mut acknowledged);
                server.restart();
            }
        }
        assert!(kill == 0 || acknowledged.len() > before, "round {kill} did nothing");
    }
    assert!(acknowledged.len() > KILLS * 50, "only {} were acknowledged", acknowledged.len());
    assert_nothing_lost(&connect(&server.url("")).await, dir.path(), &acknowledged).await;
}

/// Not a test of its own: what the receiver's process runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    live(connect).await;
}

async fn connect(url: &str) -> Inbox {
    options().connect(url, "inbox").await.expect("an inbox")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_each_server_that_leads_a_stream() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut cluster = Cluster::start(3, "").await;
    let inbox = options().replicas(3).connect(&cluster.urls()[0], "inbox").await;
    let inbox = inbox.expect("an inbox");
    let receiver = receiver(&inbox, dir.path());
    let (ack, mut acks) = unbounded_channel();
    let mut acknowledged = HashSet::new();
    let kill_them = async {
        for stream in streams(&cluster).await {
            let ack = ack.clone();
            let mut senders = load(&receiver, &stream, move |id| {
                ack.send(id.to_owned()).expect("somebody listens");
            });
            read(&mut acks, 500, &mut acknowledged).await;
            let leader = cluster.leader(&stream).await;
            cluster.kill(leader);
            read(&mut acks, 500, &mut acknowledged).await;
            senders.shutdown().await;
            cluster.restart(leader);
            cluster.until_whole().await;
        }
    };
    inbox.run(kill_them).await;
    while let Ok(id) = acks.try_recv() {
        acknowledged.insert(id);
    }
    assert_nothing_lost(&inbox, dir.path(), &acknowledged).await;
}

/// The names of the streams there are, in no order.
async fn streams(cluster: &Cluster) -> Vec<String> {
    let names = || async {
        let streams = cluster.infos().await?;
        Some(streams.into_iter().map(|stream| stream.config.name).collect())
    };
    ask("nobody knows the streams", names).await
}

/// Reads this many acknowledgements.
async fn read(
    acks: &mut UnboundedReceiver<String>,
    count: usize,
    acknowledged: &mut HashSet<String>,
) {
    for _ in 0..count {
        let id = timeout(Duration::from_secs(60), acks.recv()).await;
        acknowledged.insert(id.expect("one in time").expect("a sender"));
    }
}
