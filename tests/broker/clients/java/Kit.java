import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** What all programs of this folder stand on: steps that say how they ended as a line of JSON. */
final class Kit {
    /** No step takes so long that ends at all. */
    static final long PATIENCE_MS = 60_000;

    private static final ObjectMapper JSON = new ObjectMapper();
    /** The standard output as it was: programs that run in a step may take it. */
    private static final java.io.PrintStream OUT = System.out;
    private static final ExecutorService STEPS = Executors.newCachedThreadPool(run -> {
        Thread thread = new Thread(run, "step");
        thread.setDaemon(true);
        return thread;
    });

    private static boolean failed;

    private Kit() {}

    interface Step {
        void run() throws Exception;
    }

    static void step(String name, Step step) {
        long begin = System.nanoTime();
        ObjectNode said = JSON.createObjectNode().put("step", name);
        try {
            STEPS.submit(() -> {
                step.run();
                return null;
            }).get(PATIENCE_MS, TimeUnit.MILLISECONDS);
            said.put("ok", true);
        } catch (Exception error) {
            failed = true;
            Throwable why = error instanceof ExecutionException ? error.getCause() : error;
            String at = why.getStackTrace().length > 0 ? why.getStackTrace()[0].toString() : "";
            said.put("ok", false).put("error", why + " at " + at + (why.getCause() == null ? "" : " because of " + why.getCause()));
        }
        OUT.println(said.put("ms", (System.nanoTime() - begin) / 1_000_000));
    }

    /** Ends the process; threads of clients that hang are not waited for. */
    static void end() {
        OUT.flush();
        Runtime.getRuntime().halt(failed ? 1 : 0);
    }

    static void same(String what, Object found, Object expected) {
        if (!Objects.equals(found, expected)) {
            throw new AssertionError(what + " is " + found + " instead of " + expected);
        }
    }

    /** Asks until the answer is as expected: what a broker answers may take effect a moment later. */
    static void await(String what, Object expected, Callable<?> ask) throws Exception {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MS - 1000);
        while (true) {
            Object found = ask.call();
            if (Objects.equals(found, expected)) return;
            if (System.nanoTime() > end) same(what, found, expected);
            Thread.onSpinWait();
        }
    }
}
