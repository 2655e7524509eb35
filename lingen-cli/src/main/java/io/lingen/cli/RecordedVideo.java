package io.lingen.cli;

import io.lingen.TextToVideoPipeline;
import io.lingen.VideoProvenance;
import io.lingen.VideoRequest;
import io.lingen.core.DType;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.SafeText;
import io.lingen.core.spi.BackendProvider;
import io.lingen.spi.Adapter;
import io.lingen.spi.ModelOptions;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.TypeConversionException;

/**
 * The provenance recorded in a video, in its sidecar or in its latents.
 *
 * @param file the file from which it was read
 * @param provenance the provenance
 */
record RecordedVideo(Path file, VideoProvenance provenance) {
    private static final int MAX_BYTES = 1 << 21;

    /**
     * Reads the comment of a video, or a sidecar.
     *
     * @throws IOException if the file can't be read or has no comment
     * @throws IllegalArgumentException if it contains no valid provenance
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
                throw new IOException(
                        file + ": expected the provenance of a video in at most " + MAX_BYTES + " bytes, found more");
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

    /**
     * The recorded precision.
     *
     * @throws IllegalArgumentException if it is unknown
     */
    DType precision() {
        try {
            return new PrecisionOption.Converter().convert(provenance.precision());
        } catch (TypeConversionException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
    }

    /**
     * The recorded model. Only a name without a path is accepted, so that a file from elsewhere can't select files on this machine.
     *
     * @throws IllegalArgumentException if it is neither the embedded model nor a folder in the working directory
     */
    String model() {
        String name = provenance.model();
        if (name.equals(TextToVideoPipeline.NANO) || isPlain(name) && Files.isDirectory(Path.of(name))) {
            return name;
        }
        throw new IllegalArgumentException(file + ": expected the recorded model '" + SafeText.of(name)
                + "' in the working directory, found none; use --model DIR");
    }

    /**
     * Adds the recorded LoRAs to the files of a model, unless there are LoRAs already. As with the model, only names without paths are
     * accepted.
     *
     * @throws IllegalArgumentException if a recorded LoRA is needed and not in the working directory
     */
    ModelOptions withLoras(ModelOptions files) {
        return files.adapters().isEmpty()
                ? new ModelOptions(
                        files.denoiser(),
                        provenance.loras().stream().map(this::found).toList())
                : files;
    }

    private Adapter found(VideoProvenance.Lora lora) {
        if (isPlain(lora.name()) && Files.isRegularFile(Path.of(lora.name()))) {
            return new Adapter(Path.of(lora.name()), lora.scale());
        }
        throw new IllegalArgumentException(file + ": expected the recorded LoRA '" + SafeText.of(lora.name())
                + "' in the working directory, found none; use --lora FILE:" + lora.scale());
    }

    private static boolean isPlain(String name) {
        return name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c == 0)
                && !name.startsWith(".")
                && !name.isEmpty();
    }

    /** The recorded backend, or {@value Backends#AUTO} if it is not available. */
    String backend() {
        return Backends.providers().stream()
                        .filter(provider -> provider.name().equals(provenance.backend()))
                        .map(BackendProvider::availability)
                        .anyMatch(BackendProvider.Availability::available)
                ? provenance.backend()
                : Backends.AUTO;
    }

    /**
     * Warns about each difference, apart from the request, that can make a new video differ from this one.
     *
     * @param otherModel whether a different model or LoRA is accepted
     * @throws CheckpointException if the model or a LoRA differs and is not accepted
     */
    void compare(TextToVideoPipeline pipeline, boolean otherModel, Progress progress) {
        String hash = pipeline.modelHash();
        if (!otherModel && !hash.equals(provenance.modelHash())) {
            requireLoras(pipeline);
            throw new CheckpointException(file + ": expected the recorded model '" + SafeText.of(provenance.model())
                    + "' with SHA-256 " + SafeText.of(provenance.modelHash()) + ", found " + hash
                    + "; use the recorded model, or accept this one with --model");
        }
        VideoProvenance now = pipeline.provenance(pipeline.plan(request()));
        warnIfDifferent("version", provenance.version(), now.version(), progress);
        warnIfDifferent("model hash", provenance.modelHash(), hash, progress);
        warnIfDifferent("backend", provenance.backend(), now.backend(), progress);
        warnIfDifferent("precision", provenance.precision(), now.precision(), progress);
    }

    private void requireLoras(TextToVideoPipeline pipeline) {
        if (provenance.loras().isEmpty()) {
            return;
        }
        VideoProvenance now = pipeline.provenance(pipeline.plan(request()));
        if (!provenance.loras().equals(now.loras())) {
            throw new CheckpointException(file + ": expected the recorded LoRAs, " + provenance.describeLoras()
                    + ", found " + now.describeLoras() + "; use the recorded files, or accept others with --lora");
        }
    }

    private void warnIfDifferent(String what, String then, String now, Progress progress) {
        if (!then.equals(now)) {
            progress.print("warning    " + file + " was made with " + what + " " + SafeText.of(then) + ", found "
                    + SafeText.of(now) + "; the videos may differ");
        }
    }
}
