package io.lingen.mate;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.WeightReader;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;

/**
 * One direction of a Mamba2 scan: its weights, and the columns of the projection that are its own.
 *
 * @param weights convolution, dt bias, A and D
 * @param b the first column of B; likewise c and dt; x starts at column 0
 */
record ScanDirection(Backend backend, ScanSpec spec, ScanWeights weights, long b, long c, long dt) {
    static ScanWeights load(Backend backend, Workspace workspace, WeightReader reader, ScanSpec spec) {
        return new ScanWeights(
                upload(backend, workspace, reader, "conv.weight", spec.channels(), spec.convWidth()),
                upload(backend, workspace, reader, "conv.bias", spec.channels()),
                upload(backend, workspace, reader, "dt_bias", spec.heads()),
                upload(backend, workspace, reader, "A_log", spec.heads()),
                upload(backend, workspace, reader, "D", spec.heads()));
    }

    static Tensor upload(Backend backend, Workspace workspace, WeightReader reader, String name, long... lengths) {
        return backend.upload(workspace, reader.tensor(name, lengths), DType.F32);
    }

    /** y = scan, or y += scan. */
    void scan(Tensor projection, ScanPath path, boolean accumulate, Tensor y) {
        backend.selectiveScan(new ScanInput(projection, 0, b, c, dt), path, spec, weights, accumulate, y);
    }
}
