package io.lingen.video;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** The kinds of files that a video can become, each with the ending of its name and its limits. */
enum VideoKind {
    MP4(".mp4", "MP4 (H.264)", 16384, 1000, true),
    WEBM(".webm", "WebM (VP9)", 16384, 1000, true),
    // Browsers show frames of 10 ms and less as if they were of 100 ms.
    WEBP(".webp", "animated WebP", 16383, 90, false),
    // Delays are hundredths of a second, and browsers take one hundredth for ten.
    GIF(".gif", "animated GIF", 65535, 50, false),
    FRAMES("", "a folder of PNG frames", Integer.MAX_VALUE, Integer.MAX_VALUE, false);

    private final String ending;
    private final String title;
    private final int maxSide;
    private final int maxFps;
    private final boolean evenSides;

    VideoKind(String ending, String title, int maxSide, int maxFps, boolean evenSides) {
        this.ending = ending;
        this.title = title;
        this.maxSide = maxSide;
        this.maxFps = maxFps;
        this.evenSides = evenSides;
    }

    /**
     * The kind that a name asks for.
     *
     * @throws IllegalArgumentException if no kind has the name's ending; the message lists them
     */
    static VideoKind of(Path target) {
        Path name = target.getFileName();
        if (name == null || name.toString().matches("|\\.\\.?")) {
            throw new IllegalArgumentException("'" + target + "' names no file; " + known());
        }
        int dot = name.toString().lastIndexOf('.');
        String ending = dot > 0 ? name.toString().substring(dot).toLowerCase(Locale.ROOT) : "";
        for (VideoKind kind : values()) {
            if (kind.ending.equals(ending)) {
                return kind;
            }
        }
        if (ending.equals(".png")) {
            throw new IllegalArgumentException("a video is more than one picture, found '" + target
                    + "'; for PNG frames name a folder, without an ending: '"
                    + name.toString().substring(0, dot) + "'");
        }
        throw new IllegalArgumentException("'" + target + "' ends in no format that is known; " + known());
    }

    private static String known() {
        return "known are "
                + Arrays.stream(values())
                        .map(kind -> kind.ending.isEmpty()
                                ? "or a name without an ending for " + kind.title
                                : kind.ending + " for " + kind.title)
                        .collect(Collectors.joining(", "));
    }

    /**
     * Checks what the kind can't hold.
     *
     * @throws IllegalArgumentException if sides are odd, or sides or frame rate are too large
     */
    void check(VideoFormat format) {
        int width = format.width();
        int height = format.height();
        if (evenSides && (width % 2 != 0 || height % 2 != 0)) {
            throw new IllegalArgumentException(title + " has even sides, found " + width + "x" + height + "; use "
                    + (width & ~1) + "x" + (height & ~1) + " or " + (width + 1 & ~1) + "x" + (height + 1 & ~1)
                    + ", or another format: .webp, .gif, a folder of PNG frames");
        }
        if (width > maxSide || height > maxSide) {
            throw new IllegalArgumentException(
                    title + " has sides of up to " + maxSide + " pixels, found " + width + "x" + height);
        }
        if (format.fps() > maxFps) {
            throw new IllegalArgumentException(title + " has up to " + maxFps + " frames per second, found "
                    + format.fps() + "; choose a lower rate or .mp4 or .webm");
        }
    }
}
