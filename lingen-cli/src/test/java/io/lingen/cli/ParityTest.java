package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.internal.PhiloxNormal;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code lingen parity} with a denoiser that PyTorch computed, and with samplers that plain loops computed. */
class ParityTest {
    private static final String RESOURCE = "io/lingen/fixtures/lingen-default";

    @TempDir
    Path model;

    @TempDir
    Path fixtures;

    private final Map<String, HostTensor> fixture = new TreeMap<>();

    /** A model of nothing but a denoiser. */
    @BeforeEach
    void writeDenoiser() throws IOException {
        Files.createDirectories(model.resolve("transformer"));
        try (ModelSource source = ModelSource.ofResource(ParityTest.class.getClassLoader(), RESOURCE)) {
            for (String file : List.of("transformer/config.json", "transformer/model.safetensors")) {
                Files.write(model.resolve(file), source.read(file));
            }
            try (SafetensorsFile file = source.open("fixture.safetensors")) {
                file.names().forEach(name -> fixture.put(name, copy(file.tensor(name))));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"cpu, f32, 1.0e-05", "cpu, bf16, 3.0e-02", "nd4j, f32, 1.0e-05"})
    void denoiserAgreesWithPyTorch(String backend, String precision, String tolerance) throws IOException {
        CommandRun run = parity("--backend", backend, "--precision", precision);
        assertEquals(0, run.code(), run.out() + run.err());
        assertTrue(run.out().endsWith("passed: tolerance " + tolerance + System.lineSeparator()), run.out());
        assertEquals(
                List.of(),
                run.out().lines().filter(line -> line.startsWith("skipped")).toList());
    }

    @Test
    void folderWithADenoiserAloneIsAModel() throws IOException {
        Files.writeString(
                model.resolve("model_index.json"),
                "{\"format\": \"lingen\", \"version\": 1, \"components\": {\"transformer\": \"transformer\"}}");
        CommandRun run = parity("--backend", "cpu");
        assertEquals(0, run.code(), run.out() + run.err());
        CommandRun.of("generate", "a ring", "--model", model, "-o", fixtures.resolve("ring.mp4"))
                .assertRefused(1, "field 'components.vae': found nothing, expected a folder");
    }

    @Test
    void tapsAreInTheOrderOfTheNetwork() throws IOException {
        List<String> names = parity("--backend", "cpu")
                .out()
                .lines()
                .map(line -> line.split(" ")[0])
                .filter(fixture::containsKey)
                .toList();
        assertEquals(
                List.of(
                        "tap.text.0",
                        "tap.text",
                        "tap.time_embed",
                        "tap.adaln",
                        "tap.patch_embed",
                        "tap.blocks.0.norm1"),
                names.subList(0, 6));
        assertEquals(List.of("tap.blocks.3", "tap.final", "velocity"), names.subList(names.size() - 3, names.size()));
        assertEquals(
                fixture.keySet().stream()
                        .filter(name -> name.startsWith("tap.") || name.equals("velocity"))
                        .count(),
                names.size());
    }

    @ParameterizedTest
    @CsvSource({"tap.blocks.2.ma", "tap.text", "velocity"})
    void wrongTensorIsNamed(String name) throws IOException {
        fixture.put(name, changed(fixture.get(name)));
        CommandRun run = parity("--backend", "cpu");
        assertEquals(1, run.code(), run.out());
        assertTrue(run.out().contains("of 39 tensors are beyond it, the first is " + name), run.out());
        assertTrue(
                run.out()
                        .lines()
                        .anyMatch(line -> line.startsWith(name + " ") && line.endsWith("beyond the tolerance")),
                run.out());
    }

    @Test
    void smallerToleranceIsTaken() throws IOException {
        CommandRun run = parity("--backend", "cpu", "--tolerance", 1e-12);
        assertEquals(1, run.code(), run.out());
        assertTrue(run.out().contains("failed: tolerance 1.0e-12; "), run.out());
    }

    @Test
    void expectedTensorsThatNobodyComputesAreNamed() throws IOException {
        fixture.put("tap.blocks.7", fixture.get("tap.blocks.3"));
        fixture.put("tap.final", fixture.get("text.0"));
        fixture.put("vae.frames", fixture.get("latent"));
        fixture.put("vae.latent", fixture.get("latent"));
        fixture.put("colour", fixture.get("t"));
        CommandRun run = parity("--backend", "cpu");
        assertEquals(1, run.code(), run.out());
        List<String> lines =
                run.out().lines().map(line -> line.replaceAll(" +", " ")).toList();
        assertTrue(lines.contains("tap.blocks.7 the network has no such tap"), run.out());
        assertTrue(lines.contains("tap.final expected the shape [5, 12], found [60, 16]"), run.out());
        assertTrue(lines.contains("skipped vae: a folder without model_index.json has no such part"), run.out());
        assertTrue(lines.contains("skipped colour: no part has a tensor of that name"), run.out());
    }

    @Test
    void computedTensorsAreWritten() throws IOException {
        Path computed = fixtures.resolve("computed.safetensors");
        assertEquals(0, parity("--backend", "cpu", "--output", computed).code());
        try (SafetensorsFile file = SafetensorsFile.open(computed)) {
            assertEquals(
                    fixture.get("velocity").shape(), file.tensor("velocity").shape());
            assertEquals(
                    fixture.get("tap.blocks.0.te").shape(),
                    file.tensor("tap.blocks.0.te").shape());
        }
        run(fixtures.resolve("fixture.safetensors"), "--output", computed)
                .assertRefused(1, "the output must be a new file");
    }

    @Test
    void fixtureWithoutPartsIsRefused() throws IOException {
        fixture.keySet().removeIf(name -> !name.startsWith("tap."));
        parity().assertRefused(1, "found tap.adaln, tap.blocks.0, ");
        parity().assertRefused(1, "parts are latent, t, text.{i} and velocity");
        fixture.clear();
        fixture.put("vae.latent", HostTensor.of(new float[4], 4));
        CommandRun run = parity();
        assertEquals(1, run.code());
        assertTrue(run.out().contains("failed: nothing was compared"), run.out());
    }

    @Test
    void missingFilesAreNamed() throws IOException {
        run(fixtures.resolve("no.safetensors")).assertRefused(1, "expected a file");
        Files.delete(model.resolve("transformer/config.json"));
        CommandRun run = parity("--backend", "cpu");
        run.assertRefused(1, "transformer/config.json: expected a file, found none");
        assertEquals(
                List.of("failed: errors in denoiser"), run.out().lines().skip(1).toList());
    }

    /** Euler's method with a shift of 3, and a few-step sampler, in double precision. A sampler needs no model. */
    @ParameterizedTest
    @CsvSource({"cpu, f32, 0", "cpu, bf16, 0", "nd4j, f32, 0", "cpu, f32, 1"})
    void samplersFollowTheirFormulas(String backend, String precision, int wrong) throws IOException {
        fixture.clear();
        double[] sigmas = new double[5];
        double last = shifted(0.001);
        for (int i = 0; i < 4; i++) {
            sigmas[i] = shifted(1 + i * (last - 1) / 3);
        }
        trajectory("euler", sigmas, (i, x, v, e) -> x + (sigmas[i + 1] - sigmas[i]) * v);
        double[] few = {1, 0.757, 0.522, 0};
        trajectory("few", few, (i, x, v, e) -> (1 - few[i + 1]) * (x - few[i] * v) + few[i + 1] * e);
        if (wrong == 1) {
            fixture.put("few.samples", changed(fixture.get("few.samples")));
        }
        Files.writeString(fixtures.resolve("fixture.json"), """
                {"cases": [
                  {"name": "euler", "kind": "FlowMatchEulerDiscreteScheduler", "config": {"shift": 3.0}, "steps": 4},
                  {"name": "few", "kind": "dmd", "config": {"timesteps": [1000, 757, 522]}, "steps": 3}
                ]}
                """);
        model = Files.createDirectories(fixtures.resolve("empty"));
        CommandRun run = parity("--backend", backend, "--precision", precision);
        assertEquals(wrong, run.code(), run.out() + run.err());
        String verdict = wrong == 0
                ? "passed: tolerance 1.0e-05"
                : "failed: tolerance 1.0e-05; 1 of 6 tensors are beyond it, the first is few.samples";
        assertTrue(run.out().endsWith(verdict + System.lineSeparator()), run.out());
    }

    @Test
    void schedulersThatAreNotImplementedAreSkippedByName() throws IOException {
        fixture.clear();
        double[] few = {1, 0.5, 0};
        trajectory("few", few, (i, x, v, e) -> (1 - few[i + 1]) * (x - few[i] * v) + few[i + 1] * e);
        trajectory("other", few, (i, x, v, e) -> x);
        trajectory("unknown", few, (i, x, v, e) -> x);
        trajectory("nameless", few, (i, x, v, e) -> x);
        Files.writeString(fixtures.resolve("fixture.json"), """
                {"cases": [
                  {"name": "few", "kind": "dmd", "config": {"timesteps": [1000, 500]}},
                  {"name": "other", "kind": "UniPCMultistepScheduler",
                   "config": {"use_flow_sigmas": true, "prediction_type": "epsilon"}},
                  {"name": "unknown", "kind": "HeunDiscreteScheduler", "config": {}}
                ]}
                """);
        CommandRun run = parity("--backend", "cpu");
        assertEquals(0, run.code(), run.out() + run.err());
        assertEquals(
                List.of("nameless", "other", "unknown"),
                run.out()
                        .lines()
                        .filter(line -> line.startsWith("skipped "))
                        .map(line -> line.substring("skipped ".length(), line.indexOf(':')))
                        .sorted()
                        .toList());
        assertTrue(run.out().contains("'cases[1].config.prediction_type': found \"epsilon\""), run.out());
        fixture.remove("few.noise");
        parity("--backend", "cpu").assertRefused(1, "expected a tensor 'few.noise'");
    }

    private interface Step {
        double next(int i, double x, double v, double noise);
    }

    private void trajectory(String name, double[] sigmas, Step step) {
        int steps = sigmas.length - 1;
        int elements = 2 * 3 * 5;
        HostTensor start = normal(1, 1, 2, 3, 5);
        HostTensor outputs = normal(2, steps, 1, 2, 3, 5);
        HostTensor noise = normal(3, steps, 1, 2, 3, 5);
        float[] samples = new float[steps * elements];
        float[] times = new float[steps];
        float[] levels = new float[steps + 1];
        for (int j = 0; j < elements; j++) {
            double x = start.get(j);
            for (int i = 0; i < steps; i++) {
                int at = i * elements + j;
                x = step.next(i, x, outputs.get(at), noise.get(at));
                samples[at] = (float) x;
                levels[i] = (float) sigmas[i];
                times[i] = (float) (1000 * sigmas[i]);
            }
        }
        fixture.put(name + ".sample", start);
        fixture.put(name + ".outputs", outputs);
        fixture.put(name + ".noise", noise);
        fixture.put(name + ".samples", HostTensor.of(samples, steps, 1, 2, 3, 5));
        fixture.put(name + ".sigmas", HostTensor.of(levels, levels.length));
        fixture.put(name + ".timesteps", HostTensor.of(times, steps));
    }

    private static double shifted(double u) {
        return 3 * u / (1 + 2 * u);
    }

    private static HostTensor normal(long seed, long... shape) {
        int elements = 1;
        for (long length : shape) {
            elements *= (int) length;
        }
        float[] values = new float[elements];
        PhiloxNormal.fill(seed, 0, values, 0, elements);
        return HostTensor.of(values, shape);
    }

    private static HostTensor copy(HostTensor tensor) {
        byte[] bytes = tensor.memory().toArray(ValueLayout.JAVA_BYTE);
        return new HostTensor(tensor.dtype(), tensor.shape(), MemorySegment.ofArray(bytes));
    }

    /** A tensor of which one element is a thousandth of the norm off. */
    private static HostTensor changed(HostTensor tensor) {
        float[] values = tensor.toFloats();
        double norm = 0;
        for (float value : values) {
            norm += value * value;
        }
        values[values.length / 2] += (float) (1e-3 * Math.sqrt(norm));
        return HostTensor.of(values, tensor.shape().toArray());
    }

    private CommandRun parity(Object... options) {
        Path file = fixtures.resolve("fixture.safetensors");
        SafetensorsWriter.write(file, fixture, Map.of());
        return run(file, options);
    }

    private CommandRun run(Path file, Object... options) {
        Object[] arguments = new Object[5 + options.length];
        System.arraycopy(new Object[] {"parity", "--model", model, "--fixture", file}, 0, arguments, 0, 5);
        System.arraycopy(options, 0, arguments, 5, options.length);
        return CommandRun.of(arguments);
    }
}
