package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.TinyLatte;
import io.lingen.core.checkpoint.ModelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command line with Latte models. */
class LatteTest {
    @TempDir
    static Path models;

    @TempDir
    Path folder;

    @BeforeAll
    static void write() throws IOException {
        TinyLatte.write(models.resolve("none"), "none");
        TinyLatte.write(models.resolve("class"), "class");
    }

    @Test
    void infoPrintsSizesConditionsAndMemory() {
        CommandRun run = CommandRun.of("info", "--model", models.resolve("class"), "--backend", "cpu");
        assertEquals(0, run.code(), run.err());
        for (String line : new String[] {
            "denoiser  latte, variant 1, 4 blocks, width 24, ",
            "sampler   ddpm, even, 4 steps, guidance 3\n            ddim, even, 4 steps, guidance 3",
            "native    40x24, 0.375 s at 8 fps",
            "width     40",
            "frames    3",
            "labels    0 to 4",
            "Memory of a video of 40x24, 0.375 s (3 frames), in bf16",
        }) {
            assertTrue(run.out().contains(line), run.out());
        }
        run = CommandRun.of("info", "--model", models.resolve("none"), "--backend", "cpu");
        assertEquals(0, run.code(), run.err());
        assertTrue(run.out().contains("condition none: the model accepts neither"), run.out());
    }

    @Test
    void videosAreReproducedWithAndWithoutLabels() throws IOException {
        for (Object[] command : new Object[][] {
            {"generate", "--label", 2, "--model", models.resolve("class")},
            {"generate", "--model", models.resolve("none")},
        }) {
            Path first = folder.resolve("first.mp4");
            Path again = folder.resolve("again.mp4");
            CommandRun run = run(command, "-o", first, "--seed", 5, "--overwrite");
            assertEquals(0, run.code(), run.err());
            run = CommandRun.of(
                    "generate", "--like", first, "-o", again, "--model", command[command.length - 1], "--overwrite");
            assertEquals(0, run.code(), run.err());
            assertEquals(-1, Files.mismatch(first, again));
            run = run(command, "-o", folder.resolve("many.mp4"), "--count", 2, "--overwrite");
            assertEquals(0, run.code(), run.err());
            assertTrue(Files.exists(folder.resolve("many-0002.mp4")));
        }
    }

    private static CommandRun run(Object[] command, Object... options) {
        Object[] all = new Object[command.length + options.length + 2];
        System.arraycopy(command, 0, all, 0, command.length);
        System.arraycopy(options, 0, all, command.length, options.length);
        all[all.length - 2] = "--backend";
        all[all.length - 1] = "cpu";
        return CommandRun.of(all);
    }

    @Test
    void wrongConditionsAreRejected() {
        Object[] classes = {"generate", "--model", models.resolve("class")};
        run(classes).assertRefused(2, "request for this model must have a class label from 0 to 4, found none");
        run(classes, "a ring").assertRefused(2, "must have a class label from 0 to 4, found a prompt");
        run(classes, "--label", 5).assertRefused(2, "class label must be 0 to 4, found 5");
        run(classes, "--label", 1, "--frames", 16).assertRefused(2, "number of frames must be 3, found 16; use 3");
        run(new Object[] {"generate", "--model", models.resolve("none")}, "--label", 1)
                .assertRefused(2, "must have neither a prompt nor a class label");
        CommandRun.of("generate").assertRefused(2, "prompt must be given, found none");
    }

    @ParameterizedTest
    @CsvSource({
        "latte-class, transformer, fixture",
        "latte-text, transformer, fixture",
        "latte-text, transformer, fixture-one-frame",
        "latte-variant-3, transformer, fixture",
        "vae-sd, vae, fixture",
        "vae-sd-temporal, vae, fixture",
    })
    void partsAgreeWithPyTorch(String fixture, String component, String name) throws IOException {
        Path model = Files.createDirectories(folder.resolve(component)).getParent();
        String resource = "io/lingen/fixtures/" + fixture;
        try (ModelSource source = ModelSource.ofResource(LatteTest.class.getClassLoader(), resource)) {
            for (String file : new String[] {"config.json", "model.safetensors"}) {
                Files.write(model.resolve(component).resolve(file), source.read(component + "/" + file));
            }
            Files.write(model.resolve("golden.safetensors"), source.read(name + ".safetensors"));
        }
        CommandRun run = CommandRun.of(
                "parity", "--model", model, "--fixture", model.resolve("golden.safetensors"), "--backend", "cpu");
        assertEquals(0, run.code(), run.out() + run.err());
        assertEquals(
                component.equals("vae") ? 1 : 0,
                run.out().lines().filter(line -> line.startsWith("skipped")).count(),
                run.out());
    }
}
