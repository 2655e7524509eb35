package io.lingen.cli;

import io.lingen.CancellationToken;
import io.lingen.Generation;
import io.lingen.LatentFile;
import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.core.DType;
import io.lingen.text.PromptRewriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** {@code --resume} and {@code --from-latents}: a video that was begun before. */
final class SavedLatents {
    private static final Set<String> OTHERS = Set.of(
            "--resume",
            "--from-latents",
            "--save-every",
            "--keep-latents",
            "--output",
            "--model",
            "--backend",
            "--precision",
            "--threads",
            "--json",
            "--quiet",
            "--verbose");

    private final LatentFile file;
    private final boolean resumed;

    private SavedLatents(LatentFile file, boolean resumed) {
        this.file = file;
        this.resumed = resumed;
    }

    /**
     * Reads what the options name.
     *
     * @param given all options of the command line
     * @throws IllegalArgumentException if others are given that would change what the file says
     * @throws io.lingen.core.checkpoint.CheckpointException if the file is not what it should be
     */
    static SavedLatents read(LatentOptions options, ParseResult given) {
        Path resumed = options.resumed();
        Path decoded = options.decoded();
        if (resumed != null && decoded != null) {
            throw new IllegalArgumentException("saved latents are resumed or decoded as they are, found both options");
        }
        String option = resumed != null ? "--resume" : "--from-latents";
        for (ArgSpec argument : given.matchedArgs()) {
            String name = argument instanceof OptionSpec ? ((OptionSpec) argument).longestName() : "a prompt";
            if (!OTHERS.contains(name)) {
                throw new IllegalArgumentException("the request is in the file that " + option
                        + " names and can't be changed halfway; leave out " + name);
            }
        }
        if (decoded != null && !given.hasMatchedOption("--output")) {
            throw new IllegalArgumentException("--from-latents needs --output, the file to write");
        }
        Path path = resumed != null ? resumed : decoded;
        if (path == null || path.getFileName() == null) {
            throw new IllegalArgumentException(option + " names a file, found " + path);
        }
        return new SavedLatents(LatentFile.read(LatentFile.locate(path)), resumed != null);
    }

    boolean isResumed() {
        return resumed;
    }

    /** What is gone on from, for people. */
    String description() {
        if (resumed) {
            return "going on   after " + file.step() + " of " + file.steps() + " steps, from " + file.path();
        }
        return "decoding   " + file.path()
                + (file.step() == file.steps()
                        ? ""
                        : " as it is after " + file.step() + " of " + file.steps()
                                + " steps, with the noise that is left");
    }

    /** The file that the video was to become. */
    Path video() {
        return file.video();
    }

    /** The model of that name, where there is one here. */
    String model() {
        return recorded().model();
    }

    private RecordedVideo recorded() {
        return new RecordedVideo(file.path(), file.description());
    }

    /**
     * How to compute: as before.
     *
     * @throws IllegalArgumentException if something else is asked for and would give another video
     */
    PipelineOptions options(ComputeOptions compute, @Nullable DType precision) {
        DType recorded = recorded().precision();
        String backend = resumed ? file.description().backend() : recorded().backend();
        if (resumed) {
            if (precision != null && precision != recorded) {
                throw differs("--precision", file.description().precision());
            }
            if (compute.isBackendGiven() && !List.of(backend, "auto").contains(compute.backend())) {
                throw differs("--backend", backend);
            }
            return new PipelineOptions(backend, recorded, compute.threads(), PromptRewriter.IDENTITY);
        }
        return new PipelineOptions(
                compute.isBackendGiven() ? compute.backend() : backend,
                precision != null ? precision : recorded,
                compute.threads(),
                PromptRewriter.IDENTITY);
    }

    private IllegalArgumentException differs(String option, String recorded) {
        return new IllegalArgumentException(file.path() + " was computed with " + option + " " + recorded
                + ", and another one would give another video; leave out " + option);
    }

    /** Goes on; to be closed by the caller. */
    Generation start(TextToVideoPipeline pipeline, CancellationToken token) {
        return resumed ? pipeline.resume(file, token) : pipeline.decode(file, token);
    }
}
