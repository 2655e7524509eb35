package io.lingen.cli;

import io.lingen.spi.Adapter;
import io.lingen.spi.ModelOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that replace or change components of a model. */
final class ModelFileOptions {
    @Option(
            names = "--lora",
            paramLabel = "FILE[:SCALE]",
            description =
                    "LoRA, a safetensors file of weight updates, to merge into the denoiser; SCALE multiplies the updates"
                            + " (default: 1). Repeatable. Only for models that support it, such as Wan.")
    private List<String> loras = new ArrayList<>();

    @Option(
            names = "--transformer",
            paramLabel = "FILE",
            description =
                    "Safetensors file with the denoiser's weights, in place of those in the model folder. Its tensors are"
                            + " named as in the model folder or as in the release of the model's authors. Only for models that support it, such as"
                            + " Wan.")
    private @Nullable Path transformer;

    boolean areGiven() {
        return transformer != null || !loras.isEmpty();
    }

    ModelOptions options() {
        return new ModelOptions(transformer, loras.stream().map(Adapter::parse).toList());
    }
}
