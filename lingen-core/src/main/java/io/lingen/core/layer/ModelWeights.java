package io.lingen.core.layer;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.internal.CloseableStack;
import io.lingen.core.internal.SafeText;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.Padding;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a model or layer during its construction: tensors of a checkpoint, packed for a backend into a workspace.
 *
 * <p>Names are relative to a prefix, so a layer's constructor names its tensors as if the layer stood alone:
 *
 * <pre>{@code
 * Attention(ModelWeights weights, int d) {
 *     this.norm = weights.vector("norm.weight", d); // [d]
 *     this.qkv = weights.linear("qkv", d, 3L * d); // d -> q, k, v
 * }
 *
 * new Attention(weights.under("blocks.3.attn"), d);
 * }</pre>
 *
 * <p>Every method that reads a tensor throws a {@link CheckpointException} if the tensor is missing, has another shape, has a type other
 * than F32, F16 and BF16, or contains NaN or an infinity. A backend that does not {@linkplain Backend#computes compute} skips the check of
 * values.
 *
 * <p>Not thread-safe. Valid while the checkpoint is open; packed weights are valid while the workspace is open.
 */
public final class ModelWeights {
    private final NamedTensors checkpoint;
    private final String prefix;
    private final Set<String> read;
    private final Backend backend;
    private final Workspace workspace;
    private final DType precision;

    private ModelWeights(
            NamedTensors checkpoint,
            String prefix,
            Set<String> read,
            Backend backend,
            Workspace workspace,
            DType precision) {
        this.checkpoint = checkpoint;
        this.prefix = prefix;
        this.read = read;
        this.backend = backend;
        this.workspace = workspace;
        this.precision = precision;
    }

    /**
     * {@return the weights of a whole checkpoint}
     *
     * @param checkpoint the tensors
     * @param backend the backend that packs the tensors
     * @param workspace the owner of packed weights
     * @param precision the type of GEMMs and activations, F32 or BF16
     */
    public static ModelWeights of(NamedTensors checkpoint, Backend backend, Workspace workspace, DType precision) {
        return new ModelWeights(checkpoint, "", new HashSet<>(), backend, workspace, precision);
    }

    /**
     * Builds a model from all tensors of a checkpoint. They are packed into a new {@link #workspace}, which the model owns and closes. If
     * loading fails, this method closes the workspace.
     *
     * @param <M> the type of the model
     * @param checkpoint the tensors
     * @param backend the backend that packs the tensors
     * @param precision the type of GEMMs and activations, F32 or BF16
     * @param builder the constructor of the model
     * @return the model
     * @throws CheckpointException if a tensor is missing or invalid, or if the checkpoint has a tensor that the model neither reads nor
     *     {@linkplain #ignore ignores}
     */
    public static <M> M load(
            NamedTensors checkpoint, Backend backend, DType precision, Function<ModelWeights, M> builder) {
        CloseableStack owned = new CloseableStack();
        try {
            ModelWeights weights = of(checkpoint, backend, owned.add(backend.newWorkspace()), precision);
            M model = builder.apply(weights);
            weights.requireAllRead();
            return model;
        } catch (RuntimeException | Error e) {
            owned.closeAfter(e);
            throw e;
        }
    }

    /**
     * {@return the weights whose names start with a prefix}
     *
     * @param name the prefix, relative to the prefix of this object; "blocks.3" is the same as "blocks.3."
     */
    public ModelWeights under(String name) {
        return new ModelWeights(checkpoint, prefix + asPrefix(name), read, backend, workspace, precision);
    }

    /**
     * {@return the same weights, packed for GEMMs of another type}
     *
     * @param other F32 or BF16
     */
    public ModelWeights withPrecision(DType other) {
        return new ModelWeights(checkpoint, prefix, read, backend, workspace, other);
    }

    /** {@return the backend that tensors are packed for} */
    public Backend backend() {
        return backend;
    }

    /** {@return the owner of packed weights} */
    public Workspace workspace() {
        return workspace;
    }

    /** {@return the type of GEMMs and activations, F32 or BF16} */
    public DType precision() {
        return precision;
    }

    /**
     * {@return whether a tensor exists}
     *
     * @param name the name, relative to the prefix
     */
    public boolean has(String name) {
        return checkpoint.names().contains(prefix + name);
    }

    /**
     * Marks all tensors under a prefix as not needed, so {@link #requireAllRead} accepts them.
     *
     * @param name the prefix, relative to the prefix of this object
     */
    public void ignore(String name) {
        String ignored = prefix + asPrefix(name);
        checkpoint.names().stream().filter(each -> each.startsWith(ignored)).forEach(read::add);
    }

    /**
     * Reads a linear layer: {@code name.weight} [out, in] and {@code name.bias} [out].
     *
     * @param name the name, relative to the prefix
     * @param in the number of input features
     * @param out the number of output features
     * @return the layer
     * @throws CheckpointException if a tensor is missing or invalid
     */
    public Linear linear(String name, long in, long out) {
        return linear(host(name + ".weight", out, in), host(name + ".bias", out));
    }

    /**
     * Reads a linear layer without bias: {@code name.weight} [out, in].
     *
     * @param name the name, relative to the prefix
     * @param in the number of input features
     * @param out the number of output features
     * @return the layer
     * @throws CheckpointException if the tensor is missing or invalid
     */
    public Linear linearWithoutBias(String name, long in, long out) {
        return linear(host(name + ".weight", out, in), null);
    }

    /**
     * Packs a linear layer from tensors, such as rows of a larger matrix.
     *
     * @param weight [out, in]
     * @param bias [out], or null for none
     * @return the layer
     */
    public Linear linear(HostTensor weight, @Nullable HostTensor bias) {
        return new Linear(backend, backend.packLinear(workspace, new LinearParameters(weight, bias), precision));
    }

    /**
     * Packs a convolution over channels-last videos.
     *
     * @param weight [out, in, kt, kh, kw]
     * @param bias [out]
     * @param stride the strides
     * @param padding the zeros around the input
     * @return the packed weights
     */
    public ConvolutionWeights convolution(HostTensor weight, HostTensor bias, Dims3 stride, Padding padding) {
        ConvolutionParameters parameters = new ConvolutionParameters(weight, bias, stride, padding);
        return backend.packConvolution(workspace, parameters, precision);
    }

    /**
     * Reads a vector, such as the weight of a norm or a bias.
     *
     * @param name the name, relative to the prefix
     * @param length the expected number of elements
     * @return [length] in F32
     * @throws CheckpointException if the tensor is missing or invalid
     */
    public Tensor vector(String name, long length) {
        return tensor(name, length);
    }

    /**
     * Reads a vector and applies a function to its elements.
     *
     * @param name the name, relative to the prefix
     * @param length the expected number of elements
     * @param function the function, for example w -> 1 + w
     * @return [length] in F32
     * @throws CheckpointException if the tensor is missing or invalid
     */
    public Tensor vector(String name, long length, DoubleUnaryOperator function) {
        HostTensor stored = host(name, length);
        if (!backend.computes()) {
            return backend.upload(workspace, stored, DType.F32);
        }
        float[] values = stored.toFloats();
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) function.applyAsDouble(values[i]);
        }
        return backend.upload(workspace, HostTensor.of(values, length), DType.F32);
    }

    /**
     * Reads a tensor of any rank.
     *
     * @param name the name, relative to the prefix
     * @param shape the expected shape
     * @return the tensor in F32
     * @throws CheckpointException if the tensor is missing or invalid
     */
    public Tensor tensor(String name, long... shape) {
        return backend.upload(workspace, host(name, shape), DType.F32);
    }

    /**
     * Reads a tensor without packing it.
     *
     * @param name the name, relative to the prefix
     * @param shape the expected shape
     * @return the tensor as stored, sharing the memory of the file
     * @throws CheckpointException if the tensor is missing or invalid
     */
    public HostTensor host(String name, long... shape) {
        HostTensor tensor = declared(name, Shape.of(shape));
        requireFinite(name, tensor);
        return tensor;
    }

    /**
     * Reads rows of a matrix, such as the embeddings of tokens. Only these rows are loaded from the file and checked for NaN and
     * infinities.
     *
     * @param name the name, relative to the prefix
     * @param indices the rows, from 0, in the order of the result; rows may repeat
     * @param count the expected number of rows of the matrix
     * @param width the expected number of columns of the matrix
     * @return [indices.length, width] in F32
     * @throws CheckpointException if the matrix is missing or invalid
     * @throws IndexOutOfBoundsException if an index is negative or not below the count
     */
    public Tensor rows(String name, long[] indices, long count, long width) {
        HostTensor matrix = declared(name, Shape.of(count, width));
        Tensor rows = workspace.allocate(DType.F32, indices.length, width);
        for (int i = 0; i < indices.length; i++) {
            long index = Objects.checkIndex(indices[i], count);
            HostTensor row = matrix.slice(index, index + 1);
            requireFinite(name, row);
            backend.write(row, rows.slice(i, i + 1L));
            row.unload();
        }
        return rows;
    }

    /** Returns a tensor. Checks its name, shape and type, but not its values. */
    private HostTensor declared(String name, Shape expected) {
        if (!has(name)) {
            throw new CheckpointException(checkpoint + ": expected a tensor '" + prefix + name + "' of shape "
                    + expected + ", found none of that name; use the configuration and the weights of one model");
        }
        HostTensor tensor = checkpoint.tensor(prefix + name);
        if (!tensor.shape().equals(expected)) {
            throw new CheckpointException(
                    checkpoint + ": tensor '" + prefix + name + "': expected the shape " + expected
                            + ", found " + SafeText.of(tensor.shape().toString())
                            + "; use the configuration and the weights of one model");
        }
        DType dtype = tensor.dtype();
        if (dtype != DType.F32 && dtype != DType.F16 && dtype != DType.BF16) {
            throw new CheckpointException(checkpoint + ": tensor '" + prefix + name
                    + "': expected weights of F32, F16 or BF16, found " + dtype + "; convert them");
        }
        read.add(prefix + name);
        return tensor;
    }

    private void requireFinite(String name, HostTensor tensor) {
        if (backend.computes() && !FiniteValues.areIn(tensor)) {
            throw new CheckpointException(
                    checkpoint + ": tensor '" + prefix + name
                            + "': expected finite weights, found NaN or an infinity; use other weights: training diverged, or the file is damaged");
        }
    }

    /**
     * Checks that every tensor of the checkpoint was read or ignored.
     *
     * @throws CheckpointException if tensors were neither read nor ignored; the message names the first five
     * @throws IllegalStateException if this object has a prefix
     */
    public void requireAllRead() {
        if (!prefix.isEmpty()) {
            throw new IllegalStateException(
                    "weights must be those of the whole checkpoint, found those under " + prefix);
        }
        List<String> extra =
                checkpoint.names().stream().filter(name -> !read.contains(name)).toList();
        if (!extra.isEmpty()) {
            throw new CheckpointException(checkpoint + ": expected " + read.size() + " tensors, found " + extra.size()
                    + " more that the configuration does not use: "
                    + extra.stream().limit(5).map(SafeText::of).collect(Collectors.joining(", "))
                    + (extra.size() > 5 ? ", ..." : "")
                    + "; use the configuration and the weights of one model");
        }
    }

    private static String asPrefix(String name) {
        return name.endsWith(".") ? name : name + ".";
    }
}
