package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import io.lingen.cpu.internal.dnnl.MatmulShape.After;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The compiled primitives of matrix products. */
final class MatmulCache {
    private static final Logger LOG = LoggerFactory.getLogger(MatmulCache.class);

    /** The number of rows for which the layout of packed weights is chosen. Products with other numbers of rows use the same layout. */
    private static final int LAYOUT_ROWS = 64;

    private final Dnnl dnnl;

    MatmulCache(Dnnl dnnl) {
        this.dnnl = dnnl;
    }

    /** Returns the primitive of a product. Its arguments are A, B, C, then the bias and the gate, as far as present. */
    Primitive of(MatmulShape shape) {
        return dnnl.primitive(shape, () -> compile(shape));
    }

    /** Returns the layout of packed weights [k, n]. */
    long weightsLayout(int k, int n, DType dtype) {
        MatmulShape shape = MatmulShape.packed(LAYOUT_ROWS, k, n, dtype, dtype, true, After.NONE);
        return dnnl.layout(shape, () -> {
            long any = DnnlCalls.anyLayout(dtype, k, n);
            Description description = new Description(shape, any);
            try {
                return DnnlCalls.copyOfLayout(DnnlCalls.weightsLayout(description.require()));
            } finally {
                description.free();
            }
        });
    }

    /**
     * Returns whether all products of a type, with every epilogue, have an optimized implementation. For example, with AVX-512 but without
     * BF16 instructions, oneDNN has BF16 products, but only the slow reference for those with a gated addition.
     */
    boolean areFast(DType dtype) {
        return Arrays.stream(After.values()).allMatch(after -> {
            DType c = after.adds() ? DType.F32 : dtype;
            return !isReference(new MatmulShape(64, 64, 64, dtype, 64, 1, dtype, 64, 1, c, 64, false, after))
                    && !isReference(new MatmulShape(64, 64, 64, dtype, 64, 1, dtype, 64, 1, c, 64, true, after));
        });
    }

    /** Returns whether oneDNN has only its reference implementation of a product, which is a thousand times slower, or none. */
    boolean isReference(MatmulShape shape) {
        Description description = new Description(shape, weights(shape));
        try {
            return description.isReference();
        } finally {
            description.free();
        }
    }

    private Primitive compile(MatmulShape shape) {
        Description description = new Description(shape, weights(shape));
        try {
            if (description.isReference()) {
                LOG.warn(
                        "oneDNN has only its slow reference implementation of {}; try -D{}=false",
                        shape,
                        Dnnl.PROPERTY);
            }
            return new Primitive(dnnl, description.require(), description.kinds, description.layouts);
        } finally {
            description.free();
        }
    }

    /** Creates the layout of the B of a product; the caller frees it. */
    private long weights(MatmulShape shape) {
        return shape.isPacked()
                ? DnnlCalls.copyOfLayout(weightsLayout(shape.k(), shape.n(), shape.b()))
                : strided(shape.b(), shape.k(), shape.n(), shape.bRow(), shape.bColumn());
    }

    private static long strided(DType dtype, int rows, int columns, long row, long column) {
        return DnnlCalls.layout(dtype, new long[] {rows, columns}, new long[] {row, column});
    }

    /** The oneDNN description of a product, with the kinds and layouts of its arguments. */
    private final class Description {
        private final MatmulShape shape;
        private final int[] kinds;
        private final long[] layouts;
        private final long handle;

        /** Creates a description, which takes ownership of the layout of B. */
        private Description(MatmulShape shape, long weights) {
            this.shape = shape;
            int m = shape.m();
            int n = shape.n();
            int[] kind = {DnnlCalls.SOURCE, DnnlCalls.WEIGHTS, DnnlCalls.TARGET, 0, 0};
            long[] layout = new long[5];
            layout[0] = strided(shape.a(), m, shape.k(), shape.aRow(), shape.aColumn());
            layout[1] = weights;
            layout[2] = strided(shape.c(), m, n, shape.cRow(), 1);
            int count = 3;
            long bias = 0;
            if (shape.bias()) {
                bias = strided(DType.F32, 1, n, n, 1);
                kind[count] = DnnlCalls.BIAS;
                layout[count++] = bias;
            }
            long gate = 0;
            if (shape.after() == After.GATED_ADD) {
                gate = strided(DType.F32, 1, n, n, 1);
                kind[count] = DnnlCalls.POST_OP;
                layout[count++] = gate;
            }
            kinds = Arrays.copyOf(kind, count);
            layouts = Arrays.copyOf(layout, count);
            long attributes = attributes(shape.after(), gate);
            long biasLayout = bias;
            handle = DnnlThread.singleThreaded(
                    () -> DnnlCalls.matmul(dnnl.engine(), layout[0], layout[1], biasLayout, layout[2], attributes));
            DnnlCalls.freeAttributes(attributes);
        }

        private boolean isReference() {
            return handle == 0 || DnnlCalls.implementation(handle).startsWith("ref");
        }

        private long require() {
            if (handle == 0) {
                throw new IllegalStateException("oneDNN must implement " + shape
                        + ", found no implementation; compute without it with -D" + Dnnl.PROPERTY + "=false");
            }
            return handle;
        }

        private void free() {
            if (handle != 0) {
                DnnlCalls.freeDescription(handle);
            }
            for (long layout : layouts) {
                DnnlCalls.freeLayout(layout);
            }
        }
    }

    private static long attributes(After after, long gate) {
        long attributes = DnnlCalls.attributes();
        if (after != After.NONE) {
            long postOps = DnnlCalls.postOps();
            switch (after) {
                case GELU:
                    DnnlCalls.appendFunction(postOps, DnnlCalls.GELU_TANH);
                    break;
                case SILU:
                    DnnlCalls.appendFunction(postOps, DnnlCalls.SWISH);
                    break;
                case GATED_ADD:
                    DnnlCalls.appendProduct(postOps, gate);
                    DnnlCalls.appendSum(postOps);
                    break;
                default:
                    DnnlCalls.appendSum(postOps);
            }
            DnnlCalls.setPostOps(attributes, postOps);
            DnnlCalls.freePostOps(postOps);
        }
        return attributes;
    }
}
