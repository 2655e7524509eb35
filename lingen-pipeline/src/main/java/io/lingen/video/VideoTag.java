package io.lingen.video;

import io.lingen.core.internal.Uninterruptibly;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Reads a video's comment from its bytes alone: no native code sees files of unknown origin. */
final class VideoTag {
    private VideoTag() {}

    static String read(Path video) throws IOException {
        Path file = Files.isDirectory(video) ? video.resolve(PngFolderWriter.name(1)) : video;
        if (!Files.exists(file)) {
            throw new NoSuchFileException(
                    video.toString(),
                    null,
                    file == video ? "there is no such file" : "the folder holds no frame " + file.getFileName());
        }
        if (!Files.isRegularFile(file)) {
            throw new IOException(file + " is no file to read a comment from");
        }
        String comment = Uninterruptibly.read(() -> {
            try (TagSource source = new TagSource(file)) {
                return Objects.requireNonNullElse(read(source), "");
            }
        });
        if (comment.isEmpty()) {
            throw new IOException(file + " holds no comment that says how it was made");
        }
        return comment;
    }

    private static @Nullable String read(TagSource source) throws IOException {
        if (source.size() >= 12) {
            String start = source.fourCc();
            String kind = source.fourCc();
            String end = source.fourCc();
            source.seek(0);
            if (kind.equals("ftyp")) {
                return Mp4Tag.read(source);
            }
            if (start.equals("\u001A\u0045\u00DF\u00A3")) {
                return WebmTag.read(source);
            }
            if (start.equals("RIFF") && end.equals("WEBP")) {
                return WebpTag.read(source);
            }
            if (start.equals("GIF8")) {
                return GifTag.read(source);
            }
            if (start.equals("\u0089PNG")) {
                return PngTag.read(source);
            }
        }
        throw source.damaged("it is none of MP4, WebM, WebP, GIF, PNG");
    }
}
