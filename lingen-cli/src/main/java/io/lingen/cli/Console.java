package io.lingen.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The streams of a command that makes videos, and the options that select what it prints. */
final class Console {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--json",
            description =
                    "Print one line of JSON per video on standard output, with its path and the contents of its sidecar.")
    private boolean json;

    @Option(
            names = {"-q", "--quiet"},
            description = "Print errors only, no progress and no warnings.")
    private boolean quiet;

    @Mixin
    private LogLevel logLevel;

    PrintWriter err() {
        return command.commandLine().getErr();
    }

    /** Prints warnings, unless quiet. */
    void warn(List<String> warnings) {
        Progress progress = progress();
        warnings.forEach(warning -> progress.print("warning    " + warning));
    }

    Progress progress() {
        return new Progress(err(), Progress.detect(quiet));
    }

    JsonLines json() {
        return new JsonLines(command.commandLine().getOut(), json);
    }

    /** Runs a check; see {@link #checked}. */
    void check(Runnable step) throws IOException {
        checked(Executors.callable(step));
    }

    /**
     * Returns the result of a step that validates arguments. All of them run before the weights are loaded.
     *
     * @throws ParameterException if the step throws an {@link IllegalArgumentException}
     */
    <T> T checked(Callable<T> step) throws IOException {
        try {
            return step.call();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage(), e);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
