//! All metrics of the process: what each scrape has beside what registry and proxy say of themselves, and the list of
//! all families, from which docs/metrics.md is written.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use weir_http::Shared;
use weir_kafka::metrics::KafkaMetrics;
use weir_metrics::{Collect, Scrape};

use crate::process_metrics::Process;

/// Has the process, its runtime and its connections to Kafka stand in the metrics of all listeners. To be called on the
/// runtime.
pub fn add_process(shared: &Shared) {
    shared.add_metrics(Arc::new(Process::new(Handle::current())));
    shared.add_metrics(Arc::new(KafkaMetrics));
}

/// What runs in this process and has metrics of its own, as it starts.
#[derive(Clone, Default)]
pub struct Products(Arc<Mutex<Vec<Arc<dyn Collect>>>>);

impl Products {
    pub fn add(&self, product: impl Collect + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(product));
    }
}

impl Collect for Products {
    fn collect(&self, scrape: &mut Scrape) {
        let products = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        products.iter().for_each(|product| product.collect(scrape));
    }
}

/// docs/metrics.md has what the families say: `WEIR_WRITE_DOCS=1` writes it.
#[cfg(test)]
mod document {
    use weir_metrics::{Family, Group};

    use crate::documented::assert_part;
    use crate::process_metrics;

    const BEGIN: &str = "<!-- metrics: written by a test, from the families -->\n";
    const END: &str = "<!-- end of metrics -->\n";

    /// In the order of the document.
    fn groups() -> Vec<Group> {
        let kafka = Group {
            title: "Kafka",
            about: "On every listener: requests over connections of our own, of all roles of the process together.",
            families: weir_kafka::metrics::FAMILIES,
        };
        let [requests, connections, limits, access] = weir_http::metrics::GROUPS;
        let (registry, proxy) = (weir_registry::METRICS, weir_proxy::METRICS);
        let process = Group {
            title: "Process",
            about: "On every listener.",
            families: process_metrics::FAMILIES,
        };
        let broker = weir_broker::METRICS;
        vec![requests, connections, limits, access, registry, proxy, kafka, broker, process]
    }

    fn documented() -> String {
        let mut text = String::new();
        for Group { title, about, families } in groups() {
            text += &format!("\n## {title}\n\n{about}\n\n");
            text += "| metric | type | unit | labels | what it is | what one looks at it for |\n|---|---|---|---|---|---|\n";
            families.iter().for_each(|family| text += &row(family));
        }
        text + "\n"
    }

    fn row(family: &Family) -> String {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        format!(
            "| `{}` | {} | {} | {} | {} | {} |\n",
            family.name,
            family.kind.name(),
            family.unit.name(),
            labels.join(", "),
            family.help,
            family.watch
        )
    }

    #[test]
    fn the_document_has_all_metrics() {
        assert_part("metrics.md", BEGIN, END, &documented());
    }

    #[test]
    fn families_are_named_once_and_end_as_their_kinds_want() {
        let all: Vec<&Family> = groups().iter().flat_map(|group| group.families).copied().collect();
        let mut bare = std::collections::BTreeSet::new();
        for Family { name, kind, unit, labels, help, watch } in all {
            // OpenMetrics knows a counter by its name without the ending
            let known_as = name.strip_suffix("_total").unwrap_or(name);
            assert!(bare.insert(known_as), "{name} is there twice");
            assert_eq!(name.ends_with("_total"), kind.name() == "counter", "{name}");
            let is_base = ["seconds", "bytes"].contains(&unit.name());
            assert!(!is_base || name.contains(unit.name()), "{name} is in {unit:?}");
            assert!(help.ends_with('.') && watch.ends_with('.'), "{name}");
            assert!(
                labels.iter().all(|label| !["le", "quantile", "job"].contains(label)),
                "{name}"
            );
        }
    }
}
