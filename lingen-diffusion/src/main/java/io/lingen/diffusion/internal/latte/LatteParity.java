package io.lingen.diffusion.internal.latte;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.CloseableStack;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Guidance;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.Prediction;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Sampling;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.internal.sampler.DdimSampler;
import io.lingen.diffusion.internal.sampler.DdpmSampler;
import io.lingen.diffusion.internal.sampler.NoiseSchedule;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Comparisons of a Latte transformer and its samplers with another implementation. The tensors of fixtures are in docs/checkpoint-format.md.
 */
public final class LatteParity {
    private static final String LATENT = "latent_vp";

    /** The default guidance of runs with classes, as in the scripts of Latte's authors. */
    private static final double CLASS_GUIDANCE = 7;

    /** The default guidance of runs with a negative prompt, as in the pipeline of diffusers. */
    private static final double TEXT_GUIDANCE = 7.5;

    private LatteParity() {}

    /**
     * {@return whether a fixture has a pass}
     *
     * @param names the names of all tensors of the fixture
     */
    public static boolean hasPass(Set<String> names) {
        return names.contains(LATENT) || names.contains("epsilon");
    }

    /**
     * {@return whether a fixture has runs of samplers}
     *
     * @param names the names of all tensors of the fixture
     */
    public static boolean hasRuns(Set<String> names) {
        return names.contains("ddim.noise") || names.contains("ddpm.noise");
    }

    /**
     * Compares a pass. Inputs are {@code latent_vp} and {@code timestep}; expected are {@code epsilon}, {@code variance} and taps. If there is
     * a {@code velocity}, it is compared too, at {@code latent} and {@code t} of the rectified flow.
     *
     * @param check the fixture and the comparisons
     * @param denoiser on the backend of the check
     * @param schedule the noise levels of the training
     * @throws CheckpointException if the fixture lacks an input
     */
    public static void comparePass(ParityCheck check, Denoiser denoiser, NoiseSchedule schedule) {
        HostTensor output = check.predict(
                denoiser, check.input(LATENT), check.input("timestep"), condition(check), check.taps("tap."));
        long channels = check.input(LATENT).shape().length(0);
        compareIfExpected(check, "epsilon", output.slice(0, channels));
        if (denoiser.prediction() == Prediction.NOISE_AND_VARIANCE) {
            compareIfExpected(check, "variance", output.slice(channels, 2 * channels));
        } else if (check.has("variance")) {
            check.skip("variance", "the model has learn_sigma false");
        }
        if (check.has("velocity")) {
            Backend backend = check.backend();
            try (Workspace workspace = backend.newWorkspace();
                    Conditioning conditioning = denoiser.condition(condition(check))) {
                Tensor latent = backend.upload(workspace, check.input("latent"), DType.F32);
                Tensor velocity = workspace.allocate(DType.F32, latent.shape());
                schedule.velocity(backend, denoiser.prediction(), Guidance.conditionalOnly(denoiser, conditioning))
                        .predict(latent, check.input("t").get(0), velocity);
                check.compare("velocity", backend.download(velocity));
            }
        }
    }

    private static void compareIfExpected(ParityCheck check, String name, HostTensor found) {
        if (check.has(name)) {
            check.compare(name, found);
        }
    }

    /**
     * Compares runs of the samplers DDIM and DDPM: {@code NAME.first}, the latent after the first step, and {@code NAME.sample}, the latent at
     * the end. Inputs are {@code NAME.noise}, {@code NAME.timesteps}, and optionally {@code NAME.guidance} and {@code NAME.negative.0}.
     *
     * @param check the fixture and the comparisons
     * @param denoiser on the backend of the check
     * @param schedule the noise levels of the training
     * @throws CheckpointException if the fixture lacks an input
     */
    public static void compareRuns(ParityCheck check, Denoiser denoiser, NoiseSchedule schedule) {
        Backend backend = check.backend();
        if (check.has("ddim.noise")) {
            int[] timesteps = timesteps(check, "ddim");
            Sampler sampler = new DdimSampler(backend, schedule, timesteps, denoiser.prediction(), 0, 0);
            compareRun(check, denoiser, "ddim", sampler, step -> amplitude(schedule, timesteps, step));
        }
        if (check.has("ddpm.noise")) {
            if (denoiser.prediction() != Prediction.NOISE_AND_VARIANCE) {
                check.skip("ddpm", "the sampler needs a variance, and the model has learn_sigma false");
                return;
            }
            HostTensor noise = check.input("ddpm.step_noise");
            Sampler sampler = new DdpmSampler(
                    backend,
                    schedule,
                    timesteps(check, "ddpm"),
                    (step, out) -> backend.write(
                            noise.slice(step, step + 1L).reshape(out.shape().toArray()), out));
            compareRun(check, denoiser, "ddpm", sampler, step -> 1);
        }
    }

    /** The factor from a sampler's latent before a step to that of the fixture. */
    private interface Scale {
        double of(int step);
    }

    private static double amplitude(NoiseSchedule schedule, int[] timesteps, int step) {
        return step == timesteps.length ? 1 : schedule.amplitude(timesteps[step]);
    }

    private static void compareRun(ParityCheck check, Denoiser denoiser, String name, Sampler sampler, Scale scale) {
        Backend backend = check.backend();
        try (CloseableStack owned = new CloseableStack()) {
            DenoisingFunction function = function(check, denoiser, name, owned);
            Workspace workspace = owned.add(backend.newWorkspace());
            HostTensor noise = scaled(check.input(name + ".noise"), 1 / scale.of(0));
            Tensor latent = backend.upload(workspace, noise, DType.F32);
            try (Sampling steps = sampler.sample(function, latent)) {
                steps.next();
                compareIfExpected(check, name + ".first", scaled(backend.download(latent), scale.of(1)));
                steps.forEachRemaining(step -> {});
            }
            check.compare(name + ".sample", backend.download(latent));
        }
    }

    private static DenoisingFunction function(ParityCheck check, Denoiser denoiser, String name, CloseableStack owned) {
        Condition condition = condition(check);
        boolean isClass = condition.label() != null;
        String guidance = name + ".guidance";
        double scale = isClass ? CLASS_GUIDANCE : check.has(name + ".negative.0") ? TEXT_GUIDANCE : 1;
        if (check.has(guidance)) {
            scale = check.input(guidance).get(0);
        }
        Conditioning conditional = owned.add(denoiser.condition(condition));
        if (scale == 1) {
            return Guidance.conditionalOnly(denoiser, conditional);
        }
        Condition negative = isClass
                ? Condition.NONE
                : Condition.of(List.of(new TextEmbedding(check.input(name + ".negative.0"), mask(check))));
        return Guidance.of(denoiser, conditional, owned.add(denoiser.condition(negative)), scale);
    }

    private static Condition condition(ParityCheck check) {
        if (check.has("text.0")) {
            return Condition.of(List.of(new TextEmbedding(check.input("text.0"), mask(check))));
        }
        return check.has("label") ? Condition.ofLabel((int) check.input("label").get(0)) : Condition.NONE;
    }

    private static @Nullable HostTensor mask(ParityCheck check) {
        return check.has("text_mask.0") ? check.input("text_mask.0") : null;
    }

    private static int[] timesteps(ParityCheck check, String name) {
        float[] values = check.input(name + ".timesteps").toFloats();
        int[] timesteps = new int[values.length];
        for (int i = 0; i < values.length; i++) {
            timesteps[i] = (int) values[i];
        }
        return timesteps;
    }

    private static HostTensor scaled(HostTensor tensor, double factor) {
        float[] values = tensor.toFloats();
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (values[i] * factor);
        }
        return HostTensor.of(values, tensor.shape().toArray());
    }
}
