package io.lingen.internal.parity;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.internal.latte.LatteParity;
import io.lingen.spi.ParityPart;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * One pass of a denoiser: {@link ParityCheck#compareDenoiser(Denoiser)}.
 *
 * @param load loads the denoiser
 */
record DenoiserPass(BiFunction<Backend, DType, Denoiser> load) implements ParityPart {
    @Override
    public String name() {
        return "denoiser";
    }

    @Override
    public boolean isIn(Set<String> names) {
        return names.contains("latent") && !LatteParity.hasPass(names) && !DecoderPart.isDecoding(names);
    }

    @Override
    public void run(ParityCheck check, DType precision) {
        try (Denoiser denoiser = load.apply(check.backend(), precision)) {
            check.compareDenoiser(denoiser);
        }
    }
}
