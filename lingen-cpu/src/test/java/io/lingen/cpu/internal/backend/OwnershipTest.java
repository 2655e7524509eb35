package io.lingen.cpu.internal.backend;

import io.lingen.core.BackendOptions;
import io.lingen.core.backend.Backend;
import io.lingen.core.contract.OwnershipContract;
import io.lingen.cpu.internal.backend.KernelSet.Level;

/** Runs the ownership contract. */
class OwnershipTest extends OwnershipContract {
    @Override
    protected Backend newBackend() {
        return new Backend(new CpuKernels(new BackendOptions(2), Level.BEST));
    }
}
