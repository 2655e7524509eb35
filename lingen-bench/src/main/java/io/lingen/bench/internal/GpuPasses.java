package io.lingen.bench.internal;

import static io.lingen.bench.internal.GpuTimings.print;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.cuda.internal.backend.CudaKernels;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.VideoTransformer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/** A measurement of the time and the memory of passes of a denoiser with random weights, with single launches and as CUDA graphs. */
final class GpuPasses {
    private static final int PASSES_PER_CLIP = 100;

    private GpuPasses() {}

    /**
     * Measures a pass of every clip with the same model, and prints a line for each.
     *
     * @param folder the folder for the model, which is written
     */
    static void time(Backend backend, GpuTimer timer, Path folder, List<Workload> clips) throws IOException {
        Workload longest =
                clips.stream().max(Comparator.comparing(Workload::tokens)).orElseThrow();
        RandomTransformer.write(folder, longest, 1, DType.BF16);
        try (ModelSource source = ModelSource.of(folder);
                Denoiser denoiser = VideoTransformer.load(source, "transformer", backend, DType.BF16)) {
            print(
                    "%-24s %10s %12s %14s %11s %11s %11s %11s%n",
                    "pass", "ms", "graph ms", "100 passes s", "tensors GB", "in use GB", "pool GB", "device GB");
            for (Workload clip : clips) {
                backend.memory().resetPeak();
                CudaKernels.of(backend).pool().resetPeak();
                double[] millis = millis(backend, timer, denoiser, clip, List.of(false, true));
                print(
                        "%-24s %10.1f %12.1f %14.1f %11.2f %11.2f %11.2f %11.2f%n",
                        clip.title(),
                        millis[0],
                        millis[1],
                        millis[1] * PASSES_PER_CLIP / 1e3,
                        backend.memory().peakBytes() / 1e9,
                        CudaKernels.of(backend).pool().peakUsedBytes() / 1e9,
                        CudaKernels.of(backend).pool().peakBytes() / 1e9,
                        usedDeviceBytes(backend) / 1e9);
            }
        }
    }

    /**
     * Returns the median times of a pass in milliseconds.
     *
     * @param graphs for each time, whether passes are launched as CUDA graphs; the passes alternate
     */
    static double[] millis(Backend backend, GpuTimer timer, Denoiser denoiser, Workload clip, List<Boolean> graphs) {
        try (Workspace workspace = backend.newWorkspace();
                Conditioning conditioning = denoiser.condition(List.of(prompt(1)))) {
            Tensor latent = workspace.allocate(DType.F32, clip.latent());
            backend.normal(1, latent);
            Tensor velocity = workspace.allocate(DType.F32, clip.latent());
            GpuSwitch recording = CudaKernels.of(backend).recorder()::enable;
            Runnable pass = () -> denoiser.predict(latent, 0.5, conditioning, velocity);
            double[] millis = timer.millis(
                    graphs.stream().map(on -> recording.during(on, pass)).toList());
            Results.requireValid("velocity", backend.download(velocity));
            return millis;
        }
    }

    /** Returns the used memory of the device, including that of the driver and of other processes. */
    static long usedDeviceBytes(Backend backend) {
        return CudaKernels.of(backend).device().properties().totalBytes()
                - CudaKernels.of(backend).device().freeBytes();
    }

    static TextEmbedding prompt(long seed) {
        float[] text = new float[Workload.TEXT_TOKENS * Workload.TEXT_WIDTH];
        Random random = new Random(seed);
        for (int i = 0; i < text.length; i++) {
            text[i] = (float) random.nextGaussian();
        }
        return new TextEmbedding(HostTensor.of(text, Workload.TEXT_TOKENS, Workload.TEXT_WIDTH), null);
    }
}
