package io.lingen.cli;

import io.lingen.LatentFile;
import io.lingen.spi.ModelOptions;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The arguments that select saved latents and their model. */
final class SavedLatentsOptions {
    @Parameters(
            paramLabel = "FILE",
            description = "Saved latents (*" + LatentFile.ENDING + "), or the name of the video to which they belong.")
    private Path file;

    @Option(
            names = "--model",
            paramLabel = "DIR|nano",
            description = "Model folder, or nano for the embedded model (default: the recorded model).")
    private @Nullable String model;

    @Mixin
    private ModelFileOptions modelFiles;

    /**
     * The model to use.
     *
     * @param name the name of the embedded model or the path of a model folder; null for the recorded model
     * @param files files that replace or change components of the model
     */
    record Model(@Nullable String name, ModelOptions files) {}

    Model model() {
        return new Model(model, modelFiles.options());
    }

    SavedLatents read(Console console) throws IOException {
        return console.checked(() -> SavedLatents.read(console, file));
    }
}
