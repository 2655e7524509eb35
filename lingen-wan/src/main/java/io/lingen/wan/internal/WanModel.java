package io.lingen.wan.internal;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.op.Dims3;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.internal.transformer.FlowTransformer;
import io.lingen.internal.diffusers.DiffusersFolder;
import io.lingen.internal.lora.MergedTensors;
import io.lingen.internal.parity.LoraPart;
import io.lingen.internal.parity.PipelinePart;
import io.lingen.internal.parity.TextPart;
import io.lingen.internal.parity.TransformerPart;
import io.lingen.internal.sampling.FlowSamplers;
import io.lingen.internal.t5.T5TextEncoder;
import io.lingen.internal.text.PromptCleaning;
import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFact;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ParityPart;
import io.lingen.spi.SamplingSettings;
import io.lingen.spi.SizeRule;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.spi.VideoLimits;
import io.lingen.text.TextEncoders;
import io.lingen.vae.VideoDecoder;
import io.lingen.wan.internal.parity.WanVaePart;
import io.lingen.wan.internal.transformer.WanNames;
import io.lingen.wan.internal.transformer.WanTransformer;
import io.lingen.wan.internal.transformer.WanTransformerConfig;
import io.lingen.wan.internal.vae.WanAutoencoder;
import io.lingen.wan.internal.vae.WanVaeConfig;
import java.util.List;

/** A model of Wan's family: a folder in the layout of diffusers. */
final class WanModel implements ModelDescription {
    /** The rows of an embedding, padding included. */
    private static final int TEXT_ROWS = 512;

    private final ModelSource source;
    private final ModelOptions options;
    private final DiffusersFolder folder;
    private final WanIndex index;

    WanModel(ModelSource source, ModelOptions options, WanIndex index) {
        this.source = source;
        this.options = options;
        this.folder = new DiffusersFolder(source, options);
        this.index = index;
    }

    @Override
    public VideoLimits limits() {
        WanTransformerConfig transformer = transformerConfig();
        WanVaeConfig vae = autoencoder().config();
        folder.requireSameChannels(transformer.channels(), vae.latentChannels());
        folder.requireSameTextWidth(transformer.textWidth(), textWidth());
        int cell = vae.spatialCompression() * FlowTransformer.PATCH.h();
        int compression = vae.temporalCompression();
        int positions = transformer.maxPositions();
        boolean distilled = isDistilled();
        WanDefaults defaults = WanDefaults.of(vae.spatialCompression() > 8, distilled);
        return new VideoLimits(
                true,
                0,
                SizeRule.multiplesOf(cell, positions),
                SizeRule.multiplesOf(cell, positions),
                new SizeRule(1, compression, 1 + compression * (positions - 1)),
                transformer.channels(),
                new Dims3(compression, vae.spatialCompression(), vae.spatialCompression()),
                defaults.fps(),
                defaults.nativeSize(),
                samplers(defaults, distilled));
    }

    /** The folder's own sampler first. A few-step model has one that fits it, whatever its folder says. */
    private List<SamplingSettings> samplers(WanDefaults defaults, boolean distilled) {
        List<String> names = List.of(FlowSamplers.UNIPC, FlowSamplers.FLOW_EULER);
        List<SamplingSettings> samplers = folder.scheduler().samplers(names, 50, defaults.guidance());
        List<Double> times = WanDefaults.DISTILLED_TIMES;
        SamplingSettings dmd = new SamplingSettings(FlowSamplers.DMD, null, null, times, times.size(), 1, 0);
        samplers.add(distilled ? 0 : samplers.size(), dmd);
        return samplers;
    }

    @Override
    public void requireSampling(SamplingSettings settings) {
        FlowSamplers.require(settings);
    }

    @Override
    public Sampler sampler(Backend backend, SamplingSettings settings, long seed) {
        return FlowSamplers.create(backend, settings, folder.scheduler().order(), seed);
    }

    @Override
    public List<String> files() {
        return folder.files(text(TEXT_ROWS).files(source));
    }

    @Override
    public MissingFiles missingFiles() {
        return folder.missingFiles(this::repository);
    }

    /** The publisher's repository. Users replace the name if it can't be known. */
    private String repository() {
        return folder.hasConfig(DiffusersFolder.TRANSFORMER)
                ? WanDefaults.repository(transformerConfig().width(), index.distilled())
                : "REPOSITORY";
    }

    @Override
    public List<ModelFact> facts() {
        return WanFacts.of(this, folder);
    }

    @Override
    public List<TextEncoderFacts> textEncoders(Backend backend, DType precision) {
        return List.of(text(TEXT_ROWS).facts(source, backend, precision));
    }

    @Override
    public TextEncoders loadTextEncoders(Backend backend, DType precision, int threads) {
        return textEncoders(backend, precision, TEXT_ROWS);
    }

    private TextEncoders textEncoders(Backend backend, DType precision, int rows) {
        return new TextEncoders(List.of(new PaddedTextEncoder(textEncoder(backend, precision, rows), rows)));
    }

    private T5TextEncoder textEncoder(Backend backend, DType precision, int maxTokens) {
        return T5TextEncoder.load(source, text(maxTokens), backend, precision);
    }

    /** The layers are read from the file for every video: kept, they would take more memory than the transformer. */
    private static T5TextEncoder.Layout text(int maxTokens) {
        return new T5TextEncoder.Layout(
                DiffusersFolder.TEXT_ENCODER, DiffusersFolder.TOKENIZER, maxTokens, PromptCleaning::clean, false);
    }

    @Override
    public Denoiser loadDenoiser(Backend backend, DType precision) {
        try (SafetensorsFile file = folder.transformer()) {
            NamedTensors tensors = WanNames.underDiffusersNames(file);
            NamedTensors merged = MergedTensors.of(tensors, source, options, WanNames::toDiffusers, backend.computes());
            return WanTransformer.load(transformerConfig(), merged, backend, precision);
        }
    }

    @Override
    public VideoDecoder loadDecoder(Backend backend, DType precision) {
        return autoencoder().loadDecoder(backend, precision);
    }

    @Override
    public List<ParityPart> parityParts() {
        return List.of(
                new TextPart(this::textEncoder),
                new TransformerPart(this::loadDenoiser),
                new LoraPart(source, options),
                new WanVaePart(source, DiffusersFolder.VAE),
                new PipelinePart(
                        this,
                        (backend, precision, run) ->
                                textEncoders(backend, precision, run.integerOr("max_length", TEXT_ROWS, 1, 1 << 16))));
    }

    /** Whether the model was distilled to a few steps: by the name of its pipeline, or by the layers that only distilled models have. */
    boolean isDistilled() {
        return index.distilled() || isGated();
    }

    /** Whether the transformer has gated attention among tiles. */
    boolean isGated() {
        try (SafetensorsFile file = folder.transformer()) {
            return WanTransformer.isGated(WanNames.underDiffusersNames(file));
        }
    }

    WanTransformerConfig transformerConfig() {
        return WanTransformerConfig.read(folder.config(DiffusersFolder.TRANSFORMER));
    }

    WanAutoencoder autoencoder() {
        return new WanAutoencoder(folder);
    }

    /** {@return the width of the text encoder's rows} */
    int textWidth() {
        return T5TextEncoder.width(source, DiffusersFolder.TEXT_ENCODER);
    }
}
