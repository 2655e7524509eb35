package io.lingen.core.nd4j;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Norms of the rows of matrices. Parameters have the shape [1, d]. */
final class Norms {
    private Norms() {}

    /** Computes (x - mean) / sqrt(variance + epsilon), with statistics over the given axes. */
    static INDArray standardised(INDArray x, double epsilon, int... axes) {
        INDArray centred = x.sub(x.mean(true, axes));
        INDArray variance = centred.mul(centred).mean(true, axes);
        return centred.div(Transforms.sqrt(variance.add(epsilon)));
    }

    /** Computes LayerNorm(x) * (1 + scale) + shift. */
    static INDArray modulatedLayer(INDArray x, INDArray shift, INDArray scale, double epsilon) {
        return standardised(x, epsilon, 1).mul(scale.add(1)).add(shift);
    }

    /** Computes x / sqrt(mean(x^2) + epsilon) * weight. */
    static INDArray rms(INDArray x, INDArray weight, double epsilon) {
        INDArray square = x.mul(x).mean(true, 1);
        return x.div(Transforms.sqrt(square.add(epsilon))).mul(weight);
    }

    /** Computes RMSNorm(y * SiLU(z)) * weight. */
    static INDArray gatedRms(INDArray y, INDArray z, INDArray weight, double epsilon) {
        return rms(y.mul(Functions.silu(z)), weight, epsilon);
    }

    /**
     * Computes the group norm with statistics per frame.
     *
     * @param x [frames, cells, groups, channels per group]
     * @return [frames * cells, channels]
     */
    static INDArray group(INDArray x, INDArray weight, INDArray bias, double epsilon) {
        return standardised(x, epsilon, 1, 3)
                .reshape(x.size(0) * x.size(1), x.size(2) * x.size(3))
                .mul(weight)
                .add(bias);
    }
}
