package io.lingen.cli;

import io.lingen.CancellationToken;
import io.lingen.Generation;
import io.lingen.GenerationCancelledException;
import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ctrl-C while videos are made: the first one, or a request to terminate, cancels a token, so that the latents are saved; the second one ends
 * at once. Before it listens and after it is closed, signals do what they do to any Java program.
 */
final class Interruption implements AutoCloseable {
    /** The exit code, 128 and the number of the signal. */
    static final int EXIT_CODE = 130;

    private static final Logger log = LoggerFactory.getLogger(Interruption.class);
    private static volatile @Nullable Interruption listening;

    private final PrintWriter err;
    private final CancellationToken token = new CancellationToken();
    private final AtomicInteger count = new AtomicInteger();
    private final Map<String, Object> before = new LinkedHashMap<>();
    private volatile @Nullable Generation generation;

    private Interruption(PrintWriter err) {
        this.err = err;
    }

    /** Listens until it is closed. */
    static Interruption listen(PrintWriter err) {
        Interruption interruption = new Interruption(err);
        try {
            for (String signal : new String[] {"INT", "TERM"}) {
                interruption.handle(signal);
            }
        } catch (ReflectiveOperationException e) {
            // A Java without this class, or one that was told to leave signals alone: it ends at once then.
            log.debug("signals are not listened to", e);
        }
        listening = interruption;
        return interruption;
    }

    /** The class is no part of Java's own interface, and a compiler that takes warnings seriously refuses its name. */
    private void handle(String signal) throws ReflectiveOperationException {
        Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
        Object handler = Proxy.newProxyInstance(
                Interruption.class.getClassLoader(), new Class<?>[] {handlerType}, (proxy, method, arguments) -> {
                    if (method.getName().equals("handle")) {
                        interrupt();
                    }
                    return null;
                });
        Object old = install(signal, handler);
        if (handlerType.getField("SIG_IGN").get(null).equals(old)) {
            // Whoever started this wants it to be left alone, as nohup and shells do with what runs in the background.
            install(signal, old);
        } else {
            before.put(signal, old);
        }
    }

    private static Object install(String signal, Object handler) throws ReflectiveOperationException {
        Class<?> type = Class.forName("sun.misc.Signal");
        Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
        return type.getMethod("handle", type, handlerType)
                .invoke(null, type.getConstructor(String.class).newInstance(signal), handler);
    }

    private void interrupt() {
        if (count.incrementAndGet() == 1) {
            token.cancel();
            err.println(System.lineSeparator()
                    + "lingen: interrupted; ends after what is being computed, at once if interrupted again");
            err.flush();
        } else {
            System.exit(EXIT_CODE);
        }
    }

    /** What is cancelled. */
    CancellationToken token() {
        return token;
    }

    /** Says which video is being made. */
    void watch(Generation current) {
        generation = current;
    }

    /** What is said when the program ends on the way. */
    static String exitMessage() {
        Interruption current = listening;
        Generation running = current == null ? null : current.generation;
        return "lingen: interrupted; " + resumeHint(running == null ? null : running.savedLatents(), false);
    }

    /** Says how far a cancelled run came and how to go on; the exit code. */
    static int report(GenerationCancelledException cancelled, PrintWriter err, boolean batch) {
        err.println("lingen: interrupted after step " + cancelled.stepsDone() + " of " + cancelled.steps());
        err.println(resumeHint(cancelled.latents(), batch));
        err.flush();
        return EXIT_CODE;
    }

    private static String resumeHint(@Nullable Path latents, boolean batch) {
        if (batch) {
            return "to go on: the same command again";
        }
        return latents == null
                ? "nothing is left behind"
                : "to go on: lingen generate --resume " + quoted(latents.toString());
    }

    /** A word of a shell's command line. */
    private static String quoted(String name) {
        return name.matches("[\\w./+@%:,-]+") ? name : "'" + name.replace("'", "'\\''") + "'";
    }

    @Override
    public void close() {
        listening = null;
        before.forEach((signal, handler) -> {
            try {
                install(signal, handler);
            } catch (InvocationTargetException e) {
                log.debug("signal {} keeps its handler", signal, e);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        });
    }
}
