package io.lingen.internal.parity;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.spi.ParityPart;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * The transformer of a published model, at one or more times. Taps are those of the first time.
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
        if (check.names().stream().anyMatch(name -> name.startsWith(PER_TOKEN + "."))) {
            check.skip(PER_TOKEN, "a time for each token, as image-to-video needs, is not implemented");
        }
        try (Denoiser denoiser = load.apply(check.backend(), precision)) {
            for (int i = 0; check.has(TIME + i); i++) {
                Taps taps = i == 0 ? check.taps(TAP) : Taps.NONE;
                HostTensor velocity =
                        check.predict(denoiser, check.input(LATENT), check.input(TIME + i), condition(check), taps);
                if (check.has(VELOCITY + i)) {
                    check.compare(VELOCITY + i, velocity);
                }
            }
        }
    }

    /** {@return the condition of all passes} */
    static Condition condition(ParityCheck check) {
        String mask = "transformer.text_mask";
        HostTensor weights = check.has(mask) ? check.input(mask) : null;
        return Condition.of(List.of(new TextEmbedding(check.input("transformer.text"), weights)));
    }
}
