//! Servers that are started again, and several that share their streams.

use std::net::TcpListener;
use std::time::Duration;

use async_nats::jetstream::{self, stream};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::nats_server::Server;

impl Server {
    /// Kills it, if that is not done, and starts it on the same port and folder.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.run().unwrap_or_else(|log| panic!("it ended: {log}"));
    }
}

/// Servers that share their streams.
pub(crate) struct Cluster(Vec<Server>);

impl Cluster {
    pub(crate) async fn start(size: usize, config: &str) -> Self {
        // Somebody else may take a port before the server does.
        let started = (0..5).find_map(|_| Self::launch(size, config).ok());
        let cluster = started.expect("servers that do not end");
        cluster.until_ready().await;
        cluster
    }

    fn launch(size: usize, config: &str) -> Result<Self, String> {
        let routes: Vec<_> =
            free_ports(size).into_iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let servers = routes.iter().enumerate().map(|(number, route)| {
            let routes = routes.join(", nats://");
            let cluster = format!(
                "server_name: {name}
                cluster {{ name: tests, listen: \"{route}\", routes: [nats://{routes}] }}
                {config}",
                name = name(number),
            );
            Server::launch(&cluster, "Listening for route connections on")
        });
        servers.collect::<Result<_, _>>().map(Self)
    }

    /// Until a stream can be made of which every server has a replica.
    async fn until_ready(&self) {
        let config = stream::Config {
            name: "ready".into(),
            num_replicas: self.0.len(),
            ..stream::Config::default()
        };
        let made = || async {
            let jetstream = self.jetstream().await?;
            jetstream.create_stream(&config).await.ok()?;
            jetstream.delete_stream(&config.name).await.ok()
        };
        ask("no stream can be made", made).await;
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.0.iter().map(|server| server.url("")).collect()
    }

    /// By SIGKILL.
    pub(crate) fn kill(&mut self, number: usize) {
        self.0[number].kill();
    }

    #[track_caller]
    pub(crate) fn restart(&mut self, number: usize) {
        self.0[number].restart();
    }

    /// Which server leads a stream, once one does.
    pub(crate) async fn leader(&self, stream: &str) -> usize {
        let leader = || async {
            let jetstream = self.jetstream().await?;
            let stream = jetstream.get_stream(stream).await.ok()?;
            let leader = stream.cached_info().cluster.as_ref()?.leader.clone()?;
            (0..self.0.len()).find(|number| name(*number) == leader)
        };
        ask("nobody leads the stream", leader).await
    }

    /// Until every replica of every stream has all that its leader has.
    pub(crate) async fn until_whole(&self) {
        let whole = || async {
            let streams = self.infos().await?;
            streams.iter().all(is_whole).then_some(())
        };
        ask("replicas do not catch up", whole).await;
    }

    /// Of the streams there are, in no order.
    pub(crate) async fn infos(&self) -> Option<Vec<stream::Info>> {
        use futures_util::TryStreamExt;
        self.jetstream().await?.streams().try_collect().await.ok()
    }

    async fn jetstream(&self) -> Option<jetstream::Context> {
        let client = async_nats::connect(self.urls()).await.ok()?;
        let mut jetstream = jetstream::new(client);
        jetstream.set_timeout(Duration::from_secs(1));
        Some(jetstream)
    }
}

fn name(number: usize) -> String {
    format!("server-{number}")
}

fn is_whole(stream: &stream::Info) -> bool {
    stream.cluster.as_ref().is_some_and(|cluster| {
        let mut replicas = cluster.replicas.iter();
        cluster.leader.is_some() && replicas.all(|replica| replica.current && !replica.offline)
    })
}

/// Asks again and again until there is an answer.
pub(crate) async fn ask<T, A: Future<Output = Option<T>>>(
    without: &str,
    question: impl Fn() -> A,
) -> T {
    let mut turns = interval(Duration::from_millis(50));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let answer = async {
        loop {
            turns.tick().await;
            if let Some(answer) = question().await {
                return answer;
            }
        }
    };
    timeout(Duration::from_secs(60), answer).await.expect(without)
}

/// Held together, so that they differ.
fn free_ports(count: usize) -> Vec<u16> {
    let free = || TcpListener::bind("127.0.0.1:0").expect("a free port");
    let held: Vec<_> = (0..count).map(|_| free()).collect();
    held.iter().map(|held| held.local_addr().expect("an address").port()).collect()
}
