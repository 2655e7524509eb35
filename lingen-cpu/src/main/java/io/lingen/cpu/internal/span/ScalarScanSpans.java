package io.lingen.cpu.internal.span;

import io.lingen.core.BFloat16;
import io.lingen.core.DType;
import io.lingen.cpu.internal.Memory;

/** The loops in plain Java: the definition. */
final class ScalarScanSpans implements ScanSpans {
    @Override
    public void mix(
            long c,
            int cStride,
            int n,
            long products,
            int productStride,
            long s,
            long decay,
            int decayStride,
            long dt,
            float d,
            int steps,
            long out,
            int outStride,
            DType dtype) {
        int bytes = dtype.bytes();
        for (int i = 0; i < steps; i++) {
            long row = out + (long) i * outStride * bytes;
            mixState(c + (long) i * cStride * bytes, 0, n, get(decay, (long) i * decayStride), row, dtype);
            mixInputs(products + (long) i * productStride * 4, s, dt, i, 0, d, row + (long) n * bytes, dtype);
        }
    }

    /** Elements {@code from} to n of a row's first part. */
    static void mixState(long c, int from, int n, float decay, long out, DType dtype) {
        for (int k = from; k < n; k++) {
            set(out, k, load(c, k, dtype) * decay, dtype);
        }
    }

    /** Elements {@code from} to i of a row's second part. */
    static void mixInputs(long products, long s, long dt, int i, int from, float d, long out, DType dtype) {
        float last = get(s, i);
        for (int j = from; j <= i; j++) {
            float weight = (float) Math.exp(last - get(s, j)) * get(dt, j);
            set(out, j, get(products, j) * weight + (j == i ? d : 0), dtype);
        }
    }

    @Override
    public void weigh(
            long x,
            int steps,
            int heads,
            int p,
            long weights,
            int weightStride,
            long plain,
            int plainStride,
            long weighted,
            DType dtype) {
        for (int step = 0; step < steps; step++) {
            for (int head = 0; head < heads; head++) {
                float weight = get(weights, (long) step * weightStride + head);
                long source = x + ((long) step * heads + head) * p * 4;
                long target = plain + ((long) step * plainStride + (long) head * p) * dtype.bytes();
                weigh(source, 0, p, weight, target, weighted + ((long) step * heads + head) * p * dtype.bytes(), dtype);
            }
        }
    }

    /** Elements {@code from} to p of one head. */
    static void weigh(long x, int from, int p, float weight, long plain, long weighted, DType dtype) {
        for (int k = from; k < p; k++) {
            float value = get(x, k);
            set(plain, k, value, dtype);
            set(weighted, k, value * weight, dtype);
        }
    }

    @Override
    public void decay(long state, int n, int heads, int p, long factors, long out, int outStride, DType dtype) {
        for (int row = 0; row < n; row++) {
            for (int head = 0; head < heads; head++) {
                long source = state + ((long) row * heads + head) * p * 4;
                long target = out + ((long) row * outStride + (long) head * p) * dtype.bytes();
                decay(source, 0, p, get(factors, head), target, dtype);
            }
        }
    }

    /** Elements {@code from} to p of one head. */
    static void decay(long state, int from, int p, float factor, long out, DType dtype) {
        for (int k = from; k < p; k++) {
            float value = get(state, k);
            set(out, k, value, dtype);
            Memory.setFloat(state + 4L * k, value * factor);
        }
    }

    private static float get(long address, long index) {
        return Memory.getFloat(address + 4 * index);
    }

    private static float load(long address, long index, DType dtype) {
        return dtype == DType.F32 ? get(address, index) : BFloat16.toFloat(Memory.getShort(address + 2 * index));
    }

    private static void set(long address, long index, float value, DType dtype) {
        if (dtype == DType.F32) {
            Memory.setFloat(address + 4 * index, value);
        } else {
            Memory.setShort(address + 2 * index, BFloat16.fromFloat(value));
        }
    }
}
