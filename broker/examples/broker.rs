//! Runs a broker until it is interrupted: `cargo run --example broker -- 127.0.0.1:9092 [FOLDER]`.

use std::error::Error;

use weir_broker::{Broker, BrokerSettings, Storage};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut settings = BrokerSettings::ephemeral();
    let mut arguments = std::env::args().skip(1);
    if let Some(listener) = arguments.next() {
        settings.listener = listener.parse()?;
    }
    if let Some(folder) = arguments.next() {
        settings.storage = Storage::Folder(folder.into());
    }
    let broker = Broker::start(settings).await?;
    println!("broker on {}", broker.bootstrap_servers());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
