package io.lingen.wan.internal.transformer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.ParityCheck.Comparison;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.internal.transformer.FlowTransformer;
import io.lingen.internal.parity.TransformerPart;
import io.lingen.wan.internal.parity.Fixture;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The transformer as a part of a fixture. Velocities are of plain loops in double precision, taps of the reference backend. */
class TransformerParityTest {
    private static final WanTransformerConfig CONFIG = new WanTransformerConfig(2, 16, 60, 2, 3, 10, 256, 1e-6f, 64);
    private static final int[] LATENT = {3, 2, 6, 10};
    private static final float[] TIMES = {999, 512.5f};

    private final RandomTransformer weights = new RandomTransformer(CONFIG, 11);
    private final Fixture fixture = new Fixture();
    private final TransformerPart part =
            new TransformerPart((backend, precision) -> WanTransformer.load(CONFIG, weights, backend, precision));

    @BeforeEach
    void writeFixture() {
        HostTensor latent = weights.normal(1, LATENT[0], LATENT[1], LATENT[2], LATENT[3]);
        HostTensor text = weights.normal(1, 9, CONFIG.textWidth());
        fixture.put("transformer.latent", latent);
        fixture.put("transformer.text", text);
        WanReference reference = new WanReference(CONFIG, weights.tensors());
        for (int i = 0; i < TIMES.length; i++) {
            double[] velocity = reference.predict(doubles(latent), LATENT, TIMES[i], doubles(text));
            fixture.put("transformer.t." + i, HostTensor.of(new float[] {TIMES[i]}, 1));
            fixture.put("transformer.velocity." + i, velocity, latent.shape().toArray());
        }
        try (Backend backend = Backends.create("nd4j", new BackendOptions(1));
                FlowTransformer transformer = WanTransformer.load(CONFIG, weights, backend, DType.F32)) {
            Condition condition = Condition.of(List.of(new TextEmbedding(text, null)));
            Taps taps = (name, tensor) -> fixture.put("transformer.tap." + name, backend.download(tensor));
            new ParityCheck(fixture, null, backend)
                    .predict(transformer, latent, fixture.tensor("transformer.t.0"), condition, taps);
        }
    }

    @ParameterizedTest
    @CsvSource({"nd4j, F32", "cpu, F32", "cpu, BF16"})
    void everyTensorAgreesInTheOrderOfTheNetwork(String backend, DType precision) {
        assertEquals(List.of(), fixture.beyond(part, backend, precision));
        ParityCheck.Result result = fixture.check(part, backend, precision);
        List<String> names = result.comparisons().stream().map(Comparison::name).toList();
        assertEquals(
                List.of("text", "temb", "time_proj", "patch", "rope.cos", "rope.sin", "blocks.0.attn1.q"),
                names.subList(0, 7).stream()
                        .map(name -> name.substring("transformer.tap.".length()))
                        .toList());
        assertEquals(
                List.of(
                        "transformer.tap.blocks.1",
                        "transformer.tap.proj_out",
                        "transformer.velocity.0",
                        "transformer.velocity.1"),
                names.subList(names.size() - 4, names.size()));
        assertEquals(fixture.names().size() - 4, names.size(), "all but latent, text and times");
        assertEquals(Map.of(), result.skipped());
    }

    @ParameterizedTest
    @CsvSource({"transformer.tap.blocks.0.attn1.k", "transformer.tap.text", "transformer.velocity.1"})
    void wrongTensorIsFound(String name) {
        fixture.damage(name);
        List<String> beyond = fixture.beyond(part, "cpu", DType.F32).stream()
                .map(Comparison::name)
                .toList();
        assertEquals(List.of(name), beyond);
    }

    @ParameterizedTest
    @CsvSource({"nd4j, F32", "cpu, F32", "cpu, BF16"})
    void timesOfTokensAgree(String backend, DType precision) {
        double[] times = new double[30];
        for (int token = 0; token < times.length; token++) {
            times[token] =
                    token < 15 ? 0 : token < 28 ? 800 : 100 * token; // of the first frame, of others, of single tokens
        }
        double[] velocity = new WanReference(CONFIG, weights.tensors())
                .predict(
                        doubles(fixture.tensor("transformer.latent")),
                        LATENT,
                        times,
                        doubles(fixture.tensor("transformer.text")));
        fixture.put("transformer.per_token.t", times, 30);
        fixture.put("transformer.per_token.velocity", velocity, 3, 2, 6, 10);
        assertEquals(List.of(), fixture.beyond(part, backend, precision));
        List<Comparison> comparisons = fixture.check(part, backend, precision).comparisons();
        assertEquals(
                "transformer.per_token.velocity",
                comparisons.get(comparisons.size() - 1).name());
        fixture.damage("transformer.per_token.velocity");
        assertEquals(1, fixture.beyond(part, "nd4j", DType.F32).size());
    }

    @Test
    void numberOfTimesIsChecked() {
        fixture.put("transformer.per_token.t", HostTensor.of(new float[29], 29));
        fixture.put("transformer.per_token.velocity", fixture.tensor("transformer.latent"));
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> fixture.check(part, "cpu", DType.F32));
        assertEquals("times must be those of 30 tokens, found 29", e.getMessage());
    }

    @Test
    void partIsInFixturesWithExpectedResults() {
        assertTrue(part.isIn(fixture.names()));
        assertFalse(part.isIn(Set.of("transformer.latent", "transformer.t.0", "transformer.text", "lora.velocity")));
    }

    private static double[] doubles(HostTensor tensor) {
        double[] values = new double[Math.toIntExact(tensor.shape().elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = tensor.get(i);
        }
        return values;
    }
}
