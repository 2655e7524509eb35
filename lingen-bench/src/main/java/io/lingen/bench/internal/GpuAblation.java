package io.lingen.bench.internal;

import static io.lingen.bench.internal.GpuTimings.print;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.VideoTransformer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What each part of a pass costs, found as the paper found it: the time that a model without the part saves. */
final class GpuShares {
    /** One for each order of the scan. */
    private static final int BLOCKS = 4;

    private GpuShares() {}

    /**
     * Times a pass of four blocks whole and without each part, and prints a line for each.
     *
     * @param folder where the models are written, one after the other
     */
    static void time(Backend backend, GpuClock clock, Path folder, Workload clip) throws IOException {
        Workload workload = new Workload(
                clip.architecture(), clip.width(), clip.height(), clip.seconds(), clip.hiddenSize(), BLOCKS);
        double whole = millis(backend, clock, folder, workload, null);
        print("%-24s %10s %10s %10s%n", "part, " + BLOCKS + " blocks", "without ms", "share", "published");
        print("%-24s %10.1f%n", "nothing left out", whole);
        for (Part part : Part.values()) {
            double without = millis(backend, clock, folder, workload, part);
            print(
                    "%-24s %10.1f %9.0f%% %9.0f%%%n",
                    part.title(), without, 100 * (1 - without / whole), 100 * part.publishedShare());
        }
    }

    private static double millis(
            Backend backend, GpuClock clock, Path folder, Workload workload, @Nullable Part without)
            throws IOException {
        RandomTransformer.write(folder, workload, without, 1, DType.BF16);
        try (ModelSource source = ModelSource.of(folder);
                Denoiser denoiser = VideoTransformer.load(source, "transformer", backend, DType.BF16)) {
            return GpuPasses.millis(backend, clock, denoiser, workload, List.of(true))[0];
        }
    }
}
