package io.lingen.internal.parity;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.internal.transformer.PerTokenDenoiser;
import io.lingen.spi.ParityPart;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * The transformer of a published model, at one or more times, and with a time for each token. Taps are those of the first time.
 *
 * @param load loads the denoiser
 */
public record TransformerPart(BiFunction<Backend, DType, Denoiser> load) implements ParityPart {
    static final String LATENT = "transformer.latent";
    static final String TIME = "transformer.t.";
    private static final String VELOCITY = "transformer.velocity.";
    private static final String TAP = "transformer.tap.";
    private static final String PER_TOKEN = "transformer.per_token";

    @Override
    public String name() {
        return "transformer";
    }

    @Override
    public boolean isIn(Set<String> names) {
        return names.stream()
                .anyMatch(
                        name -> name.startsWith(VELOCITY) || name.startsWith(TAP) || name.startsWith(PER_TOKEN + "."));
    }

    @Override
    public void run(ParityCheck check, DType precision) {
        try (Denoiser denoiser = load.apply(check.backend(), precision)) {
            for (int i = 0; check.has(TIME + i); i++) {
                Taps taps = i == 0 ? check.taps(TAP) : Taps.NONE;
                HostTensor velocity =
                        check.predict(denoiser, check.input(LATENT), check.input(TIME + i), condition(check), taps);
                if (check.has(VELOCITY + i)) {
                    check.compare(VELOCITY + i, velocity);
                }
            }
            if (check.has(PER_TOKEN + ".velocity")) {
                comparePerToken(check, denoiser);
            }
        }
    }

    private static void comparePerToken(ParityCheck check, Denoiser denoiser) {
        if (denoiser instanceof PerTokenDenoiser perToken) {
            HostTensor times = check.input(PER_TOKEN + ".t"); // [tokens]
            double[] values = new double[Math.toIntExact(times.shape().elements())];
            for (int i = 0; i < values.length; i++) {
                values[i] = times.get(i);
            }
            Backend backend = check.backend();
            try (Workspace workspace = backend.newWorkspace();
                    Conditioning conditioning = denoiser.condition(condition(check))) {
                Tensor latent = backend.upload(workspace, check.input(LATENT), DType.F32);
                Tensor velocity = workspace.allocate(DType.F32, latent.shape());
                perToken.predict(latent, values, conditioning, velocity);
                check.compare(PER_TOKEN + ".velocity", backend.download(velocity));
            }
        } else {
            check.skip(PER_TOKEN, "the denoiser has one time for all tokens");
        }
    }

    /** {@return the condition of all passes} */
    static Condition condition(ParityCheck check) {
        String mask = "transformer.text_mask";
        HostTensor weights = check.has(mask) ? check.input(mask) : null;
        return Condition.of(List.of(new TextEmbedding(check.input("transformer.text"), weights)));
    }
}
