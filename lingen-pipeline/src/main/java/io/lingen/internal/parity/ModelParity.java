package io.lingen.internal.parity;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.internal.SafeText;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.internal.sampler.NoiseSchedule;
import io.lingen.internal.Denoisers;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFamilies;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ModelSignature;
import io.lingen.spi.ParityPart;
import io.lingen.vae.LatentVideoDecoder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Collectors;

/** The parts of a model that can be compared with fixtures. Bound to the source of the model, which the caller closes. Thread-safe. */
public final class ModelParity {
    /** The parts of fixtures of published models, which not every family has. */
    private static final Set<String> PUBLISHED = Set.of("text", "transformer", "vae", "lora", "pipeline");

    private static final String LAYOUT =
            "latent, t, text.{i} and velocity; latent_vp, timestep and epsilon; latent and frames; ddim.noise and ddpm.noise;"
                    + " text.{i}.hidden; transformer.latent, .text, .t.{i} and"
                    + " .velocity.{i}; lora.velocity; vae.latent and .frames; vae.video, .mean and .logvar; pipeline.{i}.noise,"
                    + " .latents and .frames; or NAME.sample, .outputs and .samples of a sampler (docs/checkpoint-format.md)";

    private final List<ParityPart> parts;
    private final boolean model;

    private ModelParity(List<ParityPart> parts, boolean model) {
        this.parts = List.copyOf(parts);
        this.model = model;
    }

    /**
     * Finds the parts of a model. Only the components of the parts that are run need to exist.
     *
     * @param source a model folder, with the options applied; without a model_index.json it may contain a denoiser and a decoder
     * @param options files that replace or change components of the model
     * @return the parts
     * @throws CheckpointException if the model is of no family on the class path, or its index is malformed
     */
    public static ModelParity of(ModelSource source, ModelOptions options) {
        List<ParityPart> parts = new ArrayList<>();
        boolean model = source.exists(ModelSignature.FILE);
        if (model) {
            ModelDescription description = ModelFamilies.open(source, options);
            parts.add(new DenoiserPass(description::loadDenoiser));
            parts.addAll(description.parityParts());
        } else {
            BiFunction<Backend, DType, Denoiser> denoiser =
                    (backend, precision) -> Denoisers.load(source, "transformer", backend, precision);
            NoiseSchedule noise = NoiseSchedule.linear(1000, 1e-4, 2e-2);
            parts.add(new DenoiserPass(denoiser));
            parts.add(new LattePass(denoiser, noise));
            parts.add(new LatteRuns(denoiser, noise));
            parts.add(new DecoderPart(
                    (backend, precision) -> LatentVideoDecoder.load(source, "vae", backend, precision)));
        }
        parts.add(new SchedulersPart());
        return new ModelParity(parts, model);
    }

    /**
     * {@return the parts that a fixture has tensors for} They may be none.
     *
     * @param fixture the fixture
     * @throws CheckpointException if the fixture has nothing that any family could check
     */
    public List<ParityPart> in(NamedTensors fixture) {
        Set<String> names = fixture.names();
        List<ParityPart> found = parts.stream().filter(part -> part.isIn(names)).toList();
        if (found.isEmpty() && names.stream().noneMatch(name -> PUBLISHED.contains(partOf(name)))) {
            throw new CheckpointException(fixture + ": expected the tensors of at least one part of a model, found "
                    + (names.isEmpty()
                            ? "none"
                            : names.stream()
                                    .limit(5)
                                    .map(SafeText::of)
                                    .collect(Collectors.joining(", ", "", names.size() > 5 ? ", ..." : "")))
                    + "; parts are " + LAYOUT);
        }
        return found;
    }

    /**
     * {@return the parts and tensors of a fixture that nothing was compared with, each with the reason}
     *
     * @param fixture the fixture
     * @param used the names of the tensors that were inputs, compared or skipped
     */
    public Map<String, String> unused(NamedTensors fixture, Set<String> used) {
        Set<String> checked = parts.stream().map(ParityPart::name).collect(Collectors.toSet());
        Map<String, String> reasons = new LinkedHashMap<>();
        for (String name : fixture.names()) {
            String part = partOf(name);
            if (used.contains(name)) {
                continue;
            }
            if (PUBLISHED.contains(part) && !checked.contains(part)) {
                reasons.put(
                        part,
                        model
                                ? "models of this family have no such check"
                                : "a folder without " + ModelSignature.FILE + " has no such part");
            } else {
                reasons.put(name, "no part has a tensor of that name");
            }
        }
        return reasons;
    }

    private static String partOf(String name) {
        int dot = name.indexOf('.');
        return dot < 0 ? name : name.substring(0, dot);
    }
}
