package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.SafetensorsFile;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A parity check: runs one denoiser pass on the inputs of a fixture and compares the results with the expected tensors.
 *
 * <p>The layout of a fixture is in docs/checkpoint-format.md. Inputs are {@code latent}, {@code t}, {@code text.{i}} and optionally {@code
 * text_mask.{i}} and {@code label}. Expected are {@code velocity} (or {@code noise}, for a denoiser that predicts noise) and optionally
 * {@code tap.<name>}.
 */
public final class ParityCheck {
    private static final String TAP = "tap.";

    private ParityCheck() {}

    /**
     * {@return the default bound on the relative L2 error: 1e-5 in F32, 2e-2 in BF16}
     *
     * @param precision F32 or BF16
     */
    public static double defaultTolerance(DType precision) {
        return precision == DType.BF16 ? 2e-2 : 1e-5;
    }

    /**
     * The comparison of a computed tensor with the expected one.
     *
     * @param name its name in the fixture
     * @param maxAbsoluteError the largest absolute difference
     * @param relativeError the L2 norm of the difference, divided by that of the expected tensor
     */
    public record Comparison(String name, double maxAbsoluteError, double relativeError) {}

    /**
     * The result of a parity check.
     *
     * @param comparisons in the fixture's order of names, the prediction first
     * @param computed the computed counterpart of every expected tensor, by its name in the fixture
     */
    public record Result(List<Comparison> comparisons, Map<String, HostTensor> computed) {
        /** {@return the largest relative error; NaN if any is NaN} */
        public double worst() {
            double worst = 0;
            for (Comparison comparison : comparisons) {
                // Math.max propagates NaN, which exceeds every tolerance.
                worst = Math.max(worst, comparison.relativeError());
            }
            return worst;
        }
    }

    /**
     * Runs the pass and compares its results.
     *
     * @param denoiser the denoiser
     * @param fixture inputs and expected tensors
     * @return all comparisons
     * @throws CheckpointException if the fixture lacks an input, or expects a tap that the denoiser does not have
     */
    public static Result run(Denoiser denoiser, SafetensorsFile fixture) {
        Backend backend = denoiser.backend();
        require(fixture, "latent");
        require(fixture, "t");
        String output = nameOf(denoiser.prediction());
        require(fixture, output);
        Map<String, HostTensor> computed = new LinkedHashMap<>();
        Taps taps = (name, tensor) -> {
            if (fixture.names().contains(TAP + name)) {
                computed.put(TAP + name, backend.download(tensor));
            }
        };
        boolean tapped = fixture.names().stream().anyMatch(name -> name.startsWith(TAP));
        HostTensor latent = fixture.tensor("latent");
        float t = fixture.tensor("t").get(0);
        try (Workspace workspace = backend.newWorkspace();
                Conditioning conditioning = denoiser.condition(condition(fixture), tapped ? taps : Taps.NONE)) {
            Tensor noisy = backend.upload(workspace, latent, DType.F32);
            Tensor predicted =
                    workspace.allocate(DType.F32, denoiser.prediction().outputOf(noisy.shape()));
            denoiser.predict(noisy, t, conditioning, predicted, tapped ? taps : Taps.NONE);
            computed.put(output, backend.download(predicted));
        }
        return new Result(compare(fixture, output, computed), computed);
    }

    private static String nameOf(Prediction prediction) {
        return switch (prediction) {
            case VELOCITY, VELOCITY_TO_NOISE -> "velocity";
            case NOISE, NOISE_AND_VARIANCE -> "noise";
        };
    }

    private static Condition condition(SafetensorsFile fixture) {
        List<TextEmbedding> texts = new ArrayList<>();
        for (int i = 0; fixture.names().contains("text." + i); i++) {
            String mask = "text_mask." + i;
            texts.add(new TextEmbedding(
                    fixture.tensor("text." + i), fixture.names().contains(mask) ? fixture.tensor(mask) : null));
        }
        boolean labelled = fixture.names().contains("label");
        return new Condition(
                texts, labelled ? (Integer) (int) fixture.tensor("label").get(0) : null);
    }

    private static List<Comparison> compare(SafetensorsFile fixture, String output, Map<String, HostTensor> computed) {
        List<Comparison> comparisons = new ArrayList<>();
        comparisons.add(compare(output, fixture.tensor(output), computed.get(output)));
        for (String name : fixture.names()) {
            if (name.startsWith(TAP)) {
                HostTensor found = computed.get(name);
                if (found == null) {
                    throw new CheckpointException("fixture must expect taps of this denoiser, found '" + name
                            + "'; the taps are listed in docs/checkpoint-format.md");
                }
                comparisons.add(compare(name, fixture.tensor(name), found));
            }
        }
        return comparisons;
    }

    /**
     * Compares two tensors with the same number of elements.
     *
     * @param name the name of the expected tensor
     * @param expected the expected tensor
     * @param found the computed tensor
     * @return the comparison
     * @throws CheckpointException if the numbers of elements differ
     */
    public static Comparison compare(String name, HostTensor expected, HostTensor found) {
        long elements = expected.shape().elements();
        if (found.shape().elements() != elements) {
            throw new CheckpointException(
                    "'" + name + "': expected the shape " + expected.shape() + ", found " + found.shape());
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
        return new Comparison(name, max, difference == 0 ? 0 : Math.sqrt(difference / norm));
    }

    private static void require(SafetensorsFile fixture, String name) {
        if (!fixture.names().contains(name)) {
            throw new CheckpointException(
                    "parity fixture must have the tensors latent, t, text.{i} and velocity (or noise), found none named '"
                            + name + "'");
        }
    }
}
