package io.lingen.video;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A reader of untrusted files. It never reads beyond the end of the file or allocates more memory than the longest comment needs, whatever
 * sizes and offsets the file contains. For one thread.
 */
final class TagSource implements Closeable {
    private final Path path;
    private final FileChannel channel;
    private final long size;
    private final ByteBuffer window = ByteBuffer.allocate(8192).limit(0);
    private long windowStart;

    TagSource(Path path) throws IOException {
        this.path = path;
        this.channel = FileChannel.open(path, StandardOpenOption.READ);
        this.size = channel.size();
    }

    long size() {
        return size;
    }

    long position() {
        return windowStart + window.position();
    }

    /** Moves to a position from the start of the file. */
    void seek(long position) throws IOException {
        if (position < 0 || position > size) {
            throw endOfFile();
        }
        if (position >= windowStart && position <= windowStart + window.limit()) {
            window.position((int) (position - windowStart));
        } else {
            windowStart = position;
            window.position(0).limit(0);
        }
    }

    void skip(long bytes) throws IOException {
        // An overflow gives a negative position, which seek rejects.
        seek(position() + bytes);
    }

    int u8() throws IOException {
        return need(1).get() & 0xFF;
    }

    int u16LittleEndian() throws IOException {
        return need(2).order(ByteOrder.LITTLE_ENDIAN).getShort() & 0xFFFF;
    }

    long u32() throws IOException {
        return need(4).order(ByteOrder.BIG_ENDIAN).getInt() & 0xFFFF_FFFFL;
    }

    long u32LittleEndian() throws IOException {
        return need(4).order(ByteOrder.LITTLE_ENDIAN).getInt() & 0xFFFF_FFFFL;
    }

    long i64() throws IOException {
        return need(8).order(ByteOrder.BIG_ENDIAN).getLong();
    }

    /** Reads the four-character code of a part of the file. */
    String fourCc() throws IOException {
        return new String(bytes(4), StandardCharsets.ISO_8859_1);
    }

    /** Reads bytes, at most the longest comment and its surrounding fields. */
    byte[] bytes(long count) throws IOException {
        if (count < 0 || count > size - position()) {
            throw endOfFile();
        }
        if (count > VideoWriters.MAX_COMMENT_BYTES + 1024) {
            throw tooLong(count);
        }
        byte[] bytes = new byte[(int) count];
        for (int done = 0; done < bytes.length; ) {
            int part = Math.min(bytes.length - done, window.capacity());
            need(part).get(bytes, done, part);
            done += part;
        }
        return bytes;
    }

    /** The error of a malformed file. */
    IOException damaged(String found) {
        return new IOException(path + ": expected a video, found " + found);
    }

    /** The error of a comment that is too long. */
    IOException tooLong(long bytes) {
        return new IOException(path + ": expected a comment of at most " + VideoWriters.MAX_COMMENT_BYTES
                + " bytes, found " + bytes + " or more");
    }

    /** The error of a part that exceeds the file. */
    IOException truncated(String part, long bytes, long left) {
        return damaged(part + " of " + bytes + " bytes with " + left + " bytes left; check that the file is complete");
    }

    private IOException endOfFile() {
        return damaged("the end of the file inside a part; check that the file is complete");
    }

    private ByteBuffer need(int bytes) throws IOException {
        if (window.remaining() < bytes) {
            windowStart = position();
            window.compact();
            while (window.position() < bytes) {
                if (channel.read(window, windowStart + window.position()) < 0) {
                    throw endOfFile();
                }
            }
            window.flip();
        }
        return window;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
