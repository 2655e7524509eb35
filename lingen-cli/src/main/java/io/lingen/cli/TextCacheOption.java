package io.lingen.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option {@code --text-cache}. */
final class TextCacheOption {
    @Option(
            names = "--text-cache",
            paramLabel = "DIR",
            description =
                    "Folder that keeps encoded prompts, so that later runs with the same prompt do not read the text encoder"
                            + " (default: none). Is created if it does not exist.")
    private @Nullable Path folder;

    /** The folder, or null if the option is absent. */
    @Nullable
    Path folder() {
        return folder;
    }
}
