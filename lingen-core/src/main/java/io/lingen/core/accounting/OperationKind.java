package io.lingen.core.accounting;

/** The kinds under which floating-point operations are counted; 2 per multiply-add. */
public enum OperationKind {
    /** Linear layers. */
    LINEAR,
    /** Selective scans, with their causal convolution. */
    SCAN,
    /** Attention within windows. */
    WINDOW_ATTENTION,
    /** Full attention: text, and the diffusion transformer's. */
    ATTENTION,
    /** Convolutions of the decoder and encoder. */
    CONVOLUTION,
    /** Norms, pooling, additions: about one operation per element, counted as such. */
    ELEMENTWISE
}
