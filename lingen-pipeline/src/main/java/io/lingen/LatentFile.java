package io.lingen;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.internal.SafeText;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The latents of a video that is being made, saved on the way: what {@link TextToVideoPipeline#resume} goes on from and
 * {@link TextToVideoPipeline#decode} decodes. A safetensors file, docs/guide/resume.md has its layout. Read into memory whole; the file
 * may change or go afterwards. Immutable.
 *
 * @param path where it was read
 * @param latent [C, T, H, W], F32, finite
 * @param step steps of the sampler that are done, 0 to the description's
 * @param output the name, without a folder, of the video that it was to become
 * @param description what the video is made from
 */
public record LatentFile(Path path, HostTensor latent, int step, String output, VideoDescription description) {
    /** How the names of such files end. */
    public static final String ENDING = ".latents.safetensors";

    /** After how many steps latents are saved again, unless asked otherwise. */
    public static final int DEFAULT_STEPS = 5;

    private static final String FORMAT = "lingen-latents";
    private static final String VERSION = "1";
    private static final String TENSOR = "latent";
    private static final int MAX_NAME = 255;

    /** @throws IllegalArgumentException if more steps are done than the description has */
    public LatentFile {
        if (step < 0 || step > steps(description)) {
            throw new IllegalArgumentException(
                    "the steps that are done are 0 to " + steps(description) + ", found " + step);
        }
    }

    /** The file that belongs to a video: its name with another ending. */
    public static Path besides(Path video) {
        String name = video.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return video.resolveSibling((dot > 0 ? name.substring(0, dot) : name) + ENDING);
    }

    /** The file itself, if it has the name of one; else the one that belongs to a video of that name. */
    public static Path locate(Path latentsOrVideo) {
        return latentsOrVideo.getFileName().toString().endsWith(ENDING) ? latentsOrVideo : besides(latentsOrVideo);
    }

    /** The video that it was to become, in the folder of the file. */
    public Path video() {
        return path.resolveSibling(output);
    }

    /** The sampler's steps that the video takes. */
    public int steps() {
        return steps(description);
    }

    private static int steps(VideoDescription description) {
        Integer steps = description.request().steps();
        if (steps == null) {
            throw new IllegalStateException("a description names its steps");
        }
        return steps;
    }

    static void write(Path file, HostTensor latent, int step, String output, VideoDescription description) {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("format", FORMAT);
        metadata.put("version", VERSION);
        metadata.put("description", description.toJson());
        metadata.put("step", Integer.toString(step));
        metadata.put("steps", Integer.toString(steps(description)));
        metadata.put("output", output);
        SafetensorsWriter.write(file, Map.of(TENSOR, latent), metadata);
    }

    /**
     * Reads a file and checks all that can be without its model.
     *
     * @throws CheckpointException if it is missing, unreadable, damaged or something else; the message says what was found
     */
    public static LatentFile read(Path path) {
        if (!Files.isRegularFile(path)) {
            throw new CheckpointException(path + ": expected saved latents, found "
                    + (Files.exists(path) ? "something that is not a file" : "no such file")
                    + ". They are beside a video that was interrupted, and their name ends in " + ENDING);
        }
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            Map<String, String> metadata = file.metadata();
            requireLatents(path, file);
            VideoDescription description =
                    VideoDescription.parse(path + ", description", text(path, metadata, "description"));
            int steps = steps(description);
            int step = integer(path, metadata, "step", 0, steps);
            integer(path, metadata, "steps", steps, steps);
            return new LatentFile(path, latent(path, file), step, output(path, metadata), description);
        }
    }

    private static void requireLatents(Path path, SafetensorsFile file) {
        Map<String, String> metadata = file.metadata();
        if (!FORMAT.equals(metadata.get("format"))) {
            throw new CheckpointException(path + ": expected saved latents, found a safetensors file of "
                    + file.names().size() + " tensors without the format \"" + FORMAT
                    + "\" in its metadata, such as a model's weights. Name the file whose name ends in " + ENDING);
        }
        if (!VERSION.equals(metadata.get("version"))) {
            throw new CheckpointException(path + ": expected version " + VERSION + " of saved latents, found "
                    + SafeText.of(String.valueOf(metadata.get("version")))
                    + ". Go on with the version of LinGen that wrote it");
        }
        if (!file.names().equals(Set.of(TENSOR))) {
            throw new CheckpointException(path + ": expected one tensor '" + TENSOR + "', found "
                    + file.names().size() + " tensors. " + damaged());
        }
    }

    /** A copy: a mapping would end with the file, and keep it from being replaced on some systems. */
    private static HostTensor latent(Path path, SafetensorsFile file) {
        HostTensor mapped = file.tensor(TENSOR);
        Shape shape = mapped.shape();
        if (mapped.dtype() != DType.F32 || shape.rank() != 4 || shape.elements() == 0) {
            throw new CheckpointException(path + ": expected tensor '" + TENSOR + "' as F32[C, T, H, W], found "
                    + SafeText.of(mapped.toString()) + ". " + damaged());
        }
        float[] values = mapped.toFloats();
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                throw new CheckpointException(path + ": expected finite numbers in tensor '" + TENSOR + "', found "
                        + values[i] + " at element " + i
                        + ". The file is damaged, or its model diverged; make the video"
                        + " anew, if need be in f32");
            }
        }
        return HostTensor.of(values, shape.toArray());
    }

    private static String output(Path path, Map<String, String> metadata) {
        String output = text(path, metadata, "output");
        if (!isPlainName(path, output)) {
            throw new CheckpointException(path + ": expected the plain name of a file as metadata 'output', found \""
                    + SafeText.of(output) + "\". " + damaged());
        }
        return output;
    }

    private static boolean isPlainName(Path path, String name) {
        boolean plain = !name.isBlank() && !name.contains("/") && !name.contains("\\") && !name.contains("\0");
        if (!plain || name.length() > MAX_NAME || name.equals(".") || name.equals("..")) {
            return false;
        }
        try {
            path.resolveSibling(name);
            return true;
        } catch (InvalidPathException e) {
            // Not every locale has every character.
            return false;
        }
    }

    private static int integer(Path path, Map<String, String> metadata, String key, int min, int max) {
        String text = text(path, metadata, key);
        try {
            int value = Integer.parseInt(text);
            if (value >= min && value <= max) {
                return value;
            }
        } catch (NumberFormatException e) {
            // The message below holds for this as well.
        }
        throw new CheckpointException(
                path + ": expected " + (min == max ? "" + min : "a number from " + min + " to " + max)
                        + " as metadata '" + key + "', found \"" + SafeText.of(text) + "\". " + damaged());
    }

    private static String text(Path path, Map<String, String> metadata, String key) {
        String value = metadata.get(key);
        if (value == null) {
            throw new CheckpointException(path + ": expected metadata '" + key + "', found "
                    + SafeText.of(metadata.keySet().toString()) + ". " + damaged());
        }
        return value;
    }

    private static String damaged() {
        return "The file is damaged or was not written by LinGen; make the video anew";
    }
}
