package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import io.lingen.cpu.internal.dnnl.MatmulShape.After;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The primitives of matrix products. */
final class MatmulCache {
    private static final Logger LOG = LoggerFactory.getLogger(MatmulCache.class);

    /** The rows for which the layout of packed weights is chosen; products of other heights take the same. */
    private static final int MODEL_ROWS = 64;

    private final Dnnl dnnl;

    MatmulCache(Dnnl dnnl) {
        this.dnnl = dnnl;
    }

    /** The primitive of a product; its arguments are A, B, C, then the bias if there is one, then the gate if there is one. */
    Primitive of(MatmulShape product) {
        return dnnl.primitive(product, () -> compile(product));
    }

    /** The layout of packed weights [k, n]. */
    long weightsLayout(int k, int n, DType dtype) {
        MatmulShape model = MatmulShape.packed(MODEL_ROWS, k, n, dtype, dtype, true, After.NONE);
        return dnnl.layout(model, () -> {
            long any = DnnlCalls.anyLayout(dtype, k, n);
            Description description = new Description(model, any);
            try {
                return DnnlCalls.copyOfLayout(DnnlCalls.weightsLayout(description.require()));
            } finally {
                description.free();
            }
        });
    }

    /**
     * Whether no product of a type is left to the library's slow reference, whatever happens to its sums. With AVX-512 but without BF16
     * instructions, for one, the library has BF16 products, and of those that are gated and added the reference alone.
     */
    boolean areFast(DType dtype) {
        return Arrays.stream(After.values()).allMatch(after -> {
            DType c = after.adds() ? DType.F32 : dtype;
            return !isReference(new MatmulShape(64, 64, 64, dtype, 64, 1, dtype, 64, 1, c, 64, false, after))
                    && !isReference(new MatmulShape(64, 64, 64, dtype, 64, 1, dtype, 64, 1, c, 64, true, after));
        });
    }

    /** Whether the library has no implementation of a product but its reference, a thousand times slower, or not even that. */
    boolean isReference(MatmulShape product) {
        Description description = new Description(product, weights(product));
        try {
            return description.isReference();
        } finally {
            description.free();
        }
    }

    private Primitive compile(MatmulShape product) {
        Description description = new Description(product, weights(product));
        try {
            if (description.isReference()) {
                LOG.warn("oneDNN has only its slow reference for {} on this processor", product);
            }
            return new Primitive(dnnl, description.require(), description.kinds, description.layouts);
        } finally {
            description.free();
        }
    }

    /** The layout of a product's B, to be freed. */
    private long weights(MatmulShape product) {
        return product.isPacked()
                ? DnnlCalls.copyOfLayout(weightsLayout(product.k(), product.n(), product.b()))
                : strided(product.b(), product.k(), product.n(), product.bRow(), product.bColumn());
    }

    private static long strided(DType dtype, int rows, int columns, long row, long column) {
        return DnnlCalls.layout(dtype, new long[] {rows, columns}, new long[] {row, column});
    }

    /** The library's description of a product, with its arguments' kinds and layouts. */
    private final class Description {
        private final MatmulShape product;
        private final int[] kinds;
        private final long[] layouts;
        private final long handle;

        /** @param weights the layout of B, owned by the description from now on */
        private Description(MatmulShape product, long weights) {
            this.product = product;
            int m = product.m();
            int n = product.n();
            int[] kind = {DnnlCalls.SOURCE, DnnlCalls.WEIGHTS, DnnlCalls.TARGET, 0, 0};
            long[] layout = new long[5];
            layout[0] = strided(product.a(), m, product.k(), product.aRow(), product.aColumn());
            layout[1] = weights;
            layout[2] = strided(product.c(), m, n, product.cRow(), 1);
            int count = 3;
            long bias = 0;
            if (product.bias()) {
                bias = strided(DType.F32, 1, n, n, 1);
                kind[count] = DnnlCalls.BIAS;
                layout[count++] = bias;
            }
            long gate = 0;
            if (product.after() == After.GATED_ADD) {
                gate = strided(DType.F32, 1, n, n, 1);
                kind[count] = DnnlCalls.POST_OP;
                layout[count++] = gate;
            }
            kinds = Arrays.copyOf(kind, count);
            layouts = Arrays.copyOf(layout, count);
            long attributes = attributes(product.after(), gate);
            long biasLayout = bias;
            handle = DnnlThread.alone(
                    () -> DnnlCalls.matmul(dnnl.engine(), layout[0], layout[1], biasLayout, layout[2], attributes));
            DnnlCalls.freeAttributes(attributes);
        }

        private boolean isReference() {
            return handle == 0 || DnnlCalls.implementation(handle).startsWith("ref");
        }

        private long require() {
            if (handle == 0) {
                throw new IllegalStateException("oneDNN has no implementation of " + product);
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
