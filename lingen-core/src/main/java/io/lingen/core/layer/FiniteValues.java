package io.lingen.core.layer;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.stream.LongStream;

/** A check of weights for NaN and infinities at memory speed. A number is finite if its exponent is not all ones. */
final class FiniteValues {
    /** The size of a task of the common pool. Its words are counted by an int. */
    private static final long CHUNK_BYTES = 4L << 20;

    private static final int BUFFER_WORDS = 1 << 12;

    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort LAST = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * The layout of one or two numbers in a word. The check clears the signs and adds 1 to the last exponent bit of each number: the carry
     * reaches the sign bit exactly if the exponent is all ones.
     */
    private enum Form {
        F32(0x7FFFFFFF, 0x00800000),
        BF16(0x7FFF7FFF, 0x00800080),
        F16(0x7FFF7FFF, 0x04000400);

        private final int magnitudes;
        private final int lastExponentBits;

        Form(int magnitudes, int lastExponentBits) {
            this.magnitudes = magnitudes;
            this.lastExponentBits = lastExponentBits;
        }

        private int signs() {
            return ~magnitudes;
        }
    }

    private FiniteValues() {}

    /** {@return whether all elements are finite} */
    static boolean areIn(HostTensor tensor) {
        Form form = form(tensor.dtype());
        MemorySegment memory = tensor.memory();
        long size = memory.byteSize();
        long chunks = Math.ceilDiv(size, CHUNK_BYTES);
        LongStream from = LongStream.range(0, chunks);
        return (chunks > 1 ? from.parallel() : from)
                .allMatch(chunk -> areIn(
                        memory.asSlice(chunk * CHUNK_BYTES, Math.min(CHUNK_BYTES, size - chunk * CHUNK_BYTES)), form));
    }

    private static Form form(DType dtype) {
        switch (dtype) {
            case F32:
                return Form.F32;
            case BF16:
                return Form.BF16;
            case F16:
                return Form.F16;
            default:
                throw new IllegalArgumentException("weights must be F32, F16 or BF16, found " + dtype);
        }
    }

    private static boolean areIn(MemorySegment memory, Form form) {
        int words = (int) (memory.byteSize() / WORD.byteSize());
        // Copy to an array first: this code runs once, and the JIT compiles loops over arrays sooner than loops over
        // segments.
        int[] buffer = new int[Math.min(words, BUFFER_WORDS)];
        int seen = 0;
        for (int from = 0; from < words; from += BUFFER_WORDS) {
            int count = Math.min(BUFFER_WORDS, words - from);
            MemorySegment.copy(memory, WORD, 4L * from, buffer, 0, count);
            seen |= signs(buffer, count, form.magnitudes, form.lastExponentBits);
        }
        if (memory.byteSize() % WORD.byteSize() != 0) {
            // An odd number of two-byte values leaves one after the last word.
            short last = memory.get(LAST, 4L * words);
            seen |= (last & form.magnitudes & 0xFFFF) + (form.lastExponentBits & 0xFFFF);
        }
        return (seen & form.signs()) == 0;
    }

    private static int signs(int[] words, int count, int magnitudes, int lastExponentBits) {
        int seen = 0;
        for (int i = 0; i < count; i++) {
            seen |= (words[i] & magnitudes) + lastExponentBits;
        }
        return seen;
    }
}
