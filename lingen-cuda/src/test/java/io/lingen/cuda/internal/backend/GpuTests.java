package io.lingen.cuda.internal.backend;

import io.lingen.core.BackendOptions;
import io.lingen.core.spi.Kernels;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * A program that runs the contract and parity tests on a GPU without Maven, and prints a table. The exit code is 0 if all passed, 1 if some
 * failed or none was found, 2 for wrong usage, and 3 without a GPU. It is part of gpu-check.
 */
public final class GpuTests {
    private static final int NO_GPU = 3;
    private static final int WRONG_USAGE = 2;
    private static final int MAX_FAILURES_SHOWN = 20;
    private static final String PACKAGE = GpuTests.class.getPackageName() + ".";
    private static final String CLASSES =
            "CudaContractTest,MatrixKernelsTest,ParityTest,DecoderParityTest,GraphTest,LargeTensorTest";

    private final Map<String, int[]> results = new TreeMap<>();
    private final PrintStream out;
    private final @Nullable PrintStream details;
    private int failures;

    private GpuTests(PrintStream out, @Nullable PrintStream details) {
        this.out = out;
        this.details = details;
    }

    /**
     * Runs the tests.
     *
     * @param arguments {@code --only CLASS,...} selects some of the six classes or of their nested classes, for example
     *     {@code CudaContractTest$Scan}; {@code --failures FILE} writes every failure with its stack trace to a file
     * @throws IOException if the file cannot be written
     */
    public static void main(String[] arguments) throws IOException {
        System.setProperty("lingen.cuda.test", "gpu");
        System.exit(start(arguments));
    }

    private static int start(String[] arguments) throws IOException {
        Map<String, String> options = new TreeMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i], arguments[i + 1]);
        }
        if (arguments.length % 2 != 0 || !List.of("--failures", "--only").containsAll(options.keySet())) {
            System.out.println(
                    "options must be --only CLASS,... and --failures FILE, found " + String.join(" ", arguments));
            return WRONG_USAGE;
        }
        CudaBackendProvider provider = new CudaBackendProvider();
        var availability = provider.availability();
        System.out.println(
                (availability.available() ? "GPU: " : "GPU must be available, found none: ") + availability.detail());
        if (!availability.available()) {
            return NO_GPU;
        }
        String file = options.get("--failures");
        // Keep one instance open, so that all classes share the context of the device.
        try (Kernels held = provider.create(BackendOptions.defaults());
                PrintStream details =
                        file == null ? null : new PrintStream(Path.of(file).toFile(), StandardCharsets.UTF_8)) {
            System.out.println(held.description());
            return new GpuTests(System.out, details).run(options.getOrDefault("--only", CLASSES));
        }
    }

    private int run(String classes) {
        var request = LauncherDiscoveryRequestBuilder.request()
                .selectors(Arrays.stream(classes.split(","))
                        .map(name -> DiscoverySelectors.selectClass(PACKAGE + name))
                        .toList())
                .build();
        LauncherFactory.create().execute(request, new TestExecutionListener() {
            @Override
            public void executionSkipped(TestIdentifier test, String reason) {
                count(test, 1, null);
            }

            @Override
            public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                if (test.isTest() || result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
                    count(
                            test,
                            result.getStatus().ordinal(),
                            result.getThrowable().orElse(null));
                }
            }
        });
        out.printf("%-44s %7s %7s %7s%n", "tests", "passed", "skipped", "failed");
        results.forEach((name, counts) ->
                out.printf(Locale.ROOT, "%-44s %7d %7d %7d%n", name, counts[0], counts[1], counts[2]));
        return failures == 0 && !results.isEmpty() ? 0 : 1;
    }

    /**
     * Counts and reports a result.
     *
     * @param status 0 passed, 1 aborted or skipped, 2 failed
     */
    private void count(TestIdentifier test, int status, @Nullable Throwable reason) {
        results.computeIfAbsent(name(test), key -> new int[3])[status]++;
        if (status != 2) {
            return;
        }
        String title = "FAILED " + name(test) + " " + test.getDisplayName() + ": ";
        if (failures++ < MAX_FAILURES_SHOWN) {
            out.println(title + String.valueOf(reason).lines().findFirst().orElse(""));
        }
        if (details != null) {
            StringWriter trace = new StringWriter();
            if (reason != null) {
                reason.printStackTrace(new PrintWriter(trace));
            }
            details.println(title + trace);
            details.flush();
        }
    }

    private static String name(TestIdentifier test) {
        return test.getSource()
                .map(source -> source instanceof MethodSource
                        ? ((MethodSource) source).getClassName()
                        : source instanceof ClassSource ? ((ClassSource) source).getClassName() : "other")
                .orElse("other")
                .replace(PACKAGE, "");
    }
}
