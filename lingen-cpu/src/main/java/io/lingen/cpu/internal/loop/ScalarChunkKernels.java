package io.lingen.cpu.internal.loop;

import static io.lingen.cpu.internal.RawMemory.getFloat;
import static io.lingen.cpu.internal.RawMemory.getShort;
import static io.lingen.cpu.internal.RawMemory.setFloat;
import static io.lingen.cpu.internal.RawMemory.setShort;

import io.lingen.core.DType;
import io.lingen.core.internal.BFloat16;

/** The reference implementation of the loops in plain Java. It also computes the tails of the vector loops. */
public final class ScalarChunkKernels implements ChunkKernels {
    private static final int F = Float.BYTES;

    /** Creates the loops. */
    public ScalarChunkKernels() {}

    @Override
    public void scaleInputs(
            long x,
            int steps,
            int heads,
            int p,
            long scales,
            int scaleStride,
            long plain,
            long scaled,
            int stride,
            DType dtype) {
        for (int step = 0; step < steps; step++) {
            for (int head = 0; head < heads; head++) {
                float scale = get(scales, (long) step * scaleStride + head);
                long to = ((long) step * stride + (long) head * p) * dtype.bytes();
                scaleInputs(x + ((long) step * heads + head) * p * F, 0, p, scale, plain + to, scaled + to, dtype);
            }
        }
    }

    /** Computes elements {@code from} to p of one head in {@link #scaleInputs}. */
    static void scaleInputs(long x, int from, int p, float scale, long plain, long scaled, DType dtype) {
        for (int k = from; k < p; k++) {
            float value = get(x, k);
            store(plain, k, value, dtype);
            store(scaled, k, value * scale, dtype);
        }
    }

    @Override
    public void intraChunkMatrix(
            long products, long s, long dt, float d, int steps, int stride, long factors, long out, DType dtype) {
        for (int i = 0; i < steps; i++) {
            for (int j = 0; j <= i; j++) {
                float weight = (float) Math.exp(get(s, i) - get(s, j)) * get(dt, j);
                long at = (long) i * stride + j;
                store(out, at, get(products, at) * weight + (j == i ? d : 0), dtype);
            }
        }
    }

    @Override
    public void decay(long state, int n, int heads, int p, long factors, long out, DType dtype) {
        for (int row = 0; row < n; row++) {
            for (int head = 0; head < heads; head++) {
                long at = ((long) row * heads + head) * p;
                decay(state + at * F, 0, p, get(factors, head), out + at * dtype.bytes(), dtype);
            }
        }
    }

    /** Computes elements {@code from} to p of one head in {@link #decay}. */
    static void decay(long state, int from, int p, float factor, long out, DType dtype) {
        for (int k = from; k < p; k++) {
            float value = get(state, k);
            store(out, k, value, dtype);
            setFloat(state + (long) k * F, value * factor);
        }
    }

    @Override
    public void addStateOutput(
            long y, long cs, long decays, int heads, int p, boolean accumulate, long out, DType dtype) {
        for (int head = 0; head < heads; head++) {
            long at = (long) head * p;
            addStateOutput(
                    y + at * F, cs + at * F, get(decays, head), 0, p, accumulate, out + at * dtype.bytes(), dtype);
        }
    }

    /** Computes elements {@code from} to p of one head in {@link #addStateOutput}. */
    static void addStateOutput(
            long y, long cs, float decay, int from, int p, boolean accumulate, long out, DType dtype) {
        for (int k = from; k < p; k++) {
            float value = get(y, k) + decay * get(cs, k) + (accumulate ? load(out, k, dtype) : 0);
            if (dtype == DType.BF16) {
                setShort(out + 2L * k, BFloat16.fromFloat(value));
            } else {
                setFloat(out + (long) k * F, value);
            }
        }
    }

    private static float get(long address, long index) {
        return getFloat(address + index * F);
    }

    private static float load(long address, long index, DType dtype) {
        return dtype == DType.F32 ? get(address, index) : BFloat16.toFloat(getShort(address + 2 * index));
    }

    /** Stores an element. BF16 is rounded to the nearest, ties away from 0. */
    private static void store(long address, long index, float value, DType dtype) {
        if (dtype == DType.F32) {
            setFloat(address + index * F, value);
        } else {
            setShort(address + 2 * index, (short) ((Float.floatToIntBits(value) + 0x8000) >>> 16));
        }
    }
}
