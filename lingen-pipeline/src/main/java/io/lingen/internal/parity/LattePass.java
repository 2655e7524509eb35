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
 * One pass of a denoiser that predicts noise: {@link LatteParity#comparePass}.
 *
 * @param load loads the denoiser
 * @param schedule the noise levels of the training
 */
public record LattePass(BiFunction<Backend, DType, Denoiser> load, NoiseSchedule schedule) implements ParityPart {
    @Override
    public String name() {
        return "noise";
    }

    @Override
    public boolean isIn(Set<String> names) {
        return LatteParity.hasPass(names);
    }

    @Override
    public void run(ParityCheck check, DType precision) {
        try (Denoiser denoiser = load.apply(check.backend(), precision)) {
            LatteParity.comparePass(check, denoiser, schedule);
        }
    }
}
