package io.lingen.cpu.internal.backend;

import io.lingen.core.BackendOptions;
import io.lingen.core.backend.Backend;
import io.lingen.core.contract.Mamba1Contract;
import io.lingen.cpu.internal.backend.KernelSet.Level;
import org.junit.jupiter.api.Nested;

/** Runs the contract of the diagonal scan and its convolution at each level of acceleration. */
class Mamba1Test {
    @Nested
    class Best extends Mamba1Contract {
        @Override
        protected Backend newBackend() {
            return new Backend(new CpuKernels(new BackendOptions(2), Level.BEST));
        }
    }

    @Nested
    class Java extends Mamba1Contract {
        @Override
        protected Backend newBackend() {
            return new Backend(new CpuKernels(new BackendOptions(1), Level.JAVA));
        }
    }

    @Nested
    class Scalar extends Mamba1Contract {
        @Override
        protected Backend newBackend() {
            return new Backend(new CpuKernels(new BackendOptions(2), Level.SCALAR));
        }
    }
}
