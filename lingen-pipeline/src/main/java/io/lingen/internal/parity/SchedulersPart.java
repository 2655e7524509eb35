package io.lingen.internal.parity;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Sampling;
import io.lingen.diffusion.internal.sampler.DmdSampler;
import io.lingen.diffusion.internal.sampler.FlowSigmas;
import io.lingen.diffusion.internal.sampler.StepNoise;
import io.lingen.internal.diffusers.DiffusersScheduler;
import io.lingen.internal.sampling.FlowSamplers;
import io.lingen.spi.ParityPart;
import io.lingen.spi.SamplingSettings;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntToDoubleFunction;

/**
 * The samplers of published flow models, on recorded outputs of a denoiser. Needs no model. A case NAME starts at {@code NAME.sample} and takes
 * a step with each of {@code NAME.outputs}, and, for a few-step sampler, of {@code NAME.noise}. The samples after the steps are {@code
 * NAME.samples}; noise levels and times are {@code NAME.sigmas} and {@code NAME.timesteps}.
 */
final class SchedulersPart implements ParityPart {
    private static final String OUTPUTS = ".outputs";

    /** The kind of a few-step sampler. */
    private static final String FEW_STEPS = "dmd";

    @Override
    public String name() {
        return "schedulers";
    }

    @Override
    public boolean isIn(Set<String> names) {
        return names.stream().anyMatch(name -> isCase(name, names));
    }

    private static boolean isCase(String name, Set<String> names) {
        return name.endsWith(OUTPUTS) && names.contains(caseOf(name) + ".sample");
    }

    private static String caseOf(String outputs) {
        return outputs.substring(0, outputs.length() - OUTPUTS.length());
    }

    /** {@return the tolerance of F32} Samplers compute in F32 at every precision. */
    @Override
    public double tolerance(DType precision) {
        return ParityCheck.defaultTolerance(DType.F32);
    }

    @Override
    public void run(ParityCheck check, DType precision) {
        Map<String, ConfigReader> cases = new HashMap<>();
        for (ConfigReader json : check.json().objects("cases")) {
            cases.put(json.text("name"), json);
        }
        for (String name : check.names()) {
            if (isCase(name, check.names())) {
                ConfigReader json = cases.get(caseOf(name));
                if (json == null) {
                    check.skip(caseOf(name), ParityCheck.JSON + " has no case of that name");
                } else {
                    run(check, caseOf(name), json);
                }
            }
        }
    }

    private static void run(ParityCheck check, String name, ConfigReader json) {
        String kind = json.text("kind");
        ConfigReader config = json.object("config");
        HostTensor outputs = check.input(name + OUTPUTS); // [steps, ...]
        int steps = Math.toIntExact(outputs.shape().length(0));
        if (kind.equals(FEW_STEPS)) {
            FlowSigmas sigmas = FlowSigmas.ofTimes(config.numbers("timesteps", steps));
            HostTensor noise = check.input(name + ".noise"); // [steps, ...]; the last one has no effect
            long last = noise.shape().length(0) - 1;
            StepNoise recorded =
                    (step, out) -> check.backend().write(entry(noise, Math.min(step, last), out.shape()), out);
            compare(check, name, sigmas, new DmdSampler(check.backend(), sigmas, recorded), outputs);
            return;
        }
        DiffusersScheduler scheduler;
        try {
            scheduler = DiffusersScheduler.read(kind, config);
        } catch (CheckpointException e) {
            check.skip(name, String.valueOf(e.getMessage()));
            return;
        }
        SamplingSettings settings =
                new SamplingSettings(scheduler.sampler(), null, scheduler.shift(), List.of(), steps, 1, 0);
        Sampler sampler = FlowSamplers.create(check.backend(), settings, scheduler.order(), 0);
        compare(check, name, FlowSamplers.sigmas(settings), sampler, outputs);
    }

    private static void compare(
            ParityCheck check, String name, FlowSigmas sigmas, Sampler sampler, HostTensor outputs) {
        int steps = sampler.steps();
        compare(check, name + ".sigmas", sigmas::sigma, steps, steps + 1); // the last one, 0, may be left out
        compare(check, name + ".timesteps", sigmas::time, steps, steps);
        check.compare(name + ".samples", samples(check.backend(), sampler, check.input(name + ".sample"), outputs));
    }

    private static void compare(ParityCheck check, String name, IntToDoubleFunction value, int least, int most) {
        if (check.has(name)) {
            long expected = check.input(name).shape().elements();
            float[] values = new float[(int) Math.max(least, Math.min(expected, most))];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) value.applyAsDouble(i);
            }
            check.compare(name, HostTensor.of(values, values.length));
        }
    }

    /** {@return the sample after each step, [steps, ...]} */
    private static HostTensor samples(Backend backend, Sampler sampler, HostTensor start, HostTensor outputs) {
        Shape shape = start.shape();
        int elements = Math.toIntExact(shape.elements());
        float[] samples = new float[sampler.steps() * elements];
        int[] step = new int[1];
        DenoisingFunction recorded = (latent, t, out) -> backend.write(entry(outputs, step[0], shape), out);
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor sample = backend.upload(workspace, start, DType.F32);
            try (Sampling sampling = sampler.sample(recorded, sample)) {
                for (; sampling.hasNext(); step[0]++) {
                    sampling.next();
                    System.arraycopy(backend.download(sample).toFloats(), 0, samples, step[0] * elements, elements);
                }
            }
        }
        return HostTensor.of(samples, sampler.steps(), elements);
    }

    private static HostTensor entry(HostTensor tensors, long index, Shape shape) {
        return tensors.slice(index, index + 1).reshape(shape.toArray());
    }
}
