package io.lingen;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.internal.SafeText;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The names of the files of a video, and checks of the files that may be replaced. {@code out.mp4} has the sidecar {@code out.json} and the
 * latents {@code out.latents.safetensors}. A file of that name that belongs to another video such as {@code out.webm}, or that LinGen did not
 * write, is kept, and the names are {@code out.mp4.json} and {@code out.mp4.latents.safetensors}.
 */
final class VideoFiles {
    /** The infix of the second names of a folder of frames, which has no extension. */
    private static final String FRAMES = ".frames";

    private VideoFiles() {}

    /**
     * The existing or future sidecar of a video.
     *
     * @throws FileAlreadyExistsException if both names belong to other files
     */
    static Path sidecar(Path video) throws FileAlreadyExistsException {
        List<Path> names = names(video, MetadataSidecar.ENDING);
        Path owned = first(names, file -> MetadataSidecar.isOf(file, video));
        Path found = owned == null ? first(names, VideoFiles::isFree) : owned;
        if (found == null) {
            throw new FileAlreadyExistsException(
                    names.get(0).toString(),
                    null,
                    "the sidecar of " + video.getFileName() + " must have a name of its own, found other files named "
                            + names.get(0).getFileName() + " and "
                            + names.get(1).getFileName()
                            + "; name another one (--sidecar FILE), or write none (--sidecar none)");
        }
        return found;
    }

    /** The existing sidecars of a video, at most one per possible name. */
    static List<Path> sidecars(Path video) {
        return names(video, MetadataSidecar.ENDING).stream()
                .filter(file -> MetadataSidecar.isOf(file, video))
                .toList();
    }

    /** The existing or future latents file of a video; a file of another video if both names are taken. */
    static Path latents(Path video) {
        List<Path> names = names(video, LatentFile.ENDING);
        Path owned = ownedLatents(names, video);
        Path free = owned == null ? first(names, VideoFiles::isFree) : owned;
        return free == null ? names.get(0) : free;
    }

    /** The existing latents file of a video, or its first name if there is none. */
    static Path existingLatents(Path video) {
        List<Path> names = names(video, LatentFile.ENDING);
        Path owned = ownedLatents(names, video);
        return owned == null ? names.get(0) : owned;
    }

    private static @Nullable Path ownedLatents(List<Path> names, Path video) {
        String output = video.getFileName().toString();
        return first(names, file -> {
            LatentHeader header = LatentReader.header(file);
            return header != null && header.output().equals(output);
        });
    }

    /**
     * Checks that a latents file may be replaced or deleted: that it does not exist, or contains latents of the same video.
     *
     * @param isSame whether a provenance is that of the same video
     * @throws FileAlreadyExistsException if the file must be kept
     */
    static void requireReplaceable(Path latents, Path video, Predicate<VideoProvenance> isSame)
            throws FileAlreadyExistsException {
        if (isFree(latents)) {
            return;
        }
        LatentHeader header = LatentReader.header(latents);
        boolean isOfVideo =
                header != null && header.output().equals(video.getFileName().toString());
        if (isOfVideo && isSame.test(header.provenance())) {
            return;
        }
        String name = SafeText.of(video.getFileName().toString());
        String reason = !isOfVideo
                ? "the latents of " + name + " must have a name of their own, found other files named like them;"
                        + " remove this one or choose another output"
                : "the latents must be those of this video, found step " + header.step() + " of "
                        + LatentFile.steps(header.provenance()) + " of \""
                        + SafeText.of(header.provenance().request().subject())
                        + "\" with another request, model or version; resume that video (lingen resume " + latents
                        + "), choose another output, or remove the file";
        throw new FileAlreadyExistsException(latents.toString(), null, reason);
    }

    /**
     * Checks that a video may be replaced: that it does not exist, is empty, or was written by LinGen.
     *
     * @throws FileAlreadyExistsException if the file, or a file in the folder of frames, must be kept
     */
    static void requireReplaceable(Path video) throws IOException {
        if (Files.isDirectory(video)) {
            try (DirectoryStream<Path> frames = Files.newDirectoryStream(video)) {
                for (Path frame : frames) {
                    requireReplaceableFile(frame);
                }
            }
        } else {
            requireReplaceableFile(video);
        }
    }

    private static void requireReplaceableFile(Path file) throws IOException {
        boolean empty = Files.isRegularFile(file) && Files.size(file) == 0;
        if (!isFree(file) && !empty && !isVideoOfLinGen(file)) {
            throw new FileAlreadyExistsException(
                    file.toString(),
                    null,
                    "the output must be new or written by LinGen, found another file; choose another output, or replace this one"
                            + " (--overwrite)");
        }
    }

    private static boolean isVideoOfLinGen(Path file) {
        try {
            return isProvenance(VideoWriters.comment(file).getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether a text is the JSON of a provenance, of any version. */
    static boolean isProvenance(byte[] text) {
        try {
            return ConfigReader.parse("", text).has("lingen");
        } catch (CheckpointException e) {
            return false;
        }
    }

    /** The possible names of a file of a video, in order of preference. */
    private static List<Path> names(Path video, String ending) {
        String name = video.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return dot > 0
                ? List.of(video.resolveSibling(name.substring(0, dot) + ending), video.resolveSibling(name + ending))
                : List.of(video.resolveSibling(name + ending), video.resolveSibling(name + FRAMES + ending));
    }

    private static @Nullable Path first(List<Path> names, Predicate<Path> condition) {
        return names.stream().filter(condition).findFirst().orElse(null);
    }

    static boolean isFree(Path file) {
        return !Files.exists(file, LinkOption.NOFOLLOW_LINKS);
    }
}
