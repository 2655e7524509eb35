package io.lingen.cuda.internal.backend;

import io.lingen.core.backend.Backend;
import io.lingen.core.contract.AccountingContract;
import io.lingen.core.contract.AttentionContract;
import io.lingen.core.contract.ConvolutionContract;
import io.lingen.core.contract.ElementwiseContract;
import io.lingen.core.contract.LinearAttentionContract;
import io.lingen.core.contract.LinearContract;
import io.lingen.core.contract.Mamba1Contract;
import io.lingen.core.contract.MemoryContract;
import io.lingen.core.contract.NormContract;
import io.lingen.core.contract.OwnershipContract;
import io.lingen.core.contract.RecordingContract;
import io.lingen.core.contract.ScanContract;
import io.lingen.core.contract.TokenContract;
import io.lingen.core.contract.WindowAttentionContract;
import org.junit.jupiter.api.Nested;

/** Runs every contract against the backend. */
final class CudaContractTest {
    @Nested
    final class Accounting extends AccountingContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class Attention extends AttentionContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class Convolution extends ConvolutionContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class Elementwise extends ElementwiseContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class Linear extends LinearContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class LinearAttention extends LinearAttentionContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class Mamba1 extends Mamba1Contract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class Memory extends MemoryContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class Norm extends NormContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class Ownership extends OwnershipContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class Recording extends RecordingContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class Scan extends ScanContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class Token extends TokenContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    @Nested
    final class WindowAttention extends WindowAttentionContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.open();
        }
    }

    /** Runs linear layers on the GEMM kernels, without cuBLASLt. */
    @Nested
    final class LinearWithoutCublas extends LinearContract {
        @Override
        protected Backend newBackend() {
            return TestBackends.openWithoutCublas();
        }
    }
}
