package io.lingen;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.diffusion.ParityCheck;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Comparison of latents of the embedded model with committed ones, which detects every change between prompt and latent.
 *
 * <p>In F32, the kernels for different processors differ by at most 1.4e-6. In BF16 they round at different places, which 50 passes amplify to
 * 8.5e-3 to 9.6e-3, so a smaller tolerance would depend on the processor.
 */
class NanoLatentsTest {
    @ParameterizedTest
    @CsvSource({"F32, 1e-5", "BF16, 2e-2"})
    void latentsEqualTheGoldenOnes(DType precision, double tolerance) throws IOException {
        PipelineOptions options = PipelineOptions.defaults().withBackend("cpu").withPrecision(precision);
        VideoRequest request = VideoRequest.builder("a red circle moves to the right over a night sky")
                .seconds(4)
                .seed(7)
                .build();
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(TextToVideoPipeline.NANO, options);
                Generation generation = pipeline.start(request)) {
            generation.steps().forEachRemaining(step -> {});
            HostTensor found = pipeline.backend().download(generation.latent());
            ParityCheck.Comparison comparison = ParityCheck.Comparison.of(
                    "latent", committed(precision.name().toLowerCase(Locale.ROOT)), found);
            assertTrue(comparison.relativeError() <= tolerance, comparison.toString());
        }
    }

    private static HostTensor committed(String name) throws IOException {
        try (InputStream stream = NanoLatentsTest.class.getResourceAsStream("nano-latents.safetensors");
                SafetensorsFile file =
                        SafetensorsFile.of("nano-latents", MemorySegment.ofArray(stream.readAllBytes()))) {
            return file.tensor(name);
        }
    }
}
