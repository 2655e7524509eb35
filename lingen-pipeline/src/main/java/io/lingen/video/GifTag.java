package io.lingen.video;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** Reads and writes the comment of a GIF: its comment extension (GIF89a, section 24), the last block before the trailer. */
final class GifTag {
    private static final int EXTENSION = 0x21;
    private static final int COMMENT = 0xFE;
    private static final int IMAGE = 0x2C;
    private static final int TRAILER = 0x3B;
    private static final int MAX_PART = 255;

    private GifTag() {}

    /** Overwrites the trailer by a comment and a new trailer. */
    static void append(Path file, VideoFormat format, String comment) throws IOException {
        byte[] text = comment.getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream block = new ByteArrayOutputStream(text.length + text.length / MAX_PART + 8);
        block.write(EXTENSION);
        block.write(COMMENT);
        for (int at = 0; at < text.length; at += MAX_PART) {
            int part = Math.min(MAX_PART, text.length - at);
            block.write(part);
            block.write(text, at, part);
        }
        block.write(0);
        block.write(TRAILER);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            channel.position(channel.size() - 1);
            for (ByteBuffer bytes = ByteBuffer.wrap(block.toByteArray()); bytes.hasRemaining(); ) {
                channel.write(bytes);
            }
        }
    }

    static @Nullable String read(TagSource source) throws IOException {
        source.seek(10);
        int flags = source.u8();
        source.skip(2L + paletteBytes(flags));
        String comment = null;
        while (true) {
            int block = source.u8();
            if (block == TRAILER) {
                return comment;
            }
            if (block == EXTENSION && source.u8() == COMMENT) {
                comment = text(source);
            } else if (block == EXTENSION) {
                skipParts(source);
            } else if (block == IMAGE) {
                source.skip(8);
                source.skip(paletteBytes(source.u8()) + 1L);
                skipParts(source);
            } else {
                throw source.damaged("a block of the unknown type " + block);
            }
        }
    }

    private static int paletteBytes(int flags) {
        return (flags & 0x80) == 0 ? 0 : 3 << (flags & 7) + 1;
    }

    private static void skipParts(TagSource source) throws IOException {
        for (int part = source.u8(); part > 0; part = source.u8()) {
            source.skip(part);
        }
    }

    private static String text(TagSource source) throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        for (int part = source.u8(); part > 0; part = source.u8()) {
            text.writeBytes(source.bytes(part));
            if (text.size() > VideoWriters.MAX_COMMENT_BYTES) {
                throw source.tooLong(text.size());
            }
        }
        return text.toString(StandardCharsets.UTF_8);
    }
}
