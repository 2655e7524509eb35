package io.lingen;

/**
 * Ends a generation from outside. Give it to {@link TextToVideoPipeline#start(VideoRequest, CancellationToken)} and the like, and call
 * {@link #cancel} from any thread: before its next pass of the denoiser or its next frame the generation saves its latents, if it saves
 * any, and throws {@link GenerationCancelledException}. One token may end several generations. Thread-safe.
 */
public final class CancellationToken {
    private volatile boolean cancelled;

    /** Ends what listens, and whatever is given this token later. Returns at once; calling it again has no effect. */
    public void cancel() {
        cancelled = true;
    }

    /** Whether {@link #cancel} was called. */
    public boolean isCancelled() {
        return cancelled;
    }
}
