package io.lingen;

import io.lingen.core.Shape;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.op.Grid;
import io.lingen.vae.VideoDecoder;
import java.util.ArrayList;
import java.util.List;

/**
 * Plans how a model resumes or decodes saved latents, and rejects latents that the model can't use.
 *
 * @param file the latents
 * @param model the model
 */
record LatentFilePlanner(LatentFile file, LoadedModel model) {
    /**
     * Plans the remaining steps.
     *
     * @throws CheckpointException if the latents belong to another model or other LoRAs, or have an unexpected size
     * @throws IllegalArgumentException if they were computed on another backend or in another precision
     */
    VideoPlan planToResume() {
        VideoPlan plan = recordedPlan();
        VideoProvenance recorded = file.provenance();
        VideoProvenance own = model.provenance(plan, recorded.encodedPrompt());
        requireSame("backend", recorded.backend(), own.backend());
        requireSame("precision", recorded.precision(), own.precision());
        if (!recorded.modelHash().equals(own.modelHash())) {
            requireSameLoras(recorded, own);
            throw new CheckpointException(file.path() + ": expected latents of the model " + model.name()
                    + " with SHA-256 " + own.modelHash() + ", found those of " + recorded.model() + " with "
                    + recorded.modelHash() + "; resume with the recorded model");
        }
        return plan;
    }

    private void requireSameLoras(VideoProvenance recorded, VideoProvenance own) {
        if (!recorded.loras().equals(own.loras())) {
            throw new CheckpointException(file.path() + ": expected the LoRAs that the video was started with, "
                    + recorded.describeLoras() + ", found " + own.describeLoras()
                    + "; resume with the same files and scales (--lora FILE:SCALE)");
        }
    }

    private VideoPlan recordedPlan() {
        VideoPlan plan;
        try {
            plan = model.recordedPlan(file.provenance().request());
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(
                    file.path() + ": expected a request that the model " + model.name() + " supports, found: "
                            + e.getMessage(),
                    e);
        }
        if (!plan.latent().equals(file.latent().shape())) {
            throw new CheckpointException(file.path() + ": expected a latent " + plan.latent()
                    + " for the recorded request, found " + file.latent().shape()
                    + "; the file is damaged or belongs to another model");
        }
        return plan;
    }

    private void requireSame(String what, String recorded, String own) {
        if (!recorded.equals(own)) {
            throw new IllegalArgumentException(what + " must be " + recorded + " to resume " + file.path() + ", found "
                    + own + "; load the pipeline with " + recorded);
        }
    }

    /**
     * Plans the decoding of the latents without further steps. The decoder may belong to another model.
     *
     * @throws CheckpointException if the decoder expects another number of channels
     */
    VideoPlan planToDecode() {
        Shape latent = file.latent().shape();
        try (ModelComponents.Use<VideoDecoder> use = model.components().decoder(false)) {
            VideoDecoder decoder = use.component();
            int channels = decoder.latentChannels();
            if (latent.length(0) != channels) {
                throw new CheckpointException(file.path() + ": expected latents [" + channels
                        + ", T, H, W] for the decoder of the model " + model.name() + ", found " + latent);
            }
            Grid cells = new Grid((int) latent.length(1), (int) latent.length(2), (int) latent.length(3));
            return VideoPlan.of(file.provenance().request(), decoder.framesOf(cells), latent);
        }
    }

    /** The provenance of the decoded video: the recorded one with the differences. */
    VideoProvenance decodedProvenance(VideoPlan plan) {
        VideoProvenance recorded = file.provenance();
        VideoProvenance own = model.provenance(plan, recorded.encodedPrompt());
        List<String> differences = new ArrayList<>();
        if (file.step() < file.steps()) {
            differences.add("after step " + file.step() + " of " + file.steps());
        }
        if (!own.modelHash().equals(recorded.modelHash())) {
            differences.add("by the decoder of " + own.model() + " " + own.modelHash());
        }
        if (!own.backend().equals(recorded.backend()) || !own.precision().equals(recorded.precision())) {
            differences.add("on " + own.backend() + " in " + own.precision());
        }
        return differences.isEmpty() ? recorded : recorded.withDecoded(String.join(", ", differences));
    }
}
