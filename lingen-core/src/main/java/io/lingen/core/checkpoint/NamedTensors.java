package io.lingen.core.checkpoint;

import io.lingen.core.HostTensor;
import java.util.Set;

/**
 * The tensors of a checkpoint by their names: those of a {@link SafetensorsFile}, or a view of them, for example under other names or with
 * an adapter merged. {@code toString} is the name of the checkpoint for messages. Thread-safe.
 */
public interface NamedTensors {
    /** {@return the names of all tensors, sorted} */
    Set<String> names();

    /**
     * {@return a tensor}
     *
     * @param name the name of the tensor
     * @throws CheckpointException if there is no tensor of that name
     */
    HostTensor tensor(String name);
}
