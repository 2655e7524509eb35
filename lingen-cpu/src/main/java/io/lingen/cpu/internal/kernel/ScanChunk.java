package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.ScanSpec;
import io.lingen.cpu.internal.RawMemory;

/** A view of the values of one chunk of a scan that all heads share. Step 0 is the first of the chunk; earlier rows have negative steps. */
final class ScanChunk {
    /** The index of the chunk's first step on the path. */
    final long first;
    /** The number of steps, which is less than the layout's in the last chunk only. */
    final int steps;

    private final Layout layout;
    private final long address;

    ScanChunk(Layout layout, long address, long first, int steps) {
        this.layout = layout;
        this.address = address;
        this.first = first;
        this.steps = steps;
    }

    /** Returns B of all groups, [steps, groups * n] in the GEMM's type. */
    MatrixView b() {
        return MatrixView.of(address, layout.dtype, steps, layout.groupWidth, layout.groupWidth);
    }

    /** Returns C of all groups, [steps, groups * n] in the GEMM's type. */
    MatrixView c() {
        return MatrixView.of(address + layout.c, layout.dtype, steps, layout.groupWidth, layout.groupWidth);
    }

    /** Returns B of one group, [steps, n]. */
    MatrixView b(int group) {
        return b().part(steps, group * layout.n, layout.n);
    }

    /** Returns C of one group, [steps, n]. */
    MatrixView c(int group) {
        return c().part(steps, group * layout.n, layout.n);
    }

    /** Returns C B^T of one group, [steps, steps] in F32. */
    MatrixView products(int group) {
        long at = (long) group * layout.steps * layout.steps * Float.BYTES;
        return MatrixView.of(address + layout.products + at, DType.F32, steps, steps, layout.steps);
    }

    /** Returns the address of the cumulative sums s of dt A of one head, [steps]. */
    long sums(int head) {
        return address + layout.sums + (long) head * layout.steps * Float.BYTES;
    }

    /** Returns the address of dt of one head, [steps]. */
    long dt(int head) {
        return address + layout.dt + (long) head * layout.steps * Float.BYTES;
    }

    /** Returns the address of the decays exp(s) from the start of the chunk to a step, [heads]. */
    long decays(int step) {
        return address + layout.decays + (long) step * layout.heads * Float.BYTES;
    }

    /** Returns the address of the decay of one head at a step, followed by those of the next heads. */
    long decays(int step, int head) {
        return decays(step) + (long) head * Float.BYTES;
    }

    /** Returns the address of the weights dt exp(s_last - s) of the input of a step in the state at the end of the chunk, [heads]. */
    long stateWeights(int step) {
        return address + layout.stateWeights + (long) step * layout.heads * Float.BYTES;
    }

    /** Returns the address of the weight of one head at a step, followed by those of the next heads. */
    long stateWeights(int step, int head) {
        return stateWeights(step) + (long) head * Float.BYTES;
    }

    /** Returns the address of the row of a step in the projection. */
    long row(int step) {
        return RawMemory.getLong(address + layout.rows + (long) step * Long.BYTES);
    }

    void setRow(int step, long row) {
        RawMemory.setLong(address + layout.rows + (long) step * Long.BYTES, row);
    }

    /** The sizes of a chunk, and the offsets of its parts in bytes. */
    static final class Layout {
        final DType dtype; // the GEMM's type
        final int steps; // of a full chunk
        final int groups;
        final int n; // the size of a state
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
