package io.lingen.video;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VideoTagTest {
    private static final VideoFormat FORMAT = new VideoFormat(16, 16, 16);
    private static final String COMMENT = "{\"seed\":7}";

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"a.mp4", "a.webm", "a.webp", "a.gif", "a"})
    void formatIsDetectedByContent(String name) throws IOException {
        Path renamed = Files.write(folder.resolve("b.bin"), bytes(name));
        assertEquals(COMMENT, VideoWriters.comment(renamed));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.mp4", "a.webm", "a.webp", "a.gif", "a"})
    void truncatedVideosAreReadOrRejected(String name) throws IOException {
        byte[] whole = bytes(name);
        Path file = folder.resolve("b.bin");
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            readOrReject(file);
        }
        Files.write(file, Arrays.copyOf(whole, 40));
        IOException error = assertThrows(IOException.class, () -> VideoWriters.comment(file));
        assertTrue(error.getMessage().startsWith(file + ": "), error.getMessage());
    }

    private static void readOrReject(Path file) {
        try {
            assertEquals(COMMENT, VideoWriters.comment(file));
        } catch (IOException e) {
            assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
        }
    }

    @Test
    void mp4WithItsIndexAtTheEndIsRead() throws IOException {
        Path file = folder.resolve("a.mp4");
        LibavWriter.Container indexLast = new LibavWriter.Container("mp4", Codec.H264, Map.of(), null);
        try (VideoWriter writer = LibavWriter.open(file, indexLast, FORMAT, COMMENT)) {
            writer.write(new byte[FORMAT.frameBytes()]);
            writer.finish();
        }
        String bytes = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        assertTrue(bytes.indexOf("mdat") < bytes.indexOf("moov"));
        assertEquals(COMMENT, VideoWriters.comment(file));
    }

    @Test
    void h264InMatroskaIsRead() throws IOException {
        Path file = folder.resolve("a.mkv");
        LibavWriter.Container matroska = new LibavWriter.Container("matroska", Codec.H264, Map.of(), null);
        try (VideoWriter writer = LibavWriter.open(file, matroska, FORMAT, COMMENT)) {
            writer.write(new byte[FORMAT.frameBytes()]);
            writer.finish();
        }
        assertEquals(COMMENT, VideoWriters.comment(file));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.mp4", "a.webm", "a.webp", "a.gif", "a"})
    void videosWithoutCommentAreRejected(String name) throws IOException {
        Path file = folder.resolve(name);
        write(file, "");
        IOException error = assertThrows(IOException.class, () -> VideoWriters.comment(file));
        assertTrue(error.getMessage().contains("expected a comment, found none"), error.getMessage());
    }

    @ParameterizedTest
    @CsvSource({
        "'', none of the formats MP4",
        "GIF89a, none of the formats MP4",
        "a text of some other kind, none of the formats MP4",
        "RIFF\u0004\0\0\0WAVEfmt , none of the formats MP4",
        "GIF89a\u0010\0\u0010\0\0\0\0Z, a block of the unknown type 90",
        "'\0\0\0\u0008ftyp\0\0\0\u0000moov', 'expected a comment, found none'",
        "'\0\0\0\u0008ftyp\0\0\0\u0007moov', a box 'moov' of 7 bytes",
    })
    void otherFilesAreRejected(String content, String message) throws IOException {
        Path file = Files.write(folder.resolve("a.mp4"), content.getBytes(StandardCharsets.ISO_8859_1));
        IOException error = assertThrows(IOException.class, () -> VideoWriters.comment(file));
        assertTrue(error.getMessage().contains(message), error.getMessage());
        assertTrue(error.getMessage().contains(file.toString()), error.getMessage());
    }

    @Test
    void missingFilesAreNamed() throws IOException {
        Path missing = folder.resolve("no.mp4");
        assertTrue(assertThrows(IOException.class, () -> VideoWriters.comment(missing))
                .getMessage()
                .contains(missing + ": expected a video, found no such file"));
        IOException error = assertThrows(IOException.class, () -> VideoWriters.comment(folder));
        assertTrue(error.getMessage().contains("found no 00001.png"), error.getMessage());
        Files.createDirectory(folder.resolve("00001.png"));
        error = assertThrows(IOException.class, () -> VideoWriters.comment(folder));
        assertTrue(error.getMessage().contains("00001.png"), error.getMessage());
    }

    /** Sparse files with comments of gigabytes, which would fill the memory. */
    @ParameterizedTest
    @CsvSource({
        "'\0\0\0\u0008ftyp\u007F\0\0\0moov\u007E\0\0\0udta\u007D\0\0\0meta\0\0\0\0\u007C\0\0\0ilst\u007B\0\0\0\u00A9cmt\u007A\0\0\0data'",
        "'\u001AE\u00DF\u00A3\u0080\u0018S\u0080g\u0001\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u0012T\u00C3g\u0008\u007F\0\0\0ss\u0008\u007E\0\0\0g\u00C8\u0008\u007D\0\0\0D\u0087\u0008\u007C\0\0\0'",
        "'RIFF\0\0\0\u007FWEBPEXIF\0\0\0\u007E'",
        "'\u0089PNG....\u007F\0\0\0iTXt'",
    })
    void hugeDeclaredSizesAreRejected(String head) throws IOException {
        Path file = Files.write(folder.resolve("a.mp4"), head.getBytes(StandardCharsets.ISO_8859_1));
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(1L << 33);
        }
        IOException error = assertThrows(IOException.class, () -> VideoWriters.comment(file));
        assertTrue(error.getMessage().contains("expected a comment of at most 1048576 bytes"), error.getMessage());
    }

    @Test
    void hugeGifCommentsAreRejected() throws IOException {
        ByteArrayOutputStream gif = new ByteArrayOutputStream();
        gif.writeBytes("GIF89a\20\0\20\0\0\0\0!\u00FE".getBytes(StandardCharsets.ISO_8859_1));
        byte[] part = new byte[256];
        part[0] = (byte) 255;
        for (int i = 0; i < 5000; i++) {
            gif.writeBytes(part);
        }
        Path file = Files.write(folder.resolve("a.gif"), gif.toByteArray());
        IOException error = assertThrows(IOException.class, () -> VideoWriters.comment(file));
        assertTrue(error.getMessage().contains("expected a comment of at most 1048576 bytes"), error.getMessage());
    }

    @Test
    void deeplyNestedWebmIsRejected() throws IOException {
        byte[] tag = {0x73, 0x73, 0x10, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF};
        ByteArrayOutputStream webm = new ByteArrayOutputStream();
        webm.writeBytes(new byte[] {0x1A, 0x45, (byte) 0xDF, (byte) 0xA3, (byte) 0x80});
        webm.writeBytes(new byte[] {0x18, 0x53, (byte) 0x80, 0x67, (byte) 0xFF});
        webm.writeBytes(new byte[] {0x12, 0x54, (byte) 0xC3, 0x67, 0x10, 0x7F, (byte) 0xFF, (byte) 0xFF});
        for (int i = 0; i < 1_000_000; i++) {
            webm.writeBytes(tag);
        }
        Path file = Files.write(folder.resolve("a.webm"), webm.toByteArray());
        assertThrows(IOException.class, () -> VideoWriters.comment(file));
    }

    private byte[] bytes(String name) throws IOException {
        Path file = folder.resolve(name);
        write(file, COMMENT);
        return Files.readAllBytes(Files.isDirectory(file) ? file.resolve("00001.png") : file);
    }

    private static void write(Path file, String comment) throws IOException {
        try (VideoWriter writer = VideoWriters.open(file, FORMAT, comment)) {
            writer.write(new byte[FORMAT.frameBytes()]);
            byte[] white = new byte[FORMAT.frameBytes()];
            Arrays.fill(white, (byte) 255);
            writer.write(white);
            writer.finish();
        }
    }
}
