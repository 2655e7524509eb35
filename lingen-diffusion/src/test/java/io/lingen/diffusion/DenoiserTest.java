package io.lingen.diffusion;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.OperationKind;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.dryrun.DryRun;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DenoiserTest {
    private Backend backend;
    private SafetensorsFile fixture;

    @BeforeEach
    void open() {
        backend = Backends.create("cpu", new BackendOptions(2));
        fixture = Fixtures.tensors("lingen-default/fixture.safetensors");
    }

    @AfterEach
    void close() {
        assertEquals(0, backend.memory().liveBytes(), "every tensor is freed");
        backend.close();
    }

    @Test
    void guidanceOneIsTheConditionalPass() {
        try (Denoiser denoiser = load("lingen-default");
                Workspace workspace = backend.newWorkspace();
                Conditioning prompt = denoiser.condition(texts());
                Conditioning empty =
                        denoiser.condition(List.of(new TextEmbedding(HostTensor.of(new float[12], 1, 12), null)))) {
            Tensor latent = backend.upload(workspace, fixture.tensor("latent"), DType.F32);
            Tensor conditional = workspace.allocate(DType.F32, latent.shape());
            denoiser.predict(latent, .25, prompt, conditional);
            Tensor guided = workspace.allocate(DType.F32, latent.shape());
            backend.operations().reset();
            Guidance.of(denoiser, prompt, empty, 1).predict(latent, .25, guided);
            long onePass = backend.operations().total();
            assertArrayEquals(floats(conditional), floats(guided));
            backend.operations().reset();
            Guidance.of(denoiser, prompt, empty, 2).predict(latent, .25, guided);
            // The empty prompt is shorter, so its pass is a little cheaper.
            assertTrue(backend.operations().total() > 1.9 * onePass, "two passes");
            assertThrows(IllegalArgumentException.class, () -> Guidance.of(denoiser, prompt, empty, Double.NaN));
        }
    }

    @Test
    void oneInstanceServesSeveralThreadsWithIdenticalResults() throws Exception {
        try (Denoiser denoiser = load("lingen-default");
                Conditioning prompt = denoiser.condition(texts())) {
            Callable<float[]> pass = () -> {
                try (Workspace workspace = backend.newWorkspace()) {
                    Tensor latent = backend.upload(workspace, fixture.tensor("latent"), DType.F32);
                    Tensor velocity = workspace.allocate(DType.F32, latent.shape());
                    denoiser.predict(latent, .5, prompt, velocity);
                    return floats(velocity);
                }
            };
            float[] alone = pass.call();
            ExecutorService threads = Executors.newFixedThreadPool(4);
            try {
                for (Future<float[]> result : threads.invokeAll(
                        IntStream.range(0, 16).mapToObj(i -> pass).toList())) {
                    assertArrayEquals(alone, result.get());
                }
            } finally {
                threads.shutdown();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"lingen-default", "dit", "no-ma", "no-tesa", "directions-independent", "mamba1"})
    void dryRunForecastsBytesAndOperations(String model) {
        try (DryRun dryRun = DryRun.exact()) {
            long[] foretold = cost(dryRun.backend(), model);
            long[] measured = cost(backend, model);
            assertArrayEquals(measured, foretold);
        }
    }

    /** Returns the peak bytes, without the weights, and the operations of one pass. */
    private long[] cost(Backend on, String model) {
        try (Denoiser denoiser = VideoTransformer.load(Fixtures.model(model), "transformer", on, DType.F32);
                Workspace workspace = on.newWorkspace();
                Conditioning prompt = denoiser.condition(texts())) {
            Tensor latent = workspace.allocate(DType.F32, 4, 8, 16, 16);
            on.normal(3, latent);
            Tensor velocity = workspace.allocate(DType.F32, latent.shape());
            on.memory().resetPeak();
            on.operations().reset();
            long before = on.memory().liveBytes();
            denoiser.predict(latent, .5, prompt, velocity);
            return new long[] {on.memory().peakBytes() - before, on.operations().total()};
        }
    }

    @Test
    void operationsAreCountedPerKind() {
        try (Denoiser denoiser = load("lingen-default");
                Workspace workspace = backend.newWorkspace();
                Conditioning prompt = denoiser.condition(texts())) {
            Tensor latent = backend.upload(workspace, fixture.tensor("latent"), DType.F32);
            Tensor velocity = workspace.allocate(DType.F32, latent.shape());
            backend.operations().reset();
            denoiser.predict(latent, .5, prompt, velocity);
            // Cross-attention: 4 * tokens * text tokens * width, in each of 4 blocks.
            assertEquals(4L * 4 * 60 * 5 * 32, backend.operations().count(OperationKind.ATTENTION));
            for (OperationKind kind :
                    List.of(OperationKind.LINEAR, OperationKind.SCAN, OperationKind.WINDOW_ATTENTION)) {
                assertTrue(backend.operations().count(kind) > 0, kind.toString());
            }
            assertEquals(0, backend.operations().count(OperationKind.CONVOLUTION));
        }
    }

    @Test
    void invalidInputsAreRejectedWithTheRule() {
        try (Denoiser denoiser = load("lingen-default")) {
            message("[4, T, H, W]", () -> denoiser.requireLatent(Shape.of(16, 5, 6, 8)));
            message("1x2x2", () -> denoiser.requireLatent(Shape.of(4, 5, 7, 8)));
            message("8x8x8", () -> denoiser.requireLatent(Shape.of(4, 9, 6, 8)));
            message(
                    "text_dims[0] = 12",
                    () -> denoiser.condition(List.of(new TextEmbedding(HostTensor.of(new float[8], 1, 8), null))));
            message("found 0", () -> denoiser.condition(List.of()));
        }
    }

    private static void message(String part, Runnable action) {
        String message =
                assertThrows(IllegalArgumentException.class, action::run).getMessage();
        assertTrue(message.contains(part), message);
    }

    private Denoiser load(String model) {
        return VideoTransformer.load(Fixtures.model(model), "transformer", backend, DType.F32);
    }

    private List<TextEmbedding> texts() {
        return List.of(new TextEmbedding(fixture.tensor("text.0"), null));
    }

    private float[] floats(Tensor tensor) {
        return backend.download(tensor).toFloats();
    }
}
