package io.lingen.cpu.internal.backend;

import io.lingen.core.BackendOptions;
import io.lingen.core.backend.Backend;
import io.lingen.core.contract.RecordingContract;
import io.lingen.cpu.internal.backend.KernelSet.Level;

/** Runs the recording contract on a backend that captures nothing. */
class RecordingTest extends RecordingContract {
    @Override
    protected Backend newBackend() {
        return new Backend(new CpuKernels(new BackendOptions(2), Level.BEST));
    }
}
