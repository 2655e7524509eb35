package io.lingen;

/**
 * A switch that cancels generations from any thread. Pass it to {@link TextToVideoPipeline#start(VideoRequest, CancellationToken)} or
 * another method of the pipeline. After {@link #cancel}, the generation stops before its next denoiser pass or frame, saves its latents if
 * {@link Generation#saveLatents} was called, and throws {@link GenerationCancelledException}. One token may cancel several generations.
 * Thread-safe.
 */
public final class CancellationToken {
    private volatile boolean cancelled;

    /** Creates a token that is not cancelled. */
    public CancellationToken() {}

    /** Cancels all generations with this token, including later ones. Returns immediately. Calling it again has no effect. */
    public void cancel() {
        cancelled = true;
    }

    /** {@return whether {@link #cancel} was called} */
    public boolean isCancelled() {
        return cancelled;
    }
}
