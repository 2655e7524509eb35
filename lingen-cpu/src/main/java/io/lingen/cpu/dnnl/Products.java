package io.lingen.cpu.dnnl;

import io.lingen.core.DType;
import io.lingen.cpu.dnnl.Product.After;
import java.util.Arrays;

/** The primitives of matrix products. */
final class Products {
    /** The rows for which the layout of packed weights is chosen; products of other heights take the same. */
    private static final int MODEL_ROWS = 64;

    private final Dnnl dnnl;

    Products(Dnnl dnnl) {
        this.dnnl = dnnl;
    }

    /** The primitive of a product; its arguments are A, B, C, then the bias if there is one, then the gate if there is one. */
    Primitive of(Product product) {
        return dnnl.primitive(product, () -> compile(product));
    }

    /** The layout of packed weights [k, n]. */
    long weightsLayout(int k, int n, DType dtype) {
        Product model = Product.packed(MODEL_ROWS, k, n, dtype, dtype, true, After.NONE);
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

    /** Whether there are products of a type that are not the library's slow reference. */
    boolean areFast(DType dtype) {
        Product model = new Product(64, 64, 64, dtype, 64, 1, dtype, 64, 1, DType.F32, 64, false, After.NONE);
        Description description = new Description(model, strided(dtype, 64, 64, 64, 1));
        try {
            return description.handle != 0
                    && !DnnlCalls.implementation(description.handle).startsWith("ref");
        } finally {
            description.free();
        }
    }

    private Primitive compile(Product product) {
        DType type = product.b();
        long weights = product.isPacked()
                ? DnnlCalls.copyOfLayout(weightsLayout(product.k(), product.n(), type))
                : strided(type, product.k(), product.n(), product.bRow(), product.bColumn());
        Description description = new Description(product, weights);
        try {
            return new Primitive(dnnl, description.require(), description.kinds, description.layouts);
        } finally {
            description.free();
        }
    }

    private static long strided(DType dtype, int rows, int columns, long row, long column) {
        return DnnlCalls.layout(dtype, new long[] {rows, columns}, new long[] {row, column});
    }

    /** The library's description of a product, with its arguments' kinds and layouts. */
    private final class Description {
        private final Product product;
        private final int[] kinds;
        private final long[] layouts;
        private final long handle;

        /** @param weights the layout of B, owned by the description from now on */
        private Description(Product product, long weights) {
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
