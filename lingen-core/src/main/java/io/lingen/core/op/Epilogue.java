package io.lingen.core.op;

import io.lingen.core.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The elementwise function fused into the end of a linear layer, applied to y = x W^T + bias before it is stored.
 *
 * @param kind the function
 * @param gate [out] in F32 for {@link Kind#GATED_ADD}, else null
 */
public record Epilogue(Kind kind, @Nullable Tensor gate) {
    /** The functions, with y as the input. */
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

    /** No function: out = y. */
    public static final Epilogue NONE = new Epilogue(Kind.NONE, null);
    /** The tanh approximation of the Gaussian error linear unit. */
    public static final Epilogue GELU = new Epilogue(Kind.GELU, null);
    /** The sigmoid linear unit. */
    public static final Epilogue SILU = new Epilogue(Kind.SILU, null);
    /** Addition to the output: out += y. */
    public static final Epilogue ADD = new Epilogue(Kind.ADD, null);

    /**
     * Checks that a gate is given exactly for {@link Kind#GATED_ADD}.
     *
     * @throws IllegalArgumentException otherwise
     */
    public Epilogue {
        if ((gate != null) != (kind == Kind.GATED_ADD)) {
            throw new IllegalArgumentException("gate must be given for GATED_ADD and no other kind, found " + kind
                    + (gate == null ? " without a gate" : " with a gate"));
        }
    }

    /**
     * {@return the epilogue out += gate * y}
     *
     * @param gate [out] in F32
     */
    public static Epilogue gatedAdd(Tensor gate) {
        return new Epilogue(Kind.GATED_ADD, gate);
    }
}
