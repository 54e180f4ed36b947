import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Kafka's own client: producer, consumer with both protocols of groups, transactions, administration. */
final class JavaClient {
    private final String bootstrap;
    private final String prefix;
    private final Admin admin;
    private final String topic;
    private final String group;

    private JavaClient(String bootstrap, String prefix) {
        this.bootstrap = bootstrap;
        this.prefix = prefix;
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
        topic = prefix + "-records";
        group = prefix + "-readers";
    }

    public static void main(String[] args) {
        new JavaClient(args[0], args[1]).run();
        Kit.end();
    }

    private void run() {
        Kit.step("create_topic", this::createTopic);
        Kit.step("describe_config", this::describeConfig);
        Kit.step("alter_config", this::alterConfig);
        Kit.step("records", this::records);
        for (String codec : List.of("gzip", "snappy", "lz4", "zstd")) Kit.step(codec, () -> compressed(codec));
        Kit.step("rebalance", () -> rebalance("classic"));
        Kit.step("rebalance_consumer", () -> rebalance("consumer"));
        for (String protocol : List.of("classic", "consumer")) {
            String suffix = protocol.equals("classic") ? "" : "_consumer";
            Kit.step("commit" + suffix, () -> commit(protocol));
            Kit.step("resume" + suffix, () -> resume(protocol));
        }
        Kit.step("static_member", this::staticMember);
        Kit.step("seek", this::seek);
        Kit.step("timestamps", this::timestamps);
        Kit.step("txn_commit", this::txnCommit);
        Kit.step("txn_abort", this::txnAbort);
        Kit.step("txn_offsets", this::txnOffsets);
        Kit.step("txn_fenced", this::txnFenced);
        Kit.step("groups", this::groups);
        Kit.step("lag", this::lag);
        Kit.step("alter_offsets", this::alterOffsets);
        Kit.step("create_partitions", this::createPartitions);
        Kit.step("cluster", this::cluster);
        Kit.step("delete_records", this::deleteRecords);
        Kit.step("delete_group", this::deleteGroup);
        Kit.step("delete_topic", this::deleteTopic);
    }

    private record Said(String key, String value, String headers) {}

    /** Keys twice, a header twice, a record without key and one without value. */
    private List<ProducerRecord<String, String>> written() {
        var all = IntStream.range(0, 10)
            .mapToObj(i -> new ProducerRecord<>(topic, "k" + i % 5, "v" + i))
            .collect(Collectors.toCollection(ArrayList::new));
        var headed = new ProducerRecord<String, String>(topic, null, "no key");
        headed.headers().add("h", "1".getBytes()).add("h", "2".getBytes()).add("empty", new byte[0]).add("null", null);
        all.add(headed);
        all.add(new ProducerRecord<>(topic, "no value", null));
        return all;
    }

    private List<ProducerRecord<String, String>> compressible(String to) {
        return IntStream.range(0, 5).mapToObj(i -> new ProducerRecord<String, String>(to, (i + " compressible ").repeat(100))).toList();
    }

    private static String text(Iterable<org.apache.kafka.common.header.Header> headers) {
        var all = new ArrayList<String>();
        headers.forEach(header -> all.add(header.key() + "=" + (header.value() == null ? null : new String(header.value()))));
        return all.toString();
    }

    private static void sameRecords(List<ConsumerRecord<String, String>> read, List<ProducerRecord<String, String>> written) {
        var found = read.stream().map(one -> new Said(one.key(), one.value(), text(one.headers())).toString()).sorted().toList();
        var expected = written.stream().map(one -> new Said(one.key(), one.value(), text(one.headers())).toString()).sorted().toList();
        Kit.same("what was read", found, expected);
        var places = new HashMap<String, Integer>();
        for (var one : read) {
            if (one.key() != null) Kit.same("partition of " + one.key(), one.partition(), places.computeIfAbsent(one.key(), key -> one.partition()));
        }
    }

    private KafkaProducer<String, String> producer(Map<String, Object> more) {
        var settings = new HashMap<String, Object>(more);
        settings.put("bootstrap.servers", bootstrap);
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    private void send(KafkaProducer<String, String> producer, List<ProducerRecord<String, String>> records) throws Exception {
        var sent = records.stream().map(producer::send).toList();
        producer.flush();
        for (var one : sent) one.get();
    }

    private void produce(List<ProducerRecord<String, String>> records, String codec) throws Exception {
        try (var producer = producer(Map.of("compression.type", codec))) {
            send(producer, records);
        }
    }

    private KafkaConsumer<String, String> consumer(String in, Map<String, Object> more) {
        var settings = new HashMap<String, Object>(Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest", "enable.auto.commit", false, "fetch.max.wait.ms", 50));
        if (in != null) settings.put("group.id", in);
        settings.putAll(more);
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }

    private List<ConsumerRecord<String, String>> take(KafkaConsumer<String, String> consumer, int count) {
        var all = new ArrayList<ConsumerRecord<String, String>>();
        while (all.size() < count) consumer.poll(Duration.ofMillis(100)).forEach(all::add);
        return all;
    }

    private List<TopicPartition> partitions(String of, int count) {
        return IntStream.range(0, count).mapToObj(i -> new TopicPartition(of, i)).toList();
    }

    private List<ConsumerRecord<String, String>> read(String from, int partitions, int count, String level) {
        try (var consumer = consumer(null, Map.of("isolation.level", level))) {
            consumer.assign(partitions(from, partitions));
            return take(consumer, count);
        }
    }

    private void create(String what, int partitions, Map<String, String> config) throws Exception {
        admin.createTopics(List.of(new NewTopic(what, Optional.of(partitions), Optional.empty()).configs(config))).all().get();
    }

    private void createTopic() throws Exception {
        create(topic, 2, Map.of("max.message.bytes", "100000"));
        expect(TopicExistsException.class, () -> create(topic, 2, Map.of()));
    }

    private static void expect(Class<?> error, Kit.Step step) throws Exception {
        try {
            step.run();
        } catch (Exception found) {
            if (error.isInstance(found) || error.isInstance(found.getCause())) return;
            throw found;
        }
        throw new AssertionError("no " + error);
    }

    private String config(String name) throws Exception {
        var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        return admin.describeConfigs(List.of(resource)).all().get().get(resource).get(name).value();
    }

    private void describeConfig() throws Exception {
        Kit.same("max.message.bytes", config("max.message.bytes"), "100000");
        Kit.same("partitions", admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size(), 2);
    }

    private void alterConfig() throws Exception {
        var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        var set = new AlterConfigOp(new ConfigEntry("retention.ms", "123456789"), AlterConfigOp.OpType.SET);
        admin.incrementalAlterConfigs(Map.of(resource, (Collection<AlterConfigOp>) List.of(set))).all().get();
        Kit.await("retention.ms", "123456789", () -> config("retention.ms"));
    }

    private void records() throws Exception {
        produce(written(), "none");
        sameRecords(read(topic, 2, written().size(), "read_uncommitted"), written());
    }

    private void compressed(String codec) throws Exception {
        String to = prefix + "-" + codec;
        create(to, 1, Map.of());
        produce(compressible(to), codec);
        sameRecords(read(to, 1, 5, "read_uncommitted"), compressible(to));
    }

    private KafkaConsumer<String, String> member(String in, String protocol) {
        Map<String, Object> classic = Map.of("group.protocol", "classic", "heartbeat.interval.ms", 100);
        return consumer(in, protocol.equals("classic") ? classic : Map.of("group.protocol", "consumer"));
    }

    private void rebalance(String protocol) throws Exception {
        String in = prefix + "-shared-" + protocol;
        try (var stays = member(in, protocol)) {
            stays.subscribe(List.of(topic));
            Kit.await("partitions of one member", 2, () -> held(stays));
            var leaves = member(in, protocol);
            leaves.subscribe(List.of(topic));
            Kit.await("partitions of two members", List.of(1, 1), () -> List.of(held(stays), held(leaves)));
            leaves.close();
            Kit.await("partitions of the member that stays", 2, () -> held(stays));
        }
    }

    private static int held(KafkaConsumer<String, String> member) {
        member.poll(Duration.ofMillis(20));
        return member.assignment().size();
    }

    private List<ConsumerRecord<String, String>> readInGroup(String in, String protocol, int count, boolean commits) {
        try (var consumer = member(in, protocol)) {
            consumer.subscribe(List.of(topic));
            var all = take(consumer, count);
            if (commits) consumer.commitSync();
            return all;
        }
    }

    private long committed(String in) throws Exception {
        var offsets = admin.listConsumerGroupOffsets(in).partitionsToOffsetAndMetadata().get();
        return offsets.values().stream().mapToLong(OffsetAndMetadata::offset).sum();
    }

    private String group(String protocol) {
        return protocol.equals("classic") ? group : prefix + "-next-readers";
    }

    private void commit(String protocol) throws Exception {
        long count = end();
        readInGroup(group(protocol), protocol, (int) count, true);
        Kit.same("committed", committed(group(protocol)), count);
    }

    private void resume(String protocol) throws Exception {
        var later = new ProducerRecord<String, String>(topic, "later");
        produce(List.of(later), "none");
        sameRecords(readInGroup(group(protocol), protocol, 1, false), List.of(later));
    }

    /** A member with an instance id that comes back has its partitions without a rebalance. */
    private void staticMember() throws Exception {
        String in = prefix + "-static";
        var ids = new ArrayList<String>();
        for (int i = 0; i < 2; i++) {
            var consumer = consumer(in, Map.of("group.instance.id", "one", "group.protocol", "classic"));
            consumer.subscribe(List.of(topic));
            Kit.await("partitions", 2, () -> held(consumer));
            ids.add(consumer.groupMetadata().generationId() + " " + consumer.groupMetadata().groupInstanceId().get());
            consumer.close();
        }
        Kit.same("generation and instance", ids.get(1), ids.get(0));
        var gone = new RemoveMembersFromConsumerGroupOptions(Set.of(new MemberToRemove("one")));
        admin.removeMembersFromConsumerGroup(in, gone).all().get();
        Kit.same("members", admin.describeConsumerGroups(List.of(in)).all().get().get(in).members().size(), 0);
    }

    private void seek() {
        try (var consumer = consumer(null, Map.of())) {
            var place = new TopicPartition(topic, 0);
            consumer.assign(List.of(place));
            for (long offset : new long[] {1, 0}) {
                consumer.seek(place, offset);
                Kit.same("offset", take(consumer, 1).get(0).offset(), offset);
            }
        }
    }

    private void timestamps() throws Exception {
        String to = prefix + "-times";
        create(to, 1, Map.of());
        var place = new TopicPartition(to, 0);
        try (var producer = producer(Map.of())) {
            for (long time : new long[] {1000, 3000, 2000}) producer.send(new ProducerRecord<>(to, 0, time, null, "at " + time)).get();
        }
        Kit.same("offset at 1500", offset(place, OffsetSpec.forTimestamp(1500)).offset(), 1L);
        Kit.same("offset of the greatest", offset(place, OffsetSpec.maxTimestamp()).offset(), 1L);
        try (var consumer = consumer(null, Map.of())) {
            Kit.same("offset at 3000", consumer.offsetsForTimes(Map.of(place, 3000L)).get(place).offset(), 1L);
        }
    }

    private ListOffsetsResultInfo offset(TopicPartition place, OffsetSpec spec) throws Exception {
        return admin.listOffsets(Map.of(place, spec)).partitionResult(place).get();
    }

    private long end() throws Exception {
        long sum = 0;
        for (var place : partitions(topic, 2)) sum += offset(place, OffsetSpec.latest()).offset();
        return sum;
    }

    private KafkaProducer<String, String> transactional(String id) {
        var producer = producer(Map.of("transactional.id", prefix + "-" + id));
        producer.initTransactions();
        return producer;
    }

    private void transaction(String value, boolean commits) throws Exception {
        try (var producer = transactional("txn")) {
            producer.beginTransaction();
            send(producer, List.of(new ProducerRecord<>(prefix + "-txn", value)));
            if (commits) producer.commitTransaction();
            else producer.abortTransaction();
        }
    }

    private void sees(String level, String... values) {
        var read = read(prefix + "-txn", 1, values.length, level);
        Kit.same("values", read.stream().map(ConsumerRecord::value).toList(), List.of(values));
    }

    private void txnCommit() throws Exception {
        create(prefix + "-txn", 1, Map.of());
        transaction("committed", true);
        sees("read_committed", "committed");
    }

    private void txnAbort() throws Exception {
        transaction("aborted", false);
        transaction("last", true);
        sees("read_committed", "committed", "last");
        sees("read_uncommitted", "committed", "aborted", "last");
    }

    private void txnOffsets() throws Exception {
        String in = prefix + "-etl";
        try (var producer = transactional("etl"); var consumer = consumer(in, Map.of("isolation.level", "read_committed"))) {
            consumer.subscribe(List.of(topic));
            int count = take(consumer, (int) end()).size();
            for (boolean commits : new boolean[] {false, true}) {
                producer.beginTransaction();
                send(producer, List.of(new ProducerRecord<>(prefix + "-txn", "moved")));
                var offsets = new HashMap<TopicPartition, OffsetAndMetadata>();
                for (var place : consumer.assignment()) offsets.put(place, new OffsetAndMetadata(consumer.position(place)));
                producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                if (commits) producer.commitTransaction();
                else producer.abortTransaction();
                Kit.await("committed", commits ? (long) count : 0L, () -> committed(in));
            }
        }
    }

    private void txnFenced() throws Exception {
        try (var old = transactional("fenced")) {
            old.beginTransaction();
            send(old, List.of(new ProducerRecord<>(prefix + "-txn", "of the old one")));
            transactional("fenced").close();
            expect(ProducerFencedException.class, old::commitTransaction);
        }
    }

    private void groups() throws Exception {
        var listed = admin.listGroups(ListGroupsOptions.forConsumerGroups()).all().get().stream().map(GroupListing::groupId).toList();
        for (String protocol : List.of("classic", "consumer")) {
            if (!listed.contains(group(protocol))) throw new AssertionError(group(protocol) + " is not in " + listed);
            try (var consumer = member(group(protocol), protocol)) {
                consumer.subscribe(List.of(topic));
                Kit.await("partitions", 2, () -> held(consumer));
                Kit.await("state, members and type", "Stable 1 " + protocol, () -> {
                    held(consumer);
                    var found = admin.describeConsumerGroups(List.of(group(protocol))).all().get().get(group(protocol));
                    return found.groupState() + " " + found.members().size() + " " + found.type().toString().toLowerCase();
                });
            }
        }
    }

    private void lag() throws Exception {
        Kit.same("lag", end() - committed(group("consumer")), 1L);
    }

    private void alterOffsets() throws Exception {
        var place = new TopicPartition(topic, 0);
        String in = group("classic");
        admin.alterConsumerGroupOffsets(in, Map.of(place, new OffsetAndMetadata(1, "by hand"))).all().get();
        Kit.same("metadata", admin.listConsumerGroupOffsets(in).partitionsToOffsetAndMetadata().get().get(place).metadata(), "by hand");
        admin.deleteConsumerGroupOffsets(in, Set.of(place)).all().get();
        Kit.same("offset", admin.listConsumerGroupOffsets(in).partitionsToOffsetAndMetadata().get().get(place), null);
    }

    private void createPartitions() throws Exception {
        admin.createPartitions(Map.of(prefix + "-times", NewPartitions.increaseTo(3))).all().get();
        Kit.await("partitions", 3, () -> admin.describeTopics(List.of(prefix + "-times")).allTopicNames().get().get(prefix + "-times").partitions().size());
    }

    private void cluster() throws Exception {
        var cluster = admin.describeCluster();
        Kit.same("nodes", cluster.nodes().get().size(), 1);
        int node = cluster.nodes().get().iterator().next().id();
        Kit.same("length of the id", cluster.clusterId().get().length(), 22);
        var logs = admin.describeLogDirs(List.of(node)).allDescriptions().get().get(node).values();
        boolean found = logs.stream().anyMatch(log -> log.replicaInfos().containsKey(new TopicPartition(topic, 0)));
        Kit.same("whether the topic has a log", found, true);
        var broker = new ConfigResource(ConfigResource.Type.BROKER, Integer.toString(node));
        var auto = admin.describeConfigs(List.of(broker)).all().get().get(broker).get("auto.create.topics.enable");
        Kit.same("whether the broker's settings can be read", auto != null, true);
        Kit.same("producers", admin.describeProducers(List.of(new TopicPartition(prefix + "-txn", 0))).all().get().size(), 1);
        var transactions = admin.listTransactions().all().get().stream().map(one -> one.transactionalId()).toList();
        if (!transactions.contains(prefix + "-txn")) throw new AssertionError(prefix + "-txn is not in " + transactions);
        admin.describeTransactions(List.of(prefix + "-txn")).all().get();
    }

    private void deleteRecords() throws Exception {
        var place = new TopicPartition(topic, 0);
        admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(1))).all().get();
        Kit.same("start", offset(place, OffsetSpec.earliest()).offset(), 1L);
    }

    private void deleteGroup() throws Exception {
        admin.deleteConsumerGroups(List.of(group)).all().get();
        expect(GroupIdNotFoundException.class, () -> admin.describeConsumerGroups(List.of(group)).all().get());
    }

    private void deleteTopic() throws Exception {
        admin.deleteTopics(List.of(topic)).all().get();
        Kit.await("whether the topic is there", false, () -> admin.listTopics().names().get().contains(topic));
    }
}
