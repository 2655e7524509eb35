package io.lingen.internal.family;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.internal.SafeText;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.RectifiedFlowSampler;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Schedule;
import io.lingen.diffusion.TransformerConfig;
import io.lingen.diffusion.VideoTransformer;
import io.lingen.internal.ParameterCount;
import io.lingen.internal.onnx.OnnxTextEncoderConfig;
import io.lingen.internal.onnx.OnnxTextEncoders;
import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFact;
import io.lingen.spi.ModelSignature;
import io.lingen.spi.SamplingSettings;
import io.lingen.spi.SizeRule;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.spi.VideoLimits;
import io.lingen.text.PromptRewriter;
import io.lingen.text.TextEncoders;
import io.lingen.text.Thesaurus;
import io.lingen.vae.AutoencoderConfig;
import io.lingen.vae.LatentVideoDecoder;
import io.lingen.vae.VideoDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** A model of the family of LinGen. */
final class LinGenModel implements ModelDescription {
    private final ModelSource source;
    private final ModelIndex index;

    LinGenModel(ModelSource source, ModelIndex index) {
        this.source = source;
        this.index = index;
    }

    @Override
    public VideoLimits limits() {
        TransformerConfig transformer = transformerConfig();
        AutoencoderConfig autoencoder = autoencoderConfig();
        if (transformer.inChannels() != autoencoder.latentChannels()) {
            throw new CheckpointException(source.name() + ": expected a decoder of latents with "
                    + transformer.inChannels() + " channels, as the denoiser generates, found "
                    + autoencoder.latentChannels() + " channels; use a denoiser and a decoder of the same model");
        }
        requireTextWidths(transformer.textDims());
        PatchSize patch = transformer.patchSize();
        Grid tokens = transformer.maxGrid();
        Dims3 compression = autoencoder.compression();
        return new VideoLimits(
                true,
                0,
                SizeRule.multiplesOf(compression.w() * patch.w(), tokens.w()),
                SizeRule.multiplesOf(compression.h() * patch.h(), tokens.h()),
                SizeRule.multiplesOf(compression.t() * patch.t(), tokens.t()),
                transformer.inChannels(),
                compression,
                index.fps(),
                index.nativeSize(),
                List.of(SchedulerConfig.read(config(index.scheduler()))));
    }

    private void requireTextWidths(List<Integer> textDims) {
        List<String> encoders = index.textEncoders();
        if (encoders.size() != textDims.size()) {
            throw new CheckpointException(source.name() + ": expected " + textDims.size()
                    + " text encoders, one per element of the denoiser's text_dims " + textDims + ", found "
                    + encoders.size() + " in " + ModelSignature.FILE);
        }
        for (int i = 0; i < encoders.size(); i++) {
            ConfigReader json = config(encoders.get(i));
            int width = OnnxTextEncoderConfig.read(json).width();
            if (width != textDims.get(i)) {
                throw json.error(
                        "width",
                        width,
                        textDims.get(i) + ", the denoiser's text_dims[" + i + "]; use components of the same model");
            }
        }
    }

    @Override
    public void requireSampling(SamplingSettings settings) {
        if (settings.shift() != null) {
            String shift = Double.toString(settings.shift());
            throw new IllegalArgumentException("shift of the sampler " + settings.sampler()
                    + " must be part of its schedule, found " + shift + "; use the schedule shifted:" + shift);
        }
        if (!settings.times().isEmpty()) {
            throw new IllegalArgumentException("times of the sampler " + settings.sampler()
                    + " must be those of a schedule, found "
                    + SafeText.of(settings.times().toString())
                    + "; use one of " + Schedule.NAMES);
        }
        Schedule.named(Objects.requireNonNull(settings.schedule()));
    }

    @Override
    public List<String> files() {
        List<String> files = new ArrayList<>(List.of(ModelSignature.FILE, configOf(index.scheduler())));
        if (index.thesaurus() != null) {
            files.add(index.thesaurus());
        }
        for (String component : List.of(index.transformer(), index.vae())) {
            files.add(configOf(component));
            files.addAll(source.tensorFiles(component));
        }
        for (String component : index.textEncoders()) {
            files.addAll(OnnxTextEncoders.files(source, component));
        }
        return files;
    }

    @Override
    public MissingFiles missingFiles() {
        List<String> paths = new ArrayList<>();
        for (String component : List.of(index.transformer(), index.vae())) {
            paths.add(configOf(component));
            paths.addAll(source.missingTensorFiles(component));
        }
        for (String component : index.textEncoders()) {
            paths.addAll(OnnxTextEncoders.missingFiles(source, component));
        }
        paths.add(configOf(index.scheduler()));
        if (index.thesaurus() != null) {
            paths.add(index.thesaurus());
        }
        paths.removeIf(source::exists);
        return paths.isEmpty()
                ? MissingFiles.NONE
                : new MissingFiles(paths, "copy them from the original model (docs/checkpoint-format.md)");
    }

    @Override
    public List<ModelFact> facts() {
        MissingFiles missing = missingFiles();
        List<ModelFact> facts = new ArrayList<>();
        if (!missing.affects(index.transformer())) {
            TransformerConfig transformer = transformerConfig();
            facts.add(new ModelFact(
                    "denoiser",
                    String.format(
                            Locale.ROOT,
                            "%s, %d blocks, width %d, %s",
                            transformer.architecture().name().toLowerCase(Locale.ROOT),
                            transformer.depth(),
                            transformer.hiddenSize(),
                            parameters(index.transformer(), ""))));
        }
        if (!missing.affects(index.vae())) {
            AutoencoderConfig autoencoder = autoencoderConfig();
            facts.add(new ModelFact(
                    "decoder",
                    String.format(
                            Locale.ROOT,
                            "compression %s, %d channels, %s",
                            autoencoder.compression(),
                            autoencoder.latentChannels(),
                            parameters(index.vae(), "decoder."))));
        }
        List<String> encoders = index.textEncoders().stream()
                .filter(component -> !missing.affects(component))
                .toList();
        if (!encoders.isEmpty()) {
            facts.add(new ModelFact(
                    "text",
                    String.join(", ", encoders) + ", widths "
                            + encoders.stream()
                                    .map(component -> OnnxTextEncoderConfig.read(config(component))
                                            .width())
                                    .toList()));
        }
        if (index.thesaurus() != null && source.exists(index.thesaurus())) {
            facts.add(new ModelFact(
                    "thesaurus",
                    Thesaurus.read(source, index.thesaurus()).size() + " words with trained replacements"));
        }
        return facts;
    }

    /** The parameters of a component under a prefix. The prefix excludes the encoder of an autoencoder, which generation does not need. */
    private String parameters(String component, String prefix) {
        try (SafetensorsFile tensors = source.tensors(component)) {
            return ParameterCount.of(tensors, prefix);
        }
    }

    @Override
    public PromptRewriter rewriter() {
        return index.thesaurus() == null ? PromptRewriter.IDENTITY : Thesaurus.read(source, index.thesaurus());
    }

    @Override
    public List<String> unknownWords(String prompt) {
        return index.thesaurus() == null
                ? List.of()
                : Thesaurus.read(source, index.thesaurus()).unknownWords(prompt);
    }

    @Override
    public List<TextEncoderFacts> textEncoders(Backend backend, DType precision) {
        return index.textEncoders().stream()
                .map(component -> OnnxTextEncoders.facts(source, component))
                .toList();
    }

    @Override
    public TextEncoders loadTextEncoders(Backend backend, DType precision, int threads) {
        return OnnxTextEncoders.load(source, index.textEncoders(), threads);
    }

    @Override
    public Denoiser loadDenoiser(Backend backend, DType precision) {
        return VideoTransformer.load(source, index.transformer(), backend, precision);
    }

    @Override
    public Sampler sampler(Backend backend, SamplingSettings settings, long seed) {
        double[] times =
                Schedule.named(Objects.requireNonNull(settings.schedule())).times(settings.steps());
        return new RectifiedFlowSampler(backend, times, settings.eta(), seed);
    }

    @Override
    public VideoDecoder loadDecoder(Backend backend, DType precision) {
        return LatentVideoDecoder.load(source, index.vae(), backend, precision);
    }

    private TransformerConfig transformerConfig() {
        return TransformerConfig.read(config(index.transformer()));
    }

    private AutoencoderConfig autoencoderConfig() {
        return AutoencoderConfig.read(config(index.vae()));
    }

    private ConfigReader config(String component) {
        return source.config(configOf(component));
    }

    private static String configOf(String component) {
        return component + "/config.json";
    }
}
