package io.lingen.cli;

import picocli.CommandLine.Option;

/** The options that say how much is told. They take effect before the first logger is made. */
final class LogLevel {
    private static final String LEVEL = "org.slf4j.simpleLogger.defaultLogLevel";

    private static volatile boolean verbose;

    /** Whether stack traces are wanted. */
    static boolean isVerbose() {
        return verbose;
    }

    @Option(
            names = {"-v", "--verbose"},
            description = "Log what happens; show stack traces.")
    void setVerbose(boolean wanted) {
        verbose = wanted;
        if (wanted) {
            System.setProperty(LEVEL, "debug");
        }
    }
}
