package io.lingen.diffusion.internal;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.op.Epilogue;

/**
 * The time embedding for adaptive norms: a sinusoid of the time through two linear layers, and a shared projection of its activation to the
 * modulation vectors of all blocks (adaLN-single; Chen et al., 2023, PixArt-alpha). Computed in F32 at every precision, because it is cheap
 * and an error here reaches every block. Thread-safe.
 */
public final class TimeEmbedding {
    private static final double MAX_PERIOD = 10000;

    private final Backend backend;
    private final Linear fc1; // width -> d
    private final Linear fc2; // d -> d
    private final Linear modulation; // d -> k d

    /**
     * Joins the three layers, which should be packed for F32.
     *
     * @param backend the backend of the layers
     * @param fc1 from the width of the sinusoid to d
     * @param fc2 from d to d
     * @param modulation from d to a multiple of d
     */
    public TimeEmbedding(Backend backend, Linear fc1, Linear fc2, Linear modulation) {
        this.backend = backend;
        this.fc1 = fc1;
        this.fc2 = fc2;
        this.modulation = modulation;
    }

    /** {@return the width of the sinusoid} */
    public int sinusoidWidth() {
        return Math.toIntExact(fc1.inFeatures());
    }

    /**
     * The embedding and modulation of a time.
     *
     * @param embedding [1, d], F32
     * @param modulation [k, d], F32
     */
    public record Embedded(Tensor embedding, Tensor modulation) {}

    /**
     * Embeds a time.
     *
     * @param workspace the owner of the result
     * @param sinusoid {@link #sinusoid} of the time, as wide as the first layer's input
     * @return the embedding and the modulation
     */
    public Embedded embed(Workspace workspace, float[] sinusoid) {
        long d = fc2.outFeatures();
        Tensor wave = backend.upload(workspace, HostTensor.of(sinusoid, 1, sinusoid.length), DType.F32); // [1, width]
        Tensor hidden = workspace.allocate(DType.F32, 1, d);
        fc1.apply(wave, Epilogue.SILU, hidden); // [1, d]
        Tensor embedding = fc2.apply(workspace, hidden, DType.F32); // [1, d]
        Tensor activated = workspace.allocate(DType.F32, 1, d);
        fc2.apply(hidden, Epilogue.SILU, activated); // SiLU(embedding)
        Tensor rows = modulation.apply(workspace, activated, DType.F32); // [1, k d]
        return new Embedded(embedding, rows.reshape(Shape.of(modulation.outFeatures() / d, d)));
    }

    /**
     * {@return the cosines, followed by the sines, of x f_i with f_i = 10000^(-i / (width / 2))}
     *
     * @param x the time in the unit of the model's training
     * @param width an even number
     */
    public static float[] sinusoid(double x, int width) {
        int half = width / 2;
        float[] wave = new float[width];
        for (int i = 0; i < half; i++) {
            double angle = x * Math.exp(-Math.log(MAX_PERIOD) * i / half);
            wave[i] = (float) Math.cos(angle);
            wave[half + i] = (float) Math.sin(angle);
        }
        return wave;
    }

    /**
     * {@return {@link #sinusoid}, computed in F32 throughout} Models of PyTorch are trained with the rounding errors of F32.
     *
     * @param x the time in the unit of the model's training
     * @param width an even number
     */
    public static float[] sinusoidInF32(float x, int width) {
        int half = width / 2;
        float[] wave = new float[width];
        for (int i = 0; i < half; i++) {
            float exponent = (float) -Math.log(MAX_PERIOD) * i / half;
            float angle = x * (float) Math.exp(exponent);
            wave[i] = (float) Math.cos(angle);
            wave[half + i] = (float) Math.sin(angle);
        }
        return wave;
    }
}
