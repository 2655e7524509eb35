package io.lingen.wan.internal.vae;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.wan.internal.vae.WanVideoEncoder.Moments;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares the encoder with the formulas on every backend. */
final class WanVideoEncoderTest {
    @TempDir
    Path folder;

    private WanVideoEncoder encoder(RandomAutoencoder model, Backend backend, DType precision) {
        try (SafetensorsFile file = model.write(folder)) {
            return WanVideoEncoder.load(file, model.config(), backend, precision);
        }
    }

    /** Returns a video of so many latent frames, rows and columns. */
    private static HostTensor video(RandomAutoencoder model, int frames, int rows, int columns) {
        return WanVideoDecoderTest.normal(
                9,
                3,
                1 + (frames - 1) * model.temporalCompression(),
                rows * model.spatialCompression(),
                columns * model.spatialCompression());
    }

    static Stream<Arguments> clips() {
        return Stream.of("cpu", "nd4j")
                .flatMap(backend -> Stream.of(
                        Arguments.of(backend, RandomAutoencoder.plain(), 1, 3, 2),
                        Arguments.of(backend, RandomAutoencoder.plain(), 4, 3, 5),
                        Arguments.of(backend, RandomAutoencoder.plainWithSpatialStage(), 5, 1, 5),
                        Arguments.of(backend, RandomAutoencoder.residual(), 1, 1, 2),
                        Arguments.of(backend, RandomAutoencoder.residual(), 4, 2, 1),
                        Arguments.of(backend, RandomAutoencoder.residualWithTemporalShuffle(), 3, 1, 2)));
    }

    @ParameterizedTest(name = "{0} {2}x{3}x{4}")
    @MethodSource("clips")
    void momentsAreThoseOfTheFormulas(String name, RandomAutoencoder model, int frames, int rows, int columns) {
        HostTensor video = video(model, frames, rows, columns);
        Volume moments = new ReferenceAutoencoder(model).encode(Volume.of(video));
        Volume mean = moments.channels(0, model.channels);
        Volume normalised = moments.channels(0, model.channels);
        int cells = normalised.values.length / model.channels;
        for (int i = 0; i < normalised.values.length; i++) {
            normalised.values[i] = (mean.values[i] - model.mean[i / cells]) / model.std[i / cells];
        }
        try (Backend backend = WanVideoDecoderTest.open(name);
                Workspace workspace = backend.newWorkspace();
                WanVideoEncoder encoder = encoder(model, backend, DType.F32)) {
            Tensor x = backend.upload(workspace, video, DType.F32);
            int step = model.temporalCompression();
            for (int pieceLength : new int[] {step, 2 * step}) {
                Moments found = encoder.encode(x, pieceLength, workspace);
                assertEquals(
                        Shape.of(model.channels, frames, rows, columns),
                        found.mean().shape());
                assertClose(3e-6, mean, backend.download(found.mean()));
                assertClose(
                        3e-6,
                        moments.channels(model.channels, 2 * model.channels),
                        backend.download(found.logVariance()));
                assertClose(3e-6, normalised, backend.download(found.latent()));
            }
        }
        try (Backend backend = WanVideoDecoderTest.open(name);
                Workspace workspace = backend.newWorkspace();
                WanVideoEncoder encoder = encoder(model, backend, DType.BF16)) {
            Tensor x = backend.upload(workspace, video, DType.F32);
            assertClose(
                    3e-2, mean, backend.download(encoder.encode(x, workspace).mean()));
        }
    }

    private static void assertClose(double tolerance, Volume expected, HostTensor found) {
        double error = expected.relativeError(found);
        assertTrue(error < tolerance, "relative error " + error);
    }

    @Test
    void memoryGrowsByVideoAndLatentOnly() {
        RandomAutoencoder model = RandomAutoencoder.plain();
        long[] peaks = new long[2];
        try (Backend backend = WanVideoDecoderTest.open("cpu");
                WanVideoEncoder encoder = encoder(model, backend, DType.F32)) {
            for (int i = 0; i < 2; i++) {
                long before = backend.memory().liveBytes();
                try (Workspace workspace = backend.newWorkspace()) {
                    Tensor x = backend.upload(workspace, video(model, 3 + 6 * i, 4, 4), DType.F32);
                    backend.memory().resetPeak();
                    encoder.encode(x, workspace);
                    peaks[i] = backend.memory().peakBytes() - before;
                }
                assertEquals(before, backend.memory().liveBytes());
            }
        }
        long pixels = 6L * 4 * 16 * 16 * 3;
        long latents = 6L * 4 * 4 * model.channels;
        assertEquals(peaks[0] + Float.BYTES * (2 * pixels + 2 * latents), peaks[1]);
    }

    @Test
    void videosMustFit() {
        RandomAutoencoder model = RandomAutoencoder.residual();
        try (Backend backend = WanVideoDecoderTest.open("cpu");
                Workspace workspace = backend.newWorkspace();
                WanVideoEncoder encoder = encoder(model, backend, DType.F32)) {
            for (long[] shape : new long[][] {{3, 4, 16, 16}, {3, 5, 16, 24}, {4, 5, 16, 16}, {3, 5, 16}}) {
                Tensor video = workspace.allocate(DType.F32, shape);
                String message = assertThrows(IllegalArgumentException.class, () -> encoder.encode(video, workspace))
                        .getMessage();
                assertTrue(
                        message.contains(
                                "one more than a multiple of 4, H and W multiples of 16, found " + video.shape()),
                        message);
            }
        }
    }
}
