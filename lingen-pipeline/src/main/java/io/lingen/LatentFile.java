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
 * The latents of a video that is being made, saved on the way: what {@link TextToVideoPipeline#resume} resumes from and
 * {@link TextToVideoPipeline#decode} decodes. A safetensors file with a digest of all its contents; docs/guide/resume.md has its layout.
 * Read into memory, outside of the heap; the file may change or go afterwards. Immutable.
 *
 * @param path where it was read
 * @param latent [C, T, H, W], F32, finite
 * @param samplerState the tensors, by name, that the sampler's next step depends on beside the latent; F32
 * @param step steps of the sampler that are done, 0 to the provenance's
 * @param output the name, without a folder, of the video that it was to become
 * @param provenance what the video is made from
 */
public record LatentFile(
        Path path,
        HostTensor latent,
        Map<String, HostTensor> samplerState,
        int step,
        String output,
        VideoProvenance provenance) {
    /** How the names of such files end. */
    public static final String ENDING = ".latents.safetensors";

    /** After how many steps latents are saved again, unless asked otherwise. */
    public static final int DEFAULT_STEPS = 5;

    static final String FORMAT = "lingen-latents";
    static final String VERSION = "2";
    static final String VERSION_WITHOUT_DIGEST = "1";

    /** The tensor of the latent. */
    static final String LATENT = "latent";

    /** The names of the sampler's tensors begin so. */
    static final String STATE = "sampler.";

    /** The metadata key of {@link TensorDigest}'s sum. */
    static final String DIGEST = "sha256";

    /** @throws IllegalArgumentException if more steps are done than the provenance has */
    public LatentFile {
        samplerState = Map.copyOf(samplerState);
        if (step < 0 || step > steps(provenance)) {
            throw new IllegalArgumentException(
                    "the steps that are done are 0 to " + steps(provenance) + ", found " + step);
        }
    }

    /**
     * The file that a video's latents are saved to: {@code out.latents.safetensors} for {@code out.mp4}, or
     * {@code out.mp4.latents.safetensors} if that file belongs to something else.
     */
    public static Path pathFor(Path video) {
        return VideoFiles.latents(video);
    }

    /**
     * Reads a latents file, or that of a video.
     *
     * @param latentsOrVideo a file whose name ends in {@value #ENDING}, or the video that the latents are to become
     * @throws CheckpointException as {@link #read}, or if the latents with a video's name are those of another one
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
                    + ". To use them, name the latents file instead of a video");
        }
        return file;
    }

    /**
     * Reads the latents that an interrupted run left for a video; null if there are none.
     *
     * @param provenance of the video
     * @throws FileAlreadyExistsException if there are latents of another provenance, which a run would replace
     * @throws CheckpointException as {@link #read}
     */
    public static @Nullable LatentFile findMatching(Path video, VideoProvenance provenance)
            throws FileAlreadyExistsException {
        Path file = pathFor(video);
        VideoFiles.requireReplaceable(file, video, provenance::equals);
        return VideoFiles.isFree(file) ? null : read(file);
    }

    /** The video that it was to become, in the folder of the file. */
    public Path video() {
        return path.resolveSibling(output);
    }

    /** The sampler's steps that the video takes. */
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
     * Reads a file and checks all that can be without its model: the digest, and that the latents are not larger than those of its video can
     * be. A file of version 1 has no digest; a warning in the log says so.
     *
     * @throws CheckpointException if it is missing, unreadable, damaged, too large or something else; the message says what was found
     */
    public static LatentFile read(Path path) {
        return LatentReader.read(path);
    }
}
