package io.lingen.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The exit codes of {@code lingen bench}. */
class MainTest {
    @TempDir
    Path folder;

    @Test
    void helpIsPrinted() throws Exception {
        for (String command : List.of("peer", "wan-peer", "wan-memory", "gpu", "agreement", "jmh")) {
            assertTrue(printed("--help").contains("\n  " + command + " "), command);
        }
        for (String command : List.of("peer", "wan-peer", "wan-memory", "gpu", "agreement")) {
            String help = printed(command, "--help");
            assertTrue(help.contains("Usage: lingen bench " + command), help);
            assertTrue(help.lines().allMatch(line -> line.length() <= 80), help);
            assertTrue(printed(command, "--version").startsWith("lingen "), command);
        }
        assertEquals(2, Main.run("nonsense"));
    }

    private static String printed(String... arguments) throws Exception {
        PrintStream before = System.out;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            assertEquals(0, Main.run(arguments));
        } finally {
            System.setOut(before);
        }
        return printed.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aFullStandardOutputIsAFailure() throws Exception {
        Path full = Path.of("/dev/full");
        assumeTrue(Files.isWritable(full), "this system has no /dev/full");
        Path err = folder.resolve("err.txt");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "--help")
                .redirectOutput(full.toFile())
                .redirectError(err.toFile())
                .start();
        assertTrue(process.waitFor(100, TimeUnit.SECONDS));
        assertEquals(1, process.exitValue());
        String message = Files.readString(err);
        assertTrue(message.startsWith("lingen bench: could not write to standard output"), message);
    }
}
