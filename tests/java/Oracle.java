import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.NameValidator;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.Decoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonEncoder;
import org.apache.avro.util.RandomData;

/**
 * What Apache Avro's Java library says, for tests to compare with: reads requests, one JSON object a line, on
 * standard input and answers each, in order, with one line on standard output.
 *
 * <pre>
 * java -cp 'target/java/libs/*' tests/java/Oracle.java
 *
 * {"op":"parse","schema":TEXT,"references":[TEXT,...],"names":"strict|utf|none","defaults":BOOL}
 *     -> {"ok":true,"text","text_refs","text_refs_all","pcf","crc64","md5","sha256"}
 * {"op":"compat","reader":TEXT,"writer":TEXT}
 *     -> {"ok":true,"compatible":BOOL,"incompatibilities":[{"type","location","message"},...]}
 * {"op":"random","schema":TEXT,"seed":N,"count":N}       -> {"ok":true,"hex":[...]}
 * {"op":"to_json","writer":TEXT,"reader":TEXT,"hex":HEX} -> {"ok":true,"json":TEXT,"rest":N,"binary":HEX}
 * {"op":"to_binary","schema":TEXT,"json":TEXT}           -> {"ok":true,"hex":HEX}
 * {"op":"version"}                                       -> {"ok":true,"avro":VERSION}
 * anything that fails                                    -> {"ok":false,"error":MESSAGE,"class":NAME}
 * </pre>
 *
 * Left out, "references" is none, "names" strict, "defaults" true, "reader" the writer, "seed" 0 and "count" 1. All
 * but "parse" take any names and any defaults. Bytes left of the input are "rest". "text_refs" leaves out the types
 * that the references themselves are, "text_refs_all" also those defined within them. Answers are ASCII: text
 * beyond it is escaped, so that nothing is lost on the way, lone surrogates neither.
 */
@SuppressWarnings("deprecation") // Schema.toString(Collection, boolean), which registries call
public class Oracle {
    private static final JsonMapper MAPPER =
            JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();
    private static final HexFormat HEX = HexFormat.of();

    public static void main(String[] args) throws IOException {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.US_ASCII);
        // What a library prints must not come between the answers.
        System.setOut(System.err);
        warmUp();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.print(answer(line));
            out.print('\n');
            out.flush();
            if (out.checkError()) {
                return;
            }
        }
    }

    private static String answer(String line) {
        try {
            ObjectNode answer = MAPPER.createObjectNode();
            answer.put("ok", true);
            JsonNode request = MAPPER.readTree(line);
            switch (text(request, "op")) {
                case "parse" -> parse(request, answer);
                case "compat" -> compat(request, answer);
                case "random" -> random(request, answer);
                case "to_json" -> toJson(request, answer);
                case "to_binary" -> toBinary(request, answer);
                case "version" -> answer.put("avro", Schema.class.getPackage().getImplementationVersion());
                default -> throw new IllegalArgumentException("no such op: " + text(request, "op"));
            }
            return MAPPER.writeValueAsString(answer);
        } catch (Throwable e) {
            return failure(e);
        }
    }

    private static String failure(Throwable thrown) {
        try {
            ObjectNode answer = MAPPER.createObjectNode();
            answer.put("ok", false);
            answer.put("error", String.valueOf(thrown.getMessage()));
            answer.put("class", thrown.getClass().getSimpleName());
            return MAPPER.writeValueAsString(answer);
        } catch (Throwable e) {
            return "{\"ok\":false,\"error\":\"the failure has no text\",\"class\":\"Throwable\"}";
        }
    }

    /** Classes are loaded now: one that failed to for lack of stack, in a request, would stay broken. */
    private static void warmUp() {
        String schema = "\"{\\\"type\\\":\\\"array\\\",\\\"items\\\":[\\\"int\\\",\\\"null\\\"]}\"";
        answer("{\"op\":\"parse\",\"schema\":" + schema + "}");
        answer("{\"op\":\"compat\",\"reader\":" + schema + ",\"writer\":\"\\\"int\\\"\"}");
        answer("{\"op\":\"to_json\",\"writer\":" + schema + ",\"hex\":\"02000200\"}");
        answer("{\"op\":\"to_binary\",\"schema\":" + schema + ",\"json\":\"[{\\\"int\\\":1},null]\"}");
        answer("{\"op\":\"random\",\"schema\":" + schema + "}");
        answer("");
    }

    private static void parse(JsonNode request, ObjectNode answer) throws Exception {
        NameValidator names =
                switch (request.path("names").asText("strict")) {
                    case "strict" -> NameValidator.STRICT_VALIDATOR;
                    case "utf" -> NameValidator.UTF_VALIDATOR;
                    case "none" -> NameValidator.NO_VALIDATION;
                    default -> throw new IllegalArgumentException("names is strict, utf or none");
                };
        Schema.Parser parser = new Schema.Parser(names);
        parser.setValidateDefaults(request.path("defaults").asBoolean(true));
        List<Schema> references = new ArrayList<>();
        for (JsonNode reference : request.path("references")) {
            references.add(parser.parse(reference.textValue()));
        }
        Map<Schema, Boolean> named = new IdentityHashMap<>();
        references.forEach(reference -> collectNamed(reference, named));
        Schema schema = parser.parse(text(request, "schema"));
        answer.put("text", schema.toString());
        answer.put("text_refs", schema.toString(references, false));
        answer.put("text_refs_all", schema.toString(named.keySet(), false));
        answer.put("pcf", SchemaNormalization.toParsingForm(schema));
        answer.put("crc64", HEX.toHexDigits(SchemaNormalization.parsingFingerprint64(schema)));
        answer.put("md5", HEX.formatHex(SchemaNormalization.parsingFingerprint("MD5", schema)));
        answer.put("sha256", HEX.formatHex(SchemaNormalization.parsingFingerprint("SHA-256", schema)));
    }

    private static void collectNamed(Schema schema, Map<Schema, Boolean> named) {
        switch (schema.getType()) {
            case RECORD -> {
                if (named.put(schema, true) == null) {
                    schema.getFields().forEach(field -> collectNamed(field.schema(), named));
                }
            }
            case ENUM, FIXED -> named.put(schema, true);
            case ARRAY -> collectNamed(schema.getElementType(), named);
            case MAP -> collectNamed(schema.getValueType(), named);
            case UNION -> schema.getTypes().forEach(branch -> collectNamed(branch, named));
            default -> {}
        }
    }

    private static void compat(JsonNode request, ObjectNode answer) {
        SchemaCompatibility.SchemaCompatibilityResult result =
                SchemaCompatibility.checkReaderWriterCompatibility(
                                lenient(text(request, "reader")), lenient(text(request, "writer")))
                        .getResult();
        answer.put(
                "compatible",
                result.getCompatibility() == SchemaCompatibility.SchemaCompatibilityType.COMPATIBLE);
        ArrayNode list = answer.putArray("incompatibilities");
        for (SchemaCompatibility.Incompatibility incompatibility : result.getIncompatibilities()) {
            ObjectNode item = list.addObject();
            item.put("type", incompatibility.getType().name());
            item.put("location", incompatibility.getLocation());
            item.put("message", incompatibility.getMessage());
        }
    }

    private static void random(JsonNode request, ObjectNode answer) throws IOException {
        Schema schema = lenient(text(request, "schema"));
        ArrayNode list = answer.putArray("hex");
        int count = request.path("count").asInt(1);
        long seed = request.path("seed").asLong(0);
        for (Object datum : new RandomData(new GenericData(), schema, count, seed, true)) {
            list.add(HEX.formatHex(encode(schema, datum)));
        }
    }

    private static void toJson(JsonNode request, ObjectNode answer) throws IOException {
        Schema writer = lenient(text(request, "writer"));
        Schema reader = request.hasNonNull("reader") ? lenient(text(request, "reader")) : writer;
        BinaryDecoder decoder =
                DecoderFactory.get().binaryDecoder(HEX.parseHex(text(request, "hex")), null);
        Object datum = decode(writer, reader, decoder);
        ByteArrayOutputStream json = new ByteArrayOutputStream();
        JsonEncoder encoder = EncoderFactory.get().jsonEncoder(reader, json, false);
        new GenericDatumWriter<>(reader, new GenericData()).write(datum, encoder);
        encoder.flush();
        answer.put("json", json.toString(StandardCharsets.UTF_8));
        answer.put("rest", decoder.inputStream().available());
        answer.put("binary", HEX.formatHex(encode(reader, datum)));
    }

    private static void toBinary(JsonNode request, ObjectNode answer) throws IOException {
        Schema schema = lenient(text(request, "schema"));
        Object datum = decode(schema, schema, DecoderFactory.get().jsonDecoder(schema, text(request, "json")));
        answer.put("hex", HEX.formatHex(encode(schema, datum)));
    }

    private static Object decode(Schema writer, Schema reader, Decoder decoder) throws IOException {
        return new GenericDatumReader<>(writer, reader, new GenericData()).read(null, decoder);
    }

    private static byte[] encode(Schema schema, Object datum) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
        new GenericDatumWriter<>(schema, new GenericData()).write(datum, encoder);
        encoder.flush();
        return bytes.toByteArray();
    }

    private static Schema lenient(String text) {
        return new Schema.Parser(NameValidator.NO_VALIDATION).setValidateDefaults(false).parse(text);
    }

    private static String text(JsonNode request, String name) {
        JsonNode value = request.path(name);
        if (!value.isTextual()) {
            throw new IllegalArgumentException("the request has no text \"" + name + "\"");
        }
        return value.textValue();
    }
}
