import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/** Kafka Streams with exactly-once v2: counts words with a store whose changelog outlives the program's disk. */
final class StreamsClient {
    private final String bootstrap;
    private final String app;
    private final String words;
    private final String counts;
    private final Path state;
    private final Admin admin;

    private StreamsClient(String bootstrap, String prefix) throws Exception {
        this.bootstrap = bootstrap;
        app = prefix + "-app";
        words = prefix + "-words";
        counts = prefix + "-counts";
        state = Files.createTempDirectory("weir-streams");
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    public static void main(String[] args) throws Exception {
        new StreamsClient(args[0], args[1]).run();
        Kit.end();
    }

    private void run() {
        Kit.step("streams_count", this::count);
        Kit.step("streams_internal_topics", this::internalTopics);
        Kit.step("streams_restart", this::restart);
        Kit.step("streams_read_committed", this::readCommitted);
    }

    private Topology topology() {
        var builder = new StreamsBuilder();
        builder.stream(words, Consumed.with(Serdes.String(), Serdes.String()))
            .groupBy((key, word) -> word, Grouped.with("by-word", Serdes.String(), Serdes.String()))
            .count(Materialized.<String, Long>as(Stores.persistentKeyValueStore("counts")).withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()))
            .toStream()
            .to(counts, Produced.with(Serdes.String(), Serdes.Long()));
        return builder.build();
    }

    private KafkaStreams start() {
        var settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, app);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        settings.put(StreamsConfig.consumerPrefix("fetch.max.wait.ms"), 50);
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        settings.put(StreamsConfig.consumerPrefix("heartbeat.interval.ms"), 200);
        settings.put(StreamsConfig.consumerPrefix("group.instance.id"), "one");
        var streams = new KafkaStreams(topology(), settings);
        streams.start();
        return streams;
    }

    /** Leaves the group, so that the next start need not wait for the session's end. */
    private static void close(KafkaStreams streams) {
        streams.close(new KafkaStreams.CloseOptions().leaveGroup(true).timeout(Duration.ofSeconds(30)));
    }

    private void say(String... said) throws Exception {
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", bootstrap), new StringSerializer(), new StringSerializer())) {
            for (String word : said) producer.send(new ProducerRecord<>(words, word)).get();
        }
    }

    /** All updates that were committed, each word's in its order. */
    private Map<String, List<Long>> updates(int count) {
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "isolation.level", "read_committed", "auto.offset.reset", "earliest",
            "fetch.max.wait.ms", 50);
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new LongDeserializer())) {
            consumer.assign(List.of(new TopicPartition(counts, 0)));
            var found = new HashMap<String, List<Long>>();
            for (int read = 0; read < count; ) {
                for (var one : consumer.poll(Duration.ofMillis(100))) {
                    found.computeIfAbsent(one.key(), word -> new ArrayList<>()).add(one.value());
                    read++;
                }
            }
            return found;
        }
    }

    private void count() throws Exception {
        var wanted = List.of(new NewTopic(words, Optional.of(2), Optional.empty()), new NewTopic(counts, Optional.of(1), Optional.empty()));
        admin.createTopics(wanted).all().get();
        say("sea", "sky", "sea");
        try (var streams = start()) {
            Kit.same("updates", updates(3), Map.of("sea", List.of(1L, 2L), "sky", List.of(1L)));
            close(streams);
        }
    }

    private void internalTopics() throws Exception {
        var changelog = new ConfigResource(ConfigResource.Type.TOPIC, app + "-counts-changelog");
        var config = admin.describeConfigs(List.of(changelog)).all().get().get(changelog);
        Kit.same("cleanup.policy", config.get("cleanup.policy").value(), "compact");
        var repartition = app + "-by-word-repartition";
        Kit.same("partitions", admin.describeTopics(List.of(repartition)).allTopicNames().get().get(repartition).partitions().size(), 2);
    }

    /** Without its disk it goes on where it was: the store comes from the changelog, the position from the group. */
    private void restart() throws Exception {
        say("sea", "sky");
        try (var streams = new KafkaStreams(topology(), settingsToClean())) {
            streams.cleanUp();
        }
        try (var streams = start()) {
            Kit.same("updates", updates(5), Map.of("sea", List.of(1L, 2L, 3L), "sky", List.of(1L, 2L)));
            close(streams);
        }
    }

    private Properties settingsToClean() {
        var settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, app);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        return settings;
    }

    /** All that it read is committed, in transactions. */
    private void readCommitted() throws Exception {
        var offsets = admin.listConsumerGroupOffsets(app).partitionsToOffsetAndMetadata().get();
        long read = offsets.entrySet().stream().filter(one -> one.getKey().topic().equals(words)).mapToLong(one -> one.getValue().offset()).sum();
        Kit.same("committed", read, 5L);
        var transactions = admin.listTransactions().all().get().stream().filter(one -> one.transactionalId().startsWith(app)).toList();
        Kit.same("whether it has transactions", transactions.isEmpty(), false);
    }
}
