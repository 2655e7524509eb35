package io.lingen.cli;

import io.lingen.core.OutOfMemoryException;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.SafeText;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Prints errors in a few lines; with {@code --verbose} also their stack traces. */
final class ErrorReport {
    private static final int MAX_LINES = 8;
    private static final int MAX_CHARACTERS = 900;

    private ErrorReport() {}

    /** Prints a usage error; returns its exit code. */
    static int usageError(ParameterException error, String[] args) {
        CommandLine command = error.getCommandLine();
        PrintWriter err = command.getErr();
        StringWriter suggestions = new StringWriter();
        CommandLine.UnmatchedArgumentException.printSuggestions(error, new PrintWriter(suggestions, true));
        err.println("lingen: " + shortened(String.valueOf(error.getMessage()).replaceFirst("^Error: ", "")));
        if (!suggestions.toString().isBlank()) {
            err.println(shortened(suggestions.toString().strip()));
        }
        err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
        return CommandLine.ExitCode.USAGE;
    }

    /** Prints a failure of a command; returns its exit code. */
    static int failure(Exception error, CommandLine command, ParseResult parsed) {
        return failure((Throwable) error, command);
    }

    /** Prints a failure; returns its exit code. */
    static int failure(Throwable error, CommandLine command) {
        if (Lingen.isShuttingDown()) {
            return Interruption.EXIT_CODE;
        }
        PrintWriter err = command.getErr();
        err.println("lingen: " + shortened(message(error)));
        if (LogLevel.isVerbose()) {
            error.printStackTrace(err);
        }
        err.flush();
        return CommandLine.ExitCode.SOFTWARE;
    }

    /** Reports that standard output could not be written; returns the exit code in place of {@code code}. */
    static int outputFailure(int code, CommandLine command) {
        PrintWriter err = command.getErr();
        err.println(
                "lingen: could not write to standard output, so results printed there are incomplete; check for a full disk"
                        + " or a closed pipe");
        err.flush();
        return code == CommandLine.ExitCode.OK ? CommandLine.ExitCode.SOFTWARE : code;
    }

    /** The message of an error, in a few lines. */
    static String text(Throwable error) {
        return shortened(message(error));
    }

    /** Bounds a message to less than a screen and escapes control characters. */
    private static String shortened(String message) {
        List<String> lines = message.strip().lines().toList();
        String text = lines.stream().map(ErrorReport::quoted).collect(Collectors.joining(System.lineSeparator()));
        if (lines.size() <= MAX_LINES && text.length() <= MAX_CHARACTERS) {
            return text;
        }
        // Keep the beginning, which contains the problem, and the end, which contains the remedy.
        String line = quoted(String.join(" ", lines));
        return line.length() <= MAX_CHARACTERS
                ? line
                : SafeText.of(line, MAX_CHARACTERS * 2 / 3) + " " + SafeText.endOf(line, MAX_CHARACTERS / 4);
    }

    private static String quoted(String line) {
        return SafeText.of(line, Integer.MAX_VALUE);
    }

    private static String message(Throwable error) {
        if (error instanceof OutOfMemoryError) {
            return "out of memory: " + error.getMessage()
                    + "; make the video smaller or shorter, or raise Java's limit, for example LINGEN_JAVA_OPTS=-Xmx4g";
        }
        if (error instanceof NoSuchFileException && ((NoSuchFileException) error).getReason() == null) {
            return error.getMessage() + " does not exist";
        }
        if (error instanceof AccessDeniedException) {
            return "permission denied: " + error.getMessage();
        }
        if (error instanceof UncheckedIOException && error.getCause() != null) {
            return message(error.getCause());
        }
        boolean expected = error instanceof CheckpointException
                || error instanceof OutOfMemoryException
                || error instanceof IOException
                || error instanceof IllegalArgumentException
                || error instanceof IllegalStateException;
        if (expected && error.getMessage() != null) {
            return error.getMessage();
        }
        return "unexpected " + error + (LogLevel.isVerbose() ? "" : "; --verbose prints the stack trace");
    }
}
