package io.lingen.cuda.internal.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.VideoTransformer;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares denoisers on the backend with golden tensors of the PyTorch reference, at all taps. */
final class ParityTest {
    private static final String BASE = "io/lingen/fixtures/";

    /** The models for the emulated device, which cover each kernel and each option of the model. A GPU runs all models. */
    private static final List<String> BASIC =
            List.of("lingen-default", "dit", "mamba1", "no-review", "qk-norm-position-bias", "zigzag");

    private static final List<String> MORE = List.of(
            "directions-independent",
            "directions-tied",
            "groups-2",
            "inner-dim",
            "long-chunk",
            "no-ma",
            "no-tesa",
            "patch-1x4x2",
            "patch-2x1x1",
            "pool-3x2x1",
            "position-norm",
            "scan-fixed",
            "scan-orders",
            "two-text-encoders");

    static Stream<Arguments> passes() {
        return Stream.concat(BASIC.stream(), TestBackends.onGpu() ? MORE.stream() : Stream.of())
                .flatMap(model -> Stream.of(DType.F32, DType.BF16).map(precision -> Arguments.of(model, precision)));
    }

    @ParameterizedTest
    @MethodSource("passes")
    void onePassEqualsTheReference(String model, DType precision) throws IOException {
        ModelSource source = ModelSource.ofResource(ParityTest.class.getClassLoader(), BASE + model);
        try (Backend backend = TestBackends.open();
                Denoiser denoiser = VideoTransformer.load(source, "transformer", backend, precision);
                SafetensorsFile expected = SafetensorsFile.of(model, fixture(model))) {
            ParityCheck.Result result = ParityCheck.run(denoiser, expected);
            double tolerance = precision == DType.BF16 ? 2e-2 : 1e-5;
            List<String> failures = result.comparisons().stream()
                    .filter(comparison -> !(comparison.relativeError() <= tolerance))
                    .map(ParityCheck.Comparison::toString)
                    .toList();
            assertTrue(failures.isEmpty(), () -> "relative error above " + tolerance + ": " + failures);
            long tensors = expected.names().stream()
                    .filter(name -> name.startsWith("tap.") || name.equals("velocity"))
                    .count();
            assertEquals(tensors, result.comparisons().size());
        }
    }

    private static MemorySegment fixture(String model) throws IOException {
        String path = BASE + model + "/fixture.safetensors";
        try (InputStream stream = ParityTest.class.getClassLoader().getResourceAsStream(path)) {
            if (stream == null) {
                throw new IllegalStateException("no fixture " + path);
            }
            return MemorySegment.ofArray(stream.readAllBytes());
        }
    }
}
