package io.lingen;

import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.Denoiser;
import io.lingen.spi.ModelFamilies;
import io.lingen.text.PromptRewriter;
import io.lingen.text.TextEncoders;
import io.lingen.vae.VideoDecoder;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model that generates videos from prompts or class labels: the entry point of the library.
 *
 * <p>Thread-safe. Several videos may be generated concurrently. Each is identical to one that is generated alone. The memory that they need
 * adds up. Owns the model and the backend. {@link #close} may be called at any time and cancels running generations. Methods of a closed
 * pipeline throw {@link IllegalStateException}.
 */
public final class TextToVideoPipeline implements AutoCloseable {
    /** The name of the embedded model, which the artifact lingen-nano contains. */
    public static final String NANO = "nano";

    private final LoadedModel model;

    private TextToVideoPipeline(LoadedModel model) {
        this.model = model;
    }

    /**
     * Loads a model with the default options.
     *
     * @param model the path of a model folder, or {@value #NANO}
     * @return the pipeline, to be closed by the caller
     * @throws CheckpointException if the model is missing or malformed
     * @throws io.lingen.core.OutOfMemoryException if the model does not fit in memory
     */
    public static TextToVideoPipeline load(String model) {
        return load(model, PipelineOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @param model the path of a model folder, or {@value #NANO}
     * @param options the options of the pipeline
     * @return the pipeline, to be closed by the caller
     * @throws CheckpointException if the model is missing or malformed
     * @throws IllegalArgumentException if the backend is unknown
     * @throws IllegalStateException if the backend is not available
     * @throws io.lingen.core.OutOfMemoryException if the model does not fit in memory
     */
    public static TextToVideoPipeline load(String model, PipelineOptions options) {
        return new TextToVideoPipeline(new LoadedModel(source(model), options));
    }

    /**
     * Opens the files of a model without loading it.
     *
     * @param model the path of a model folder, or {@value #NANO}
     * @return the files, to be closed by the caller
     * @throws CheckpointException if the model is missing
     */
    public static ModelSource source(String model) {
        return LoadedModel.source(model);
    }

    /**
     * Generates a video and writes it with its sidecar. For progress and previews, use {@link #start}.
     *
     * <p>Saves the latents every {@value LatentFile#DEFAULT_STEPS} steps, so that {@link #resume} can continue after a failure. Checks the
     * request, the memory and the output before it computes anything.
     *
     * @param request the request
     * @param target the file or folder to write; its extension selects the format, see {@link VideoWriters}
     * @return the complete video and its provenance
     * @throws IllegalArgumentException if the model or the file format does not support the request
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit in memory
     * @throws java.nio.file.FileAlreadyExistsException if a file of another video, or one that LinGen did not write, would be replaced
     * @throws IOException if the video can't be written; saved latents remain
     * @throws GenerationCancelledException if the pipeline is closed or the thread is interrupted
     */
    public VideoResult generate(VideoRequest request, Path target) throws IOException {
        return generate(request, target, new CancellationToken());
    }

    /**
     * Generates a video like {@link #generate(VideoRequest, Path)}, with a token that can cancel it.
     *
     * @param request the request
     * @param target the file or folder to write; its extension selects the format, see {@link VideoWriters}
     * @param token cancels the generation
     * @return the complete video and its provenance
     * @throws IllegalArgumentException if the model or the file format does not support the request
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit in memory
     * @throws java.nio.file.FileAlreadyExistsException if a file of another video, or one that LinGen did not write, would be replaced
     * @throws IOException if the video can't be written; saved latents remain
     * @throws GenerationCancelledException if the token is cancelled, the pipeline is closed or the thread is interrupted
     */
    public VideoResult generate(VideoRequest request, Path target, CancellationToken token) throws IOException {
        return generate(request, VideoOutput.of(target), token);
    }

    /**
     * Generates a video like {@link #generate(VideoRequest, Path, CancellationToken)}, with options for its files.
     *
     * @param request the request
     * @param output the files to write
     * @param token cancels the generation
     * @return the complete video and its provenance
     * @throws IllegalArgumentException if the model or the file format does not support the request
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit in memory
     * @throws java.nio.file.FileAlreadyExistsException if a file exists that the output must not replace
     * @throws IOException if the video can't be written; saved latents remain
     * @throws GenerationCancelledException if the token is cancelled, the pipeline is closed or the thread is interrupted
     */
    public VideoResult generate(VideoRequest request, VideoOutput output, CancellationToken token) throws IOException {
        VideoWriters.check(output.video(), plan(request).format());
        output.requireWritable();
        try (Generation generation = start(request, token)) {
            generation.saveLatents(output.video(), LatentFile.DEFAULT_STEPS, false);
            return generation.write(output);
        }
    }

    /**
     * Starts a generation: checks the request and the memory, and encodes the prompts. Takes no steps.
     *
     * @param request the request
     * @return the generation, to be closed by the caller
     * @throws IllegalArgumentException if the model does not support the request
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit in memory
     * @throws GenerationCancelledException if the thread is interrupted
     */
    public Generation start(VideoRequest request) {
        return start(request, new CancellationToken());
    }

    /**
     * Starts a generation like {@link #start(VideoRequest)}, with a token that can cancel it.
     *
     * @param request the request
     * @param token cancels the generation
     * @return the generation, to be closed by the caller
     * @throws IllegalArgumentException if the model does not support the request
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit in memory
     * @throws GenerationCancelledException if the token is cancelled or the thread is interrupted
     */
    public Generation start(VideoRequest request, CancellationToken token) {
        return begin(plan(request), null, token);
    }

    /**
     * Resumes a video from its saved latents. The result is identical, byte for byte, to that of an uninterrupted run.
     *
     * @param saved the latents
     * @return the generation, with the remaining steps; to be closed by the caller
     * @throws CheckpointException if the latents belong to another model or have an unexpected size
     * @throws IllegalArgumentException if the latents were computed on another backend or in another precision
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit in memory
     * @throws GenerationCancelledException if the thread is interrupted
     */
    public Generation resume(LatentFile saved) {
        return resume(saved, new CancellationToken());
    }

    /**
     * Resumes a video like {@link #resume(LatentFile)}, with a token that can cancel it.
     *
     * @param saved the latents
     * @param token cancels the generation
     * @return the generation, with the remaining steps; to be closed by the caller
     * @throws CheckpointException if the latents belong to another model or have an unexpected size
     * @throws IllegalArgumentException if the latents were computed on another backend or in another precision
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit in memory
     * @throws GenerationCancelledException if the token is cancelled or the thread is interrupted
     */
    public Generation resume(LatentFile saved, CancellationToken token) {
        return model.lifetime().use(() -> {
            LatentFilePlanner video = new LatentFilePlanner(saved, model);
            return begin(video.planToResume(), saved, token);
        });
    }

    private Generation begin(VideoPlan plan, @Nullable LatentFile saved, CancellationToken token) {
        return model.lifetime().use(() -> {
            throwIfCancelled(saved, plan.steps(), token);
            boolean takesTurns = model.requireMemory(plan);
            // Reuse the recorded prompt: rewriters may be non-deterministic.
            String prompt = saved == null
                    ? model.encodedPrompt(plan.request())
                    : saved.provenance().encodedPrompt();
            return model.add(new Generation(model, plan, takesTurns, prompt, saved, null, token));
        });
    }

    /**
     * Decodes saved latents without further steps. The latents may be incomplete, and may belong to another model with the same number of
     * latent channels. The provenance of the video records the differences.
     *
     * @param saved the latents
     * @param token cancels the generation
     * @return a generation without remaining steps, to be closed by the caller
     * @throws CheckpointException if the decoder expects another number of channels
     * @throws io.lingen.core.OutOfMemoryException if the video does not fit in memory
     * @throws GenerationCancelledException if the token is cancelled or the thread is interrupted
     */
    public Generation decode(LatentFile saved, CancellationToken token) {
        return model.lifetime().use(() -> {
            throwIfCancelled(saved, saved.steps(), token);
            LatentFilePlanner video = new LatentFilePlanner(saved, model);
            VideoPlan plan = video.planToDecode();
            boolean takesTurns = model.requireMemoryToDecode(plan.latent());
            return model.add(new Generation(
                    model,
                    plan,
                    takesTurns,
                    saved.provenance().encodedPrompt(),
                    saved,
                    video.decodedProvenance(plan),
                    token));
        });
    }

    private static void throwIfCancelled(@Nullable LatentFile saved, int steps, CancellationToken token) {
        if (token.isCancelled() || Thread.currentThread().isInterrupted()) {
            throw new GenerationCancelledException(
                    token.isCancelled() ? "cancelled" : GenerationCancelledException.INTERRUPTED,
                    saved == null ? 0 : saved.step(),
                    steps,
                    0,
                    saved == null ? null : saved.path());
        }
    }

    /**
     * {@return a request completed with the model's defaults}
     *
     * @param request the request
     * @throws IllegalArgumentException if the model does not support the request; the message contains the nearest supported values
     */
    public VideoPlan plan(VideoRequest request) {
        return model.lifetime().use(() -> model.plan(request));
    }

    /**
     * Plans a request with the configuration of a model, without loading the model.
     *
     * @param model the path of a model folder, or {@value #NANO}
     * @param options the options of the pipeline, of which only the model options are used
     * @param request the request
     * @return the request completed with the model's defaults
     * @throws IllegalArgumentException if the model does not support the request; the message contains the nearest supported values
     * @throws CheckpointException if the model is missing or malformed
     */
    public static VideoPlan plan(String model, PipelineOptions options, VideoRequest request) {
        try (ModelSource source = options.model().applyTo(source(model))) {
            return RequestPlanner.of(source, ModelFamilies.open(source, options.model()))
                    .plan(request);
        }
    }

    /**
     * {@return a forecast of the memory of a video}
     *
     * @param plan the plan of the video
     */
    public MemoryForecast forecast(VideoPlan plan) {
        return model.lifetime().use(() -> model.forecast(plan));
    }

    /** {@return the name of the model} */
    public String model() {
        return model.name();
    }

    /**
     * {@return the SHA-256 checksum, in hexadecimal, of all files of the model} It is the checksum of the output of sha256sum for these files,
     * sorted by path. If the model has a file SHA256SUMS, loading compares the model with it. Otherwise the first call reads all files.
     *
     * @throws CheckpointException if a file can't be read
     */
    public String modelHash() {
        return model.lifetime().use(model::hash);
    }

    /**
     * {@return the provenance of a video of this pipeline} Calls the rewriter, so it is correct only if the rewriter is deterministic.
     *
     * @param plan the plan of the video
     */
    public VideoProvenance provenance(VideoPlan plan) {
        return model.lifetime().use(() -> model.provenance(plan, model.encodedPrompt(plan.request())));
    }

    /** {@return the options of the pipeline} */
    public PipelineOptions options() {
        return model.options();
    }

    /** {@return the backend} {@link #close} does not wait for direct uses of the backend, encoders, denoiser or decoder. */
    public Backend backend() {
        return model.lifetime().use(model::backend);
    }

    /**
     * {@return the words of a prompt that the model was not trained on and has no replacement for, in the order of the prompt} Empty if the
     * model does not record its vocabulary.
     *
     * @param prompt the prompt before rewriting
     */
    public List<String> unknownWords(String prompt) {
        return model.lifetime().use(() -> model.description().unknownWords(prompt));
    }

    /** {@return the rewriter of prompts: that of the options, or that of the model} */
    public PromptRewriter rewriter() {
        return model.rewriter();
    }

    /** {@return the text encoders} */
    public TextEncoders encoders() {
        return model.lifetime().use(model::encoders);
    }

    /** {@return the denoiser} It is loaded if necessary, and stays in memory from then on. */
    public Denoiser denoiser() {
        return model.lifetime().use(() -> model.components().denoiser(false).component());
    }

    /** {@return the decoder} It is loaded if necessary, and stays in memory from then on. */
    public VideoDecoder decoder() {
        return model.lifetime().use(() -> model.components().decoder(false).component());
    }

    /** {@return the wall-clock time of loading the model} */
    public Duration loadTime() {
        return model.loadTime();
    }

    /**
     * Cancels running generations, waits for their current passes and frames, and frees all memory. Generations save their latents if
     * {@link Generation#saveLatents} was called. Closing twice has no effect.
     *
     * @throws IllegalStateException if it is called from within a method of this pipeline, for example by a
     *     {@link io.lingen.text.PromptRewriter}
     */
    @Override
    public void close() {
        model.close();
    }
}
