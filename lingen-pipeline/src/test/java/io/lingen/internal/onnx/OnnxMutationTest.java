package io.lingen.internal.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.mutation.Mutations;
import io.lingen.text.TextEncoders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random damage to ONNX models: they are run or rejected. ONNX Runtime reads them in native code, so the test starts a process. If the process
 * crashes, the test fails and keeps the file.
 */
@Timeout(7200)
class OnnxMutationTest {
    private static final long FIXED_BYTES = 32L << 20;

    @TempDir
    Path folder;

    @Test
    void damagedModelsAreRunOrRejected() throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:-CreateCoredumpOnCrash",
                "-XX:ErrorFile=" + folder.resolve("crash.log"),
                "--enable-native-access=ALL-UNNAMED",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                "-cp",
                System.getProperty("java.class.path")));
        for (String property : List.of("lingen.seed", "lingen.mutations")) {
            String value = System.getProperty(property);
            if (value != null) {
                command.add("-D" + property + "=" + value);
            }
        }
        command.addAll(List.of(OnnxMutationTest.class.getName(), folder.toString()));
        Path log = folder.resolve("log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        assertTrue(process.waitFor(2, TimeUnit.HOURS));
        String output = Files.readString(log);
        System.out.print(output);
        assertEquals(0, process.exitValue(), () -> output + "; the last file is " + keep());
    }

    /** A copy of the file that was read last. */
    private Path keep() {
        try {
            return Files.copy(
                    folder.resolve("text_encoder/encoder.onnx"),
                    Path.of("target/damaged.onnx").toAbsolutePath(),
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Reads damaged files in a folder. */
    public static void main(String[] arguments) throws Exception {
        Path model = Path.of(arguments[0]);
        Path component = Files.createDirectories(model.resolve("text_encoder"));
        Files.writeString(
                component.resolve("config.json"),
                "{\"model\": \"encoder.onnx\", \"max_tokens\": 64, \"width\": " + OnnxFiles.WIDTH + "}");
        Files.writeString(component.resolve("tokenizer.json"), OnnxFiles.TOKENIZER);
        Path onnx = component.resolve("encoder.onnx");
        new Mutations("ONNX", FIXED_BYTES, Set.of(CheckpointException.class), damaged -> {
                    // A new file each time: one that is mapped must not shrink.
                    Files.deleteIfExists(onnx);
                    Files.write(onnx, damaged);
                    encode(model);
                })
                .run(OnnxFiles.encoder(), 0.3);
        System.exit(0);
    }

    private static void encode(Path model) {
        try (ModelSource source = ModelSource.of(model);
                TextEncoders encoders = OnnxTextEncoders.load(source, List.of("text_encoder"), 1)) {
            encoders.encode("a red ring");
            encoders.encode("ring ring a red red a ring");
        }
    }
}
