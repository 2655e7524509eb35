package io.lingen.internal.t5;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;

/**
 * The bias of attention scores by relative position: one value per head and bucket of distances. Near distances have a bucket each, farther
 * ones share buckets of logarithmically growing size. Immutable and thread-safe.
 */
final class PositionBias {
    private final T5Config config;
    private final HostTensor table;

    /** Reads the table [buckets, heads] of an attention layer. */
    PositionBias(ModelWeights weights, T5Config config) {
        this.config = config;
        this.table = weights.host("relative_attention_bias.weight", config.buckets(), config.heads());
    }

    /**
     * {@return the biases [heads, 2n-1] of n tokens} Column q - k + n - 1 is that of query q and key k.
     *
     * @param workspace the owner of the result
     * @param n the number of tokens
     */
    Tensor of(Backend backend, Workspace workspace, int n) {
        Tensor biases = workspace.allocate(DType.F32, config.heads(), 2L * n - 1);
        if (backend.computes()) {
            backend.write(HostTensor.of(values(n), config.heads(), 2L * n - 1), biases);
        }
        return biases;
    }

    private float[] values(int n) {
        int columns = 2 * n - 1;
        float[] values = new float[config.heads() * columns];
        for (int column = 0; column < columns; column++) {
            long row = (long) bucket(config, n - 1 - column) * config.heads();
            for (int head = 0; head < config.heads(); head++) {
                values[head * columns + column] = table.get(row + head);
            }
        }
        return values;
    }

    /**
     * {@return the bucket of a relative position}
     *
     * @param distance the position of the key minus that of the query
     */
    static int bucket(T5Config config, int distance) {
        int perDirection = config.buckets() / 2;
        int first = distance > 0 ? perDirection : 0;
        int length = Math.abs(distance);
        int exact = config.exactDistances();
        if (length < exact) {
            return first + length;
        }
        // Models are trained with these logarithms in F32, which decides at the border of two buckets.
        float ratio =
                (float) Math.log((float) length / exact) / (float) Math.log((double) config.maxDistance() / exact);
        return first + Math.min(perDirection - 1, exact + (int) (ratio * (perDirection - exact)));
    }
}
