package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.internal.BFloat16;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.WorkerPool;

/** Conversion between videos and patches. */
public final class PatchKernel {
    private static final int TOKENS_PER_TASK = 64;

    private final WorkerPool pool;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     */
    public PatchKernel(WorkerPool pool) {
        this.pool = pool;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#patchify}.
     *
     * @param video [C, T, H, W]
     * @param patch the size of a patch
     * @param tokens [tokens, C * patch.cells()]
     */
    public void patchify(PooledTensor video, PatchSize patch, PooledTensor tokens) {
        move(video, patch, tokens, false);
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#unpatchify}.
     *
     * @param tokens [tokens, C * patch.cells()]
     * @param patch the size of a patch
     * @param video [C, T, H, W]
     */
    public void unpatchify(PooledTensor tokens, PatchSize patch, PooledTensor video) {
        move(video, patch, tokens, true);
    }

    /** Copies elements between the video and the tokens. The inner loop copies one element of each patch in a row of the grid. */
    private void move(PooledTensor video, PatchSize patch, PooledTensor tokens, boolean inverse) {
        Side pixels = Side.of(video);
        Side cells = Side.of(tokens);
        Grid grid = patch.gridOf(video.shape());
        long width = video.shape().length(3);
        long frame = video.shape().length(2) * width;
        long plane = video.shape().length(1) * frame;
        int channels = Math.toIntExact(video.shape().length(0));
        int tokenWidth = channels * patch.cells();
        pool.forRanges((long) grid.t() * grid.h(), Math.ceilDiv(TOKENS_PER_TASK, grid.w()), (from, to, worker) -> {
            for (long row = from; row < to; row++) {
                long corner = row / grid.h() * patch.t() * frame + row % grid.h() * patch.h() * width;
                long token = row * grid.w() * tokenWidth;
                for (int channel = 0; channel < channels; channel++) {
                    for (int t = 0; t < patch.t(); t++) {
                        for (int h = 0; h < patch.h(); h++) {
                            long pixel = channel * plane + corner + t * frame + h * width;
                            for (int w = 0; w < patch.w(); w++) {
                                if (inverse) {
                                    copy(cells, token++, tokenWidth, pixels, pixel + w, patch.w(), grid.w());
                                } else {
                                    copy(pixels, pixel + w, patch.w(), cells, token++, tokenWidth, grid.w());
                                }
                            }
                        }
                    }
                }
            }
        });
    }

    /** The memory of a tensor. */
    private record Side(long address, boolean bf16) {
        static Side of(PooledTensor tensor) {
            return new Side(tensor.address(), tensor.dtype() == DType.BF16);
        }
    }

    private static void copy(Side source, long from, int fromStep, Side target, long to, int toStep, int count) {
        if (!source.bf16 && !target.bf16) {
            long read = source.address + from * Float.BYTES;
            long write = target.address + to * Float.BYTES;
            for (int i = 0; i < count; i++) {
                RawMemory.setFloat(write, RawMemory.getFloat(read));
                read += (long) fromStep * Float.BYTES;
                write += (long) toStep * Float.BYTES;
            }
            return;
        }
        for (int i = 0; i < count; i++) {
            set(target, to + (long) i * toStep, get(source, from + (long) i * fromStep));
        }
    }

    private static float get(Side side, long index) {
        return side.bf16
                ? BFloat16.toFloat(RawMemory.getShort(side.address + index * Short.BYTES))
                : RawMemory.getFloat(side.address + index * Float.BYTES);
    }

    private static void set(Side side, long index, float value) {
        if (side.bf16) {
            RawMemory.setShort(side.address + index * Short.BYTES, BFloat16.fromFloat(value));
        } else {
            RawMemory.setFloat(side.address + index * Float.BYTES, value);
        }
    }
}
