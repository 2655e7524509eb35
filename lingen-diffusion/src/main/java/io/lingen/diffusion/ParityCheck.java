package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.NamedTensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A parity check: compares computed tensors with the expected ones of a fixture, in the order in which they are computed. The layouts of
 * fixtures are in docs/checkpoint-format.md. For one thread.
 */
public final class ParityCheck {
    /** The file beside a fixture that describes it. */
    public static final String JSON = "fixture.json";

    private static final String TAP = "tap.";

    private final NamedTensors fixture;
    private final @Nullable Path folder;
    private final Backend backend;
    private final Set<String> used = new TreeSet<>();
    private final Set<String> tapPrefixes = new TreeSet<>();
    private final List<Comparison> comparisons = new ArrayList<>();
    private final Map<String, HostTensor> computed = new LinkedHashMap<>();
    private final Map<String, String> skipped = new LinkedHashMap<>();

    /**
     * Creates a check without comparisons.
     *
     * @param fixture inputs and expected tensors
     * @param folder contains the other files of the fixture, such as {@value #JSON}; null for a fixture without any
     * @param backend the backend of the computed tensors
     */
    public ParityCheck(NamedTensors fixture, @Nullable Path folder, Backend backend) {
        this.fixture = fixture;
        this.folder = folder;
        this.backend = backend;
    }

    /**
     * {@return the default bound on the relative L2 error: 1e-5 in F32, 3e-2 in BF16}
     *
     * @param precision F32 or BF16
     */
    public static double defaultTolerance(DType precision) {
        return precision == DType.BF16 ? 3e-2 : 1e-5;
    }

    /**
     * The comparison of a computed tensor with the expected one.
     *
     * @param name its name in the fixture
     * @param maxAbsoluteError the largest absolute difference; infinite if the two can't be compared
     * @param relativeError the L2 norm of the difference, divided by that of the expected tensor; infinite if the two can't be compared
     * @param obstacle the reason why the two can't be compared; null if they can
     */
    public record Comparison(
            String name,
            double maxAbsoluteError,
            double relativeError,
            @Nullable String obstacle) {
        /**
         * Compares two tensors.
         *
         * @param name the name of the expected tensor
         * @param expected the expected tensor
         * @param found the computed tensor, with as many elements
         * @return the comparison
         */
        public static Comparison of(String name, HostTensor expected, HostTensor found) {
            long elements = expected.shape().elements();
            if (found.shape().elements() != elements) {
                return failed(name, "expected the shape " + expected.shape() + ", found " + found.shape());
            }
            double max = 0;
            double difference = 0;
            double norm = 0;
            for (long i = 0; i < elements; i++) {
                double reference = expected.get(i);
                double error = found.get(i) - reference;
                max = Math.max(max, Math.abs(error));
                difference += error * error;
                norm += reference * reference;
            }
            return new Comparison(name, max, difference == 0 ? 0 : Math.sqrt(difference / norm), null);
        }

        private static Comparison failed(String name, String obstacle) {
            return new Comparison(name, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, obstacle);
        }

        /**
         * {@return whether the relative error is at most a tolerance; false for NaN}
         *
         * @param tolerance the largest accepted relative error
         */
        public boolean isWithin(double tolerance) {
            return relativeError <= tolerance;
        }
    }

    /**
     * The result of a parity check.
     *
     * @param comparisons in the order in which the tensors were computed
     * @param computed the computed tensors by the names of their comparisons
     * @param skipped the parts that were not checked, each with the reason
     */
    public record Result(List<Comparison> comparisons, Map<String, HostTensor> computed, Map<String, String> skipped) {}

    /** {@return the backend of the computed tensors} */
    public Backend backend() {
        return backend;
    }

    /** {@return the names of all tensors of the fixture} */
    public Set<String> names() {
        return fixture.names();
    }

    /**
     * {@return whether the fixture has a tensor}
     *
     * @param name its name
     */
    public boolean has(String name) {
        return fixture.names().contains(name);
    }

    /**
     * {@return an input}
     *
     * @param name its name
     * @throws CheckpointException if the fixture has no such tensor
     */
    public HostTensor input(String name) {
        used.add(name);
        return fixture.tensor(name);
    }

    /**
     * {@return the description of the fixture, {@value #JSON}}
     *
     * @throws CheckpointException if the file is missing or not a JSON object
     */
    public ConfigReader json() {
        try (ModelSource files = ModelSource.of(requireFolder(JSON))) {
            return files.config(JSON);
        }
    }

    /**
     * {@return the path of a file beside the fixture, which may be missing}
     *
     * @param name the name of the file
     * @throws CheckpointException if the fixture is not in a folder
     */
    public Path file(String name) {
        return requireFolder(name).resolve(name);
    }

    private Path requireFolder(String file) {
        if (folder == null) {
            throw new CheckpointException("parity fixture must have a file " + file + " beside it, found no folder");
        }
        return folder;
    }

    /**
     * {@return taps that compare each tensor that the fixture expects} {@link Taps#NONE} if it expects none under the prefix.
     *
     * @param prefix the beginning of the names in the fixture, which the names of taps follow
     */
    public Taps taps(String prefix) {
        if (fixture.names().stream().noneMatch(name -> name.startsWith(prefix))) {
            return Taps.NONE;
        }
        tapPrefixes.add(prefix);
        return (name, tensor) -> {
            if (has(prefix + name)) {
                compare(prefix + name, backend.download(tensor));
            }
        };
    }

    /**
     * Compares a computed tensor with the expected one of the fixture.
     *
     * @param name the name of the expected tensor
     * @param found the computed tensor
     * @throws CheckpointException if the fixture has no such tensor
     */
    public void compare(String name, HostTensor found) {
        compare(name, name, found);
    }

    /**
     * Compares a tensor that was computed in several ways with the expected one of the fixture.
     *
     * @param name the name of the expected tensor
     * @param variant the name of the comparison
     * @param found the computed tensor
     * @throws CheckpointException if the fixture has no such tensor
     */
    public void compare(String name, String variant, HostTensor found) {
        comparisons.add(Comparison.of(variant, input(name), found));
        computed.put(variant, found);
    }

    /**
     * Adds the comparison of values that are not a tensor of the fixture.
     *
     * @param name the name of the comparison
     * @param obstacle the difference between the expected and the computed values; null if they are equal
     */
    public void compareExactly(String name, @Nullable String obstacle) {
        comparisons.add(obstacle == null ? new Comparison(name, 0, 0, null) : Comparison.failed(name, obstacle));
    }

    /**
     * Leaves out a part of the fixture.
     *
     * @param part the name of a tensor or, followed by a dot, the beginning of several names
     * @param reason the reason, for the user
     */
    public void skip(String part, String reason) {
        skipped.put(part, reason);
        fixture.names().stream()
                .filter(name -> name.equals(part) || name.startsWith(part + "."))
                .forEach(used::add);
    }

    /**
     * Compares one pass of a denoiser. Inputs are {@code latent}, {@code t}, {@code text.{i}} and optionally {@code text_mask.{i}} and {@code
     * label}. Expected are {@code velocity} (or {@code noise}, for a denoiser that predicts noise) and optionally {@code tap.<name>}.
     *
     * @param denoiser the denoiser, on the backend of this check
     * @throws CheckpointException if the fixture lacks an input
     */
    public void compareDenoiser(Denoiser denoiser) {
        require("latent");
        require("t");
        String output = nameOf(denoiser.prediction());
        require(output);
        compare(output, predict(denoiser, input("latent"), input("t"), condition(), taps(TAP)));
    }

    /**
     * {@return the output of one pass of a denoiser}
     *
     * @param denoiser the denoiser, on the backend of this check
     * @param latent [C, T, H, W]
     * @param t the time, [1]
     * @param condition the condition
     * @param taps receives intermediate results
     */
    public HostTensor predict(Denoiser denoiser, HostTensor latent, HostTensor t, Condition condition, Taps taps) {
        try (Workspace workspace = backend.newWorkspace();
                Conditioning conditioning = denoiser.condition(condition, taps)) {
            Tensor noisy = backend.upload(workspace, latent, DType.F32);
            Tensor predicted =
                    workspace.allocate(DType.F32, denoiser.prediction().outputOf(noisy.shape()));
            denoiser.predict(noisy, t.get(0), conditioning, predicted, taps);
            return backend.download(predicted);
        }
    }

    private static String nameOf(Prediction prediction) {
        return switch (prediction) {
            case VELOCITY, VELOCITY_TO_NOISE -> "velocity";
            case NOISE, NOISE_AND_VARIANCE -> "noise";
        };
    }

    private Condition condition() {
        List<TextEmbedding> texts = new ArrayList<>();
        for (int i = 0; has("text." + i); i++) {
            String mask = "text_mask." + i;
            texts.add(new TextEmbedding(input("text." + i), has(mask) ? input(mask) : null));
        }
        return new Condition(
                texts, has("label") ? (Integer) (int) input("label").get(0) : null);
    }

    private void require(String name) {
        if (!has(name)) {
            throw new CheckpointException(
                    "parity fixture must have the tensors latent, t, text.{i} and velocity (or noise), found none named '"
                            + name + "'");
        }
    }

    /** Ends the check: taps that the fixture expects and that were not computed become failed comparisons. */
    public void end() {
        for (String prefix : tapPrefixes) {
            for (String name : fixture.names()) {
                if (name.startsWith(prefix) && used.add(name)) {
                    compareExactly(name, "the network has no such tap");
                }
            }
        }
    }

    /** {@return the names of all tensors of the fixture that were inputs, compared or skipped} */
    public Set<String> used() {
        return Set.copyOf(used);
    }

    /** {@return the comparisons so far} */
    public Result result() {
        return new Result(List.copyOf(comparisons), Map.copyOf(computed), new LinkedHashMap<>(skipped));
    }

    /**
     * Compares one pass of a denoiser; see {@link #compareDenoiser(Denoiser)}.
     *
     * @param denoiser the denoiser
     * @param fixture inputs and expected tensors
     * @return all comparisons
     * @throws CheckpointException if the fixture lacks an input
     */
    public static Result run(Denoiser denoiser, NamedTensors fixture) {
        ParityCheck check = new ParityCheck(fixture, null, denoiser.backend());
        check.compareDenoiser(denoiser);
        check.end();
        return check.result();
    }
}
