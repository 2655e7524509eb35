package io.lingen.cli;

import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Unmatched;

/** {@code lingen bench}: hands its arguments to lingen-bench, which the launcher puts on the class path for it. */
@Command(
        name = "bench",
        description = "Measures denoisers, their parts and the decoder; 'lingen bench --help' tells more.")
final class BenchCommand implements Callable<Integer> {
    /** The entry of lingen-bench, which depends on this command line's libraries and not the other way round. */
    private static final String MAIN = "io.lingen.bench.Main";

    @Unmatched
    private final List<String> arguments = new ArrayList<>();

    @Override
    public Integer call() throws Exception {
        Class<?> bench;
        try {
            bench = Class.forName(MAIN);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(
                    "the benchmarks are not on the class path; run './lingen bench' in the project's folder", e);
        }
        try {
            bench.getMethod("main", String[].class).invoke(null, (Object) arguments.toArray(new String[0]));
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Exception) {
                throw (Exception) e.getCause();
            }
            throw e;
        }
        return 0;
    }
}
