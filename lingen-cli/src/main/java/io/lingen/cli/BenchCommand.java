package io.lingen.cli;

import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Unmatched;

/** {@code lingen bench}: passes its arguments to lingen-bench, which the launcher puts on the class path. */
@Command(name = "bench", header = "Measure the speed of denoisers, their layers and decoders.")
final class BenchCommand implements Callable<Integer> {
    /** The main class of lingen-bench, which is not a dependency of this module. */
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
                    "lingen-bench must be on the class path, found no " + MAIN
                            + "; run './lingen bench' in the project's folder",
                    e);
        }
        try {
            return (Integer)
                    bench.getMethod("run", String[].class).invoke(null, (Object) arguments.toArray(new String[0]));
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Exception) {
                throw (Exception) e.getCause();
            }
            throw e;
        }
    }
}
