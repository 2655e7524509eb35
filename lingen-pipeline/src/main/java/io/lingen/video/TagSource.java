package io.lingen.video;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file whose sizes and offsets may lie: reads never go past its end, nor take more memory than a comment may. For one thread. */
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

    /** Goes to a place from the file's start. */
    void seek(long position) throws IOException {
        if (position < 0 || position > size) {
            throw damaged("it ends early");
        }
        if (position >= windowStart && position <= windowStart + window.limit()) {
            window.position((int) (position - windowStart));
        } else {
            windowStart = position;
            window.position(0).limit(0);
        }
    }

    void skip(long bytes) throws IOException {
        // A sum beyond the largest long is negative, and refused.
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

    /** Four characters that name a part of the file. */
    String fourCc() throws IOException {
        return new String(bytes(4), StandardCharsets.ISO_8859_1);
    }

    /** The bytes that follow: a comment at most, with what may stand around it. */
    byte[] bytes(long count) throws IOException {
        if (count < 0 || count > size - position()) {
            throw damaged("it ends early");
        }
        if (count > VideoWriters.MAX_COMMENT_BYTES + 1024) {
            throw damaged("its comment of " + count + " bytes is longer than " + VideoWriters.MAX_COMMENT_BYTES);
        }
        byte[] bytes = new byte[(int) count];
        for (int done = 0; done < bytes.length; ) {
            int part = Math.min(bytes.length - done, window.capacity());
            need(part).get(bytes, done, part);
            done += part;
        }
        return bytes;
    }

    /** The error of a file that is not what it should be. */
    IOException damaged(String reason) {
        return new IOException(path + " can't be read as a video: " + reason);
    }

    private ByteBuffer need(int bytes) throws IOException {
        if (window.remaining() < bytes) {
            windowStart = position();
            window.compact();
            while (window.position() < bytes) {
                if (channel.read(window, windowStart + window.position()) < 0) {
                    throw damaged("it ends early");
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
