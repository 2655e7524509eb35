package io.lingen.core;

/**
 * The type of a tensor's elements. Backends compute in {@link #F32} and {@link #BF16}. The other types occur in files only and are
 * converted when they are read. The names are those of the safetensors format.
 */
public enum DType {
    /** IEEE 754 binary32. */
    F32(4),

    /** bfloat16: the upper half of an F32. */
    BF16(2),

    /** IEEE 754 binary16. */
    F16(2),

    /** IEEE 754 binary64. */
    F64(8),

    /** 64-bit signed integer. */
    I64(8),

    /** 32-bit signed integer. */
    I32(4),

    /** 16-bit signed integer. */
    I16(2),

    /** 8-bit signed integer. */
    I8(1),

    /** 8-bit unsigned integer. */
    U8(1),

    /** Boolean in one byte; any value other than 0 is true. */
    BOOL(1);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** {@return the size of one element in bytes} */
    public int bytes() {
        return bytes;
    }

    /** {@return whether a {@link Tensor} may have this type: true for {@link #F32} and {@link #BF16}} */
    public boolean isComputeType() {
        return this == F32 || this == BF16;
    }
}
