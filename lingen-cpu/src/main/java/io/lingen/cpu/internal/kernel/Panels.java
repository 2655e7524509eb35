package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.loop.FloatKernels;

/**
 * The layout of the right operand of a product in panels, which a tile reads sequentially. Panel p holds the columns [p * width, (p + 1) *
 * width) as [k, width], with zeros beyond the last column.
 */
final class Panels {
    private final FloatKernels loops;
    private final int width;

    Panels(FloatKernels loops) {
        this.loops = loops;
        this.width = loops.tileColumns();
    }

    /** Returns the number of columns of a panel. */
    int width() {
        return width;
    }

    /** Returns the number of panels of a matrix. */
    int count(int columns) {
        return Math.ceilDiv(columns, width);
    }

    /** Returns the number of elements of all panels of a matrix. */
    long elements(int k, int columns) {
        return (long) count(columns) * k * width;
    }

    /** Packs rows [kFrom, kFrom + k) and columns [from, from + columns) of a matrix as F32 panels. */
    void pack(MatrixView b, int kFrom, int k, int from, int columns, long target, Scratch scratch) {
        long mark = scratch.mark();
        long line = scratch.floats(b.transposed() ? k : width);
        for (int panel = 0; panel < count(columns); panel++) {
            int first = from + panel * width;
            int present = Math.min(width, from + columns - first);
            long to = target + (long) panel * k * width * Float.BYTES;
            if (b.transposed()) {
                packTransposed(b, kFrom, k, first, present, to, line);
            } else {
                packRows(b, kFrom, k, first, present, to);
            }
        }
        scratch.release(mark);
    }

    private void packRows(MatrixView b, int kFrom, int k, int first, int present, long target) {
        long to = target;
        for (int row = 0; row < k; row++) {
            loops.load(b.at(kFrom + row, first), b.dtype(), to, present);
            if (present < width) {
                loops.fill(0, to + (long) present * Float.BYTES, width - present);
            }
            to += (long) width * Float.BYTES;
        }
    }

    private void packTransposed(MatrixView b, int kFrom, int k, int first, int present, long target, long line) {
        for (int column = 0; column < width; column++) {
            long to = target + (long) column * Float.BYTES;
            long source = line;
            if (column >= present) {
                loops.fill(0, line, k);
            } else if (b.dtype() == DType.BF16) {
                loops.widen(b.at(kFrom, first + column), line, k);
            } else {
                source = b.at(kFrom, first + column);
            }
            for (int i = 0; i < k; i++) {
                RawMemory.setFloat(to, RawMemory.getFloat(source + (long) i * Float.BYTES));
                to += (long) width * Float.BYTES;
            }
        }
    }

    /** Rounds F32 elements to BF16 and back, in place. */
    static void round(FloatKernels loops, long floats, int n, Scratch scratch) {
        long mark = scratch.mark();
        long bits = scratch.bytes((long) n * Short.BYTES);
        loops.narrow(floats, bits, n);
        loops.widen(bits, floats, n);
        scratch.release(mark);
    }
}
