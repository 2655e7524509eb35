package io.lingen.core.op;

import io.lingen.core.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What a linear layer does with its sum y = x W^T + bias before it is stored.
 *
 * @param kind the function
 * @param gate [out] in F32 for {@link Kind#GATED_ADD}, else null
 */
public record Epilogue(Kind kind, @Nullable Tensor gate) {
    /** The functions. */
    public enum Kind {
        /** out = y */
        NONE,
        /** out = 0.5 y (1 + tanh(sqrt(2 / pi) (y + 0.044715 y^3))) */
        GELU,
        /** out = y / (1 + exp(-y)) */
        SILU,
        /** out += y */
        ADD,
        /** out += gate * y */
        GATED_ADD
    }

    /** out = y */
    public static final Epilogue NONE = new Epilogue(Kind.NONE, null);
    /** The tanh approximation of the Gaussian error linear unit. */
    public static final Epilogue GELU = new Epilogue(Kind.GELU, null);
    /** The sigmoid linear unit. */
    public static final Epilogue SILU = new Epilogue(Kind.SILU, null);
    /** out += y */
    public static final Epilogue ADD = new Epilogue(Kind.ADD, null);

    public Epilogue {
        if ((gate != null) != (kind == Kind.GATED_ADD)) {
            throw new IllegalArgumentException("a gate belongs to GATED_ADD and to it alone, found " + kind);
        }
    }

    /** out += gate * y */
    public static Epilogue gatedAdd(Tensor gate) {
        return new Epilogue(Kind.GATED_ADD, gate);
    }
}
