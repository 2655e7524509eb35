package io.lingen.internal.parity;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.ParityCheck;
import io.lingen.spi.Adapter;
import io.lingen.spi.ModelFamilies;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ParityPart;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The transformer with a LoRA merged at scale 1, at the first time of {@link TransformerPart}. The file beside the fixture is {@code
 * lora.safetensors}. If there is {@code lora_original.safetensors} as well, the same LoRA under the names of the model's authors, then both are
 * checked.
 *
 * @param source the files of the model, with the options applied
 * @param options the options of the model
 */
public record LoraPart(ModelSource source, ModelOptions options) implements ParityPart {
    private static final String VELOCITY = "lora.velocity";
    private static final String LORA = "lora.safetensors";
    private static final String ORIGINAL = "lora_original.safetensors";

    @Override
    public String name() {
        return "lora";
    }

    @Override
    public boolean isIn(Set<String> names) {
        return names.contains(VELOCITY);
    }

    @Override
    public void run(ParityCheck check, DType precision) {
        compare(check, precision, LORA, VELOCITY);
        if (Files.exists(check.file(ORIGINAL))) {
            compare(check, precision, ORIGINAL, VELOCITY + " (original)");
        }
    }

    private void compare(ParityCheck check, DType precision, String file, String variant) {
        try (Denoiser denoiser = load(check, precision, check.file(file))) {
            HostTensor velocity = check.predict(
                    denoiser,
                    check.input(TransformerPart.LATENT),
                    check.input(TransformerPart.TIME + 0),
                    TransformerPart.condition(check),
                    Taps.NONE);
            check.compare(VELOCITY, variant, velocity);
        }
    }

    private Denoiser load(ParityCheck check, DType precision, Path file) {
        List<Adapter> adapters = new ArrayList<>(options.adapters());
        adapters.add(new Adapter(file, 1));
        ModelOptions adapted = new ModelOptions(options.denoiser(), adapters);
        return ModelFamilies.open(adapted.applyTo(source), adapted).loadDenoiser(check.backend(), precision);
    }
}
