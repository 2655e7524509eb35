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
import io.lingen.internal.t5.T5TextEncoder;
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
import org.jspecify.annotations.Nullable;

/** A model in the documented checkpoint format whose denoiser has the architecture "latte". */
final class LatteModel implements ModelDescription {
    /** The largest side of a video of a text model, in multiples of the side that it was trained for. */
    private static final int LARGEST_STRETCH = 4;

    /** The number of tokens of a prompt in the training of the text model, special tokens included. */
    private static final int MAX_TOKENS = 120;

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

    /** {@return the folders of ONNX text encoders} */
    private List<String> onnxEncoders() {
        return hasText(config()) && t5() == null ? index.textEncoders() : List.of();
    }

    /** {@return the text encoder if it has T5's own weights; null for another encoder, or none} */
    private T5TextEncoder.@Nullable Layout t5() {
        if (!hasText(config())) {
            return null;
        }
        String component = index.textEncoders().get(0);
        boolean isT5 = folder.hasConfig(component) && folder.config(component).has("model_type");
        return isT5
                ? new T5TextEncoder.Layout(
                        component, component + "/tokenizer.json", MAX_TOKENS, LowerCaseTextEncoder::lowerCase, false)
                : null;
    }

    @Override
    public VideoLimits limits() {
        LatteConfig config = config();
        AutoencoderConfig autoencoder = folder.decoderOf(config.inChannels());
        if (hasText(config)) {
            requireTextWidth(config.textWidth());
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

    private void requireTextWidth(int expected) {
        T5TextEncoder.Layout t5 = t5();
        if (t5 == null) {
            folder.requireTextWidths(List.of(expected));
            return;
        }
        int width = T5TextEncoder.width(folder.source(), t5.component());
        if (width != expected) {
            throw folder.config(t5.component())
                    .error(
                            "d_model",
                            width,
                            expected + ", the denoiser's text_dims[0]; use components of the same model");
        }
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
        List<String> files = new ArrayList<>(folder.files(onnxEncoders()));
        T5TextEncoder.Layout t5 = t5();
        if (t5 != null) {
            files.addAll(t5.files(folder.source()));
        }
        return files;
    }

    @Override
    public MissingFiles missingFiles() {
        T5TextEncoder.Layout t5 = t5();
        return folder.missingFiles(
                this::onnxEncoders,
                t5 == null ? List.of() : List.of(t5.component()),
                t5 == null ? null : t5.tokenizer());
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
        facts.addAll(folder.facts(missing, onnxEncoders()));
        T5TextEncoder.Layout t5 = t5();
        if (t5 != null) {
            facts.add(new ModelFact(
                    "text", t5.component() + ", T5, width " + T5TextEncoder.width(folder.source(), t5.component())));
        }
        if (config.condition() == LatteConfig.Condition.NONE) {
            facts.add(new ModelFact("condition", "none: the model accepts neither prompts nor class labels"));
        }
        return facts;
    }

    @Override
    public List<TextEncoderFacts> textEncoders(Backend backend, DType precision) {
        T5TextEncoder.Layout t5 = t5();
        return t5 == null
                ? folder.textEncoderFacts(onnxEncoders())
                : List.of(t5.facts(folder.source(), backend, precision));
    }

    @Override
    public TextEncoders loadTextEncoders(Backend backend, DType precision, int threads) {
        T5TextEncoder.Layout t5 = t5();
        if (t5 != null) {
            return new TextEncoders(List.of(T5TextEncoder.load(folder.source(), t5, backend, precision)));
        }
        TextEncoders loaded = OnnxTextEncoders.load(folder.source(), onnxEncoders(), threads);
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
