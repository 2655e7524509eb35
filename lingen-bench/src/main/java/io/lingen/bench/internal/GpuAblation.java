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

/** A measurement of the share of each component in the time of a pass. As in the paper, it is the time that a model without it saves. */
final class GpuAblation {
    /** The number of blocks, one for each order of the scan. */
    private static final int BLOCKS = 4;

    private GpuAblation() {}

    /**
     * Measures a pass of four blocks, complete and without each component, and prints a line for each.
     *
     * @param folder the folder for the models, which are written one after the other
     */
    static void time(Backend backend, GpuTimer timer, Path folder, Workload clip) throws IOException {
        Workload workload = new Workload(
                clip.architecture(), clip.width(), clip.height(), clip.seconds(), clip.hiddenSize(), BLOCKS);
        double complete = millis(backend, timer, folder, workload, null);
        print("%-24s %10s %10s %10s%n", "removed, " + BLOCKS + " blocks", "ms", "share", "paper");
        print("%-24s %10.1f%n", "none", complete);
        for (Component component : Component.values()) {
            double without = millis(backend, timer, folder, workload, component);
            print(
                    "%-24s %10.1f %9.0f%% %9.0f%%%n",
                    component.title(), without, 100 * (1 - without / complete), 100 * component.publishedShare());
        }
    }

    private static double millis(
            Backend backend, GpuTimer timer, Path folder, Workload workload, @Nullable Component without)
            throws IOException {
        RandomTransformer.write(folder, workload, without, 1, DType.BF16);
        try (ModelSource source = ModelSource.of(folder);
                Denoiser denoiser = VideoTransformer.load(source, "transformer", backend, DType.BF16)) {
            return GpuPasses.millis(backend, timer, denoiser, workload, List.of(true))[0];
        }
    }
}
