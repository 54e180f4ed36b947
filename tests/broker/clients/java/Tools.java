import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.tools.AclCommand;
import org.apache.kafka.tools.BrokerApiVersionsCommand;
import org.apache.kafka.tools.ClusterTool;
import org.apache.kafka.tools.ConsoleProducer;
import org.apache.kafka.tools.ConsumerPerformance;
import org.apache.kafka.tools.DeleteRecordsCommand;
import org.apache.kafka.tools.GetOffsetShell;
import org.apache.kafka.tools.GroupsCommand;
import org.apache.kafka.tools.LogDirsCommand;
import org.apache.kafka.tools.ProducerPerformance;
import org.apache.kafka.tools.TopicCommand;
import org.apache.kafka.tools.TransactionsCommand;
import org.apache.kafka.tools.consumer.ConsoleConsumer;
import org.apache.kafka.tools.consumer.group.ConsumerGroupCommand;

/** Kafka's command line tools, called as their scripts call them, in one process. */
final class Tools {
    private final String bootstrap;
    private final String topic;
    private final String group;

    private Tools(String bootstrap, String prefix) {
        this.bootstrap = bootstrap;
        topic = prefix + "-topic";
        group = prefix + "-group";
    }

    public static void main(String[] args) {
        Exit.setExitProcedure(Tools::exit);
        Exit.setHaltProcedure(Tools::exit);
        Exit.setShutdownHookAdder((name, hook) -> {});
        new Tools(args[0], args[1]).run();
        Kit.end();
    }

    /** The code with which the tool would have ended its process; some catch what they throw to leave, and end twice. */
    private static Integer code;

    private static void exit(int with, String message) {
        if (code == null) code = with;
        throw new Ended();
    }

    /** How a tool leaves its process. */
    private static final class Ended extends RuntimeException {}

    private interface Main {
        void main(String[] args) throws Exception;
    }

    /** Runs a tool; what it writes is what it answers. An end with another code than 0 is an error. */
    private String tool(Main main, String input, String... args) throws Exception {
        var all = new ArrayList<>(List.of("--bootstrap-server", bootstrap));
        all.addAll(List.of(args));
        return run(main, input, all);
    }

    private static String run(Main main, String input, List<String> args) throws Exception {
        var written = new ByteArrayOutputStream();
        var stream = new PrintStream(written, true, StandardCharsets.UTF_8);
        PrintStream out = System.out, err = System.err;
        code = null;
        System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
        System.setOut(stream);
        System.setErr(stream);
        try {
            // Scala's own standard output is fixed when it is first used
            scala.Console.withOut(stream, () -> {
                try {
                    main.main(args.toArray(String[]::new));
                } catch (Ended ended) {
                    if (code != 0) throw new AssertionError("exit " + code + ": " + written);
                } catch (Exception error) {
                    throw new AssertionError(error + ": " + written, error);
                }
                return null;
            });
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
        return written.toString(StandardCharsets.UTF_8);
    }

    /** The text has each of the parts; blanks count as one. */
    private static void has(String text, String... parts) {
        String plain = text.replaceAll("[ \t]+", " ");
        for (String part : parts) {
            if (!plain.contains(part)) throw new AssertionError("no '" + part + "' in " + plain);
        }
    }

    private void run() {
        Kit.step("topics", this::topics);
        Kit.step("configs", this::configs);
        Kit.step("console_producer", this::consoleProducer);
        Kit.step("console_consumer", this::consoleConsumer);
        Kit.step("get_offsets", this::getOffsets);
        Kit.step("consumer_groups", this::consumerGroups);
        Kit.step("reset_offsets", this::resetOffsets);
        Kit.step("groups", this::groups);
        Kit.step("producer_perf_test", this::producerPerfTest);
        Kit.step("consumer_perf_test", this::consumerPerfTest);
        Kit.step("transactions", this::transactions);
        Kit.step("acls", this::acls);
        Kit.step("scram_users", this::scramUsers);
        Kit.step("log_dirs", this::logDirs);
        Kit.step("broker_api_versions", this::brokerApiVersions);
        Kit.step("cluster", this::cluster);
        Kit.step("delete_records", this::deleteRecords);
        Kit.step("delete", this::delete);
    }

    private void topics() throws Exception {
        has(tool(TopicCommand::main, "", "--create", "--topic", topic, "--partitions", "1", "--config", "max.message.bytes=100000"), "Created topic " + topic);
        has(tool(TopicCommand::main, "", "--list"), topic);
        tool(TopicCommand::main, "", "--alter", "--topic", topic, "--partitions", "2");
        Main topics = TopicCommand::main;
        Kit.await("whether it has two partitions", true, () -> tool(topics, "", "--describe", "--topic", topic).contains("PartitionCount: 2"));
        var described = tool(topics, "", "--describe", "--topic", topic);
        has(described, "ReplicationFactor: 1", "max.message.bytes=100000", "Partition: 1");
    }

    private void configs() throws Exception {
        Main configs = kafka.admin.ConfigCommand::main;
        has(tool(configs, "", "--alter", "--entity-type", "topics", "--entity-name", topic, "--add-config", "retention.ms=123456789"), "Completed");
        String[] describe = {"--describe", "--entity-type", "topics", "--entity-name", topic};
        Kit.await("whether it is set", true, () -> tool(configs, "", describe).contains("retention.ms=123456789"));
        has(tool(configs, "", describe), "DYNAMIC_TOPIC_CONFIG:retention.ms=123456789", "max.message.bytes=100000");
        tool(configs, "", "--alter", "--entity-type", "topics", "--entity-name", topic, "--delete-config", "retention.ms");
        Kit.await("whether it is set", false, () -> tool(configs, "", describe).contains("retention.ms"));
        has(tool(configs, "", "--describe", "--all", "--entity-type", "brokers", "--entity-default"), "Default configs for brokers");
    }

    private void consoleProducer() throws Exception {
        tool(ConsoleProducer::main, "a\tone\nb\ttwo\na\tthree\n", "--topic", topic, "--property", "parse.key=true", "--compression-codec", "zstd");
    }

    private void consoleConsumer() throws Exception {
        var read = tool(ConsoleConsumer::main, "", "--topic", topic, "--from-beginning", "--max-messages", "3", "--group", group,
            "--property", "print.key=true");
        has(read, "a one\n", "b two\n", "a three\n");
    }

    private void getOffsets() throws Exception {
        var lines = tool(GetOffsetShell::main, "", "--topic", topic).lines().filter(line -> line.startsWith(topic)).toList();
        Kit.same("partitions", lines.size(), 2);
        long sum = lines.stream().mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf(':') + 1))).sum();
        Kit.same("records", sum, 3L);
        has(tool(GetOffsetShell::main, "", "--topic", topic, "--time", "earliest"), topic + ":0:0", topic + ":1:0");
    }

    private long lag() throws Exception {
        var lines = tool(ConsumerGroupCommand::main, "", "--describe", "--group", group).lines().filter(line -> line.startsWith(group)).toList();
        return lines.stream().mapToLong(line -> Long.parseLong(line.split(" +")[5])).sum();
    }

    private void consumerGroups() throws Exception {
        has(tool(ConsumerGroupCommand::main, "", "--list"), group);
        Kit.same("lag", lag(), 0L);
        has(tool(ConsumerGroupCommand::main, "", "--describe", "--state", "--group", group), "Empty");
        tool(ConsumerGroupCommand::main, "", "--describe", "--members", "--group", group);
    }

    private void resetOffsets() throws Exception {
        tool(ConsumerGroupCommand::main, "", "--reset-offsets", "--to-earliest", "--topic", topic, "--group", group, "--execute");
        Kit.same("lag", lag(), 3L);
        tool(ConsumerGroupCommand::main, "", "--reset-offsets", "--to-datetime", "2020-01-01T00:00:00.000", "--topic", topic, "--group", group, "--dry-run");
        tool(ConsumerGroupCommand::main, "", "--delete-offsets", "--topic", topic, "--group", group);
    }

    private void groups() throws Exception {
        has(tool(GroupsCommand::main, "", "--list"), group + " Classic");
    }

    private void producerPerfTest() throws Exception {
        var args = List.of("--topic", topic, "--num-records", "1000", "--record-size", "100", "--throughput", "-1",
            "--producer-props", "bootstrap.servers=" + bootstrap, "acks=all");
        has(run(ProducerPerformance::main, "", args), "1000 records sent");
    }

    private void consumerPerfTest() throws Exception {
        has(tool(ConsumerPerformance::main, "", "--topic", topic, "--messages", "1000", "--group", group + "-perf"), "data.consumed.in.MB");
    }

    private void transactions() throws Exception {
        var args = List.of("--topic", topic, "--num-records", "10", "--record-size", "100", "--throughput", "-1", "--transactional-id", group + "-txn",
            "--transaction-duration-ms", "10", "--producer-props", "bootstrap.servers=" + bootstrap);
        has(run(ProducerPerformance::main, "", args), "10 records sent");
        has(tool(TransactionsCommand::main, "", "list"), group + "-txn");
        has(tool(TransactionsCommand::main, "", "describe", "--transactional-id", group + "-txn"), "CompleteCommit");
        has(tool(TransactionsCommand::main, "", "describe-producers", "--topic", topic, "--partition", "0"), "ProducerId");
    }

    private void acls() throws Exception {
        Main acls = AclCommand::main;
        tool(acls, "", "--add", "--allow-principal", "User:" + group, "--operation", "Read", "--topic", topic);
        Kit.await("whether the ACL is there", true, () -> tool(acls, "", "--list", "--topic", topic).contains("User:" + group));
        tool(acls, "", "--remove", "--force", "--allow-principal", "User:" + group, "--operation", "Read", "--topic", topic);
        Kit.await("whether the ACL is there", false, () -> tool(acls, "", "--list", "--topic", topic).contains("User:" + group));
    }

    private void scramUsers() throws Exception {
        Main configs = kafka.admin.ConfigCommand::main;
        String[] user = {"--entity-type", "users", "--entity-name", group};
        tool(configs, "", "--alter", user[0], user[1], user[2], user[3], "--add-config", "SCRAM-SHA-256=[iterations=4096,password=secret]");
        Kit.await("whether the user is there", true, () -> tool(configs, "", "--describe", user[0], user[1], user[2], user[3]).contains("iterations=4096"));
        tool(configs, "", "--alter", user[0], user[1], user[2], user[3], "--delete-config", "SCRAM-SHA-256");
    }

    private void logDirs() throws Exception {
        has(tool(LogDirsCommand::main, "", "--describe", "--topic-list", topic), "\"partition\":\"" + topic + "-1\"");
    }

    private void brokerApiVersions() throws Exception {
        has(tool(BrokerApiVersionsCommand::main, ""), "Produce(0):", "ApiVersions(18):");
    }

    private void cluster() throws Exception {
        has(run(ClusterTool::main, "", List.of("cluster-id", "--bootstrap-server", bootstrap)), "Cluster ID: ");
        has(run(ClusterTool::main, "", List.of("list-endpoints", "--bootstrap-server", bootstrap)), bootstrap.substring(bootstrap.indexOf(':') + 1));
    }

    private void deleteRecords() throws Exception {
        Path file = Files.createTempFile("weir-delete", ".json");
        Files.writeString(file, "{\"partitions\":[{\"topic\":\"" + topic + "\",\"partition\":0,\"offset\":1}],\"version\":1}");
        has(tool(DeleteRecordsCommand::main, "", "--offset-json-file", file.toString()), "low_watermark: 1");
        Files.delete(file);
    }

    private void delete() throws Exception {
        has(tool(ConsumerGroupCommand::main, "", "--delete", "--group", group), "was successful");
        tool(TopicCommand::main, "", "--delete", "--topic", topic);
        Kit.await("whether the topic is there", false, () -> tool(TopicCommand::main, "", "--list").lines().anyMatch(topic::equals));
    }
}
