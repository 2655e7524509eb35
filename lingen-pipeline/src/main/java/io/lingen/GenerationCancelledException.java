package io.lingen;

import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a generation is cancelled: by its {@link CancellationToken}, by an interrupt of its thread, or because its pipeline was
 * {@linkplain TextToVideoPipeline#close closed}. No incomplete video remains, but latents may have been saved. The interrupt status of the
 * thread is unchanged.
 */
public final class GenerationCancelledException extends CancellationException {
    /** The reason for an interrupt of the thread. */
    static final String INTERRUPTED = "cancelled by an interrupt";

    private static final long serialVersionUID = 1L;

    /** The number of completed steps. */
    private final int stepsDone;

    /** The total number of steps. */
    private final int steps;

    private final transient @Nullable Path latents;

    GenerationCancelledException(String reason, int stepsDone, int steps, int framesDone, @Nullable Path latents) {
        super(reason + " after "
                + (stepsDone < steps
                        ? "step " + stepsDone + " of " + steps
                        : "all " + steps + " steps and " + framesDone + " frames")
                + (latents == null ? "; no latents were saved" : "; resume from " + latents));
        this.stepsDone = stepsDone;
        this.steps = steps;
        this.latents = latents;
    }

    /** {@return the number of completed steps, 0 to {@link #steps}} */
    public int stepsDone() {
        return stepsDone;
    }

    /** {@return the total number of steps} */
    public int steps() {
        return steps;
    }

    /** {@return the latents file to {@linkplain TextToVideoPipeline#resume resume} from, or null if none was saved} */
    public @Nullable Path latents() {
        return latents;
    }
}
