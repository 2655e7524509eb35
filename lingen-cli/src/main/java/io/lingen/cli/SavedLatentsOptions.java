package io.lingen.cli;

import io.lingen.LatentFile;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
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

    @Nullable
    String model() {
        return model;
    }

    SavedLatents read(Console console) throws IOException {
        return console.checked(() -> SavedLatents.read(console, file));
    }
}
