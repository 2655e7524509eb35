package io.lingen.cuda.internal.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.OutOfMemoryException;
import io.lingen.core.Recording;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import io.lingen.cuda.internal.driver.CubinCache;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.Emulation;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Guidance;
import io.lingen.diffusion.RectifiedFlowSampler;
import io.lingen.diffusion.Sampling;
import io.lingen.diffusion.Schedule;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.VideoTransformer;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tests of work captured as CUDA graphs: it gives the same bits as without graphs, and does not disturb other work. */
@SuppressWarnings("restricted")
final class GraphTest {
    private static final int STEPS = 5;
    private static final int LONG = 1 << 16;
    private static final int CHANNELS = 4;
    private static final int TEXT_WIDTH = 12;

    // ---- denoising

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void guidedFlowIsBitIdentical(DType precision) {
        float[] plain = flow(false, precision, 0);
        // Each of the two passes is run directly once and launched as a graph afterwards.
        assertArrayEquals(plain, flow(true, precision, 2 * (STEPS - 1)));
    }

    private static float[] flow(boolean graphs, DType precision, long launches) {
        try (Backend backend = TestBackends.open(graphs);
                Denoiser denoiser = load(backend, precision);
                Workspace workspace = backend.newWorkspace();
                Conditioning prompt = denoiser.condition(text(1));
                Conditioning empty = denoiser.condition(text(2))) {
            Tensor latent = latent(workspace, backend, 4);
            try (Sampling steps = new RectifiedFlowSampler(
                            backend, Schedule.linearQuadratic().times(STEPS))
                    .sample(Guidance.of(denoiser, prompt, empty, 3), latent)) {
                steps.forEachRemaining(step -> {});
            }
            assertEquals(launches, CudaKernels.of(backend).recorder().launches());
            return backend.download(latent).toFloats();
        }
    }

    @Test
    void sizesPromptsAndTimesMayChangeBetweenPasses() {
        float[][] plain = passes(false);
        float[][] graphs = passes(true);
        for (int i = 0; i < plain.length; i++) {
            assertArrayEquals(plain[i], graphs[i], "pass " + i);
        }
    }

    private static float[][] passes(boolean graphs) {
        try (Backend backend = TestBackends.open(graphs);
                Denoiser denoiser = load(backend, DType.BF16);
                Workspace workspace = backend.newWorkspace();
                Conditioning first = denoiser.condition(text(1))) {
            Tensor small = latent(workspace, backend, 2);
            Tensor large = latent(workspace, backend, 4);
            int[] sizes = {0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1, 1};
            float[][] results = new float[2 * sizes.length][];
            for (int i = 0; i < sizes.length; i++) {
                Tensor latent = sizes[i] == 0 ? small : large;
                try (Workspace pass = backend.newWorkspace();
                        Conditioning other = denoiser.condition(text(10 + i))) {
                    Tensor velocity = pass.allocate(DType.F32, latent.shape());
                    denoiser.predict(latent, i / 20.0, first, velocity);
                    results[2 * i] = backend.download(velocity).toFloats();
                    denoiser.predict(latent, i / 20.0, other, velocity);
                    denoiser.predict(latent, i / 20.0 + 0.3, other, velocity);
                    results[2 * i + 1] = backend.download(velocity).toFloats();
                }
            }
            assertEquals(graphs, CudaKernels.of(backend).recorder().launches() > sizes.length);
            return results;
        }
    }

    @Test
    void passesWithTapsAreNotLaunchedAsGraphs() {
        try (Backend backend = TestBackends.open();
                Denoiser denoiser = load(backend, DType.F32);
                Workspace workspace = backend.newWorkspace();
                Conditioning prompt = denoiser.condition(text(1))) {
            Tensor latent = latent(workspace, backend, 2);
            Tensor velocity = workspace.allocate(DType.F32, latent.shape());
            int[] seen = new int[1];
            Taps taps = (name, tensor) -> {
                backend.download(tensor);
                seen[0]++;
            };
            for (int i = 0; i < 3; i++) {
                denoiser.predict(latent, 0.5, prompt, velocity, taps);
            }
            assertEquals(0, seen[0] % 3);
            assertEquals(0, CudaKernels.of(backend).recorder().launches());
        }
    }

    @Test
    void closedModelsAreNotLaunched() {
        try (Backend backend = TestBackends.open();
                Workspace workspace = backend.newWorkspace()) {
            Denoiser denoiser = load(backend, DType.F32);
            Tensor latent = latent(workspace, backend, 2);
            Tensor velocity = workspace.allocate(DType.F32, latent.shape());
            Conditioning prompt = denoiser.condition(text(1));
            for (int i = 0; i < 3; i++) {
                denoiser.predict(latent, 0.5, prompt, velocity);
            }
            prompt.close();
            assertThrows(IllegalStateException.class, () -> denoiser.predict(latent, 0.5, prompt, velocity));
            try (Conditioning other = denoiser.condition(text(1))) {
                for (int i = 0; i < 3; i++) {
                    denoiser.predict(latent, 0.5, other, velocity);
                }
                denoiser.close();
                assertThrows(IllegalStateException.class, () -> denoiser.predict(latent, 0.5, other, velocity));
            }
        }
    }

    private static Denoiser load(Backend backend, DType precision) {
        ModelSource source =
                ModelSource.ofResource(GraphTest.class.getClassLoader(), "io/lingen/fixtures/lingen-default");
        return VideoTransformer.load(source, "transformer", backend, precision);
    }

    private static List<TextEmbedding> text(long seed) {
        Random random = new Random(seed);
        float[] values = new float[5 * TEXT_WIDTH];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return List.of(new TextEmbedding(HostTensor.of(values, 5, TEXT_WIDTH), null));
    }

    private static Tensor latent(Workspace workspace, Backend backend, int frames) {
        Tensor latent = workspace.allocate(DType.F32, CHANNELS, frames, 4, 4);
        backend.normal(7, latent);
        return latent;
    }

    // ---- any work

    /** Recorded work that computes y = 3 x with a temporary tensor. */
    private static final class Tripling implements AutoCloseable {
        private final Backend backend;
        private final Workspace workspace;
        private final Recording recording;
        private final Tensor x;
        private final Tensor y;
        private long expectedLaunches;

        Tripling(Backend backend) {
            this.backend = backend;
            this.workspace = backend.newWorkspace();
            this.recording = backend.newRecording();
            this.x = workspace.allocate(DType.F32, LONG);
            this.y = workspace.allocate(DType.F32, LONG);
        }

        void compute() {
            try (Workspace scratch = backend.newWorkspace()) {
                Tensor twice = scratch.allocate(DType.F32, x.shape());
                backend.add(x, x, twice);
                backend.add(twice, x, y);
            }
        }

        void run(boolean launched) {
            run(launched, this::compute);
        }

        /** Runs the work with new numbers, and checks the result and whether a graph was launched. */
        void run(boolean launched, Runnable work) {
            float[] values = new float[LONG];
            values[LONG - 1] = CudaKernels.of(backend).recorder().launches() + (float) Math.random();
            backend.write(HostTensor.of(values, LONG), x);
            recording.run(List.of(x, y), work);
            expectedLaunches += launched ? 1 : 0;
            float[] found = backend.download(y).toFloats();
            assertEquals(3 * values[LONG - 1], found[LONG - 1], 1e-5);
            assertEquals(0, found[0]);
            assertEquals(expectedLaunches, CudaKernels.of(backend).recorder().launches());
        }

        @Override
        public void close() {
            recording.close();
            workspace.close();
        }
    }

    @Test
    void firstRunIsDirectAndLaterRunsAreLaunches() {
        try (Backend backend = TestBackends.open();
                Tripling tripling = new Tripling(backend)) {
            tripling.run(false);
            tripling.run(true);
            tripling.run(true);
            CudaKernels.of(backend).recorder().enable(false);
            tripling.run(false);
            CudaKernels.of(backend).recorder().enable(true);
            tripling.run(true);
        }
    }

    @Test
    void graphsDoNotOverwriteMemoryInUse() {
        try (Backend backend = TestBackends.open();
                Tripling tripling = new Tripling(backend)) {
            tripling.run(false);
            tripling.run(true);
            try (Workspace other = backend.newWorkspace()) {
                Tensor theirs = other.allocate(DType.F32, LONG);
                float[] ones = new float[LONG];
                Arrays.fill(ones, 1);
                backend.write(HostTensor.of(ones, LONG), theirs);
                tripling.run(false);
                assertArrayEquals(ones, backend.download(theirs).toFloats());
                // The work is captured again, with other memory.
                tripling.run(true);
                assertArrayEquals(ones, backend.download(theirs).toFloats());
            }
            tripling.run(true);
        }
    }

    @Test
    void graphsDoNotUseFreedSlabs() {
        try (Backend backend = TestBackends.open();
                Tripling tripling = new Tripling(backend)) {
            tripling.run(false);
            // The capture fails for lack of pooled memory, and the work is run directly.
            CudaKernels.of(backend).pool().resetPeak();
            tripling.run(false);
            tripling.run(true);
            CudaKernels.of(backend).pool().resetPeak();
            tripling.run(false);
            tripling.run(true);
        }
    }

    @Test
    void missingMemoryIsAnErrorThatKeepsTheRecording() {
        long tensor = LONG * Float.BYTES;
        try (Backend backend = TestBackends.open(4 * tensor);
                Tripling tripling = new Tripling(backend)) {
            tripling.run(false);
            tripling.run(true);
            try (Workspace other = backend.newWorkspace()) {
                other.allocate(DType.F32, 2L * LONG);
                assertThrows(OutOfMemoryException.class, () -> tripling.run(true));
                assertThrows(OutOfMemoryException.class, () -> tripling.run(true));
            }
            tripling.run(true);
            tripling.run(true);
        }
    }

    @Test
    void unrecordableWorkIsRunDirectly() {
        try (Backend backend = TestBackends.open();
                Tripling tripling = new Tripling(backend)) {
            Runnable downloading = () -> {
                tripling.compute();
                backend.download(tripling.y);
            };
            tripling.run(false, downloading);
            tripling.run(false, downloading);
            // After one failed capture, the work is not captured again.
            tripling.run(false);
            tripling.run(false);
        }
    }

    @Test
    void workThatUploadsOrKeepsTensorsIsNotCaptured() {
        try (Backend backend = TestBackends.open();
                Tripling tripling = new Tripling(backend);
                Workspace outer = backend.newWorkspace()) {
            try (Workspace before = backend.newWorkspace()) {
                // Fill the pool, so that the capture does not fail for lack of memory.
                before.allocate(DType.F32, 3);
                before.allocate(DType.F32, 3);
            }
            Runnable keeping = () -> {
                outer.allocate(DType.F32, 3);
                tripling.compute();
            };
            tripling.run(false, keeping);
            tripling.run(false, keeping);
            assertFalse(CudaKernels.of(backend).recorder().enable(true), "the recorder disabled itself");
            Runnable uploading = () -> {
                try (Workspace scratch = backend.newWorkspace()) {
                    backend.upload(scratch, HostTensor.of(new float[] {1}, 1), DType.F32);
                }
                tripling.compute();
            };
            tripling.run(false, uploading);
            tripling.run(false, uploading);
        }
    }

    @Test
    void exceptionsOfTheWorkAreThrownAndKeepTheRecording() {
        try (Backend backend = TestBackends.open();
                Tripling tripling = new Tripling(backend)) {
            tripling.run(false);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> tripling.run(true, () -> {
                        tripling.compute();
                        backend.add(tripling.x, tripling.x, tripling.y.slice(0, 1));
                    }));
            tripling.run(true);
        }
    }

    @Test
    void driverErrorsDuringACaptureAreTolerated() {
        assumeFalse(TestBackends.onGpu());
        for (String function : List.of("cuStreamBeginCapture_v2", "cuGraphInstantiateWithFlags")) {
            Device device = Device.open(
                    library -> name -> Emulation.library().find(name.equals(function) ? "emulated_failure" : name),
                    new CubinCache(Path.of("target", "cubins")));
            try (Backend backend = new Backend(new CudaKernels(device, Long.MAX_VALUE));
                    Tripling tripling = new Tripling(backend)) {
                tripling.run(false);
                tripling.run(false);
                tripling.run(false);
            }
        }
    }

    @Test
    void otherThreadsWorkDuringACapture() {
        try (Backend backend = TestBackends.open();
                Tripling captured = new Tripling(backend);
                Tripling other = new Tripling(backend)) {
            captured.run(false);
            captured.run(true, () -> {
                CompletableFuture.runAsync(() -> {
                            float[] values = new float[LONG];
                            values[5] = 5;
                            backend.write(HostTensor.of(values, LONG), other.x);
                            other.compute();
                            assertEquals(15, backend.download(other.y).toFloats()[5]);
                            try (Workspace workspace = backend.newWorkspace()) {
                                // Larger than the pool, so that the device allocates.
                                workspace.allocate(DType.F32, 16 * LONG);
                            }
                        })
                        .join();
                captured.compute();
            });
            captured.run(true);
        }
    }

    @Test
    void threadsMayShareARecording() {
        try (Backend backend = TestBackends.open();
                ExecutorService threads = Executors.newFixedThreadPool(2);
                Recording recording = backend.newRecording();
                Tripling first = new Tripling(backend);
                Tripling second = new Tripling(backend)) {
            List<CompletableFuture<Void>> both = List.of(first, second).stream()
                    .map(tripling -> CompletableFuture.runAsync(
                            () -> {
                                for (int i = 1; i < 20; i++) {
                                    float[] values = new float[LONG];
                                    values[i] = i;
                                    backend.write(HostTensor.of(values, LONG), tripling.x);
                                    recording.run(List.of(tripling.x, tripling.y), tripling::compute);
                                    assertEquals(
                                            3 * i, backend.download(tripling.y).toFloats()[i]);
                                }
                            },
                            threads))
                    .toList();
            both.forEach(CompletableFuture::join);
        }
    }

    @Test
    void gemmsOfThreadsAndGraphsDoNotShareTheirWorkspace() {
        int width = 16;
        float[] values = new float[width * width];
        for (int i = 0; i < width; i++) {
            values[i * width + i] = i;
        }
        try (Backend backend = TestBackends.open();
                ExecutorService threads = Executors.newFixedThreadPool(2);
                Workspace workspace = backend.newWorkspace();
                Recording recording = backend.newRecording()) {
            HostTensor diagonal = HostTensor.of(values, width, width);
            HostTensor bias = HostTensor.of(new float[width], width);
            LinearWeights weights = backend.packLinear(workspace, new LinearParameters(diagonal, bias), DType.F32);
            Tensor x = workspace.allocate(DType.F32, width, width);
            backend.write(diagonal, x);
            float[] squares = new float[width * width];
            for (int i = 0; i < width; i++) {
                squares[i * width + i] = i * i;
            }
            List<CompletableFuture<Void>> both = List.of(true, false).stream()
                    .map(recorded -> CompletableFuture.runAsync(
                            () -> {
                                try (Workspace own = backend.newWorkspace()) {
                                    Tensor y = own.allocate(DType.F32, width, width);
                                    Runnable gemm = () -> backend.linear(x, weights, Epilogue.NONE, y);
                                    for (int i = 0; i < 100; i++) {
                                        if (recorded) {
                                            recording.run(List.of(x, y), gemm);
                                        } else {
                                            gemm.run();
                                        }
                                        assertArrayEquals(
                                                squares, backend.download(y).toFloats());
                                    }
                                }
                            },
                            threads))
                    .toList();
            both.forEach(CompletableFuture::join);
            assertTrue(CudaKernels.of(backend).recorder().launches() > 0);
        }
    }

    @Test
    void graphsWithFreedTensorsAreNotLaunched() {
        try (Backend backend = TestBackends.open();
                Tripling tripling = new Tripling(backend)) {
            Workspace constants = backend.newWorkspace();
            Tensor zero = constants.allocate(DType.F32, LONG);
            backend.write(HostTensor.of(new float[LONG], LONG), zero);
            Runnable adding = () -> {
                tripling.compute();
                backend.add(tripling.y, zero, tripling.y);
            };
            tripling.run(false, adding);
            tripling.run(true, adding);
            constants.close();
            String message = assertThrows(IllegalStateException.class, () -> tripling.run(true, adding))
                    .getMessage();
            assertTrue(message.contains("the workspace is closed"), message);
        }
    }

    @Test
    void closingTheBackendFreesItsGraphs() throws Throwable {
        assumeFalse(TestBackends.onGpu());
        MethodHandle live = Linker.nativeLinker()
                .downcallHandle(
                        Emulation.library().find("emulated_live_graphs").orElseThrow(),
                        FunctionDescriptor.of(ValueLayout.JAVA_INT));
        int before = (int) live.invokeExact();
        Backend backend = TestBackends.open();
        Tripling tripling = new Tripling(backend);
        tripling.run(false);
        tripling.run(true);
        assertEquals(before + 1, (int) live.invokeExact());
        tripling.workspace.close();
        backend.close();
        assertEquals(before, (int) live.invokeExact());
        tripling.recording.close();
        assertEquals(before, (int) live.invokeExact());
    }

    @Test
    void graphsAreReusedForEqualShapesOnly() {
        try (Backend backend = TestBackends.open();
                Workspace workspace = backend.newWorkspace();
                Recording recording = backend.newRecording()) {
            Tensor x = workspace.allocate(DType.F32, 4, 2);
            Tensor y = workspace.allocate(DType.F32, 4, 2);
            backend.write(HostTensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 4, 2), x);
            for (int i = 0; i < 3; i++) {
                recording.run(List.of(x.slice(0, 2), y.slice(0, 2)), () -> backend.copy(x.slice(0, 2), y.slice(0, 2)));
            }
            recording.run(List.of(x, y), () -> backend.copy(x, y));
            assertArrayEquals(
                    new float[] {1, 2, 3, 4, 5, 6, 7, 8}, backend.download(y).toFloats());
            Tensor reshaped = x.reshape(Shape.of(8));
            recording.run(List.of(reshaped, y), () -> backend.copy(reshaped, y));
            assertEquals(2, CudaKernels.of(backend).recorder().launches());
        }
    }
}
