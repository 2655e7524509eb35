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
            description = "Merge a LoRA into the denoiser, by default with scale 1; repeatable.")
    private List<String> loras = new ArrayList<>();

    @Option(
            names = "--transformer",
            paramLabel = "FILE",
            description =
                    "Load the denoiser's weights from a safetensors file. Its tensors may have the names of the model's authors.")
    private @Nullable Path transformer;

    ModelOptions options() {
        return new ModelOptions(transformer, loras.stream().map(Adapter::parse).toList());
    }
}
