package io.lingen.bench.internal;

import java.io.IOException;
import java.util.Arrays;

/** The command {@code lingen bench jmh}, which runs JMH and also reports the counted operations. */
public final class JmhRun {
    private JmhRun() {}

    /**
     * Runs benchmarks.
     *
     * @param arguments the arguments of JMH, which {@code -h} lists
     * @throws IOException if JMH cannot read or write its files
     */
    public static void run(String[] arguments) throws IOException {
        String[] all = Arrays.copyOf(arguments, arguments.length + 2);
        all[arguments.length] = "-prof";
        all[arguments.length + 1] = OperationProfiler.class.getName();
        org.openjdk.jmh.Main.main(all);
    }
}
