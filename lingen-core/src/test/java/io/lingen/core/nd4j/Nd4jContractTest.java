package io.lingen.core.nd4j;

import io.lingen.core.Backend;
import io.lingen.core.BackendOptions;
import io.lingen.core.Backends;
import io.lingen.core.contract.AttentionContract;
import io.lingen.core.contract.LinearContract;
import io.lingen.core.contract.NormContract;
import io.lingen.core.contract.ScanContract;
import org.junit.jupiter.api.Nested;

/** The reference backend under every contract. */
final class Nd4jContractTest {
    private static Backend backend() {
        return Backends.create("nd4j", new BackendOptions(2));
    }

    @Nested
    final class Attention extends AttentionContract {
        @Override
        protected Backend newBackend() {
            return backend();
        }
    }

    @Nested
    final class Linear extends LinearContract {
        @Override
        protected Backend newBackend() {
            return backend();
        }
    }

    @Nested
    final class Norm extends NormContract {
        @Override
        protected Backend newBackend() {
            return backend();
        }
    }

    @Nested
    final class Scan extends ScanContract {
        @Override
        protected Backend newBackend() {
            return backend();
        }
    }
}
