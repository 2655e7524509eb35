package io.lingen.internal.lora;

import io.lingen.core.HostTensor;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The change of one module by an adapter: weight += scale * factor * up down, bias += scale * bias. Immutable.
 *
 * @param down [r, in], or null if only the bias changes
 * @param up [out, r], or null if only the bias changes
 * @param bias [out], or null
 * @param factor alpha / r, or 1
 */
record LowRankUpdate(
        @Nullable HostTensor down,
        @Nullable HostTensor up,
        @Nullable HostTensor bias,
        double factor) {
    /**
     * Adds the update of a weight.
     *
     * @param weight the weight [out * in], row-major
     * @param scale the scale of the adapter
     */
    void addToWeight(float[] weight, double scale) {
        if (down == null || up == null) {
            return;
        }
        int rank = (int) down.shape().length(0);
        int in = (int) (down.shape().elements() / rank);
        float[] a = down.toFloats();
        float[] b = up.toFloats();
        float total = (float) (scale * factor);
        IntStream.range(0, weight.length / in).parallel().forEach(row -> {
            float[] sum = new float[in];
            for (int r = 0; r < rank; r++) {
                float value = b[row * rank + r];
                int from = r * in;
                for (int column = 0; column < in; column++) {
                    sum[column] += value * a[from + column];
                }
            }
            int at = row * in;
            for (int column = 0; column < in; column++) {
                weight[at + column] += total * sum[column];
            }
        });
    }

    /**
     * Adds the update of a bias.
     *
     * @param values the bias [out]
     * @param scale the scale of the adapter
     */
    void addToBias(float[] values, double scale) {
        if (bias != null) {
            for (int i = 0; i < values.length; i++) {
                values[i] += (float) scale * bias.get(i);
            }
        }
    }
}
