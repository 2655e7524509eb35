package io.lingen.wan.internal.vae;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.dryrun.DryRun;
import io.lingen.core.internal.PhiloxNormal;
import io.lingen.core.op.Grid;
import io.lingen.vae.Frame;
import io.lingen.vae.FrameStream;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares the decoder with the formulas, as a whole and in pieces, on every backend. */
final class WanVideoDecoderTest {
    @TempDir
    Path folder;

    static Backend open(String name) {
        return Backends.create(name, new BackendOptions(name.equals("cpu") ? 2 : 1));
    }

    private WanVideoDecoder decoder(RandomAutoencoder model, Backend backend, DType precision) {
        try (SafetensorsFile file = model.write(folder)) {
            return WanVideoDecoder.load(file, model.config(), backend, precision);
        }
    }

    static HostTensor normal(long seed, int... lengths) {
        int elements = 1;
        long[] shape = new long[lengths.length];
        for (int axis = 0; axis < lengths.length; axis++) {
            elements *= lengths[axis];
            shape[axis] = lengths[axis];
        }
        float[] values = new float[elements];
        PhiloxNormal.fill(seed, 0, values, 0, elements);
        return HostTensor.of(values, shape);
    }

    /** Returns the frames of a stream as [3, F, H, W]. */
    private static HostTensor planes(FrameStream stream) {
        try (stream) {
            int pixels = stream.width() * stream.height();
            int count = stream.frameCount();
            float[] all = new float[3 * count * pixels];
            for (int f = 0; stream.hasNext(); f++) {
                HostTensor frame = stream.nextValues();
                for (int i = 0; i < 3 * pixels; i++) {
                    all[(i % 3 * count + f) * pixels + i / 3] = frame.get(i);
                }
            }
            return HostTensor.of(all, 3, count, stream.height(), stream.width());
        }
    }

    static Stream<Arguments> clips() {
        return Stream.of("cpu", "nd4j")
                .flatMap(backend -> Stream.of(
                        Arguments.of(backend, RandomAutoencoder.plain(), new Grid(1, 3, 2)),
                        Arguments.of(backend, RandomAutoencoder.plain(), new Grid(5, 3, 5)),
                        Arguments.of(backend, RandomAutoencoder.plainWithSpatialStage(), new Grid(2, 1, 7)),
                        Arguments.of(backend, RandomAutoencoder.residual(), new Grid(1, 1, 2)),
                        Arguments.of(backend, RandomAutoencoder.residual(), new Grid(5, 2, 1)),
                        Arguments.of(backend, RandomAutoencoder.residualWithTemporalShuffle(), new Grid(2, 1, 3))));
    }

    @ParameterizedTest(name = "{0} {2}")
    @MethodSource("clips")
    void framesAndTapsAreThoseOfTheFormulas(String name, RandomAutoencoder model, Grid size) {
        HostTensor latent = normal(1, model.channels, size.t(), size.h(), size.w());
        ReferenceAutoencoder reference = new ReferenceAutoencoder(model);
        Volume expected = reference.decode(Volume.of(latent));
        try (Backend backend = open(name);
                Workspace workspace = backend.newWorkspace();
                WanVideoDecoder decoder = decoder(model, backend, DType.F32)) {
            Tensor z = backend.upload(workspace, latent, DType.F32);
            Map<String, Double> errors = new TreeMap<>();
            Taps taps =
                    (tap, tensor) -> errors.put(tap, reference.taps.get(tap).relativeError(backend.download(tensor)));
            HostTensor whole = backend.download(decoder.decode(z, workspace, taps));
            assertEquals(reference.taps.keySet(), errors.keySet());
            errors.put("frames", expected.relativeError(whole));
            for (int pieceLength : new int[] {1, 2, 4}) {
                HostTensor pieces = planes(decoder.frames(z, pieceLength, FrameStream.Guard.NONE));
                assertEquals(whole.shape(), pieces.shape());
                errors.put("frames by " + pieceLength, expected.relativeError(pieces));
            }
            assertTrue(errors.values().stream().allMatch(error -> error < 3e-6), errors::toString);
        }
    }

    @ParameterizedTest(name = "{0} {2}")
    @MethodSource("clips")
    void brainFloatsAreClose(String name, RandomAutoencoder model, Grid size) {
        HostTensor latent = normal(2, model.channels, size.t(), size.h(), size.w());
        Volume expected = new ReferenceAutoencoder(model).decode(Volume.of(latent));
        try (Backend backend = open(name);
                Workspace workspace = backend.newWorkspace();
                WanVideoDecoder decoder = decoder(model, backend, DType.BF16)) {
            double error = expected.relativeError(planes(decoder.frames(backend.upload(workspace, latent, DType.F32))));
            assertTrue(error < 3e-2, "relative error " + error);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "nd4j"})
    void memoryIsIndependentOfTheLength(String name) {
        for (RandomAutoencoder model :
                new RandomAutoencoder[] {RandomAutoencoder.plain(), RandomAutoencoder.residual()}) {
            try (Backend backend = open(name);
                    WanVideoDecoder decoder = decoder(model, backend, DType.F32)) {
                long three = peak(decoder, backend, 3);
                long nine = peak(decoder, backend, 9);
                long latents = 2L * Float.BYTES * model.channels * 4 * (9 - 3); // as given, and channels last
                assertEquals(three + latents, nine);
            }
        }
    }

    private static long peak(WanVideoDecoder decoder, Backend backend, int latentFrames) {
        long before = backend.memory().liveBytes();
        try (Workspace workspace = backend.newWorkspace()) {
            HostTensor latent = normal(3, decoder.latentChannels(), latentFrames, 2, 2);
            Tensor z = backend.upload(workspace, latent, DType.F32);
            backend.memory().resetPeak();
            planes(decoder.frames(z));
            long peak = backend.memory().peakBytes() - before;
            assertEquals(before + z.byteSize(), backend.memory().liveBytes(), "the stream frees its memory");
            return peak;
        }
    }

    @Test
    void dryRunForecastsBytesAndOperations() {
        RandomAutoencoder model = RandomAutoencoder.residual();
        long forecast;
        long operations;
        try (DryRun dryRun = DryRun.exact();
                WanVideoDecoder decoder = decoder(model, dryRun.backend(), DType.F32);
                Workspace workspace = dryRun.backend().newWorkspace()) {
            Backend backend = dryRun.backend();
            long before = backend.memory().liveBytes();
            Tensor latent = workspace.allocate(DType.F32, model.channels, 4, 2, 2);
            backend.memory().resetPeak();
            backend.operations().reset();
            try (FrameStream frames = decoder.frames(latent)) {
                assertEquals(13, frames.frameCount());
                frames.decodeAll();
            }
            operations = backend.operations().total();
            forecast = backend.memory().peakBytes() - before;
        }
        try (Backend backend = open("cpu");
                WanVideoDecoder decoder = decoder(model, backend, DType.F32)) {
            backend.operations().reset();
            assertEquals(forecast, peak(decoder, backend, 4));
            assertEquals(operations, backend.operations().total());
        }
    }

    @Test
    void framesAreRoundedAndClamped() {
        RandomAutoencoder model = RandomAutoencoder.residual();
        try (Backend backend = open("cpu");
                Workspace workspace = backend.newWorkspace();
                WanVideoDecoder decoder = decoder(model, backend, DType.F32)) {
            Tensor latent = backend.upload(workspace, normal(4, model.channels, 2, 1, 2), DType.F32);
            HostTensor values = planes(decoder.frames(latent));
            int clamped = 0;
            try (FrameStream stream = decoder.frames(latent)) {
                for (int f = 0; f < 5; f++) {
                    Frame frame = stream.next();
                    assertEquals(32, frame.width());
                    assertEquals(16, frame.height());
                    for (int i = 0; i < frame.rgb().length; i++) {
                        double value = values.get((i % 3 * 5L + f) * 512 + i / 3) / 2 + 0.5;
                        clamped += value < 0 || value > 1 ? 1 : 0;
                        assertEquals(255 * Math.max(0, Math.min(1, value)), frame.rgb()[i] & 0xFF, 0.5001);
                    }
                }
                assertFalse(stream.hasNext());
            }
            assertTrue(clamped > 10, "clamped " + clamped);
        }
    }

    @Test
    void streamsDoNotShareState() {
        RandomAutoencoder model = RandomAutoencoder.plainWithSpatialStage();
        try (Backend backend = open("cpu");
                Workspace workspace = backend.newWorkspace();
                WanVideoDecoder decoder = decoder(model, backend, DType.F32)) {
            Tensor first = backend.upload(workspace, normal(5, 3, 3, 2, 2), DType.F32);
            Tensor second = backend.upload(workspace, normal(6, 3, 3, 2, 2), DType.F32);
            float[] alone = planes(decoder.frames(second)).toFloats();
            try (FrameStream interrupting = decoder.frames(first)) {
                FrameStream stream = decoder.frames(second);
                interrupting.next();
                interrupting.next();
                assertArrayEquals(alone, planes(stream).toFloats());
                assertTrue(interrupting.hasNext());
            }
        }
    }

    @Test
    void shapesMustFit() {
        RandomAutoencoder model = RandomAutoencoder.residual();
        try (DryRun dryRun = DryRun.exact();
                WanVideoDecoder decoder = decoder(model, dryRun.backend(), DType.F32);
                Workspace workspace = dryRun.backend().newWorkspace()) {
            assertEquals(new Grid(13, 32, 48), decoder.framesOf(new Grid(4, 2, 3)));
            Tensor latent = workspace.allocate(DType.F32, Shape.of(5, 4, 2, 3));
            String message = assertThrows(IllegalArgumentException.class, () -> decoder.frames(latent))
                    .getMessage();
            assertTrue(message.contains("[6, T, H, W] with at least one cell, found [5, 4, 2, 3]"), message);
        }
    }

    @Test
    void tensorsMustBeThoseOfTheConfiguration() {
        assertRejected(
                "'decoder.up_blocks.1.upsampler.time_conv.bias'",
                model -> model.tensors.remove("decoder.up_blocks.1.upsampler.time_conv.bias"));
        assertRejected(
                "expected the shape [17, 34, 1, 1, 1]",
                model -> model.tensors.put(
                        "decoder.up_blocks.3.resnets.0.conv_shortcut.weight", normal(7, 17, 33, 1, 1, 1)));
        assertRejected(
                "decoder.up_blocks.3.upsampler.resample.1.weight",
                model -> model.tensors.put("decoder.up_blocks.3.upsampler.resample.1.weight", normal(8, 17, 17, 3, 3)));
        assertRejected("finite weights", model -> {
            HostTensor gamma = model.tensors.get("decoder.norm_out.gamma");
            float[] broken = gamma.toFloats();
            broken[3] = Float.NaN;
            model.tensors.put(
                    "decoder.norm_out.gamma",
                    HostTensor.of(broken, gamma.shape().toArray()));
        });
    }

    private void assertRejected(String message, Consumer<RandomAutoencoder> damage) {
        RandomAutoencoder model = RandomAutoencoder.residual();
        damage.accept(model);
        try (Backend backend = open("cpu")) {
            String found = assertThrows(CheckpointException.class, () -> decoder(model, backend, DType.F32)
                            .close())
                    .getMessage();
            assertTrue(found.contains(message), found);
            assertEquals(0, backend.memory().liveBytes());
        }
    }
}
