package io.lingen.cpu.internal.kernel;

import io.lingen.core.BFloat16;
import io.lingen.core.DType;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.cpu.internal.CpuTensor;
import io.lingen.cpu.internal.Memory;
import io.lingen.cpu.internal.WorkerPool;

/** See {@link io.lingen.core.Backend#patchify} and {@link io.lingen.core.Backend#unpatchify}. */
public final class PatchKernel {
    private static final int TOKENS_PER_TASK = 64;

    private final WorkerPool pool;

    public PatchKernel(WorkerPool pool) {
        this.pool = pool;
    }

    public void patchify(CpuTensor video, PatchSize patch, CpuTensor tokens) {
        forElements(video, patch, (pixel, token) -> set(tokens, token, get(video, pixel)));
    }

    public void unpatchify(CpuTensor tokens, PatchSize patch, CpuTensor video) {
        forElements(video, patch, (pixel, token) -> set(video, pixel, get(tokens, token)));
    }

    /** Receives the indices of an element in the video and in the tokens. */
    @FunctionalInterface
    private interface Pair {
        void accept(long pixel, long token);
    }

    private void forElements(CpuTensor video, PatchSize patch, Pair pair) {
        Grid grid = patch.gridOf(video.shape());
        long frame = video.shape().length(2) * video.shape().length(3);
        long line = video.shape().length(3);
        int channels = Math.toIntExact(video.shape().length(0));
        pool.forRanges(grid.cells(), TOKENS_PER_TASK, (from, to, worker) -> {
            for (long cell = from; cell < to; cell++) {
                long corner = cell / grid.stride(0) * patch.t() * frame
                        + cell / grid.stride(1) % grid.h() * patch.h() * line
                        + cell % grid.w() * patch.w();
                long token = cell * channels * patch.cells();
                for (int channel = 0; channel < channels; channel++) {
                    long plane = channel * video.shape().length(1) * frame + corner;
                    for (int t = 0; t < patch.t(); t++) {
                        for (int h = 0; h < patch.h(); h++) {
                            for (int w = 0; w < patch.w(); w++) {
                                pair.accept(plane + t * frame + h * line + w, token++);
                            }
                        }
                    }
                }
            }
        });
    }

    private static float get(CpuTensor tensor, long index) {
        return tensor.dtype() == DType.F32
                ? Memory.getFloat(tensor.address() + index * Float.BYTES)
                : BFloat16.toFloat(Memory.getShort(tensor.address() + index * Short.BYTES));
    }

    private static void set(CpuTensor tensor, long index, float value) {
        if (tensor.dtype() == DType.F32) {
            Memory.setFloat(tensor.address() + index * Float.BYTES, value);
        } else {
            Memory.setShort(tensor.address() + index * Short.BYTES, BFloat16.fromFloat(value));
        }
    }
}
