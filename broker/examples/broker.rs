//! Runs a broker until it is interrupted: `cargo run --example broker -- 127.0.0.1:9092 [FOLDER]`.
//!
//! With `BROKER_USERS=alice:secret,bob:secret` it has a second listener, on which clients log in. With
//! `BROKER_SUPER_USERS=User:ANONYMOUS` it enforces ACLs.

use std::error::Error;

use weir_broker::core::{Authorization, User};
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
    if let Some(users) = std::env::var_os("BROKER_USERS") {
        let users = users.into_string().map_err(|_| "BROKER_USERS is not UTF-8")?;
        for (name, password) in users.split(',').filter_map(|user| user.split_once(':')) {
            let user = User { name: name.to_owned(), password: password.to_owned() };
            settings.core.login.users.push(user);
        }
        settings.login_listener = Some(([127, 0, 0, 1], 0).into());
    }
    if let Ok(users) = std::env::var("BROKER_SUPER_USERS") {
        settings.core.authorization = Some(Authorization {
            super_users: users.split(';').map(str::to_owned).collect(),
            allow_everyone_if_no_acl_found: true,
        });
    }
    let broker = Broker::start(settings).await?;
    println!("broker on {}", broker.bootstrap_servers());
    if let Some(address) = broker.login_address() {
        println!("logins on {address}");
    }
    tokio::signal::ctrl_c().await?;
    broker.shutdown().await;
    Ok(())
}
