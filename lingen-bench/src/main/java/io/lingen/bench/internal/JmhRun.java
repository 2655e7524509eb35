package io.lingen.bench.internal;

import java.io.IOException;
import java.util.Arrays;

/** JMH with the count of operations beside the time. */
public final class JmhRun {
    private JmhRun() {}

    /** Runs benchmarks; the arguments are JMH's, {@code -h} lists them. */
    public static void run(String[] arguments) throws IOException {
        String[] all = Arrays.copyOf(arguments, arguments.length + 2);
        all[arguments.length] = "-prof";
        all[arguments.length + 1] = OperationProfiler.class.getName();
        org.openjdk.jmh.Main.main(all);
    }
}
