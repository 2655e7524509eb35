package io.lingen;

import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * A generation ended before its video was complete: its {@link CancellationToken} was cancelled, its thread was interrupted, or its pipeline
 * was {@linkplain TextToVideoPipeline#close closed}. Nothing is left of the video; its latents may have been saved. The thread's interrupt
 * status is as it was: still set after an interrupt.
 */
public final class GenerationCancelledException extends CancellationException {
    /** The reason of an interrupted thread. */
    static final String INTERRUPTED = "cancelled by an interrupt";

    private static final long serialVersionUID = 1L;

    private final int stepsDone;
    private final int steps;
    private final transient @Nullable Path latents;

    GenerationCancelledException(String reason, int stepsDone, int steps, int framesDone, @Nullable Path latents) {
        super(reason + " after "
                + (stepsDone < steps
                        ? "step " + stepsDone + " of " + steps
                        : "all " + steps + " steps and " + framesDone + " frames")
                + (latents == null ? "; no latents were saved" : "; it can be resumed from " + latents));
        this.stepsDone = stepsDone;
        this.steps = steps;
        this.latents = latents;
    }

    /** The sampler's steps that were done, 0 to {@link #steps}. */
    public int stepsDone() {
        return stepsDone;
    }

    /** The sampler's steps that the video takes. */
    public int steps() {
        return steps;
    }

    /** The file to {@linkplain TextToVideoPipeline#resume go on from}, or null if none was saved. */
    public @Nullable Path latents() {
        return latents;
    }
}
