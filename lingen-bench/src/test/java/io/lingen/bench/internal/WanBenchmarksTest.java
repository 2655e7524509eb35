package io.lingen.bench.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lingen.core.Shape;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Runs the benchmarks of Wan on a tiny model. */
class WanBenchmarksTest {
    /** The property with the path of a Python that has diffusers. */
    private static final String PYTHON = "lingen.diffusersPython";

    private static final List<String> TINY = List.of(
            "--heads=2",
            "--head-dim=16",
            "--ffn=60",
            "--layers=7",
            "--text-width=24",
            "--vae-width=8",
            "--size=32x48",
            "--frames=9",
            "--threads=1");

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"denoiser, f32", "denoiser, bf16", "decoder, f32", "decoder, bf16"})
    void passesAreMeasured(String part, String precision) {
        String report = run(new WanComparison(), "--part", part, "--precision", precision, "--without-peer");
        assertTrue(report.contains("pass              " + part + ", 32x48, 9 frames, " + precision), report);
        assertTrue(report.contains("% of this rate"), report);
        assertTrue(report.contains("median"), report);
    }

    @Test
    void processesAreStartedInEveryTurn() {
        String model = folder.resolve("model").toString();
        String[] options = {"--part=denoiser", "--without-peer", "--apart", "--turns=2", "--model", model};
        run(new WanComparison(), options);
        run(new WanComparison(), options);
    }

    @ParameterizedTest
    @CsvSource({"denoiser, f32", "denoiser, bf16", "decoder, f32", "decoder, bf16"})
    void outputsAreThoseOfDiffusers(String part, String precision) {
        String python = System.getProperty(PYTHON);
        assumeTrue(
                python != null,
                "comparisons with diffusers need -D" + PYTHON + " with the path of a Python that has it");
        String report = run(
                new WanComparison(),
                "--part",
                part,
                "--precision",
                precision,
                "--python",
                python,
                "--peer=../src-test-fixtures/python");
        assertTrue(report.contains("allowed: passed"), report);
    }

    @Test
    void memoryIsComparedWithItsForecast() {
        // The process of a tiny model uses less memory than one that runs for longer: its code is not compiled.
        String report = run(new WanMemory(), "--steps=1", "--guidance=1", "--decode=5", "--tolerance=100");
        assertTrue(report.contains("32x48, 9 frames, 5 decoded, 1 steps"), report);
        assertTrue(report.contains("the forecast is off by"), report);
    }

    @Test
    void latentsAreThoseOfTheSize() {
        assertEquals(Shape.of(16, 9, 34, 60), WanSize.latent("480x272", 33));
        assertEquals(Shape.of(16, 21, 60, 104), WanSize.latent("832x480", 81));
        assertThrows(IllegalArgumentException.class, () -> WanSize.latent("480x270", 33));
        assertThrows(IllegalArgumentException.class, () -> WanSize.latent("480", 33));
        assertThrows(IllegalArgumentException.class, () -> WanSize.latent("480x272", 32));
    }

    private static String run(Object command, String... options) {
        List<String> arguments = new ArrayList<>(TINY);
        arguments.addAll(List.of(options));
        StringWriter out = new StringWriter();
        int code = new CommandLine(command).setOut(new PrintWriter(out)).execute(arguments.toArray(String[]::new));
        assertEquals(0, code, out.toString());
        return out.toString();
    }
}
