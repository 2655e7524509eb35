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
import java.util.stream.LongStream;

/**
 * Tensors of normal numbers. A tensor depends on the seed and its name alone: it is a piece of one endless row of the same numbers, whose
 * length is prime, so that no two rows of a matrix are equal.
 */
final class RandomWeights implements AutoCloseable {
    private static final int BLOCK = 1 << 16;
    private static final int PERIOD = 1_048_573;

    private final float[] numbers = new float[PERIOD];
    private final DType storage;
    private final Arena arena = Arena.ofShared();
    private final Map<String, HostTensor> tensors = new LinkedHashMap<>();

    /** @param storage the type of the weights in the file, F32 or BF16 */
    RandomWeights(long seed, DType storage) {
        this.storage = storage;
        PhiloxNormal.fill(seed, 0, numbers, 0, PERIOD);
    }

    /** A linear layer with bias, its outputs of unit variance for inputs of unit variance. */
    void linear(String name, long in, long out) {
        matrix(name + ".weight", 1, out, in);
        normal(name + ".bias", 0, 0.1, out);
    }

    /** Products of unit variance from inputs of unit variance, times the gain. */
    void matrix(String name, double gain, long out, long in) {
        normal(name, 0, gain / Math.sqrt(in), out, in);
    }

    void normal(String name, double mean, double deviation, long... lengths) {
        Shape shape = Shape.of(lengths);
        MemorySegment memory = arena.allocate(shape.elements() * storage.bytes(), 64);
        int begin = Math.floorMod(name.hashCode(), PERIOD);
        // A block's numbers depend on its place alone: all processors may fill at once.
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

    void write(Path file) throws IOException {
        SafetensorsWriter.write(file, tensors, Map.of());
    }

    @Override
    public void close() {
        arena.close();
    }
}
