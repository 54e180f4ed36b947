//! Consumer instances beyond the descriptors and threads that there are, and outages of Kafka.
