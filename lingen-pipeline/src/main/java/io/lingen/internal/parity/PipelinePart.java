package io.lingen.internal.parity;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.internal.CloseableStack;
import io.lingen.diffusion.Condition;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Guidance;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Sampling;
import io.lingen.diffusion.internal.sampler.FlowEulerSampler;
import io.lingen.diffusion.internal.sampler.FlowSigmas;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ParityPart;
import io.lingen.spi.SamplingSettings;
import io.lingen.text.TextEncoder.Progress;
import io.lingen.text.TextEncoder.Prompt;
import io.lingen.text.TextEncoders;
import io.lingen.vae.FrameStream;
import io.lingen.vae.VideoDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Whole runs of a published model, from prompt and noise to latents and frames. Encoders, denoiser and decoder are in memory one after the
 * other.
 *
 * @param model the model
 * @param loader loads the text encoders of a run
 */
public record PipelinePart(ModelDescription model, Loader loader) implements ParityPart {
    private static final double TOLERANCE_F32 = 3e-5;
    private static final String FOLDER = "scheduler/";
    private static final String EULER = "euler";

    /** Loads text encoders. */
    @FunctionalInterface
    public interface Loader {
        /**
         * {@return the encoders, to be closed by the caller}
         *
         * @param backend the backend that computes; closed after the encoders
         * @param precision the type of matrix products and activations, F32 or BF16
         * @param run the settings of the run, of which a family reads its own
         */
        TextEncoders load(Backend backend, DType precision, ConfigReader run);
    }

    @Override
    public String name() {
        return "pipeline";
    }

    @Override
    public boolean isIn(Set<String> names) {
        return names.stream().anyMatch(name -> name.matches("pipeline\\.\\d+\\.noise"));
    }

    /** {@return a larger tolerance in F32, since errors grow with every step} */
    @Override
    public double tolerance(DType precision) {
        return precision == DType.F32 ? TOLERANCE_F32 : ParityCheck.defaultTolerance(precision);
    }

    @Override
    public void run(ParityCheck check, DType precision) {
        ConfigReader runs = check.json().object("pipeline");
        for (int i = 0; check.has("pipeline." + i + ".noise"); i++) {
            run(check, "pipeline." + i, runs.object(Integer.toString(i)), precision);
        }
    }

    private void run(ParityCheck check, String name, ConfigReader run, DType precision) {
        double guidance = run.number("guidance", 0, SamplingSettings.MAX_GUIDANCE);
        List<Condition> conditions = encode(check.backend(), precision, run, guidance > 1);
        HostTensor latents =
                denoise(check.backend(), precision, run, check.input(name + ".noise"), conditions, guidance);
        check.compare(name + ".latents", latents);
        if (check.has(name + ".frames")) {
            check.compare(name + ".frames", decode(check.backend(), precision, latents));
        }
    }

    /** {@return the prompt and, if guided, the negative prompt, which is empty by default} */
    private List<Condition> encode(Backend backend, DType precision, ConfigReader run, boolean guided) {
        List<Prompt> prompts = new ArrayList<>(List.of(Prompt.of(run.text("prompt"))));
        if (guided) {
            prompts.add(Prompt.negative(run.textOr("negative", "")));
        }
        try (TextEncoders encoders = loader.load(backend, precision, run)) {
            return encoders.encode(prompts, Progress.NONE).stream()
                    .map(Condition::of)
                    .toList();
        }
    }

    private HostTensor denoise(
            Backend backend,
            DType precision,
            ConfigReader run,
            HostTensor noise,
            List<Condition> conditions,
            double guidance) {
        try (CloseableStack owned = new CloseableStack()) {
            Denoiser denoiser = owned.add(model.loadDenoiser(backend, precision));
            Conditioning conditional = owned.add(denoiser.condition(conditions.get(0)));
            DenoisingFunction function = conditions.size() == 1
                    ? Guidance.conditionalOnly(denoiser, conditional)
                    : Guidance.of(denoiser, conditional, owned.add(denoiser.condition(conditions.get(1))), guidance);
            Tensor latent = backend.upload(owned.add(backend.newWorkspace()), noise, DType.F32); // [C, T, H, W]
            try (Sampling sampling = sampler(backend, run, guidance).sample(function, latent)) {
                sampling.forEachRemaining(step -> {});
            }
            return backend.download(latent);
        }
    }

    private Sampler sampler(Backend backend, ConfigReader run, double guidance) {
        int steps = run.integer("steps", 1, SamplingSettings.MAX_STEPS);
        String scheduler = run.textOr("scheduler", FOLDER);
        switch (scheduler) {
            case FOLDER:
                SamplingSettings of = model.limits().sampling(null);
                SamplingSettings settings = new SamplingSettings(
                        of.sampler(), of.schedule(), of.shift(), of.times(), steps, guidance, of.eta());
                return model.sampler(backend, settings, 0);
            case EULER:
                double shift = run.numberOr("shift", 1, 1e-3, SamplingSettings.MAX_SHIFT);
                return new FlowEulerSampler(backend, FlowSigmas.flowEuler(steps, shift));
            default:
                throw run.error("scheduler", '"' + scheduler + '"', '"' + FOLDER + "\" or \"" + EULER + '"');
        }
    }

    /** {@return frames [F, 3, H, W] from 0 to 1} */
    private HostTensor decode(Backend backend, DType precision, HostTensor latents) {
        try (VideoDecoder decoder = model.loadDecoder(backend, precision);
                Workspace workspace = backend.newWorkspace();
                FrameStream stream = decoder.frames(backend.upload(workspace, latents, DType.F32))) {
            int pixels = stream.height() * stream.width();
            float[] frames = new float[Math.multiplyExact(stream.frameCount(), 3 * pixels)];
            for (int frame = 0; stream.hasNext(); frame++) {
                float[] values = stream.nextValues().toFloats(); // [H, W, 3]
                for (int i = 0; i < values.length; i++) {
                    float unit = values[i] / 2 + 0.5f;
                    frames[(frame * 3 + i % 3) * pixels + i / 3] = Math.max(0, Math.min(unit, 1));
                }
            }
            return HostTensor.of(frames, stream.frameCount(), 3, stream.height(), stream.width());
        }
    }
}
