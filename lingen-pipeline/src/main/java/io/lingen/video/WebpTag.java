package io.lingen.video;

import java.io.EOFException;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes the comment of a WebP: the image description in its Exif chunk, a TIFF directory with one entry (WebP container
 * specification; TIFF 6.0, section 2).
 */
final class WebpTag {
    private static final int RIFF_HEADER_BYTES = 12;
    private static final int CHUNK_HEADER_BYTES = 8;
    private static final int FLAGS_AT = RIFF_HEADER_BYTES + CHUNK_HEADER_BYTES;
    private static final int EXTENDED_HEADER_BYTES = FLAGS_AT + 10;
    private static final int HAS_EXIF = 0x08;

    private static final short IMAGE_DESCRIPTION = 0x010E;
    private static final short ASCII = 2;
    private static final int TEXT_AT = 26;

    private WebpTag() {}

    /** Adds a comment. A file without an extended header, such as one with a single picture, gets one to declare the comment. */
    static void append(Path file, VideoFormat format, String comment) throws IOException {
        byte[] text = comment.getBytes(StandardCharsets.UTF_8);
        // Pad to five bytes: TIFF stores up to four bytes inside the directory entry.
        ByteBuffer chunk = exif(Arrays.copyOf(text, Math.max(text.length + 1, 5)));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer header = read(channel, 0, EXTENDED_HEADER_BYTES);
            if (!isExtended(header)) {
                ByteBuffer picture = read(channel, RIFF_HEADER_BYTES, channel.size() - RIFF_HEADER_BYTES);
                extend(header, format);
                write(channel, picture, EXTENDED_HEADER_BYTES);
            }
            header.putInt(4, Math.toIntExact(channel.size() + chunk.remaining() - CHUNK_HEADER_BYTES));
            header.put(FLAGS_AT, (byte) (header.get(FLAGS_AT) | HAS_EXIF));
            write(channel, chunk, channel.size());
            write(channel, header, 0);
        }
    }

    private static boolean isExtended(ByteBuffer header) {
        return new String(header.array(), RIFF_HEADER_BYTES, 4, StandardCharsets.US_ASCII).equals("VP8X");
    }

    private static void extend(ByteBuffer header, VideoFormat format) {
        header.position(RIFF_HEADER_BYTES).put("VP8X".getBytes(StandardCharsets.US_ASCII));
        header.putInt(EXTENDED_HEADER_BYTES - FLAGS_AT).putInt(0); // flags
        header.putShort((short) (format.width() - 1)).put((byte) 0);
        header.putShort((short) (format.height() - 1)).put((byte) 0).rewind();
    }

    private static ByteBuffer exif(byte[] text) {
        int bytes = TEXT_AT + text.length;
        ByteBuffer chunk =
                ByteBuffer.allocate(CHUNK_HEADER_BYTES + bytes + (bytes & 1)).order(ByteOrder.LITTLE_ENDIAN);
        chunk.put("EXIF".getBytes(StandardCharsets.US_ASCII)).putInt(bytes);
        chunk.put("II*\0".getBytes(StandardCharsets.US_ASCII)).putInt(8); // offset of the directory
        chunk.putShort((short) 1)
                .putShort(IMAGE_DESCRIPTION)
                .putShort(ASCII)
                .putInt(text.length)
                .putInt(TEXT_AT);
        chunk.putInt(0); // no further directory
        return chunk.put(text).rewind();
    }

    private static ByteBuffer read(FileChannel channel, long position, long count) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(count)).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, position + bytes.position()) < 0) {
                throw new EOFException("unexpected end of file");
            }
        }
        return bytes.flip();
    }

    private static void write(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
        for (long at = position; bytes.hasRemaining(); ) {
            at += channel.write(bytes, at);
        }
    }

    static @Nullable String read(TagSource source) throws IOException {
        source.seek(4);
        long end = source.u32LittleEndian() + CHUNK_HEADER_BYTES;
        if (end > source.size()) {
            throw source.truncated("a file", end, source.size());
        }
        source.seek(RIFF_HEADER_BYTES);
        while (end - source.position() >= CHUNK_HEADER_BYTES) {
            String type = source.fourCc();
            long bytes = source.u32LittleEndian();
            if (type.equals("EXIF")) {
                return description(source, ByteBuffer.wrap(source.bytes(bytes)));
            }
            source.skip(bytes + (bytes & 1));
        }
        return null;
    }

    private static @Nullable String description(TagSource source, ByteBuffer tiff) throws IOException {
        try {
            tiff.order(tiff.get(0) == 'M' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
            tiff.position(tiff.getInt(4));
            for (int entries = tiff.getShort() & 0xFFFF; entries > 0; entries--) {
                short tag = tiff.getShort();
                short type = tiff.getShort();
                int count = tiff.getInt();
                int at = tiff.getInt();
                if (tag == IMAGE_DESCRIPTION && type == ASCII && count > 4) {
                    byte[] text = new byte[Math.min(count - 1, tiff.capacity())];
                    tiff.get(at, text);
                    return new String(text, StandardCharsets.UTF_8).replaceAll("\0+$", "");
                }
            }
            return null;
        } catch (IndexOutOfBoundsException | IllegalArgumentException | BufferUnderflowException e) {
            throw source.damaged("Exif data with an offset outside its chunk");
        }
    }
}
