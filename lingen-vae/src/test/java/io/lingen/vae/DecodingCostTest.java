package io.lingen.vae;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.dryrun.DryRun;
import io.lingen.core.op.Grid;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Shapes, memory and operations of the networks, by dry runs. */
final class DecodingCostTest {
    @TempDir
    Path folder;

    private final Backend backend = DryRun.exact().backend();

    private LatentVideoDecoder decoder(TinyAutoencoder model, DType precision) throws IOException {
        return LatentVideoDecoder.load(ModelSource.of(model.write(folder)), "vae", backend, precision);
    }

    private DecodingCost cost(DType precision, Grid latent) {
        return DecodingCost.of(ModelSource.of(folder), "vae", precision, latent);
    }

    @Test
    void layersHaveTheExpectedShapes() throws IOException {
        Map<String, Shape> taps = new TreeMap<>();
        try (LatentVideoDecoder decoder = decoder(TinyAutoencoder.of(true, 4, 2, 0), DType.F32);
                Workspace workspace = backend.newWorkspace()) {
            Tensor latent = workspace.allocate(DType.F32, 3, 5, 6, 7);
            Tensor frames = decoder.decode(latent, workspace, (name, tensor) -> taps.put(name, tensor.shape()));
            assertEquals(Shape.of(3, 20, 12, 14), frames.shape());
        }
        Map<String, Shape> expected = Map.of(
                "decoder.conv_in", Shape.of(5, 6, 7, 8),
                "decoder.mid.res.0", Shape.of(5, 6, 7, 8),
                "decoder.mid.attn", Shape.of(5, 6, 7, 8),
                "decoder.mid", Shape.of(5, 6, 7, 8),
                "decoder.up.0.res.0", Shape.of(5, 6, 7, 8),
                "decoder.up.0.upsample", Shape.of(10, 12, 14, 8),
                "decoder.up.0", Shape.of(10, 12, 14, 8),
                "decoder.up.1.res.0", Shape.of(10, 12, 14, 4),
                "decoder.up.1", Shape.of(10, 12, 14, 4),
                "decoder.conv_out", Shape.of(10, 12, 14, 6));
        assertEquals(new TreeMap<>(expected), taps);
        assertEquals(0, backend.memory().liveBytes(), "everything is freed");
    }

    @Test
    void passMemoryGrowsOnlyByTheLatents() throws IOException {
        long weights;
        try (LatentVideoDecoder decoder = decoder(TinyAutoencoder.of(true, 4, 2, 0), DType.BF16)) {
            weights = decoder.backend().memory().liveBytes();
        }
        DecodingCost one = cost(DType.BF16, new Grid(8, 8, 8)); // 3 tiles
        DecodingCost four = cost(DType.BF16, new Grid(32, 8, 8)); // 15 tiles
        assertEquals(weights, one.weightBytes());
        long latents = (32 - 8) * 8 * 8 * 3 * 4;
        assertEquals(one.passBytes() + 2 * latents, four.passBytes(), "latents as given and channels last");
        assertTrue(
                four.operations() > 4.9 * one.operations() && four.operations() < 5.1 * one.operations(),
                one + " " + four);
        assertEquals(0, backend.memory().liveBytes());
    }

    /**
     * The peak is 16 channels of pixels: two tensors of 8 in an upsampling, or x of 8 with its shortcut and a result of 4
     * each.
     */
    @Test
    void activationsAreFreedEarly() throws IOException {
        TinyAutoencoder.of(false, 4, 0, 0).write(folder);
        long pixels = 4 * 2 * 16 * 16 * 4; // bytes of a channel at the last level
        long passBytes = cost(DType.F32, new Grid(4, 8, 8)).passBytes();
        assertTrue(passBytes <= (8 + 8) * pixels + 3 * 4 * 4 * 64 * 4 * 2, passBytes + " " + pixels);
    }

    @Test
    void invalidWeightsAreNamed() {
        assertRefused(
                "decoder.up.1.res.0.shortcut.bias",
                TinyAutoencoder.of(true, 4, 2, 0).without("decoder.up.1.res.0.shortcut.bias"));
        assertRefused(
                "'decoder.conv_in.temporal.weight': expected the shape [8, 8, 3], found [8, 8, 1]",
                TinyAutoencoder.of(true, 4, 2, 0).with("decoder.conv_in.temporal.weight", 8, 8, 1));
        assertRefused(
                "does not use: decoder.mid.attn",
                TinyAutoencoder.of(false, 4, 2, 0).with("decoder.mid.attn.extra", 1));
        assertEquals(0, backend.memory().liveBytes(), "a failed load leaves nothing");
    }

    private void assertRefused(String message, TinyAutoencoder model) {
        CheckpointException refusal = assertThrows(CheckpointException.class, () -> decoder(model, DType.F32));
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
    }

    @Test
    void encoderTensorsAreOptional() throws IOException {
        TinyAutoencoder model = TinyAutoencoder.of(true, 4, 2, 0).withEncoder(true);
        decoder(model, DType.F32).close();
        ModelSource source = ModelSource.of(folder);
        try (LatentVideoEncoder encoder = LatentVideoEncoder.load(source, "vae", backend, DType.BF16);
                Workspace workspace = backend.newWorkspace()) {
            Tensor frames = workspace.allocate(DType.F32, 3, 8, 12, 14);
            assertEquals(Shape.of(3, 2, 6, 7), encoder.encode(frames, workspace).shape());
            Tensor odd = workspace.allocate(DType.F32, 3, 6, 12, 14);
            assertTrue(assertThrows(IllegalArgumentException.class, () -> encoder.encode(odd, workspace))
                    .getMessage()
                    .contains("multiples of 4, 2 and 2, found [3, 6, 12, 14]"));
        }
        assertEquals(0, backend.memory().liveBytes());
        assertThrows(CheckpointException.class, () -> {
            TinyAutoencoder.of(true, 4, 2, 0).write(folder);
            LatentVideoEncoder.load(source, "vae", backend, DType.F32);
        });
    }

    @Test
    void invalidLatentsAreNamed() throws IOException {
        try (LatentVideoDecoder decoder = decoder(TinyAutoencoder.of(true, 4, 2, 0), DType.F32);
                Workspace workspace = backend.newWorkspace()) {
            Tensor latent = workspace.allocate(DType.F32, 4, 5, 6, 7);
            assertTrue(assertThrows(IllegalArgumentException.class, () -> decoder.frames(latent))
                    .getMessage()
                    .contains("[3, T, H, W] with at least one cell, found [4, 5, 6, 7]"));
            assertThrows(IllegalArgumentException.class, () -> decoder.decode(latent, workspace));
        }
    }
}
