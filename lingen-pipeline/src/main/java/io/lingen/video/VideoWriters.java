package io.lingen.video;

import io.lingen.core.internal.PartialFile;
import io.lingen.core.internal.PartialFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Writers of videos, chosen by the target's name: {@code .mp4} (H.264), {@code .webm} (VP9), {@code .webp} and {@code .gif} (animated), or a
 * name without an ending for a folder of PNG frames {@code 00001.png} and so on. Upper and lower case are the same.
 *
 * <p>Whatever the format: the same frames give the same bytes; what is written has its name when it is whole; memory does not grow with the
 * video, but for the compressed frames of an animated WebP, which its encoder holds to the end.
 */
public final class VideoWriters {
    /** The largest comment in bytes of UTF-8: a megabyte, so that reading one from a hostile file is bounded. */
    public static final int MAX_COMMENT_BYTES = 1 << 20;

    private VideoWriters() {}

    /**
     * Checks that a name can be written to: before anything is computed, say.
     *
     * @throws IllegalArgumentException if its ending is no known format; the message lists them
     */
    public static void check(Path target) {
        VideoKind.of(target);
    }

    /**
     * Checks that a name's format can hold such a video.
     *
     * @throws IllegalArgumentException if its ending is no known format, or if sizes or frame rate are more than the format holds, or odd
     *     where it wants even ones
     */
    public static void check(Path target, VideoFormat format) {
        VideoKind.of(target).check(format);
    }

    /**
     * Checks that the target's folder is there and can be written to, and that the target is nothing that may not be replaced.
     *
     * @throws IllegalArgumentException if its ending is no known format
     * @throws IOException if not; the message says what to do
     */
    public static void requireWritable(Path target) throws IOException {
        if (VideoKind.of(target) == VideoKind.FRAMES) {
            PartialFolder.of(target, PngFolderWriter.FRAME).close();
        } else {
            PartialFile.of(target).close();
        }
    }

    /**
     * Opens a video.
     *
     * @param target the file or folder that will appear when the writer finishes, replacing one of that name; a folder is replaced only if it
     *     holds nothing but frames
     * @param comment the text that the file keeps about itself, without zero characters and up to {@value #MAX_COMMENT_BYTES} bytes,
     *     empty for none; {@link #comment} reads it
     * @throws IllegalArgumentException as {@link #check(Path, VideoFormat)}, or if the comment is too long or holds a zero character
     * @throws IOException if the target can't be written to
     */
    public static VideoWriter open(Path target, VideoFormat format, String comment) throws IOException {
        check(target, format);
        int bytes = comment.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_COMMENT_BYTES || comment.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a video's comment has up to " + MAX_COMMENT_BYTES
                    + " bytes, none of them zero, found " + bytes
                    + (comment.indexOf('\0') >= 0 ? " and a zero at character " + comment.indexOf('\0') : ""));
        }
        return switch (VideoKind.of(target)) {
            case MP4 -> LibavWriter.open(target, LibavWriter.Container.MP4, format, comment);
            case WEBM -> LibavWriter.open(target, LibavWriter.Container.WEBM, format, comment);
            case WEBP -> LibavWriter.open(target, LibavWriter.Container.WEBP, format, comment);
            case GIF -> LibavWriter.open(target, LibavWriter.Container.GIF, format, comment);
            case FRAMES -> new PngFolderWriter(target, format, comment);
        };
    }

    /**
     * Reads the comment that a writer of this package put into a video, whatever the file's name is: the content says the format. Takes
     * memory for no more than {@value #MAX_COMMENT_BYTES} bytes of comment.
     *
     * @param video a file, or a folder of frames
     * @throws IOException if the file can't be read, is of no known format, is damaged before the comment, or has none
     */
    public static String comment(Path video) throws IOException {
        return VideoTag.read(video);
    }

    /** The error of a target that can't be written: the cause often names no file, or the temporary one. */
    static IOException notWritten(Path target, IOException cause) {
        String reason = cause.getMessage() == null ? cause.toString() : cause.getMessage();
        return new IOException("could not write " + target + ": " + reason, cause);
    }
}
