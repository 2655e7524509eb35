package io.lingen.core;

import java.util.List;

/**
 * Work that repeats on the same tensors. A backend may capture its device operations once and replay them without host overhead, with
 * bitwise equal results; the CUDA backend uses a CUDA graph. Owned by the caller, who closes it before the backend. Thread-safe.
 */
public interface Recording extends AutoCloseable {
    /** Captures nothing and runs the work every time. */
    Recording NONE = new Recording() {
        @Override
        public void run(List<Tensor> operands, Runnable work) {
            work.run();
        }

        @Override
        public void close() {}
    };

    /**
     * Does the work: runs it, or replays what an earlier run captured. Replays only if the addresses and shapes of all operands match.
     *
     * @param operands the inputs and outputs that may be different tensors in another call
     * @param work issues the same operations every time, given the same operands. It does not upload or download, and it frees its tensors
     *     before it returns. All other tensors that it uses are operands, or the same in every call.
     * @throws IllegalStateException if a tensor that it uses was freed
     */
    void run(List<Tensor> operands, Runnable work);

    /** Frees the capture; later runs execute the work. Closing twice has no effect. */
    @Override
    void close();
}
