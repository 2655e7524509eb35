package io.lingen.cli;

import io.lingen.core.OutOfMemoryException;
import io.lingen.core.checkpoint.CheckpointException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Tells people what went wrong in a few lines; the stack trace comes with {@code --verbose} only. */
final class ErrorReport {
    private ErrorReport() {}

    /** The exit code of wrong usage, after its explanation. */
    static int wrongUsage(ParameterException error, String[] args) {
        CommandLine command = error.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("lingen: " + error.getMessage());
        CommandLine.UnmatchedArgumentException.printSuggestions(error, err);
        err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
        return CommandLine.ExitCode.USAGE;
    }

    /** The exit code of a failure, after its explanation. */
    static int failure(Exception error, CommandLine command, ParseResult parsed) {
        return failure((Throwable) error, command);
    }

    static int failure(Throwable error, CommandLine command) {
        PrintWriter err = command.getErr();
        err.println("lingen: " + message(error));
        if (LogLevel.isVerbose()) {
            error.printStackTrace(err);
        }
        err.flush();
        return CommandLine.ExitCode.SOFTWARE;
    }

    private static String message(Throwable error) {
        if (error instanceof OutOfMemoryError) {
            return "out of memory: " + error.getMessage()
                    + ". Make the video smaller or shorter, or give Java more: LINGEN_JAVA_OPTS=-Xmx4g";
        }
        if (error instanceof NoSuchFileException && ((NoSuchFileException) error).getReason() == null) {
            return error.getMessage() + " does not exist";
        }
        if (error instanceof AccessDeniedException) {
            return "no permission for " + error.getMessage();
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
        return "unexpected " + error + (LogLevel.isVerbose() ? "" : "; --verbose shows where");
    }
}
