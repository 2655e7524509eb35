package io.lingen.bench.internal;

import static io.lingen.bench.internal.GpuTimings.print;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.op.Grid;
import io.lingen.cuda.internal.backend.CudaKernels;
import io.lingen.vae.DecodingCost;
import io.lingen.vae.FrameStream;
import io.lingen.vae.LatentVideoDecoder;
import java.nio.file.Path;
import java.util.List;

/** A measurement of decoding clips, including the copies of all frames to the host. */
final class GpuDecoder {
    private GpuDecoder() {}

    /** Measures the decoder of a model for every length, and prints a line for each. */
    static void time(Backend backend, GpuTimer timer, Path folder, String size, List<Integer> seconds) {
        print(
                "%-24s %10s %10s %10s %12s %11s %11s%n",
                "decoding", "ms", "frames", "TFLOP/s", "tensors GB", "pool GB", "device GB");
        try (ModelSource source = ModelSource.of(folder);
                LatentVideoDecoder decoder = LatentVideoDecoder.load(source, "vae", backend, DType.BF16)) {
            for (int length : seconds) {
                backend.memory().resetPeak();
                CudaKernels.of(backend).pool().resetPeak();
                try (Workspace workspace = backend.newWorkspace()) {
                    Tensor latent = workspace.allocate(DType.F32, Workload.latent(decoder.config(), size, length));
                    backend.normal(1, latent);
                    int[] frames = new int[1];
                    double millis = timer.millis(() -> frames[0] = countFrames(decoder, latent));
                    double operations = DecodingCost.of(source, "vae", DType.BF16, gridOf(latent.shape()))
                            .operations();
                    print(
                            "%-24s %10.1f %10d %10.0f %12.2f %11.2f %11.2f%n",
                            size + " " + length + " s",
                            millis,
                            frames[0],
                            operations / millis / 1e9,
                            backend.memory().peakBytes() / 1e9,
                            CudaKernels.of(backend).pool().peakBytes() / 1e9,
                            GpuPasses.usedDeviceBytes(backend) / 1e9);
                }
            }
        }
    }

    private static Grid gridOf(Shape latent) {
        return new Grid((int) latent.length(1), (int) latent.length(2), (int) latent.length(3));
    }

    /** Decodes all frames and returns their number. */
    static int countFrames(LatentVideoDecoder decoder, Tensor latent) {
        int count = 0;
        try (FrameStream stream = decoder.frames(latent)) {
            for (; stream.hasNext(); count++) {
                if (count == 0) {
                    Results.requireValid("frame", stream.nextValues());
                } else {
                    stream.next();
                }
            }
        }
        return count;
    }
}
