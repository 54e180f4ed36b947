import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.springframework.cloud.schema.registry.SchemaReference;
import org.springframework.cloud.schema.registry.SchemaRegistrationResponse;
import org.springframework.cloud.schema.registry.client.ConfluentSchemaRegistryClient;
import org.springframework.web.client.HttpClientErrorException;

/**
 * Spring's client of Confluent's registry, against nodes behind a balancer of which one dies: what was
 * answered is there, and an answer comes after a try or two.
 *
 * <pre>java -cp 'target/java/libs/*' tests/java/Spring.java URL ROUNDS</pre>
 */
public class Spring {
    static final int TRIES = 10;

    static int failures = 0;

    /** What an application does when its registry is away for a moment. */
    static <T> T patiently(Callable<T> ask) throws Exception {
        for (int left = TRIES - 1; ; left--) {
            try {
                return ask.call();
            } catch (HttpClientErrorException refused) {
                throw refused;
            } catch (Exception away) { // of the connection, or a 5xx
                if (left == 0) throw away;
                failures++;
                Thread.sleep(100);
            }
        }
    }

    static void check(boolean holds, Object what) {
        if (!holds) throw new AssertionError(what);
    }

    public static void main(String[] args) throws Exception {
        // each request is a connection, so that the next is to the next node
        System.setProperty("http.keepAlive", "false");
        int rounds = Integer.parseInt(args[1]);
        Map<Integer, String> schemas = new HashMap<>();
        for (int round = 0; round < rounds; round++) {
            ConfluentSchemaRegistryClient client = new ConfluentSchemaRegistryClient();
            client.setEndpoint(args[0]);
            String subject = "spring" + round;
            String schema = "{\"type\":\"record\",\"name\":\"S" + round
                + "\",\"fields\":[{\"name\":\"origin\",\"type\":\"string\"}]}";
            SchemaRegistrationResponse registered =
                patiently(() -> client.register(subject, "avro", schema));
            String before = schemas.put(registered.getId(), schema);
            check(before == null, "id " + registered.getId() + " twice");
            SchemaReference reference = registered.getSchemaReference();
            check(reference.getVersion() == 1, reference);
            check(schema.equals(patiently(() -> client.fetch(registered.getId()))), schema);
            check(schema.equals(patiently(() -> client.fetch(reference))), reference);
        }
        for (Map.Entry<Integer, String> entry : schemas.entrySet()) {
            ConfluentSchemaRegistryClient client = new ConfluentSchemaRegistryClient();
            client.setEndpoint(args[0]);
            String found = patiently(() -> client.fetch(entry.getKey()));
            check(entry.getValue().equals(found), found);
        }
        System.out.println("failures " + failures);
    }
}
