package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;

/**
 * The time embedding for the adaptive norms (specification, section 2): a sinusoid of 1000 t through two linear layers, and a shared
 * projection to six modulation vectors (adaLN-single). Computed in F32 at every precision, because it is cheap and an error here reaches
 * every block.
 */
final class TimeEmbedding {
    private static final int WIDTH = 256;
    private static final double SCALE = 1000;
    private static final double MAX_PERIOD = 10000;

    private final Backend backend;
    private final Linear fc1; // 256 -> d
    private final Linear fc2; // d -> d
    private final Linear adaln; // d -> 6d

    TimeEmbedding(ModelWeights weights, int hiddenSize) {
        ModelWeights exact = weights.withPrecision(DType.F32);
        this.backend = weights.backend();
        this.fc1 = exact.linear("time_embed.fc1", WIDTH, hiddenSize);
        this.fc2 = exact.linear("time_embed.fc2", hiddenSize, hiddenSize);
        this.adaln = exact.linear("adaln", hiddenSize, 6L * hiddenSize);
    }

    /**
     * The embedding and modulation of a time.
     *
     * @param embedding [1, d]
     * @param modulation [6, d]: shift, scale and gate of the token mixer, followed by those of the feed-forward
     */
    record Embedded(Tensor embedding, Tensor modulation) {}

    /** Embeds a time. The result belongs to the workspace. */
    Embedded embed(Workspace workspace, double t, Taps taps) {
        long d = fc2.outFeatures();
        Tensor wave = backend.upload(workspace, HostTensor.of(sinusoid(t), 1, WIDTH), DType.F32); // [1, 256]
        Tensor hidden = workspace.allocate(DType.F32, 1, d);
        fc1.apply(wave, Epilogue.SILU, hidden); // [1, d]
        Tensor embedding = fc2.apply(workspace, hidden, DType.F32); // [1, d]
        Tensor activated = workspace.allocate(DType.F32, 1, d);
        fc2.apply(hidden, Epilogue.SILU, activated); // SiLU(embedding)
        Tensor modulation = adaln.apply(workspace, activated, DType.F32); // [1, 6d]
        taps.accept("time_embed", embedding);
        taps.accept("adaln", modulation);
        return new Embedded(embedding, modulation.reshape(Shape.of(6, d)));
    }

    /** {@return the cosines, followed by the sines, of 1000 t f_i with f_i = 10000^(-i / 128)} */
    static float[] sinusoid(double t) {
        int half = WIDTH / 2;
        float[] wave = new float[WIDTH];
        for (int i = 0; i < half; i++) {
            double angle = SCALE * t * Math.exp(-Math.log(MAX_PERIOD) * i / half);
            wave[i] = (float) Math.cos(angle);
            wave[half + i] = (float) Math.sin(angle);
        }
        return wave;
    }
}
