package io.lingen.cli;

import io.lingen.TextToVideoPipeline;
import io.lingen.VideoProvenance;
import io.lingen.VideoRequest;
import io.lingen.core.DType;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.SafeText;
import io.lingen.core.spi.BackendProvider;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.TypeConversionException;

/**
 * The provenance that a video, its .json or its latents carry.
 *
 * @param file the file it was read from
 */
record RecordedVideo(Path file, VideoProvenance provenance) {
    private static final int MAX_BYTES = 1 << 21;

    /**
     * Reads a video's tag, or a JSON file.
     *
     * @throws IOException if the file can't be read or holds no comment
     * @throws IllegalArgumentException if it holds no valid provenance
     */
    static RecordedVideo read(Path file) throws IOException {
        try {
            return new RecordedVideo(file, VideoProvenance.parse(file.toString(), text(file)));
        } catch (CheckpointException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static byte[] text(Path file) throws IOException {
        if (!file.toString().toLowerCase(Locale.ROOT).endsWith(".json")) {
            return VideoWriters.comment(file).getBytes(StandardCharsets.UTF_8);
        }
        try (InputStream stream = Files.newInputStream(file)) {
            byte[] text = stream.readNBytes(MAX_BYTES);
            if (text.length == MAX_BYTES) {
                throw new IOException(file + " is too large to be the provenance of a video");
            }
            return text;
        }
    }

    /** The request, with the prompt that was encoded. */
    VideoRequest request() {
        String encoded = provenance.encodedPrompt();
        VideoRequest request = provenance.request();
        return encoded == null ? request : request.toBuilder().prompt(encoded).build();
    }

    /** @throws IllegalArgumentException if the recorded precision is unknown */
    DType precision() {
        try {
            return new PrecisionOption.Converter().convert(provenance.precision());
        } catch (TypeConversionException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    /**
     * The model that made it. A provenance holds a name and no path, so that a file from elsewhere can't choose the files read here.
     *
     * @throws IllegalArgumentException if it is neither the embedded model nor a folder of that name in the working directory
     */
    String model() {
        String name = provenance.model();
        boolean plain = name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c == 0)
                && !name.startsWith(".")
                && !name.isEmpty();
        if (name.equals(TextToVideoPipeline.NANO) || plain && Files.isDirectory(Path.of(name))) {
            return name;
        }
        throw new IllegalArgumentException(file + " was made by the model '" + SafeText.of(name)
                + "', which is no folder here; say where it is with --model");
    }

    /** The backend that made it, or {@value Backends#AUTO} if that is not available here. */
    String backend() {
        return Backends.providers().stream()
                        .filter(provider -> provider.name().equals(provenance.backend()))
                        .map(BackendProvider::availability)
                        .anyMatch(BackendProvider.Availability::available)
                ? provenance.backend()
                : Backends.AUTO;
    }

    /**
     * Warns of everything apart from the request that makes a new video differ from this one.
     *
     * @param otherModel whether a different model is allowed
     * @throws CheckpointException if the model differs and that is not allowed
     */
    void compare(TextToVideoPipeline pipeline, boolean otherModel, Progress progress) {
        String hash = pipeline.modelHash();
        if (!otherModel && !hash.equals(provenance.modelHash())) {
            throw new CheckpointException(file + " was made by a model '" + SafeText.of(provenance.model())
                    + "' of the hash " + SafeText.of(provenance.modelHash()) + ", and the one here has " + hash
                    + ". Use that model, or name this one with --model to make another video with it");
        }
        VideoProvenance now = pipeline.provenance(pipeline.plan(request()));
        warnIfDifferent("version of lingen", provenance.version(), now.version(), progress);
        warnIfDifferent("model hash", provenance.modelHash(), hash, progress);
        warnIfDifferent("backend", provenance.backend(), now.backend(), progress);
        warnIfDifferent("precision", provenance.precision(), now.precision(), progress);
    }

    private void warnIfDifferent(String what, String then, String now, Progress progress) {
        if (!then.equals(now)) {
            progress.print("warning    the " + what + " of " + file + " was " + SafeText.of(then) + " and is "
                    + SafeText.of(now) + ": the videos may differ");
        }
    }
}
