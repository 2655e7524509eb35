package io.lingen.sana.internal;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.op.Dims3;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.internal.transformer.FlowTransformer;
import io.lingen.internal.diffusers.DiffusersFolder;
import io.lingen.internal.diffusers.DiffusersScheduler;
import io.lingen.internal.gemma.GemmaTextEncoder;
import io.lingen.internal.gemma.PromptTemplate;
import io.lingen.internal.lora.MergedTensors;
import io.lingen.internal.parity.LoraPart;
import io.lingen.internal.parity.PipelinePart;
import io.lingen.internal.parity.TextPart;
import io.lingen.internal.parity.TransformerPart;
import io.lingen.internal.sampling.FlowSamplers;
import io.lingen.sana.internal.transformer.SanaTransformer;
import io.lingen.sana.internal.transformer.SanaTransformerConfig;
import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFact;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.ParityPart;
import io.lingen.spi.SamplingSettings;
import io.lingen.spi.SizeRule;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.spi.VideoLimits;
import io.lingen.spi.VideoLimits.NativeSize;
import io.lingen.text.TextEncoders;
import io.lingen.vae.VideoDecoder;
import io.lingen.wan.internal.parity.WanVaePart;
import io.lingen.wan.internal.vae.WanAutoencoder;
import io.lingen.wan.internal.vae.WanVaeConfig;
import java.util.List;
import java.util.function.UnaryOperator;

/** A model of SANA-Video's family: a folder in the layout of diffusers, with Wan's autoencoder. */
final class SanaModel implements ModelDescription {
    private static final String REPOSITORY = "Efficient-Large-Model/SANA-Video_2B_480p_diffusers";

    /** The largest number of rows of an embedding. */
    private static final int TEXT_ROWS = 300;

    private static final int MAX_TEXT_ROWS = 1 << 16;

    private static final int FPS = 16;
    private static final int FRAMES = 81;
    private static final int STEPS = 50;
    private static final double GUIDANCE = 6;

    /** Width and height are multiples of this number, if the autoencoder allows it. */
    private static final int SIZE_UNIT = 32;

    /** The order of UniPC in a folder of another scheduler. */
    private static final int UNIPC_ORDER = 2;

    private final ModelSource source;
    private final ModelOptions options;
    private final DiffusersFolder folder;

    SanaModel(ModelSource source, ModelOptions options) {
        this.source = source;
        this.options = options;
        this.folder = new DiffusersFolder(source, options);
    }

    @Override
    public VideoLimits limits() {
        SanaTransformerConfig transformer = transformerConfig();
        WanVaeConfig vae = autoencoder().config();
        folder.requireSameChannels(transformer.channels(), vae.latentChannels());
        folder.requireSameTextWidth(transformer.textWidth(), textWidth());
        int positions = transformer.maxPositions();
        int compression = vae.temporalCompression();
        SizeRule sizes = sizes(vae.spatialCompression() * FlowTransformer.PATCH.h(), positions);
        return new VideoLimits(
                true,
                0,
                sizes,
                sizes,
                new SizeRule(1, compression, 1 + compression * (positions - 1)),
                transformer.channels(),
                new Dims3(compression, vae.spatialCompression(), vae.spatialCompression()),
                FPS,
                new NativeSize(832, 480, (double) FRAMES / FPS),
                samplers());
    }

    /**
     * {@return the allowed widths and heights}
     *
     * @param token the width and height of a token in pixels
     * @param positions the largest number of tokens on an axis
     */
    private static SizeRule sizes(int token, int positions) {
        boolean whole = SIZE_UNIT % token == 0 && positions >= SIZE_UNIT / token;
        return whole
                ? SizeRule.multiplesOf(SIZE_UNIT, positions / (SIZE_UNIT / token))
                : SizeRule.multiplesOf(token, positions);
    }

    /** The folder's own sampler first. */
    private List<SamplingSettings> samplers() {
        List<String> names = List.of(FlowSamplers.DPM_SOLVER, FlowSamplers.UNIPC, FlowSamplers.FLOW_EULER);
        return folder.scheduler().samplers(names, STEPS, GUIDANCE);
    }

    @Override
    public void requireSampling(SamplingSettings settings) {
        FlowSamplers.require(settings);
    }

    @Override
    public Sampler sampler(Backend backend, SamplingSettings settings, long seed) {
        DiffusersScheduler scheduler = folder.scheduler();
        int order = scheduler.sampler().equals(FlowSamplers.UNIPC) ? scheduler.order() : UNIPC_ORDER;
        return FlowSamplers.create(backend, settings, order, seed);
    }

    @Override
    public List<String> files() {
        return folder.files(text(Instruction.PUBLISHED, TEXT_ROWS).files(source));
    }

    @Override
    public MissingFiles missingFiles() {
        return folder.missingFiles(() -> REPOSITORY);
    }

    @Override
    public List<ModelFact> facts() {
        return SanaFacts.of(this, folder);
    }

    @Override
    public List<TextEncoderFacts> textEncoders(Backend backend, DType precision) {
        return List.of(text(Instruction.PUBLISHED, TEXT_ROWS).facts(source, backend, precision));
    }

    @Override
    public TextEncoders loadTextEncoders(Backend backend, DType precision, int threads) {
        return new TextEncoders(
                List.of(GemmaTextEncoder.load(source, text(Instruction.PUBLISHED, TEXT_ROWS), backend, precision)));
    }

    /** {@return the text encoders of a run of a fixture, which may have an instruction of its own} */
    private TextEncoders textEncoders(Backend backend, DType precision, ConfigReader run) {
        String instruction =
                run.has("instruction") ? Instruction.ofLines(run.texts("instruction")) : Instruction.PUBLISHED;
        int rows = run.integerOr("max_length", TEXT_ROWS, 2, MAX_TEXT_ROWS);
        return new TextEncoders(List.of(GemmaTextEncoder.load(source, text(instruction, rows), backend, precision)));
    }

    /** The layers are read from the file for every video: kept, they would take more memory than the transformer. */
    private static GemmaTextEncoder.Layout text(String instruction, int rows) {
        return new GemmaTextEncoder.Layout(
                DiffusersFolder.TEXT_ENCODER, DiffusersFolder.TOKENIZER, new PromptTemplate(instruction, rows), false);
    }

    @Override
    public Denoiser loadDenoiser(Backend backend, DType precision) {
        try (SafetensorsFile file = folder.transformer()) {
            NamedTensors merged = MergedTensors.of(file, source, options, UnaryOperator.identity(), backend.computes());
            return SanaTransformer.load(transformerConfig(), merged, backend, precision);
        }
    }

    @Override
    public VideoDecoder loadDecoder(Backend backend, DType precision) {
        return autoencoder().loadDecoder(backend, precision);
    }

    @Override
    public List<ParityPart> parityParts() {
        return List.of(
                new TextPart((backend, precision, maxTokens) ->
                        GemmaTextEncoder.load(source, text("", maxTokens), backend, precision)),
                new TransformerPart(this::loadDenoiser),
                new LoraPart(source, options),
                new WanVaePart(source, DiffusersFolder.VAE),
                new PipelinePart(this, this::textEncoders));
    }

    SanaTransformerConfig transformerConfig() {
        return SanaTransformerConfig.read(folder.config(DiffusersFolder.TRANSFORMER));
    }

    WanAutoencoder autoencoder() {
        return new WanAutoencoder(folder);
    }

    /** {@return the width of the text encoder's rows} */
    int textWidth() {
        return GemmaTextEncoder.width(source, DiffusersFolder.TEXT_ENCODER);
    }
}
