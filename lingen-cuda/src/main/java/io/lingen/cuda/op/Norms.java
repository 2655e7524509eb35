package io.lingen.cuda.op;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.op.Heads;
import io.lingen.cuda.driver.Arguments;
import io.lingen.cuda.driver.Device;
import io.lingen.cuda.driver.Launch;
import io.lingen.cuda.internal.CudaTensor;
import io.lingen.cuda.internal.DeviceMemory;

/** The norms. */
public final class Norms {
    private static final String SOURCE = "norms";
    /** Rows up to this width are a warp's, eight to a block; wider ones a block's. */
    private static final int WARP_WIDTH = 1024;
    /** About how many elements of a group one block of the group norm looks at. */
    private static final long PART = 8192;

    private static final int MAX_THREADS = 512;
    private static final int MAX_PARTS = 65535;

    private final Device device;
    private final DeviceMemory memory;

    public Norms(Device device, DeviceMemory memory) {
        this.device = device;
        this.memory = memory;
    }

    public void modulatedLayerNorm(Tensor x, Tensor shift, Tensor scale, float epsilon, Tensor out) {
        rows("modulated_layer_norm", x, x, scale, CudaTensor.addressOf(shift), epsilon, out);
    }

    public void gatedRmsNorm(Tensor y, Tensor z, Tensor weight, float epsilon, Tensor out) {
        rows("gated_rms_norm", y, z, weight, 0, epsilon, out);
    }

    private void rows(String kernel, Tensor x, Tensor z, Tensor scale, long shift, float epsilon, Tensor out) {
        int d = Math.toIntExact(x.shape().last());
        long rows = x.shape().rows();
        Launch launch = d <= WARP_WIDTH
                ? new Launch(Math.ceilDiv(rows, 8), 1, 1, 32, 8, 0)
                : new Launch(rows, 1, 1, threads(d), 1, 0);
        device.launch(
                SOURCE,
                kernel,
                launch,
                new Arguments()
                        .put(
                                CudaTensor.addressOf(x),
                                CudaTensor.addressOf(z),
                                CudaTensor.addressOf(scale),
                                shift,
                                CudaTensor.addressOf(out),
                                rows)
                        .put(CudaTensor.bf16(x), CudaTensor.bf16(z), CudaTensor.bf16(out), d)
                        .put(epsilon));
    }

    /** Whole warps, as evenly busy as the row's width allows: each thread takes 8 columns at a time. */
    static int threads(int d) {
        int vectors = Math.ceilDiv(d, 8);
        int rounds = Math.ceilDiv(vectors, MAX_THREADS);
        return Math.ceilDiv(Math.ceilDiv(vectors, rounds), 32) * 32;
    }

    public void headRmsNorm(Heads heads, Tensor weight, float epsilon) {
        Tensor matrix = heads.matrix();
        long vectors = heads.tokens() * heads.heads();
        device.launch(
                SOURCE,
                "head_rms_norm",
                Launch.of(Math.ceilDiv(vectors, 8)),
                new Arguments()
                        .put(Bands.address(heads), CudaTensor.addressOf(weight), vectors)
                        .put(matrix.shape().last())
                        .put(CudaTensor.bf16(matrix), heads.heads(), heads.headDim())
                        .put(epsilon));
    }

    public void groupNorm(Tensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, Tensor out) {
        Shape shape = x.shape();
        int frames = Math.toIntExact(shape.length(0));
        int channels = Math.toIntExact(shape.last());
        long cells = shape.length(1) * shape.length(2);
        if (shape.elements() == 0) {
            return;
        }
        long chunk = Math.max(Math.ceilDiv(PART, channels / groups), Math.ceilDiv(cells, MAX_PARTS));
        int chunks = (int) Math.ceilDiv(cells, chunk);
        DeviceMemory.Block parts = memory.allocate((long) frames * chunks * groups * 2 * Float.BYTES);
        Arguments arguments = new Arguments()
                .put(CudaTensor.addressOf(x), CudaTensor.addressOf(weight), CudaTensor.addressOf(bias))
                .put(parts.address(), CudaTensor.addressOf(out), cells)
                .put(CudaTensor.bf16(x), CudaTensor.bf16(out), channels, groups)
                .put(Math.toIntExact(chunk), chunks)
                .put(silu)
                .put(epsilon);
        device.launch(SOURCE, "group_norm_parts", new Launch(groups, chunks, frames, 256, 1, 0), arguments);
        device.launch(SOURCE, "group_norm_merge", new Launch(Math.ceilDiv(groups, 32), frames, 1, 32, 1, 0), arguments);
        long vectors = cells * Math.ceilDiv(channels, 8);
        device.launch(
                SOURCE, "group_norm_apply", new Launch(Math.ceilDiv(vectors, 256), frames, 1, 256, 1, 0), arguments);
        memory.release(parts);
    }
}
