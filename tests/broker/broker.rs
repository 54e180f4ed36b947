//! The broker that the clients get: that of one `weir dev` for all tests that run at the time.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::process::Weir;

/// A broker, as long as a test has it.
pub struct Broker {
    pub bootstrap_servers: String,
    _dev: Option<Dev>,
}

struct Dev {
    _weir: Mutex<Weir>,
    _folder: tempfile::TempDir,
}

/// A broker that is there is shared: a process for each client would only take longer.
pub fn broker() -> Arc<Broker> {
    static SHARED: Mutex<Weak<Broker>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let broker = Arc::new(Broker::new());
        *shared = Arc::downgrade(&broker);
        broker
    })
}

impl Broker {
    fn new() -> Broker {
        match std::env::var("WEIR_TEST_BROKER") {
            Ok(bootstrap_servers) => Broker { bootstrap_servers, _dev: None },
            Err(_) => Broker::of_dev(),
        }
    }

    fn of_dev() -> Broker {
        let folder = tempfile::tempdir().unwrap();
        let listeners = ["registry", "proxy", "broker"]
            .map(|part| [format!("--{part}-listener"), "127.0.0.1:0".to_string()]);
        let listeners: Vec<&str> = listeners.iter().flatten().map(String::as_str).collect();
        let data = ["dev", "--data-dir", folder.path().to_str().unwrap()];
        let mut weir = Weir::start(&[&data[..], &listeners].concat());
        let line = weir.line("  broker ");
        let bootstrap_servers = line.split_whitespace().nth(1).unwrap().to_string();
        Broker { bootstrap_servers, _dev: Some(Dev { _weir: Mutex::new(weir), _folder: folder }) }
    }
}
