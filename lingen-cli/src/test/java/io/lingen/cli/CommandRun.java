package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import picocli.CommandLine;

/**
 * The result of a command that was run in this JVM.
 *
 * @param code the exit code
 * @param out the standard output
 * @param err the standard error, without logs
 */
record CommandRun(int code, String out, String err) {
    private static final int MAX_LINES = 12;
    private static final int MAX_CHARACTERS = 1200;

    static CommandRun of(Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command = Lingen.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        int code = Lingen.run(
                command, Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
        return new CommandRun(code, out.toString(), err.toString());
    }

    /** Asserts a readable failure: less than a screen, without stack trace and control characters. */
    void assertRefused(int expectedCode, String message) {
        assertEquals(expectedCode, code, err);
        assertTrue(err.contains(message), err);
        assertTrue(err.contains("lingen: "), err);
        assertTrue(err.lines().count() <= MAX_LINES, err);
        assertTrue(err.length() <= MAX_CHARACTERS, err);
        assertFalse(err.contains("\tat "), err);
        assertFalse(err.contains("unexpected "), err);
        assertTrue(
                err.codePoints().noneMatch(codePoint -> codePoint != '\n' && Character.isISOControl(codePoint)), err);
    }
}
