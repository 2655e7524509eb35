package io.lingen.core;

/**
 * The type of a tensor's elements. Backends compute in {@link #F32} and {@link #BF16}; the others occur in files only and are converted
 * when they are read. The names are those of the safetensors format.
 */
public enum DType {
    F32(4),
    BF16(2),
    F16(2),
    F64(8),
    I64(8),
    I32(4),
    I16(2),
    I8(1),
    U8(1),
    BOOL(1);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** The size of one element in bytes. */
    public int bytes() {
        return bytes;
    }

    /** Whether a {@link Tensor} may have this type: true for {@link #F32} and {@link #BF16}. */
    public boolean isComputeType() {
        return this == F32 || this == BF16;
    }
}
