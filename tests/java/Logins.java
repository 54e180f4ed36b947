import java.util.Scanner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.cloud.schema.registry.client.ConfluentSchemaRegistryClient;
import org.springframework.http.client.support.BasicAuthenticationInterceptor;
import org.springframework.web.client.HttpClientErrorException;
import org.springframework.web.client.RestTemplate;

/**
 * Spring's client of Confluent's registry, with logins. Reads lines: `basic USER PASSWORD STATUS` or
 * `bearer TOKEN STATUS`, where STATUS is that of a refusal, or 200.
 *
 * <pre>java -cp 'target/java/libs/*' tests/java/Logins.java URL</pre>
 */
public class Logins {
    static final Pattern STATUS = Pattern.compile("replied with status (\\d+)");
    static final String ORDER = "{\"type\":\"record\",\"name\":\"Order\",\"fields\":[]}";

    static int status(ConfluentSchemaRegistryClient client, String subject) {
        try {
            client.register(subject, "avro", ORDER);
            return 200;
        } catch (HttpClientErrorException refused) {
            return refused.getStatusCode().value();
        } catch (RuntimeException refused) {
            Matcher status = STATUS.matcher(refused.getMessage());
            if (!status.find()) throw refused;
            return Integer.parseInt(status.group(1));
        }
    }

    static void check(int found, int expected, String line) {
        if (found != expected) throw new AssertionError(found + " instead of " + line);
    }

    public static void main(String[] args) {
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            String line = lines.nextLine();
            String[] words = line.split(" ");
            RestTemplate template = new RestTemplate();
            if (words[0].equals("basic")) {
                template.getInterceptors().add(new BasicAuthenticationInterceptor(words[1], words[2]));
            } else {
                template.getInterceptors().add((request, body, next) -> {
                    request.getHeaders().setBearerAuth(words[1]);
                    return next.execute(request, body);
                });
            }
            ConfluentSchemaRegistryClient client = new ConfluentSchemaRegistryClient(template);
            client.setEndpoint(args[0]);
            int expected = Integer.parseInt(words[words.length - 1]);
            check(status(client, "orders-value"), expected, line);
            if (expected == 200) check(status(client, "payments-value"), 403, line);
        }
    }
}
