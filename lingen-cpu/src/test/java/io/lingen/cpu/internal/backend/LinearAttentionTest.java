package io.lingen.cpu.internal.backend;

import io.lingen.core.BackendOptions;
import io.lingen.core.backend.Backend;
import io.lingen.core.contract.LinearAttentionContract;
import io.lingen.cpu.internal.backend.KernelSet.Level;
import org.junit.jupiter.api.Nested;

/** Runs the contract of linear attention at each level of acceleration. */
class LinearAttentionTest {
    @Nested
    class Best extends LinearAttentionContract {
        @Override
        protected Backend newBackend() {
            return new Backend(new CpuKernels(new BackendOptions(2), Level.BEST));
        }
    }

    @Nested
    class Java extends LinearAttentionContract {
        @Override
        protected Backend newBackend() {
            return new Backend(new CpuKernels(new BackendOptions(1), Level.JAVA));
        }
    }

    @Nested
    class Scalar extends LinearAttentionContract {
        @Override
        protected Backend newBackend() {
            return new Backend(new CpuKernels(new BackendOptions(2), Level.SCALAR));
        }
    }
}
