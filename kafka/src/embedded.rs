//! The embedded broker of `weir dev`: librdkafka's mock cluster in this process. It is reached over
//! its socket, as any other, but for making topics, which it does not offer there.

use std::sync::mpsc;
use std::thread;

use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use tokio::sync::oneshot;

/// Lives as long as one of its clones.
#[derive(Clone, Debug)]
pub struct EmbeddedBroker {
    bootstrap_servers: String,
    requests: mpsc::Sender<NewTopic>,
}

#[derive(Debug)]
struct NewTopic {
    name: String,
    partitions: i32,
    made: oneshot::Sender<Result<(), KafkaError>>,
}

impl EmbeddedBroker {
    /// Starts one on a free port of 127.0.0.1.
    pub fn start() -> Result<EmbeddedBroker, KafkaError> {
        let (started, starting) = mpsc::channel();
        let (requests, wanted) = mpsc::channel::<NewTopic>();
        // the cluster's handle stays on one thread
        thread::spawn(move || {
            let cluster = match MockCluster::<DefaultProducerContext>::new(1) {
                Ok(cluster) => cluster,
                Err(error) => return drop(started.send(Err(error))),
            };
            let _ = started.send(Ok(cluster.bootstrap_servers()));
            for NewTopic { name, partitions, made } in wanted {
                let _ = made.send(cluster.create_topic(&name, partitions, 1));
            }
        });
        let bootstrap_servers = starting.recv().map_err(|_| KafkaError::Canceled)??;
        Ok(EmbeddedBroker { bootstrap_servers, requests })
    }

    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// Makes a topic of 1 replica.
    pub async fn create_topic(&self, name: &str, partitions: i32) -> Result<(), KafkaError> {
        let (made, making) = oneshot::channel();
        let request = NewTopic { name: name.to_string(), partitions, made };
        self.requests.send(request).map_err(|_| KafkaError::Canceled)?;
        making.await.map_err(|_| KafkaError::Canceled)?
    }
}
