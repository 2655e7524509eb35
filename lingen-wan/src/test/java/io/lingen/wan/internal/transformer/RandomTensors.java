package io.lingen.wan.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.NamedTensors;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Tensors of random numbers by name, or their shapes. */
public class RandomTensors implements NamedTensors {
    private final Map<String, HostTensor> tensors = new TreeMap<>();
    private final @Nullable Random random;

    /** Starts with no tensors. Without a seed, tensors have shapes and no elements. */
    protected RandomTensors(@Nullable Long seed) {
        this.random = seed == null ? null : new Random(seed);
    }

    public final Map<String, HostTensor> tensors() {
        return tensors;
    }

    /** Adds a linear layer that keeps the variance. */
    protected final void linear(String name, int in, int out) {
        linearWithoutBias(name, in, out);
        add(name + ".bias", 0.1, out);
    }

    protected final void linearWithoutBias(String name, int in, int out) {
        add(name + ".weight", 1 / Math.sqrt(in), out, in);
    }

    protected final void add(String name, double deviation, long... lengths) {
        tensors.put(name, normal(deviation, lengths));
    }

    /** Draws a tensor, which is not one of these. */
    public final HostTensor normal(double deviation, long... lengths) {
        if (random == null) {
            return HostTensor.withoutElements(DType.F32, Shape.of(lengths));
        }
        int elements = 1;
        for (long length : lengths) {
            elements *= (int) length;
        }
        float[] values = new float[elements];
        for (int i = 0; i < elements; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return HostTensor.of(values, lengths);
    }

    @Override
    public final Set<String> names() {
        return tensors.keySet();
    }

    @Override
    public final HostTensor tensor(String name) {
        HostTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new CheckpointException("no tensor " + name);
        }
        return tensor;
    }

    @Override
    public final String toString() {
        return "random transformer";
    }
}
