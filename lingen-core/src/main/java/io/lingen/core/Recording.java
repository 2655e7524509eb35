package io.lingen.core;

import java.util.List;

/**
 * Work that is done many times on the same tensors. A backend may record what it asks of its device, and ask for that again without the
 * host's part of it. The results are the same, bit for bit. Belongs to who asked for it; to be closed before the backend. Thread-safe.
 */
public interface Recording extends AutoCloseable {
    /** Records nothing: the work is run every time. */
    Recording NONE = new Recording() {
        @Override
        public void run(List<Tensor> operands, Runnable work) {
            work.run();
        }

        @Override
        public void close() {}
    };

    /**
     * Does the work, by running it or by repeating what it did before.
     *
     * @param operands what of its inputs and outputs may be another tensor at another call; where they lie elsewhere or have other shapes
     *     nothing is repeated
     * @param work the same operations every time, if the operands are the same. It neither uploads nor downloads, gives what it allocates
     *     back before it ends, and touches no other tensors than the operands, its own, and such as are the same at every call.
     * @throws IllegalStateException if a tensor that it touches was freed
     */
    void run(List<Tensor> operands, Runnable work);

    /** Frees what was recorded; from then on work is run. Closing twice has no effect. */
    @Override
    void close();
}
