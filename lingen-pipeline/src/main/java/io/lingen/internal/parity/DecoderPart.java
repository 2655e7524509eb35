package io.lingen.internal.parity;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.ParityCheck;
import io.lingen.spi.ParityPart;
import io.lingen.vae.LatentVideoDecoder;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * The decoder, on a whole clip: it maps {@code latent}, as the denoiser gives it, to {@code frames}.
 *
 * @param load loads the decoder
 */
public record DecoderPart(BiFunction<Backend, DType, LatentVideoDecoder> load) implements ParityPart {
    private static final String LATENT = "latent";
    private static final String FRAMES = "frames";

    @Override
    public String name() {
        return "decoder";
    }

    @Override
    public boolean isIn(Set<String> names) {
        return isDecoding(names);
    }

    static boolean isDecoding(Set<String> names) {
        return names.contains(LATENT) && names.contains(FRAMES) && !names.contains("t");
    }

    @Override
    public void run(ParityCheck check, DType precision) {
        Backend backend = check.backend();
        try (LatentVideoDecoder decoder = load.apply(backend, precision);
                Workspace workspace = backend.newWorkspace()) {
            Tensor latent = backend.upload(workspace, check.input(LATENT), DType.F32); // [C, T, H, W]
            Tensor frames = decoder.decode(latent, workspace, check.taps("tap."));
            check.compare(FRAMES, backend.download(frames)); // [3, F, H, W]
        }
    }
}
