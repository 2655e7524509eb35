package io.lingen.core.accounting;

/** The kinds of floating-point operations that are counted separately. A multiply-add counts as two operations. */
public enum OperationKind {
    /** Linear layers. */
    LINEAR,
    /** Selective scans, including their causal convolution. */
    SCAN,
    /** Attention within windows. */
    WINDOW_ATTENTION,
    /** Full attention, including that to the text, and linear attention. */
    ATTENTION,
    /** Convolutions, except those of scans. */
    CONVOLUTION,
    /** Norms, pooling and additions, counted as one operation per element. */
    ELEMENTWISE
}
