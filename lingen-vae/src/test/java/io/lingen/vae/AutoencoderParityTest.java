package io.lingen.vae;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares decoder, encoder, tiles and taps with PyTorch's golden files, on every backend and at both precisions. */
final class AutoencoderParityTest {
    static Stream<Arguments> cases() {
        return TestBackends.names().flatMap(backend -> Stream.of("vae-attention", "vae-plain", "vae-uneven")
                .flatMap(model -> Stream.of(DType.F32, DType.BF16).map(type -> Arguments.of(backend, model, type))));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void everyTensorEqualsPyTorch(String backendName, String model, DType precision) {
        ModelSource source =
                ModelSource.ofResource(AutoencoderParityTest.class.getClassLoader(), "io/lingen/fixtures/" + model);
        SafetensorsFile golden = SafetensorsFile.of(model, MemorySegment.ofArray(source.read("fixture.safetensors")));
        Map<String, HostTensor> found = new TreeMap<>();
        try (Backend backend = TestBackends.open(backendName)) {
            Taps taps = (name, tensor) -> found.put("tap." + name, backend.download(tensor));
            try (LatentVideoDecoder decoder = LatentVideoDecoder.load(source, "vae", backend, precision);
                    LatentVideoEncoder encoder = LatentVideoEncoder.load(source, "vae", backend, precision);
                    Workspace workspace = backend.newWorkspace()) {
                Tensor latent = backend.upload(workspace, golden.tensor("latent"), DType.F32);
                found.put("frames", backend.download(decoder.decode(latent, workspace, taps)));
                Tensor clip = backend.upload(workspace, golden.tensor("clip"), DType.F32);
                found.put("encoded", backend.download(encoder.encode(clip, workspace, taps)));
                Tensor longLatent = backend.upload(workspace, golden.tensor("long_latent"), DType.F32);
                found.put("tiled_frames", planes(decoder, longLatent));
            }
            assertEquals(0, backend.memory().liveBytes(), "everything is freed");
        }
        Map<String, Double> errors = new TreeMap<>();
        for (String name : golden.names()) {
            if (!Stream.of("latent", "clip", "long_latent").toList().contains(name)) {
                assertTrue(found.containsKey(name), name);
                assertEquals(golden.tensor(name).shape(), found.get(name).shape(), name);
                errors.put(name, TestBackends.relativeError(golden.tensor(name), found.get(name)));
            }
        }
        assertTrue(errors.size() >= 8, errors.toString());
        Map<String, Double> beyond = errors.entrySet().stream()
                .filter(error -> !(error.getValue() <= TestBackends.tolerance(precision)))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
        assertTrue(beyond.isEmpty(), "beyond " + TestBackends.tolerance(precision) + ": " + beyond + " of " + errors);
    }

    /** Returns the frames of a stream as [3, F, H, W]. */
    static HostTensor planes(LatentVideoDecoder decoder, Tensor latent) {
        try (FrameStream stream = decoder.frames(latent)) {
            int pixels = stream.width() * stream.height();
            int frames = stream.frameCount();
            float[] planes = new float[3 * frames * pixels];
            for (int f = 0; stream.hasNext(); f++) {
                float[] frame = stream.nextValues().toFloats();
                for (int i = 0; i < frame.length; i++) {
                    planes[(i % 3 * frames + f) * pixels + i / 3] = frame[i];
                }
            }
            return HostTensor.of(planes, 3, frames, stream.height(), stream.width());
        }
    }
}
