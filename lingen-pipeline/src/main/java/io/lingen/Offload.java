package io.lingen;

/** The presence of a model's denoiser and decoder in the memory of the backend. */
public enum Offload {
    /** Both stay loaded. Fastest, in particular for several videos. */
    NONE,
    /** Each is loaded when it is needed, after the other one is freed. Needs the least memory. */
    PARTS,
    /** {@link #NONE} if the video then fits in the available memory, otherwise {@link #PARTS}. */
    AUTO
}
