package io.lingen.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The hidden options of {@code generate} that are aliases of {@code resume}, {@code decode} and {@code batch}. */
final class GenerateAliases {
    private static final Set<String> ALLOWED_WITH_LATENTS = Set.of(
            "--resume",
            "--from-latents",
            "--save-every",
            "--keep-latents",
            "--output",
            "--sidecar",
            "--overwrite",
            "--model",
            "--transformer",
            "--lora",
            "--offload",
            "--text-cache",
            "--backend",
            "--precision",
            "--threads",
            "--json",
            "--quiet",
            "--verbose");

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @ArgGroup
    private @Nullable Mode mode;

    @Option(names = "--shard", paramLabel = "I/N", converter = Shard.Converter.class, hidden = true)
    private @Nullable Shard shard;

    /** The aliases of other commands, which exclude each other. */
    private static final class Mode {
        @Option(names = "--resume", paramLabel = "FILE", hidden = true)
        private @Nullable Path resumed;

        @Option(names = "--from-latents", paramLabel = "FILE", hidden = true)
        private @Nullable Path decoded;

        @Option(names = "--prompt-file", paramLabel = "FILE", hidden = true)
        private @Nullable Path promptFile;
    }

    /** The file of {@code lingen resume}. */
    @Nullable
    Path resumed() {
        return mode == null ? null : mode.resumed;
    }

    /** The file of {@code lingen decode}. */
    @Nullable
    Path decoded() {
        return mode == null ? null : mode.decoded;
    }

    /** The file of {@code lingen batch}. */
    @Nullable
    Path promptFile() {
        return mode == null ? null : mode.promptFile;
    }

    @Nullable
    Shard shard() {
        return shard;
    }

    /** Works like {@code lingen resume}; returns the exit code. */
    int resume(
            Console console, Path file, Path output, VideoOptions video, OutputOptions outputs, LatentOptions latents)
            throws IOException {
        console.check(() -> requireNoRequest("--resume"));
        SavedLatents saved = console.checked(() -> SavedLatents.read(console, file));
        console.check(() -> saved.requireRecorded(video.compute(), video.precision()));
        return saved.resume(
                new SavedLatentsOptions.Model(video.model(), video.modelFiles().options()),
                isGiven("--output") ? output : null,
                video.compute().threads(),
                video.textCache(),
                video.offload().offload(),
                outputs,
                latents);
    }

    /** Works like {@code lingen decode}; returns the exit code. */
    int decode(Console console, Path file, Path output, VideoOptions video, OutputOptions outputs) throws IOException {
        console.check(() -> {
            requireNoRequest("--from-latents");
            for (String option : List.of("--save-every", "--keep-latents")) {
                if (isGiven(option)) {
                    throw new IllegalArgumentException(
                            option + " has no effect with --from-latents, which takes no steps; omit it");
                }
            }
            if (!isGiven("--output")) {
                throw new IllegalArgumentException("--output must be given with --from-latents, found none");
            }
        });
        SavedLatents saved = console.checked(() -> SavedLatents.read(console, file));
        return saved.decode(
                new SavedLatentsOptions.Model(video.model(), video.modelFiles().options()),
                output,
                video.compute().isBackendGiven() ? video.compute().backend() : null,
                video.precision(),
                video.compute().threads(),
                outputs);
    }

    private boolean isGiven(String option) {
        return command.commandLine().getParseResult().hasMatchedOption(option);
    }

    /** Rejects options that would change the recorded request. */
    private void requireNoRequest(String alias) {
        for (ArgSpec argument : command.commandLine().getParseResult().matchedArgs()) {
            String name = argument instanceof OptionSpec ? ((OptionSpec) argument).longestName() : "a prompt";
            if (!ALLOWED_WITH_LATENTS.contains(name)) {
                throw new IllegalArgumentException(
                        "request must be the one recorded in the file of " + alias + ", found " + name + "; omit it");
            }
        }
    }
}
