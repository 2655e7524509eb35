package io.lingen.internal.parity;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.internal.latte.LatteParity;
import io.lingen.diffusion.internal.sampler.NoiseSchedule;
import io.lingen.spi.ParityPart;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * Runs of DDIM and DDPM: {@link LatteParity#compareRuns}.
 *
 * @param load loads the denoiser
 * @param schedule the noise levels of the training
 */
public record LatteRuns(BiFunction<Backend, DType, Denoiser> load, NoiseSchedule schedule) implements ParityPart {
    private static final double TOLERANCE_F32 = 1e-4;

    @Override
    public String name() {
        return "runs";
    }

    @Override
    public boolean isIn(Set<String> names) {
        return LatteParity.hasRuns(names);
    }

    /** {@return a larger tolerance in F32, since errors grow with every step} */
    @Override
    public double tolerance(DType precision) {
        return precision == DType.F32 ? TOLERANCE_F32 : ParityCheck.defaultTolerance(precision);
    }

    @Override
    public void run(ParityCheck check, DType precision) {
        try (Denoiser denoiser = load.apply(check.backend(), precision)) {
            LatteParity.compareRuns(check, denoiser, schedule);
        }
    }
}
