package io.lingen;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.internal.SafeText;
import io.lingen.internal.TensorDigest;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The saved latents of an incomplete video, which {@link TextToVideoPipeline#resume} and {@link TextToVideoPipeline#decode} accept. The file
 * is a safetensors file with a digest of its contents; docs/guide/resume.md specifies the format. The contents are read into memory outside
 * the heap, so the file may change or be deleted afterwards. Immutable.
 *
 * @param path the path of the file
 * @param latent the latent [C, T, H, W], F32, finite
 * @param samplerState the further tensors, by name, on which the sampler's next step depends; F32
 * @param step the number of completed steps, 0 to {@link #steps}
 * @param output the file name of the video, without folders
 * @param provenance the provenance of the video
 */
public record LatentFile(
        Path path,
        HostTensor latent,
        Map<String, HostTensor> samplerState,
        int step,
        String output,
        VideoProvenance provenance) {
    /** The extension of latents files. */
    public static final String ENDING = ".latents.safetensors";

    /** The default number of steps between saves. */
    public static final int DEFAULT_STEPS = 5;

    static final String FORMAT = "lingen-latents";
    static final String VERSION = "2";
    static final String VERSION_WITHOUT_DIGEST = "1";

    /** The name of the latent. */
    static final String LATENT = "latent";

    /** The prefix of the names of the sampler's tensors. */
    static final String STATE = "sampler.";

    /** The metadata key of the {@link TensorDigest}. */
    static final String DIGEST = "sha256";

    /**
     * Checks the number of completed steps.
     *
     * @throws IllegalArgumentException if it is negative or exceeds the number of steps
     */
    public LatentFile {
        samplerState = Map.copyOf(samplerState);
        if (step < 0 || step > steps(provenance)) {
            throw new IllegalArgumentException(
                    "number of completed steps must be 0 to " + steps(provenance) + ", found " + step);
        }
    }

    /**
     * {@return the latents file of a video} For {@code out.mp4} it is {@code out.latents.safetensors}, or {@code out.mp4.latents.safetensors}
     * if the first name belongs to another video.
     *
     * @param video the video
     */
    public static Path pathFor(Path video) {
        return VideoFiles.latents(video);
    }

    /**
     * Reads a latents file, or the latents file of a video.
     *
     * @param latentsOrVideo a file with the extension {@value #ENDING}, or the video that the latents belong to
     * @return the latents
     * @throws CheckpointException if the file is missing or malformed, or belongs to another video
     */
    public static LatentFile find(Path latentsOrVideo) {
        String name = latentsOrVideo.getFileName().toString();
        if (name.endsWith(ENDING)) {
            return read(latentsOrVideo);
        }
        LatentFile file = read(VideoFiles.existingLatents(latentsOrVideo));
        if (!file.output.equals(name)) {
            throw new CheckpointException(file.path + ": expected the latents of " + SafeText.of(name)
                    + ", found those of " + SafeText.of(file.output)
                    + "; to use them, name the latents file instead of a video");
        }
        return file;
    }

    /**
     * Reads the latents of a video that an interrupted run saved.
     *
     * @param video the video
     * @param provenance the provenance of the video
     * @return the latents, or null if there are none
     * @throws FileAlreadyExistsException if there are latents with another provenance, which a run would replace
     * @throws CheckpointException if the file is malformed
     */
    public static @Nullable LatentFile findMatching(Path video, VideoProvenance provenance)
            throws FileAlreadyExistsException {
        Path file = pathFor(video);
        VideoFiles.requireReplaceable(file, video, provenance::equals);
        return VideoFiles.isFree(file) ? null : read(file);
    }

    /** {@return the path of the video, in the folder of the latents file} */
    public Path video() {
        return path.resolveSibling(output);
    }

    /** {@return the total number of steps of the video} */
    public int steps() {
        return steps(provenance);
    }

    static int steps(VideoProvenance provenance) {
        Integer steps = provenance.request().steps();
        if (steps == null) {
            throw new IllegalStateException("provenance must contain the number of steps");
        }
        return steps;
    }

    static void write(
            Path file,
            HostTensor latent,
            Map<String, HostTensor> samplerState,
            int step,
            String output,
            VideoProvenance provenance) {
        Map<String, HostTensor> tensors = new LinkedHashMap<>();
        tensors.put(LATENT, latent);
        samplerState.forEach((name, tensor) -> tensors.put(STATE + name, tensor));
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("format", FORMAT);
        metadata.put("version", VERSION);
        metadata.put("description", provenance.toJson());
        metadata.put("step", Integer.toString(step));
        metadata.put("steps", Integer.toString(steps(provenance)));
        metadata.put("output", output);
        metadata.put(DIGEST, TensorDigest.of(metadata, tensors));
        SafetensorsWriter.write(file, tensors, metadata);
    }

    /**
     * Reads a latents file. Checks everything that does not depend on the model, such as the digest, and the size before memory is allocated.
     * A file of version 1 has no digest and causes a warning.
     *
     * @param path the path of the file
     * @return the latents
     * @throws CheckpointException if the file is missing, unreadable, malformed or too large; the message contains the value found
     */
    public static LatentFile read(Path path) {
        return LatentReader.read(path);
    }
}
