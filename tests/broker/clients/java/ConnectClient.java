import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.connect.cli.ConnectStandalone;
import org.apache.kafka.connect.runtime.Connect;
import org.apache.kafka.connect.runtime.standalone.StandaloneHerder;

/** Kafka Connect, one worker: a file becomes a topic, the topic another file; stopped and started again, both go on. */
final class ConnectClient {
    private final String bootstrap;
    private final String prefix;
    private final String topic;
    private final Path folder;
    private final Admin admin;

    private ConnectClient(String bootstrap, String prefix) throws Exception {
        this.bootstrap = bootstrap;
        this.prefix = prefix;
        topic = prefix + "-lines";
        folder = Files.createTempDirectory("weir-connect");
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    public static void main(String[] args) throws Exception {
        new ConnectClient(args[0], args[1]).run();
        Kit.end();
    }

    private void run() {
        Kit.step("connect_source_and_sink", () -> {
            admin.createTopics(List.of(new NewTopic(topic, Optional.of(1), Optional.empty()))).all().get();
            carries("one\ntwo\n");
        });
        Kit.step("connect_offsets", () -> {
            var offsets = admin.listConsumerGroupOffsets("connect-" + prefix + "-sink").partitionsToOffsetAndMetadata().get();
            Kit.same("committed", offsets.values().stream().mapToLong(one -> one.offset()).sum(), 2L);
        });
        Kit.step("connect_restart", () -> carries("three\n"));
    }

    private String file(String name) {
        return folder.resolve(name).toString();
    }

    private Connect<StandaloneHerder> start() throws Exception {
        var worker = new HashMap<>(Map.of(
            "bootstrap.servers", bootstrap,
            "key.converter", "org.apache.kafka.connect.storage.StringConverter",
            "value.converter", "org.apache.kafka.connect.storage.StringConverter",
            "offset.storage.file.filename", file("offsets"),
            "offset.flush.interval.ms", "200",
            "listeners", "http://127.0.0.1:0",
            "plugin.discovery", "service_load"));
        worker.put("consumer.fetch.max.wait.ms", "50");
        var standalone = new ConnectStandalone();
        var connect = standalone.startConnect(worker);
        var source = write("source.properties", Map.of("name", prefix + "-source", "connector.class", "FileStreamSource", "tasks.max", "1", "file", file("in"), "topic", topic));
        var sink = write("sink.properties", Map.of("name", prefix + "-sink", "connector.class", "FileStreamSink", "tasks.max", "1", "file", file("out"), "topics", topic));
        standalone.processExtraArgs(connect, new String[] {source, sink});
        return connect;
    }

    private String write(String name, Map<String, String> settings) throws Exception {
        var text = new StringBuilder();
        settings.forEach((key, value) -> text.append(key).append('=').append(value).append('\n'));
        Files.writeString(Path.of(file(name)), text);
        return file(name);
    }

    /** Lines that are added to one file come to be in the other, each once. */
    private void carries(String lines) throws Exception {
        Files.writeString(Path.of(file("in")), lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        var connect = start();
        var out = Path.of(file("out"));
        Kit.await("what was written", Files.readString(Path.of(file("in"))), () -> Files.exists(out) ? Files.readString(out) : "");
        connect.stop();
        connect.awaitStop();
    }
}
