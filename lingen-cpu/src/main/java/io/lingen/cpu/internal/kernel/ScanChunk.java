package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.ScanSpec;
import io.lingen.cpu.internal.RawMemory;

/** View of what all heads share of one chunk of a scan. Steps count from the chunk's begin; rows of the past are at negative steps. */
final class ScanChunk {
    /** Index of the chunk's first step on the path. */
    final long first;
    /** Number of the chunk's steps: only the last chunk has fewer than the layout's. */
    final int steps;

    private final Layout layout;
    private final long address;

    ScanChunk(Layout layout, long address, long first, int steps) {
        this.layout = layout;
        this.address = address;
        this.first = first;
        this.steps = steps;
    }

    /** B of all groups, [steps, groups * n] in the products' type. */
    MatrixView b() {
        return MatrixView.of(address, layout.dtype, steps, layout.groupWidth, layout.groupWidth);
    }

    /** C of all groups, [steps, groups * n] in the products' type. */
    MatrixView c() {
        return MatrixView.of(address + layout.c, layout.dtype, steps, layout.groupWidth, layout.groupWidth);
    }

    /** B of one group, [steps, n]. */
    MatrixView b(int group) {
        return b().part(steps, group * layout.n, layout.n);
    }

    /** C of one group, [steps, n]. */
    MatrixView c(int group) {
        return c().part(steps, group * layout.n, layout.n);
    }

    /** C B^T of one group, F32, [steps, steps]. */
    MatrixView products(int group) {
        long at = (long) group * layout.steps * layout.steps * Float.BYTES;
        return MatrixView.of(address + layout.products + at, DType.F32, steps, steps, layout.steps);
    }

    /** Address of one head's cumulative sums s of dt A, [steps]. */
    long sums(int head) {
        return address + layout.sums + (long) head * layout.steps * Float.BYTES;
    }

    /** Address of one head's dt, [steps]. */
    long dt(int head) {
        return address + layout.dt + (long) head * layout.steps * Float.BYTES;
    }

    /** Address of the decays exp(s) from the chunk's begin to one step, [heads]. */
    long decays(int step) {
        return address + layout.decays + (long) step * layout.heads * Float.BYTES;
    }

    /** Address of one head's decay at one step; those of the heads after it follow. */
    long decays(int step, int head) {
        return decays(step) + (long) head * Float.BYTES;
    }

    /** Address of the weights dt exp(s_last - s) of one step's input in the state at the chunk's end, [heads]. */
    long stateWeights(int step) {
        return address + layout.stateWeights + (long) step * layout.heads * Float.BYTES;
    }

    /** Address of one head's weight at one step; those of the heads after it follow. */
    long stateWeights(int step, int head) {
        return stateWeights(step) + (long) head * Float.BYTES;
    }

    /** Address of the projection's row of a step. */
    long row(int step) {
        return RawMemory.getLong(address + layout.rows + (long) step * Long.BYTES);
    }

    void setRow(int step, long row) {
        RawMemory.setLong(address + layout.rows + (long) step * Long.BYTES, row);
    }

    /** Sizes of a chunk, and the offsets in bytes of its parts. */
    static final class Layout {
        /** The products' type. */
        final DType dtype;
        /** The most steps of a chunk. */
        final int steps;

        final int groups;
        /** Width of a state. */
        final int n;

        final int heads;
        final long byteSize;

        private final int groupWidth;
        private final long c;
        private final long products;
        private final long sums;
        private final long dt;
        private final long decays;
        private final long stateWeights;
        private final long rows;

        Layout(ScanSpec spec, DType dtype, int steps) {
            this.dtype = dtype;
            this.steps = steps;
            groups = spec.groups();
            n = spec.stateSize();
            heads = spec.heads();
            groupWidth = spec.groupWidth();
            long matrix = RawMemory.aligned((long) steps * groupWidth * dtype.bytes());
            long times = RawMemory.aligned((long) steps * heads * Float.BYTES);
            long past = spec.convWidth() - 1L;
            c = matrix;
            products = c + matrix;
            sums = products + (long) groups * steps * steps * Float.BYTES;
            dt = sums + times;
            decays = dt + times;
            stateWeights = decays + times;
            rows = stateWeights + times + past * Long.BYTES;
            byteSize = stateWeights + times + RawMemory.aligned((steps + past) * Long.BYTES);
        }
    }
}
