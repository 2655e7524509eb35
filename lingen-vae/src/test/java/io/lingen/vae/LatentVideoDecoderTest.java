package io.lingen.vae;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.op.Grid;
import java.io.IOException;
import java.nio.file.Path;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests decoding in tiles on every backend. {@link AutoencoderParityTest} compares the values with PyTorch. */
final class LatentVideoDecoderTest {
    /** The receptive radius of {@link TinyAutoencoder} without attention. */
    private static final int RADIUS = 7;

    @TempDir
    Path folder;

    private LatentVideoDecoder decoder(TinyAutoencoder model, Backend backend, DType precision) throws IOException {
        return LatentVideoDecoder.load(ModelSource.of(model.write(folder)), "vae", backend, precision);
    }

    /** Returns frames [F, H, W, 3] decoded as a stream. */
    private static HostTensor tiled(LatentVideoDecoder decoder, Tensor latent) {
        try (FrameStream stream = decoder.frames(latent)) {
            int pixels = stream.width() * stream.height() * 3;
            float[] all = new float[stream.frameCount() * pixels];
            for (int f = 0; stream.hasNext(); f++) {
                System.arraycopy(stream.nextValues().toFloats(), 0, all, f * pixels, pixels);
            }
            return HostTensor.of(all, stream.frameCount(), stream.height(), stream.width(), 3);
        }
    }

    /** Returns frames [F, H, W, 3] decoded as a whole. */
    private static HostTensor untiled(LatentVideoDecoder decoder, Backend backend, Tensor latent) {
        try (Workspace workspace = backend.newWorkspace()) {
            HostTensor planes = backend.download(decoder.decode(latent, workspace)); // [3, F, H, W]
            int pixels = (int) (planes.shape().elements() / 3);
            float[] all = new float[3 * pixels];
            for (int i = 0; i < pixels; i++) {
                for (int c = 0; c < 3; c++) {
                    all[3 * i + c] = planes.get((long) c * pixels + i);
                }
            }
            return HostTensor.of(
                    all,
                    planes.shape().length(1),
                    planes.shape().length(2),
                    planes.shape().length(3),
                    3);
        }
    }

    @ParameterizedTest
    @MethodSource("io.lingen.vae.TestBackends#names")
    void tilesWithSufficientMarginEqualUntiledDecoding(String name) throws IOException {
        double[] errors = new double[3];
        try (Backend backend = TestBackends.open(name);
                Workspace workspace = backend.newWorkspace()) {
            Tensor latent = backend.upload(workspace, TestBackends.normal(1, 3, 20, 2, 3), DType.F32);
            int[] margins = {0, 3, RADIUS};
            for (int i = 0; i < margins.length; i++) {
                TinyAutoencoder model = TinyAutoencoder.of(false, 2 * RADIUS + 2, 2 * margins[i], margins[i]);
                try (LatentVideoDecoder decoder = decoder(model, backend, DType.F32)) {
                    assertEquals(RADIUS, decoder.config().receptiveRadius().orElseThrow());
                    HostTensor whole = untiled(decoder, backend, latent);
                    HostTensor tiles = tiled(decoder, latent);
                    assertEquals(whole.shape(), tiles.shape());
                    errors[i] = TestBackends.relativeError(whole, tiles);
                }
            }
        }
        assertTrue(errors[2] < 1e-6, "seams are gone with a margin of the receptive radius, found " + errors[2]);
        assertTrue(
                errors[1] < 0.3 * errors[0] && errors[0] < 1, errors[0] + " without, " + errors[1] + " with a margin");
        assertTrue(errors[1] > errors[2], "a margin below the radius leaves something, found " + errors[1]);
    }

    /** Uses the tiling of lingen-nano, which blends half of every tile. Each frame lies between those of its two tiles. */
    @ParameterizedTest
    @MethodSource("io.lingen.vae.TestBackends#names")
    void blendedFramesAreWeightedSums(String name) throws IOException {
        try (Backend backend = TestBackends.open(name);
                Workspace workspace = backend.newWorkspace();
                LatentVideoDecoder decoder = decoder(TinyAutoencoder.of(true, 4, 2, 0), backend, DType.F32)) {
            HostTensor latent = TestBackends.normal(2, 3, 6, 3, 4);
            HostTensor found = tiled(decoder, backend.upload(workspace, latent, DType.F32));
            HostTensor first = untiled(decoder, backend, backend.upload(workspace, cut(latent, 0, 4), DType.F32));
            HostTensor second = untiled(decoder, backend, backend.upload(workspace, cut(latent, 2, 6), DType.F32));
            int pixels = 6 * 8 * 3;
            float[] expected = new float[24 * pixels];
            for (int f = 0; f < 24; f++) {
                // Frames 8 to 15 are shared.
                double later = f < 8 ? 0 : f >= 16 ? 1 : (f - 7) / 9.0;
                for (int i = 0; i < pixels; i++) {
                    double a = later < 1 ? first.get((long) f * pixels + i) : 0;
                    double b = later > 0 ? second.get((long) (f - 8) * pixels + i) : 0;
                    expected[f * pixels + i] = (float) ((1 - later) * a + later * b);
                }
            }
            assertTrue(TestBackends.relativeError(HostTensor.of(expected, 24, 6, 8, 3), found) < 1e-6);
        }
    }

    /** Returns latents [C, from .. to, H, W] of [C, T, H, W]. */
    private static HostTensor cut(HostTensor latent, int from, int to) {
        int channels = (int) latent.shape().length(0);
        int length = (int) latent.shape().length(1);
        int cells = (int) (latent.shape().length(2) * latent.shape().length(3));
        float[] part = new float[channels * (to - from) * cells];
        for (int c = 0; c < channels; c++) {
            System.arraycopy(
                    latent.toFloats(), (c * length + from) * cells, part, c * (to - from) * cells, (to - from) * cells);
        }
        return HostTensor.of(
                part,
                channels,
                to - from,
                latent.shape().length(2),
                latent.shape().length(3));
    }

    /** Away from the ends of the video, constant latents give equal frames. */
    @ParameterizedTest
    @MethodSource("io.lingen.vae.TestBackends#names")
    void constantLatentsGiveConstantFrames(String name) throws IOException {
        try (Backend backend = TestBackends.open(name);
                Workspace workspace = backend.newWorkspace();
                LatentVideoDecoder decoder =
                        decoder(TinyAutoencoder.of(false, 2 * RADIUS + 2, 2 * RADIUS, RADIUS), backend, DType.F32)) {
            float[] values = new float[3 * 24 * 4];
            for (int i = 0; i < values.length; i++) {
                values[i] = i / (24 * 4) - 1f; // -1, 0, 1 by channel
            }
            HostTensor frames = tiled(
                    decoder, backend.upload(workspace, HostTensor.of(values, 3, 24, 2, 2), DType.F32)); // [96, 4, 4, 3]
            HostTensor middle = frames.slice(RADIUS * 4, RADIUS * 4 + 4);
            for (int t = RADIUS; t < 24 - RADIUS; t++) {
                double error = TestBackends.relativeError(middle, frames.slice(t * 4, t * 4 + 4));
                assertTrue(error < 1e-5, "latent " + t + ": " + error);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.lingen.vae.TestBackends#names")
    void memoryIsIndependentOfTheLength(String name) throws IOException {
        try (Backend backend = TestBackends.open(name);
                LatentVideoDecoder decoder = decoder(TinyAutoencoder.of(true, 4, 2, 0), backend, DType.F32)) {
            long one = peak(decoder, backend, 8);
            long four = peak(decoder, backend, 32);
            long latents = 2 * (32 - 8) * 4 * 4 * 3 * 4; // as given, and channels last
            assertTrue(four <= 1.02 * one + latents, "peak of 32 latents " + four + ", of 8 latents " + one);
            DecodingCost cost = DecodingCost.of(ModelSource.of(folder), "vae", DType.F32, new Grid(32, 4, 4));
            assertTrue(
                    cost.passBytes() <= four && four <= 1.1 * cost.passBytes(),
                    "foretold were " + cost.passBytes() + " bytes, found " + four);
            backend.operations().reset();
            peak(decoder, backend, 32);
            assertEquals(cost.operations(), backend.operations().total());
        }
    }

    private static long peak(LatentVideoDecoder decoder, Backend backend, int latents) {
        long before = backend.memory().liveBytes();
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor latent = backend.upload(workspace, TestBackends.normal(3, 3, latents, 4, 4), DType.F32);
            backend.memory().resetPeak();
            tiled(decoder, latent);
            long peak = backend.memory().peakBytes() - before;
            assertEquals(before + latent.byteSize(), backend.memory().liveBytes(), "the stream gives all back");
            return peak;
        }
    }

    @ParameterizedTest
    @MethodSource("io.lingen.vae.TestBackends#names")
    void framesAreRoundedToBytes(String name) throws IOException {
        try (Backend backend = TestBackends.open(name);
                Workspace workspace = backend.newWorkspace();
                LatentVideoDecoder decoder = decoder(TinyAutoencoder.of(true, 4, 2, 0), backend, DType.F32)) {
            HostTensor noise = TestBackends.normal(4, 3, 5, 3, 4);
            Tensor latent = backend.upload(workspace, noise, DType.F32);
            HostTensor values = tiled(decoder, latent);
            FrameStream stream = decoder.frames(latent);
            for (int f = 0; f < 20; f++) {
                assertTrue(stream.hasNext());
                Frame frame = stream.next();
                assertEquals(8, frame.width());
                assertEquals(6, frame.height());
                for (int i = 0; i < frame.rgb().length; i++) {
                    double value = (values.get((long) f * frame.rgb().length + i) + 1) / 2;
                    double expected = 255 * Math.max(0, Math.min(1, value));
                    assertEquals(expected, frame.rgb()[i] & 0xFF, 0.5001);
                }
            }
            assertFalse(stream.hasNext());
            assertThrows(NoSuchElementException.class, stream::next);
            stream.close();
            assertThrows(IllegalStateException.class, stream::nextValues);
            float[] broken = noise.toFloats();
            broken[0] = Float.NaN;
            Tensor unusable = backend.upload(workspace, HostTensor.of(broken, 3, 5, 3, 4), DType.F32);
            try (FrameStream bad = decoder.frames(unusable)) {
                String message =
                        assertThrows(IllegalStateException.class, bad::next).getMessage();
                assertTrue(message.contains("frame 0: pixels must be numbers"), message);
            }
        }
    }
}
