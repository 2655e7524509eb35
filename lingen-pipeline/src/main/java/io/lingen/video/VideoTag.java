package io.lingen.video;

import io.lingen.core.internal.Uninterruptibly;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Reads the comment of a video without native code, because files of unknown origin may be malicious. */
final class VideoTag {
    private VideoTag() {}

    static String read(Path video) throws IOException {
        Path file = Files.isDirectory(video) ? video.resolve(PngFolderWriter.name(1)) : video;
        if (!Files.exists(file)) {
            throw new NoSuchFileException(
                    video.toString(),
                    null,
                    file == video
                            ? "expected a video, found no such file"
                            : "expected a folder of frames, found no " + file.getFileName());
        }
        if (!Files.isRegularFile(file)) {
            throw new IOException(file + ": expected a video, found something that is not a file");
        }
        String comment = Uninterruptibly.read(() -> {
            try (TagSource source = new TagSource(file)) {
                return Objects.requireNonNullElse(read(source), "");
            }
        });
        if (comment.isEmpty()) {
            throw new IOException(file + ": expected a comment, found none");
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
        throw source.damaged("none of the formats MP4, WebM, WebP, GIF and PNG");
    }
}
