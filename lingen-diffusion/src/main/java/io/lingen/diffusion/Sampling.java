package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.internal.SafeText;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The steps of a sampler on one latent. Each {@code next()} takes one step, so the caller's loop controls progress, previews, cancellation
 * and saving. For one thread. Owns its tensors, but not the latent.
 */
public abstract class Sampling implements Iterator<SamplingStep>, AutoCloseable {
    private final Backend backend;
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
        this.backend = backend;
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

    /** {@return the number of steps that are done; within {@link #step}, its index} */
    protected final int stepsDone() {
        return stepsDone;
    }

    /**
     * {@return the tensors, by name, that the next step depends on, other than the latent} For a sampler that has any. Not called before the
     * first step or after the last one, when there is no state.
     */
    protected Map<String, Tensor> stateTensors() {
        return Map.of();
    }

    /**
     * Copies a saved state into {@link #stateTensors}. A subclass calls it at the end of its constructor. After a failure this object is
     * closed.
     *
     * @param state the {@link #state} after the steps that are done
     * @throws IllegalArgumentException if it has other tensors, or a tensor of another shape
     */
    protected final void restore(Map<String, HostTensor> state) {
        try {
            Map<String, Tensor> tensors = currentState();
            if (!state.keySet().equals(tensors.keySet())) {
                throw new IllegalArgumentException("state of the sampler after " + stepsDone + " of " + steps
                        + " steps must have the tensors " + new TreeSet<>(tensors.keySet()) + ", found "
                        + SafeText.of(new TreeSet<>(state.keySet()).toString()));
            }
            state.forEach((name, saved) -> backend.write(saved, tensors.get(name)));
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private Map<String, Tensor> currentState() {
        return stepsDone == 0 || stepsDone == steps ? Map.of() : stateTensors();
    }

    /**
     * {@return host copies, by name, of the tensors other than the latent that the next step depends on} Empty for none, and always before
     * the first step and after the last one.
     */
    public final Map<String, HostTensor> state() {
        Map<String, HostTensor> state = new TreeMap<>();
        currentState().forEach((name, tensor) -> state.put(name, backend.download(tensor)));
        return state;
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
