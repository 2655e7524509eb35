package io.lingen.internal;

import io.lingen.VideoPlan;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.CountingBackend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Guidance;
import io.lingen.diffusion.RectifiedFlowSampler;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.VideoTransformer;
import io.lingen.text.TextEncoder;
import java.util.List;

/**
 * How much memory denoising takes, found by running one step of the real code on a backend that only counts. A backend's own scratch
 * memory comes on top.
 */
public final class DenoisingMemory implements AutoCloseable {
    private final CountingBackend backend = new CountingBackend();
    private final Denoiser denoiser;
    private final long weightBytes;

    /** Reads the shapes of a model's weights. */
    public DenoisingMemory(ModelSource source, String component, DType precision) {
        this.denoiser = VideoTransformer.load(source, component, backend, precision);
        this.weightBytes = backend.memory().liveBytes();
    }

    /** The packed weights. */
    public long weightBytes() {
        return weightBytes;
    }

    /** The most that a video takes beside the weights. */
    public synchronized long passBytes(VideoPlan plan, List<TextEncoder> encoders) {
        List<TextEmbedding> texts = encoders.stream()
                .map(encoder -> new TextEmbedding(
                        HostTensor.of(
                                new float[encoder.maxTokens() * encoder.width()], encoder.maxTokens(), encoder.width()),
                        null))
                .toList();
        backend.memory().resetPeak();
        try (Workspace workspace = backend.newWorkspace();
                Conditioning prompt = denoiser.condition(texts);
                Conditioning negative = denoiser.condition(texts)) {
            Tensor latent = workspace.allocate(DType.F32, plan.latent());
            new RectifiedFlowSampler(backend)
                    .steps(Guidance.of(denoiser, prompt, negative, plan.guidance()), latent, new double[] {0, 1})
                    .next();
        }
        return backend.memory().peakBytes() - weightBytes;
    }

    @Override
    public void close() {
        denoiser.close();
        backend.close();
    }
}
