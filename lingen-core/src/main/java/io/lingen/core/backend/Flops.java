package io.lingen.core.backend;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.Windows;

/** Counts of the floating-point operations of one call (specification, section 7). A multiply-add counts as two. */
final class Flops {
    private Flops() {}

    static long linear(Tensor x, LinearWeights weights) {
        return 2 * x.shape().elements() * weights.outFeatures();
    }

    static long convolution(ConvolutionWeights weights, Tensor out) {
        Shape weight = weights.parameters().weight().shape();
        return 2
                * out.shape().elements()
                * weight.elements()
                / weights.parameters().outChannels();
    }

    static long attention(Heads q, Heads k) {
        return 4 * q.tokens() * k.tokens() * q.width();
    }

    static long windowAttention(Heads q, Grid grid, Windows windows) {
        return 4 * q.width() * pairs(grid, windows);
    }

    static long linearAttention(Heads q) {
        return 4 * q.tokens() * q.width() * q.headDim();
    }

    static long gatedDepthwiseConvolution(Tensor x) {
        return 2 * 9 * x.shape().elements();
    }

    static long selectiveScan(ScanPath path, ScanSpec spec) {
        long chunk = Math.min(spec.chunkSize(), path.steps());
        long perToken = 2L * spec.convWidth() * spec.channels()
                + 2 * chunk * spec.groupWidth()
                + 2L * spec.innerWidth() * (chunk + 2L * spec.stateSize());
        return path.steps() * perToken;
    }

    static long causalConvolution(ScanPath path, Tensor weight) {
        return 2 * path.steps() * weight.shape().elements();
    }

    static long diagonalScan(ScanPath path, DiagonalScanWeights weights) {
        return 7 * path.steps() * weights.aLog().shape().elements();
    }

    /** Returns the number of (query, key) pairs of all windows: the product over the axes of the sums of squared lengths. */
    private static long pairs(Grid grid, Windows windows) {
        long product = 1;
        for (int axis = 0; axis < 3; axis++) {
            int[] cuts = windows.cuts(grid, axis);
            long sum = 0;
            for (int i = 1; i < cuts.length; i++) {
                long length = cuts[i] - cuts[i - 1];
                sum += length * length;
            }
            product *= sum;
        }
        return product;
    }
}
