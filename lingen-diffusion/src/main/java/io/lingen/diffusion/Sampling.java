package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;

/**
 * One latent on its way through a sampler's steps. Each {@code next()} takes one, so progress, previews, cancellation and saving are the
 * caller's loop. For one thread. Owns its tensors, not the latent.
 */
public abstract class Sampling implements Iterator<SamplingStep>, AutoCloseable {
    private final Workspace workspace;
    private final Tensor latent;
    private final int steps;
    private int stepsDone;

    /**
     * @param latent moved in place, F32
     * @param steps of the sampler
     * @param stepsDone 0 to {@code steps}
     */
    protected Sampling(Backend backend, Tensor latent, int steps, int stepsDone) {
        if (stepsDone < 0 || stepsDone > steps) {
            throw new IllegalArgumentException(
                    "the steps done are 0 to the schedule's " + steps + ", found " + stepsDone);
        }
        this.workspace = backend.newWorkspace();
        this.latent = latent;
        this.steps = steps;
        this.stepsDone = stepsDone;
    }

    /** The latent as far as the steps have brought it. */
    protected final Tensor latent() {
        return latent;
    }

    /** A new F32 tensor of the latent's shape that lives until this is closed. */
    protected final Tensor allocateLatent() {
        return workspace.allocate(DType.F32, latent.shape());
    }

    /**
     * Takes a step.
     *
     * @param index from 0
     * @return the time that the latent has reached, for {@link SamplingStep#t}
     */
    protected abstract double step(int index);

    /** The host copies, by name, of the tensors beside the latent that the next step depends on; empty for none. */
    public Map<String, HostTensor> state() {
        return Map.of();
    }

    /**
     * Writes an estimate of the final latent: the clean latent of the last prediction. Before the first step of this object it is the latent
     * as it is.
     *
     * @param out of the latent's shape, F32
     */
    public abstract void estimate(Tensor out);

    @Override
    public final boolean hasNext() {
        return stepsDone < steps;
    }

    /**
     * Takes the next step.
     *
     * @throws NoSuchElementException after the last one
     */
    @Override
    public final SamplingStep next() {
        if (!hasNext()) {
            throw new NoSuchElementException("all " + stepsDone + " steps are done");
        }
        double t = step(stepsDone);
        stepsDone++;
        return new SamplingStep(stepsDone, t, latent);
    }

    /** Frees its tensors. Closing twice has no effect. */
    @Override
    public void close() {
        workspace.close();
    }
}
