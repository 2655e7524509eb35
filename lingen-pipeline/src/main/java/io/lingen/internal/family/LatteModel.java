package io.lingen.internal.family;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Dims3;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.internal.latte.LatteConfig;
import io.lingen.diffusion.internal.latte.LatteTransformer;
import io.lingen.diffusion.internal.sampler.NoiseSchedule;
import io.lingen.internal.onnx.OnnxTextEncoders;
import io.lingen.internal.parity.DecoderPart;
import io.lingen.internal.parity.LattePass;
import io.lingen.internal.parity.LatteRuns;
import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFact;
import io.lingen.spi.ParityPart;
import io.lingen.spi.SamplingSettings;
import io.lingen.spi.SizeRule;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.spi.VideoLimits;
import io.lingen.text.TextEncoders;
import io.lingen.vae.AutoencoderConfig;
import io.lingen.vae.VideoDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A model in the documented checkpoint format whose denoiser has the architecture "latte". */
final class LatteModel implements ModelDescription {
    /** The largest side of a video of a text model, in multiples of the side that it was trained for. */
    private static final int LARGEST_STRETCH = 4;

    private final ModelFolder folder;
    private final ModelIndex index;

    LatteModel(ModelFolder folder) {
        this.folder = folder;
        this.index = folder.index();
    }

    private LatteConfig config() {
        return LatteConfig.read(folder.config(index.transformer()));
    }

    private LatteScheduler scheduler(LatteConfig config) {
        return LatteScheduler.read(folder.config(index.scheduler()), config);
    }

    private static boolean hasText(LatteConfig config) {
        return config.condition() == LatteConfig.Condition.TEXT;
    }

    private List<String> textEncoderFolders() {
        return hasText(config()) ? index.textEncoders() : List.of();
    }

    @Override
    public VideoLimits limits() {
        LatteConfig config = config();
        AutoencoderConfig autoencoder = folder.decoderOf(config.inChannels());
        if (hasText(config)) {
            folder.requireTextWidths(List.of(config.textWidth()));
        }
        Dims3 compression = autoencoder.compression();
        int width = config.latentColumns() * compression.w();
        int height = config.latentRows() * compression.h();
        int frames = config.frames() * compression.t();
        VideoLimits.NativeSize size = index.nativeSize();
        return new VideoLimits(
                hasText(config),
                config.classes(),
                side(config, width, compression.w()),
                side(config, height, compression.h()),
                hasText(config) && config.frames() > 1
                        ? new SizeRule(compression.t(), frames - compression.t(), frames)
                        : only(frames),
                config.inChannels(),
                compression,
                index.fps(),
                size != null ? size : new VideoLimits.NativeSize(width, height, (double) frames / index.fps()),
                scheduler(config).samplersOf(config));
    }

    /** {@return the allowed sides: that of the training or, for text models, multiples of a token} */
    private static SizeRule side(LatteConfig config, int trained, int compression) {
        int token = compression * config.patch();
        return hasText(config) ? SizeRule.multiplesOf(token, LARGEST_STRETCH * trained / token) : only(trained);
    }

    private static SizeRule only(int size) {
        return new SizeRule(size, 1, size);
    }

    @Override
    public void requireSampling(SamplingSettings settings) {
        LatteConfig config = config();
        scheduler(config).require(settings, config);
    }

    @Override
    public List<String> files() {
        return folder.files(textEncoderFolders());
    }

    @Override
    public MissingFiles missingFiles() {
        return folder.missingFiles(textEncoderFolders());
    }

    @Override
    public List<ModelFact> facts() {
        LatteConfig config = config();
        MissingFiles missing = missingFiles();
        List<ModelFact> facts = new ArrayList<>();
        if (!missing.affects(index.transformer())) {
            facts.add(new ModelFact(
                    "denoiser",
                    String.format(
                            Locale.ROOT,
                            "latte, variant %d, %d blocks, width %d, %s",
                            config.variant(),
                            config.depth(),
                            config.hiddenSize(),
                            folder.parameters(index.transformer(), ""))));
        }
        facts.addAll(folder.facts(missing, textEncoderFolders()));
        if (config.condition() == LatteConfig.Condition.NONE) {
            facts.add(new ModelFact("condition", "none: the model accepts neither prompts nor class labels"));
        }
        return facts;
    }

    @Override
    public List<TextEncoderFacts> textEncoders(Backend backend, DType precision) {
        return folder.textEncoderFacts(textEncoderFolders());
    }

    @Override
    public TextEncoders loadTextEncoders(Backend backend, DType precision, int threads) {
        TextEncoders loaded = OnnxTextEncoders.load(folder.source(), textEncoderFolders(), threads);
        return new TextEncoders(
                loaded.all().stream().map(LowerCaseTextEncoder::new).toList());
    }

    @Override
    public Denoiser loadDenoiser(Backend backend, DType precision) {
        return LatteTransformer.load(folder.source(), index.transformer(), backend, precision);
    }

    @Override
    public Sampler sampler(Backend backend, SamplingSettings settings, long seed) {
        LatteConfig config = config();
        return scheduler(config).sampler(backend, settings, config, seed);
    }

    @Override
    public VideoDecoder loadDecoder(Backend backend, DType precision) {
        return folder.loadDecoder(backend, precision);
    }

    @Override
    public List<ParityPart> parityParts() {
        String scheduler = index.schedulerOrNull();
        boolean hasNoise = scheduler != null && folder.hasConfig(scheduler);
        NoiseSchedule noise = hasNoise ? scheduler(config()).noise() : LatteScheduler.PUBLISHED;
        return List.of(
                new LattePass(this::loadDenoiser, noise),
                new LatteRuns(this::loadDenoiser, noise),
                new DecoderPart(folder::loadDecoder));
    }
}
