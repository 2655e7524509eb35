package io.lingen.core.checkpoint;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.LinearWeights;
import io.lingen.core.Shape;
import io.lingen.core.backend.Backend;
import io.lingen.core.internal.Quoted;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Checks names, shapes and values while a model's weights are read. Names are relative to a prefix; whatever is never asked for is an
 * error at the {@link #end}. Values are looked at once, when a weight is read to be packed: NaN or an infinity would spread over the whole
 * video. Not thread-safe.
 */
public final class WeightReader {
    private final SafetensorsFile file;
    private final String prefix;
    private final Set<String> read;
    private final boolean valuesChecked;

    private WeightReader(SafetensorsFile file, String prefix, Set<String> read, boolean valuesChecked) {
        this.file = file;
        this.prefix = prefix;
        this.read = read;
        this.valuesChecked = valuesChecked;
    }

    /** A reader of all tensors of a file for a backend, whose weights need no look at their values if it {@link Backend#computes not}. */
    public static WeightReader of(SafetensorsFile file, Backend backend) {
        return new WeightReader(file, "", new HashSet<>(), backend.computes());
    }

    /** A reader of all tensors of a file. */
    public static WeightReader of(SafetensorsFile file) {
        return new WeightReader(file, "", new HashSet<>(), true);
    }

    /** A reader of the tensors under a prefix: "blocks.3" or, the same, "blocks.3.". */
    public WeightReader under(String name) {
        return new WeightReader(file, prefix + (name.endsWith(".") ? name : name + "."), read, valuesChecked);
    }

    /** Whether there is a tensor of that name. */
    public boolean has(String name) {
        return file.names().contains(prefix + name);
    }

    /**
     * A weight, sharing the file's memory.
     *
     * @throws CheckpointException if it is missing, of another shape, neither F32 nor F16 nor BF16, or holds NaN or an infinity
     */
    public HostTensor tensor(String name, long... shape) {
        Shape expected = Shape.of(shape);
        if (!has(name)) {
            throw new CheckpointException(file + ": expected a tensor '" + prefix + name + "' of shape " + expected
                    + ", found none of that name. Do configuration and weights belong together?");
        }
        HostTensor tensor = file.tensor(prefix + name);
        if (!tensor.shape().equals(expected)) {
            throw new CheckpointException(
                    file + ": tensor '" + prefix + name + "': expected the shape " + expected + ", found "
                            + Quoted.of(tensor.shape().toString()) + ". Do configuration and weights belong together?");
        }
        DType dtype = tensor.dtype();
        if (dtype != DType.F32 && dtype != DType.F16 && dtype != DType.BF16) {
            throw new CheckpointException(file + ": tensor '" + prefix + name
                    + "': expected weights of F32, F16 or BF16, found " + dtype + ". Convert them");
        }
        if (valuesChecked && !FiniteValues.areIn(tensor)) {
            throw new CheckpointException(
                    file + ": tensor '" + prefix + name
                            + "': expected finite weights, found NaN or an infinity among them. Training went wrong, or the file is damaged");
        }
        read.add(prefix + name);
        return tensor;
    }

    /** A linear layer: {@code name.weight} [out, in] and {@code name.bias} [out]. */
    public LinearWeights.Source linear(String name, long in, long out) {
        return new LinearWeights.Source(tensor(name + ".weight", out, in), tensor(name + ".bias", out));
    }

    /** A linear layer without bias: {@code name.weight} [out, in]. */
    public LinearWeights.Source linearWithoutBias(String name, long in, long out) {
        return new LinearWeights.Source(tensor(name + ".weight", out, in), null);
    }

    /** Allows all tensors under a prefix without reading them: parts of a model that are not needed now. */
    public void ignore(String name) {
        String ignored = prefix + (name.endsWith(".") ? name : name + ".");
        file.names().stream().filter(each -> each.startsWith(ignored)).forEach(read::add);
    }

    /**
     * Ends the reading; only on the reader of the whole file.
     *
     * @throws CheckpointException if the file has tensors that were never asked for
     */
    public void end() {
        if (!prefix.isEmpty()) {
            throw new IllegalStateException("only the reader of the whole file ends, this one is under " + prefix);
        }
        List<String> extra =
                file.names().stream().filter(name -> !read.contains(name)).toList();
        if (!extra.isEmpty()) {
            throw new CheckpointException(file + ": expected " + read.size() + " tensors, found " + extra.size()
                    + " more that the configuration has no place for: "
                    + extra.stream().limit(5).map(Quoted::of).collect(Collectors.joining(", "))
                    + (extra.size() > 5 ? ", ..." : "")
                    + ". Do configuration and weights belong together?");
        }
    }
}
