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
 * The steps of a sampler on one latent. Each {@code next()} takes one step, so the caller's loop controls progress, previews, cancellation
 * and saving. For one thread. Owns its tensors, but not the latent.
 */
public abstract class Sampling implements Iterator<SamplingStep>, AutoCloseable {
    private final Workspace workspace;
    private final Tensor latent;
    private final int steps;
    private int stepsDone;

    /**
     * Creates an iterator at a step.
     *
     * @param backend the backend of the latent
     * @param latent F32, updated in place
     * @param steps the number of steps of the sampler
     * @param stepsDone 0 to {@code steps}
     * @throws IllegalArgumentException if {@code stepsDone} is out of range
     */
    protected Sampling(Backend backend, Tensor latent, int steps, int stepsDone) {
        if (stepsDone < 0 || stepsDone > steps) {
            throw new IllegalArgumentException("steps done must be 0 to " + steps + ", found " + stepsDone);
        }
        this.workspace = backend.newWorkspace();
        this.latent = latent;
        this.steps = steps;
        this.stepsDone = stepsDone;
    }

    /** {@return the latent after the steps that are done} */
    protected final Tensor latent() {
        return latent;
    }

    /** {@return a new F32 tensor of the latent's shape, valid until this object is closed} */
    protected final Tensor allocateLatent() {
        return workspace.allocate(DType.F32, latent.shape());
    }

    /**
     * Takes a step.
     *
     * @param index of the step, from 0
     * @return the time that the latent has reached, for {@link SamplingStep#t}
     */
    protected abstract double step(int index);

    /** {@return host copies, by name, of the tensors other than the latent that the next step depends on; empty for none} */
    public Map<String, HostTensor> state() {
        return Map.of();
    }

    /**
     * Writes an estimate of the final latent: the clean latent of the last prediction. Before the first step of this object it is the
     * current latent.
     *
     * @param out F32, of the latent's shape
     */
    public abstract void estimate(Tensor out);

    @Override
    public final boolean hasNext() {
        return stepsDone < steps;
    }

    /**
     * Takes the next step.
     *
     * @return the latent after it
     * @throws NoSuchElementException after the last step
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

    /** Frees the tensors. Closing twice has no effect. */
    @Override
    public void close() {
        workspace.close();
    }
}
