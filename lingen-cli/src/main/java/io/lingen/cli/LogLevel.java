package io.lingen.cli;

import picocli.CommandLine.Option;

/** {@code --verbose}. It takes effect before the first logger is created. */
final class LogLevel {
    private static final String LEVEL = "org.slf4j.simpleLogger.defaultLogLevel";

    private static volatile boolean verbose;

    /** Whether to print stack traces. */
    static boolean isVerbose() {
        return verbose;
    }

    @Option(
            names = {"-v", "--verbose"},
            description = "Print debug logs and the stack traces of errors.")
    void setVerbose(boolean enabled) {
        verbose = enabled;
        if (enabled) {
            System.setProperty(LEVEL, "debug");
        }
    }
}
