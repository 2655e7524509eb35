package io.lingen.bench.internal;

import static io.lingen.bench.internal.GpuTimings.print;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.cuda.internal.backend.CudaKernels;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Guidance;
import io.lingen.diffusion.RectifiedFlowSampler;
import io.lingen.diffusion.Sampling;
import io.lingen.diffusion.Schedule;
import io.lingen.diffusion.VideoTransformer;
import io.lingen.vae.LatentVideoDecoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A measurement of the wall-clock time and the memory of a complete clip with random weights: all steps with guidance and all frames. */
final class GpuClip {
    private static final int STEPS = 50;
    private static final double GUIDANCE = 7.5;
    private static final int STEPS_PER_LINE = 5;

    private GpuClip() {}

    /**
     * Generates a clip, and prints the progress, the time and the memory.
     *
     * @param folder the folder for the denoiser, which is written
     * @param decoderFolder a model folder with a decoder of the latents of the clip
     */
    static void generate(Backend backend, Path folder, Path decoderFolder, Workload clip) throws IOException {
        RandomTransformer.write(folder, clip, 1, DType.BF16);
        try (ModelSource denoiserSource = ModelSource.of(folder);
                ModelSource decoderSource = ModelSource.of(decoderFolder);
                Denoiser denoiser = VideoTransformer.load(denoiserSource, "transformer", backend, DType.BF16);
                LatentVideoDecoder decoder = LatentVideoDecoder.load(decoderSource, "vae", backend, DType.BF16);
                Workspace workspace = backend.newWorkspace()) {
            Shape latents = Workload.latent(decoder.config(), clip.width() + "x" + clip.height(), clip.seconds());
            if (!latents.equals(clip.latent())) {
                throw new IllegalArgumentException("latents of the decoder of --decode must be " + clip.latent()
                        + " as those of the denoiser, found " + latents);
            }
            backend.memory().resetPeak();
            CudaKernels.of(backend).pool().resetPeak();
            Tensor latent = workspace.allocate(DType.F32, clip.latent());
            backend.normal(1, latent);
            CudaKernels.of(backend).device().synchronize();
            long start = System.nanoTime();
            denoise(backend, denoiser, latent, start);
            double denoised = secondsSince(start);
            int frames = GpuDecoder.countFrames(decoder, latent);
            double total = secondsSince(start);
            print(
                    "clip %s: %d frames in %.1f s: %.1f s for %d steps with guidance, %.1f s for decoding%n",
                    clip.title(), frames, total, denoised, STEPS, total - denoised);
            print(
                    "peak memory: tensors %.2f GB, pool in use %.2f GB, pool %.2f GB; device now %.2f GB%n",
                    backend.memory().peakBytes() / 1e9,
                    CudaKernels.of(backend).pool().peakUsedBytes() / 1e9,
                    CudaKernels.of(backend).pool().peakBytes() / 1e9,
                    GpuPasses.usedDeviceBytes(backend) / 1e9);
        }
    }

    private static void denoise(Backend backend, Denoiser denoiser, Tensor latent, long start) {
        try (Conditioning prompt = denoiser.condition(List.of(GpuPasses.prompt(1)));
                Conditioning empty = denoiser.condition(List.of(GpuPasses.prompt(2)));
                Sampling steps = new RectifiedFlowSampler(
                                backend, Schedule.linearQuadratic().times(STEPS))
                        .sample(Guidance.of(denoiser, prompt, empty, GUIDANCE), latent)) {
            while (steps.hasNext()) {
                int done = steps.next().index();
                if (done % STEPS_PER_LINE == 0) {
                    CudaKernels.of(backend).device().synchronize();
                    print("step %d of %d, %.1f s%n", done, STEPS, secondsSince(start));
                }
            }
            Results.requireValid("latent", backend.download(latent));
        }
    }

    private static double secondsSince(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }
}
