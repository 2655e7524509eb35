package io.lingen.cuda.op;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Windows;
import io.lingen.cuda.driver.Arguments;
import io.lingen.cuda.driver.Device;
import io.lingen.cuda.driver.Launch;
import io.lingen.cuda.internal.CudaTensor;
import org.jspecify.annotations.Nullable;

/** Attention over all tokens and within the windows of a grid. */
public final class Attention {
    private static final String SOURCE = "attention";
    private static final int THREADS = 128;
    private static final int KEYS = 64;
    private static final int MAX_HEAD = 1024;
    private static final int MAX_MATRIX_HEAD = 128;

    private final Device device;

    public Attention(Device device) {
        this.device = device;
    }

    public void attention(Heads q, Heads k, Heads v, @Nullable Tensor mask, Tensor out) {
        int queries = Math.toIntExact(q.tokens());
        int[] noAxes = new int[12];
        launch(q, k, v, mask, null, out, queries, 1, 0, noAxes);
    }

    public void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out) {
        int[] axes = new int[12];
        int count = 1;
        int largest = 1;
        for (int axis = 0; axis < 3; axis++) {
            int[] cuts = windows.cuts(grid, axis);
            axes[4 * axis] = grid.length(axis);
            axes[4 * axis + 1] = windows.size().length(axis);
            axes[4 * axis + 2] = cuts[1];
            axes[4 * axis + 3] = cuts.length - 1;
            count = Math.multiplyExact(count, cuts.length - 1);
            largest *= Math.min(grid.length(axis), windows.size().length(axis));
        }
        launch(q, k, v, null, bias, out, largest, count, 1, axes);
    }

    /** @param queries the most that one window has */
    private void launch(
            Heads q,
            Heads k,
            Heads v,
            @Nullable Tensor mask,
            @Nullable Tensor bias,
            Tensor out,
            int queries,
            int count,
            int windowed,
            int[] axes) {
        Plan plan = Plan.of(q, k, v, queries, bias != null);
        int tiles = Math.ceilDiv(queries, plan.queriesPerBlock);
        device.launch(
                SOURCE,
                plan.kernel,
                new Launch((long) tiles * count, q.heads(), 1, THREADS, 1, plan.sharedBytes),
                new Arguments()
                        .put(Bands.address(q), Bands.address(k), Bands.address(v))
                        .put(CudaTensor.addressOrNull(mask), CudaTensor.addressOrNull(bias), CudaTensor.addressOf(out))
                        .put(columns(q), columns(k), columns(v))
                        .put(CudaTensor.bf16(q.matrix()), CudaTensor.bf16(k.matrix()), CudaTensor.bf16(v.matrix()))
                        .put(CudaTensor.bf16(out), q.heads(), q.headDim())
                        .put(queries, Math.toIntExact(k.tokens()), windowed, tiles)
                        .put((float) (1 / Math.sqrt(q.headDim())))
                        .put(axes));
    }

    private static long columns(Heads heads) {
        return heads.matrix().shape().last();
    }

    /** Which kernel, and how many queries a block of it takes. */
    record Plan(String kernel, int queriesPerBlock, int sharedBytes) {
        static Plan of(Heads q, Heads k, Heads v, int queries, boolean biased) {
            boolean bf16 = q.matrix().dtype() == DType.BF16
                    && k.matrix().dtype() == DType.BF16
                    && v.matrix().dtype() == DType.BF16;
            return of(bf16, q.headDim(), queries, biased);
        }

        static Plan of(boolean bf16, int headDim, int queries, boolean biased) {
            if (headDim > MAX_HEAD) {
                throw new IllegalArgumentException(
                        "the cuda backend attends with heads of up to " + MAX_HEAD + ", found " + headDim);
            }
            if (!bf16 || headDim > MAX_MATRIX_HEAD) {
                return new Plan("attention_plain", 4, 0);
            }
            int width = headDim <= 32 ? 32 : headDim <= 64 ? 64 : 128;
            boolean many = queries > 64 && !biased;
            int rows = many ? 128 : 64;
            // Queries, padded by 8; two stages of keys and values; the rows of queries and of two tiles of keys.
            int tiles = (rows * (width + 8) + 4 * KEYS * width) * Short.BYTES;
            int map = (rows + 2 * KEYS) * Integer.BYTES;
            return new Plan(
                    "attention_bf16_" + width + (biased ? "_biased" : many ? "_many" : "_few"), rows, tiles + map);
        }
    }
}
