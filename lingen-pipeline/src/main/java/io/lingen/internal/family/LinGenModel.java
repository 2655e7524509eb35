package io.lingen.internal.family;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
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
import io.lingen.internal.onnx.OnnxTextEncoders;
import io.lingen.internal.parity.DecoderPart;
import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFact;
import io.lingen.spi.ParityPart;
import io.lingen.spi.SamplingSettings;
import io.lingen.spi.SizeRule;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.spi.VideoLimits;
import io.lingen.text.PromptRewriter;
import io.lingen.text.TextEncoders;
import io.lingen.text.Thesaurus;
import io.lingen.vae.AutoencoderConfig;
import io.lingen.vae.VideoDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** A model of the family of LinGen. */
final class LinGenModel implements ModelDescription {
    private final ModelFolder folder;
    private final ModelSource source;
    private final ModelIndex index;

    LinGenModel(ModelFolder folder) {
        this.folder = folder;
        this.source = folder.source();
        this.index = folder.index();
    }

    @Override
    public VideoLimits limits() {
        TransformerConfig transformer = transformerConfig();
        AutoencoderConfig autoencoder = folder.decoderOf(transformer.inChannels());
        folder.requireTextWidths(transformer.textDims());
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
                List.of(SchedulerConfig.read(folder.config(index.scheduler()))));
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
        return folder.files(index.textEncoders());
    }

    @Override
    public MissingFiles missingFiles() {
        return folder.missingFiles(index::textEncoders, List.of(), null);
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
                            folder.parameters(index.transformer(), ""))));
        }
        facts.addAll(folder.facts(missing, index.textEncoders()));
        if (index.thesaurus() != null && source.exists(index.thesaurus())) {
            facts.add(new ModelFact(
                    "thesaurus",
                    Thesaurus.read(source, index.thesaurus()).size() + " words with trained replacements"));
        }
        return facts;
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
        return folder.textEncoderFacts(index.textEncoders());
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
        return folder.loadDecoder(backend, precision);
    }

    @Override
    public List<ParityPart> parityParts() {
        return List.of(new DecoderPart(folder::loadDecoder));
    }

    private TransformerConfig transformerConfig() {
        return TransformerConfig.read(folder.config(index.transformer()));
    }
}
