package io.lingen.cuda;

import java.io.PrintStream;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs contracts and parity on the machine's GPU without Maven and prints a table: exit code 0 all passed, 1 some failed, 3 no GPU. Part
 * of gpu-check.
 */
public final class GpuTests {
    private static final int NO_GPU = 3;
    private static final int MAX_FAILURES_SHOWN = 20;

    private final Map<String, int[]> results = new TreeMap<>();
    private final PrintStream out;
    private int failures;

    private GpuTests(PrintStream out) {
        this.out = out;
    }

    /** Takes no arguments. */
    public static void main(String[] arguments) {
        System.setProperty("lingen.cuda.test", "gpu");
        var availability = new CudaBackendProvider().availability();
        System.out.println((availability.available() ? "GPU: " : "no GPU to check: ") + availability.detail());
        System.exit(availability.available() ? new GpuTests(System.out).run() : NO_GPU);
    }

    private int run() {
        var request = LauncherDiscoveryRequestBuilder.request()
                .selectors(
                        DiscoverySelectors.selectClass(CudaContractTest.class),
                        DiscoverySelectors.selectClass(MatrixKernelsTest.class),
                        DiscoverySelectors.selectClass(ParityTest.class),
                        DiscoverySelectors.selectClass(DecoderParityTest.class))
                .build();
        LauncherFactory.create().execute(request, new TestExecutionListener() {
            @Override
            public void executionSkipped(TestIdentifier test, String reason) {
                count(test, 1, reason);
            }

            @Override
            public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                String reason = result.getThrowable().map(Throwable::toString).orElse("");
                if (test.isTest() || result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
                    count(test, result.getStatus().ordinal(), reason);
                }
            }
        });
        out.printf("%-44s %7s %7s %7s%n", "tests", "passed", "skipped", "failed");
        results.forEach((name, counts) ->
                out.printf(Locale.ROOT, "%-44s %7d %7d %7d%n", name, counts[0], counts[1], counts[2]));
        return failures == 0 ? 0 : 1;
    }

    /** @param status 0 passed, 1 aborted or skipped, 2 failed */
    private void count(TestIdentifier test, int status, String reason) {
        results.computeIfAbsent(name(test), key -> new int[3])[status]++;
        if (status == 2 && failures++ < MAX_FAILURES_SHOWN) {
            out.println("FAILED " + name(test) + " " + test.getDisplayName() + ": "
                    + reason.lines().findFirst().orElse(""));
        }
    }

    private static String name(TestIdentifier test) {
        return test.getSource()
                .map(source -> source instanceof MethodSource
                        ? ((MethodSource) source).getClassName()
                        : source instanceof ClassSource ? ((ClassSource) source).getClassName() : "other")
                .orElse("other")
                .replace("io.lingen.cuda.", "");
    }
}
