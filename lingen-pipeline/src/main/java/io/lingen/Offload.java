package io.lingen;

/** Whether the parts of a model share the memory of the device, or take turns. */
public enum Offload {
    /** The denoiser and the decoder stay loaded. The fastest, in particular for several videos. */
    NONE,
    /** The denoiser and the decoder are loaded when they are needed and freed before the other is loaded. Takes the least memory. */
    PARTS,
    /** As {@link #NONE} if a video fits into the available memory that way, else as {@link #PARTS}. */
    AUTO
}
