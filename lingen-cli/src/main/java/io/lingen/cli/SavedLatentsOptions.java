package io.lingen.cli;

import io.lingen.LatentFile;
import io.lingen.spi.ModelOptions;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The arguments that name saved latents and their model. */
final class SavedLatentsOptions {
    @Parameters(
            paramLabel = "FILE",
            description = "The latents (*" + LatentFile.ENDING + "), or the video they belong to.")
    private Path file;

    @Option(names = "--model", paramLabel = "DIR|nano", description = "The model (default: as recorded).")
    private @Nullable String model;

    @Mixin
    private ModelFileOptions modelFiles;

    /**
     * The model to use.
     *
     * @param name null for the recorded one
     * @param files that change parts of it
     */
    record Model(@Nullable String name, ModelOptions files) {}

    Model model() {
        return new Model(model, modelFiles.options());
    }

    SavedLatents read(Console console) throws IOException {
        return console.checked(() -> SavedLatents.read(console, file));
    }
}
