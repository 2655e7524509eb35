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
 * Handles SIGINT and SIGTERM while videos are made. The first signal cancels a token, so that the latents are saved. The second signal ends
 * the program immediately. Closing restores the previous handlers.
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

    /** Installs the handlers until it is closed. */
    static Interruption listen(PrintWriter err) {
        Interruption interruption = new Interruption(err);
        try {
            for (String signal : new String[] {"INT", "TERM"}) {
                interruption.handle(signal);
            }
        } catch (ReflectiveOperationException e) {
            // This JVM lacks the class or runs with -Xrs. Ctrl-C then ends it at once.
            log.debug("signal handlers are not supported", e);
        }
        listening = interruption;
        return interruption;
    }

    /** Uses reflection: javac warns of sun.misc.Signal, and warnings are errors here. */
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
            // The parent ignores the signal, as nohup and shells do for background jobs: keep it ignored.
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
            err.println(
                    System.lineSeparator()
                            + "lingen: interrupted; stopping after the current pass or frame (interrupt again to stop immediately)");
            err.flush();
        } else {
            System.exit(EXIT_CODE);
        }
    }

    /** The token that Ctrl-C cancels. */
    CancellationToken token() {
        return token;
    }

    /** Sets the generation whose latents an exit message names. */
    void watch(Generation current) {
        generation = current;
    }

    /** The message of a program that is terminated early. */
    static String exitMessage() {
        Interruption current = listening;
        Generation running = current == null ? null : current.generation;
        return "lingen: interrupted; " + resumeHint(running == null ? null : running.savedLatents());
    }

    /** Reports a cancelled generation and how to resume it; returns the exit code. */
    static int report(GenerationCancelledException cancelled, PrintWriter err, boolean batch) {
        err.println("lingen: interrupted after step " + cancelled.stepsDone() + " of " + cancelled.steps());
        err.println(batch ? "to resume: run the same command again" : resumeHint(cancelled.latents()));
        err.flush();
        return EXIT_CODE;
    }

    /** The command that resumes from the latents; null if none were saved. */
    static String resumeHint(@Nullable Path latents) {
        return latents == null ? "no latents were saved" : "to resume: lingen resume " + quoted(latents.toString());
    }

    /** A file name quoted as one word of a shell command. */
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
                log.debug("could not restore the handler of signal {}", signal, e);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        });
    }
}
