package io.lingen.sana.internal.transformer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
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
import io.lingen.wan.internal.transformer.FlowReference;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The transformer as a part of a fixture. Velocities are of plain loops in double precision, taps of the reference backend. */
class SanaTransformerParityTest {
    private static final SanaTransformerConfig CONFIG =
            new SanaTransformerConfig(2, 16, 2, 16, 48, 2, 3, 10, 1e-6f, 64);
    private static final int[] LATENT = {3, 3, 6, 10};
    private static final float[] TIMES = {999, 512.5f};

    private final RandomSana weights = new RandomSana(CONFIG, 11L);
    private final Fixture fixture = new Fixture();
    private final TransformerPart part =
            new TransformerPart((backend, precision) -> SanaTransformer.load(CONFIG, weights, backend, precision));

    @BeforeEach
    void writeFixture() {
        HostTensor latent = weights.normal(1, LATENT[0], LATENT[1], LATENT[2], LATENT[3]);
        HostTensor text = weights.normal(1, 6, CONFIG.textWidth());
        HostTensor mask = HostTensor.of(new float[] {1, 1, 1, 1, 0, 0}, 6);
        fixture.put("transformer.latent", latent);
        fixture.put("transformer.text", text);
        fixture.put("transformer.text_mask", mask);
        SanaReference reference = new SanaReference(CONFIG, weights.tensors());
        for (int i = 0; i < TIMES.length; i++) {
            double[] velocity = reference.predict(
                    FlowReference.doubles(latent), LATENT, TIMES[i], FlowReference.doubles(text.slice(0, 4)));
            fixture.put("transformer.t." + i, HostTensor.of(new float[] {TIMES[i]}, 1));
            fixture.put("transformer.velocity." + i, velocity, latent.shape().toArray());
        }
        try (Backend backend = Backends.create("nd4j", new BackendOptions(1));
                FlowTransformer transformer = SanaTransformer.load(CONFIG, weights, backend, DType.F32)) {
            Condition condition = Condition.of(List.of(new TextEmbedding(text, mask)));
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
                List.of(
                        "text",
                        "temb",
                        "time_proj",
                        "patch",
                        "rope.cos",
                        "rope.sin",
                        "blocks.0.attn1.q",
                        "blocks.0.attn1.k",
                        "blocks.0.attn1",
                        "blocks.0.attn2",
                        "blocks.0.ff.conv_point",
                        "blocks.0.ff",
                        "blocks.0"),
                names.subList(0, 13).stream()
                        .map(name -> name.substring("transformer.tap.".length()))
                        .toList());
        assertEquals(
                List.of(
                        "transformer.tap.blocks.1",
                        "transformer.tap.proj_out",
                        "transformer.velocity.0",
                        "transformer.velocity.1"),
                names.subList(names.size() - 4, names.size()));
        assertEquals(fixture.names().size() - 5, names.size(), "all but latent, text, mask and times");
        assertEquals(Map.of(), result.skipped());
    }

    /** The taps of the frame-by-frame layer are those of all frames, in the layout of a convolution. */
    @ParameterizedTest
    @CsvSource({"nd4j", "cpu"})
    void convolutionTapIsChannelFirst(String backend) {
        HostTensor tap = fixture.tensor("transformer.tap.blocks.0.ff.conv_point");
        assertEquals(Shape.of(3, CONFIG.width(), 3, 5), tap.shape());
        fixture.damage("transformer.tap.blocks.0.ff.conv_point");
        assertEquals(
                List.of("transformer.tap.blocks.0.ff.conv_point"),
                fixture.beyond(part, backend, DType.F32).stream()
                        .map(Comparison::name)
                        .toList());
    }
}
