package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Padding;
import io.lingen.vae.internal.Activations;
import org.jspecify.annotations.Nullable;

/**
 * An image convolution inflated to videos: 3x3 over each frame, followed directly by 3 along time (specification, section 6). Both pad with
 * zeros. The convolution of an image decoder has no temporal half. Thread-safe.
 */
final class InflatedConvolution {
    private final ConvolutionWeights spatial; // [out, in, 1, 3, 3]
    private final @Nullable ConvolutionWeights temporal; // [out, out, 3, 1, 1]

    private InflatedConvolution(ConvolutionWeights spatial, @Nullable ConvolutionWeights temporal) {
        this.spatial = spatial;
        this.temporal = temporal;
    }

    InflatedConvolution(ModelWeights weights, int in, int out) {
        this(weights, in, out, Dims3.ONE);
    }

    InflatedConvolution(ModelWeights weights, int in, int out, Dims3 stride) {
        this(
                spatial(
                        weights,
                        weights.host("spatial.weight", out, in, 3, 3),
                        weights.host("spatial.bias", out),
                        stride),
                temporal(
                        weights,
                        weights.host("temporal.weight", out, out, 3),
                        weights.host("temporal.bias", out),
                        stride));
    }

    /** Loads the convolution of an image decoder. */
    static InflatedConvolution ofImages(ModelWeights weights, int in, int out) {
        return new InflatedConvolution(images(weights, in, out), null);
    }

    /** Loads the convolution of an image decoder and one along time, which have names of their own. */
    static InflatedConvolution ofImagesAndTime(ModelWeights weights, String image, String time, int in, int out) {
        return new InflatedConvolution(
                images(weights.under(image), in, out),
                temporal(
                        weights,
                        weights.host(time + ".weight", out, out, 3, 1, 1),
                        weights.host(time + ".bias", out),
                        Dims3.ONE));
    }

    private static ConvolutionWeights images(ModelWeights weights, int in, int out) {
        return spatial(weights, weights.host("weight", out, in, 3, 3), weights.host("bias", out), Dims3.ONE);
    }

    private static ConvolutionWeights spatial(ModelWeights weights, HostTensor weight, HostTensor bias, Dims3 stride) {
        Shape shape = weight.shape();
        return weights.convolution(
                weight.reshape(shape.length(0), shape.length(1), 1, 3, 3),
                bias,
                new Dims3(1, stride.h(), stride.w()),
                Padding.same(new Dims3(1, 3, 3)));
    }

    private static ConvolutionWeights temporal(ModelWeights weights, HostTensor weight, HostTensor bias, Dims3 stride) {
        Shape shape = weight.shape();
        return weights.convolution(
                weight.reshape(shape.length(0), shape.length(1), 3, 1, 1),
                bias,
                new Dims3(stride.t(), 1, 1),
                Padding.same(new Dims3(3, 1, 1)));
    }

    /**
     * Computes the convolution in the memory of the pass. Frees x.
     *
     * @param x [T, H, W, in]
     * @return [T / stride.t, H / stride.h, W / stride.w, out]
     */
    Tensor apply(Tensor x, Activations pass) {
        Tensor frames = pass.allocate(spatial.parameters().outputOf(x.shape())); // [T, H', W', out]
        overFrames(x, frames, pass);
        if (temporal == null) {
            return frames;
        }
        Tensor out = pass.allocate(temporal.parameters().outputOf(frames.shape()));
        overTime(frames, temporal, out, pass);
        return out; // [T', H', W', out]
    }

    /**
     * Computes the convolution in F32. Frees x.
     *
     * @param x [T, H, W, in]
     * @param result the owner of the result
     * @return [T / stride.t, H / stride.h, W / stride.w, out]
     */
    Tensor apply(Tensor x, Activations pass, Workspace result) {
        Shape frames = spatial.parameters().outputOf(x.shape()); // [T, H', W', out]
        if (temporal == null) {
            Tensor out = result.allocate(DType.F32, frames);
            overFrames(x, out, pass);
            return out;
        }
        Tensor mixed = pass.allocate(frames);
        overFrames(x, mixed, pass);
        Tensor out = result.allocate(DType.F32, temporal.parameters().outputOf(frames));
        overTime(mixed, temporal, out, pass);
        return out;
    }

    private void overFrames(Tensor x, Tensor out, Activations pass) {
        pass.backend().convolution(x, spatial, out);
        pass.free(x);
    }

    private static void overTime(Tensor frames, ConvolutionWeights temporal, Tensor out, Activations pass) {
        pass.backend().convolution(frames, temporal, out);
        pass.free(frames);
    }
}
