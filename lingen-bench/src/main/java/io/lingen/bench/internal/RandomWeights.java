package io.lingen.bench.internal;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.internal.BFloat16;
import io.lingen.core.internal.PhiloxNormal;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;

/**
 * A writer of tensors of normal numbers. A tensor depends only on the seed and its name. It is a section of a periodic sequence of numbers.
 * The period is prime, so that the rows of a matrix differ.
 */
final class RandomWeights implements AutoCloseable {
    private static final int BLOCK = 1 << 16;
    private static final int PERIOD = 1_048_573;

    private final float[] numbers = new float[PERIOD];
    private final DType storage;
    private final Arena arena = Arena.ofShared();
    private final Map<String, HostTensor> tensors = new LinkedHashMap<>();

    /**
     * Creates the sequence of numbers.
     *
     * @param seed the seed
     * @param storage the type of the weights in the file, F32 or BF16
     */
    RandomWeights(long seed, DType storage) {
        this.storage = storage;
        PhiloxNormal.fill(seed, 0, numbers, 0, PERIOD);
    }

    /** Adds a linear layer with bias. Its outputs have unit variance for inputs of unit variance. */
    void linear(String name, long in, long out) {
        matrix(name + ".weight", 1, out, in);
        normal(name + ".bias", 0, 0.1, out);
    }

    /** Adds a matrix. Its product with inputs of unit variance has a standard deviation of the gain. */
    void matrix(String name, double gain, long out, long in) {
        normal(name, 0, gain / Math.sqrt(in), out, in);
    }

    /** Adds a tensor of normal numbers with a mean and a standard deviation. */
    void normal(String name, double mean, double deviation, long... lengths) {
        Shape shape = Shape.of(lengths);
        MemorySegment memory = arena.allocate(shape.elements() * storage.bytes(), 64);
        int begin = Math.floorMod(name.hashCode(), PERIOD);
        // The numbers of a block depend only on its position, so blocks are filled in parallel.
        LongStream.range(0, Math.ceilDiv(shape.elements(), BLOCK)).parallel().forEach(block -> {
            long first = block * BLOCK;
            long end = Math.min(shape.elements(), first + BLOCK);
            int at = (int) ((begin + first) % PERIOD);
            for (long i = first; i < end; i++) {
                float value = (float) (mean + deviation * numbers[at]);
                at = at + 1 == PERIOD ? 0 : at + 1;
                if (storage == DType.BF16) {
                    memory.setAtIndex(ValueLayout.JAVA_SHORT, i, BFloat16.fromFloat(value));
                } else {
                    memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
                }
            }
        });
        tensors.put(name, new HostTensor(storage, shape, memory));
    }

    /** Returns the names of all tensors. */
    Set<String> names() {
        return tensors.keySet();
    }

    /** Writes all tensors to a file. */
    void write(Path file) throws IOException {
        SafetensorsWriter.write(file, tensors, Map.of());
    }

    @Override
    public void close() {
        arena.close();
    }
}
