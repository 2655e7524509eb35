package io.lingen.internal;

import io.lingen.core.checkpoint.NamedTensors;
import java.util.Locale;

/** Formats the numbers of parameters of networks. */
public final class ParameterCount {
    private ParameterCount() {}

    /**
     * {@return the number of parameters of a network, for example "73.3 million parameters"}
     *
     * @param tensors contains the network's tensors
     * @param prefix the prefix of their names; empty for all tensors
     */
    public static String of(NamedTensors tensors, String prefix) {
        long parameters = tensors.names().stream()
                .filter(name -> name.startsWith(prefix))
                .mapToLong(name -> tensors.tensor(name).shape().elements())
                .sum();
        return parameters < 1e9
                ? String.format(Locale.ROOT, "%.1f million parameters", parameters / 1e6)
                : String.format(Locale.ROOT, "%.2f billion parameters", parameters / 1e9);
    }
}
