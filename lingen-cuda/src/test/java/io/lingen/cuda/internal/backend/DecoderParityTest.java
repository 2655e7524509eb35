package io.lingen.cuda.internal.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.diffusion.ParityCheck;
import io.lingen.vae.LatentVideoDecoder;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Compares decoders on the backend with golden tensors of the PyTorch reference, at all taps. */
final class DecoderParityTest {
    @ParameterizedTest
    @CsvSource({
        // decoder, precision, convolutions with warpgroup instructions
        "vae-attention, F32, false",
        "vae-attention, BF16, false",
        "vae-attention, BF16, true",
        "vae-plain, F32, false",
        "vae-plain, BF16, false",
        "vae-plain, BF16, true",
        "vae-uneven, F32, false",
        "vae-uneven, BF16, false",
        "vae-uneven, BF16, true"
    })
    void framesEqualTheReference(String model, DType precision, boolean warpgroups) {
        ModelSource source =
                ModelSource.ofResource(DecoderParityTest.class.getClassLoader(), "io/lingen/fixtures/" + model);
        SafetensorsFile golden = SafetensorsFile.of(model, MemorySegment.ofArray(source.read("fixture.safetensors")));
        List<ParityCheck.Comparison> comparisons = new ArrayList<>();
        try (Backend backend = warpgroups ? TestBackends.openWithWarpgroups() : TestBackends.openWithoutWarpgroups();
                LatentVideoDecoder decoder = LatentVideoDecoder.load(source, "vae", backend, precision);
                Workspace workspace = backend.newWorkspace()) {
            Tensor latent = backend.upload(workspace, golden.tensor("latent"), DType.F32);
            Tensor frames = decoder.decode(latent, workspace, (name, tensor) -> {
                if (golden.names().contains("tap." + name)) {
                    comparisons.add(compare(golden, "tap." + name, backend.download(tensor)));
                }
            });
            comparisons.add(compare(golden, "frames", backend.download(frames)));
        }
        assertTrue(comparisons.size() >= 4, comparisons.toString());
        double tolerance = precision == DType.BF16 ? 2e-2 : 1e-5;
        assertEquals(
                List.of(),
                comparisons.stream()
                        .filter(comparison -> !(comparison.relativeError() <= tolerance))
                        .toList());
    }

    private static ParityCheck.Comparison compare(SafetensorsFile golden, String name, HostTensor found) {
        return ParityCheck.Comparison.of(name, golden.tensor(name), found);
    }
}
