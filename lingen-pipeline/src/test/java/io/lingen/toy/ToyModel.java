package io.lingen.toy;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.internal.PhiloxNormal;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Dims3;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Sampler;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFact;
import io.lingen.spi.ModelSignature;
import io.lingen.spi.SamplingSettings;
import io.lingen.spi.SizeRule;
import io.lingen.spi.TextEncoderFacts;
import io.lingen.spi.VideoLimits;
import io.lingen.text.TextEncoders;
import io.lingen.vae.VideoDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A toy model: 16x16 pixels, 9 frames in 1.125 s, sizes in steps of 8 pixels, 1 + 4k frames. */
public final class ToyModel implements ModelDescription {
    /** The number of classes. */
    public static final int CLASSES = 5;

    /** The default sampler, with a shift. */
    public static final String MULTISTEP = "multistep";

    /** The sampler with times. */
    public static final String FEW_STEPS = "few_steps";

    private static final String DENOISER = "denoiser";
    private static final String DECODER = "decoder";

    private final ModelSource source;

    ToyModel(ModelSource source) {
        this.source = source;
    }

    /** Writes a model of random weights into a folder and returns it. */
    public static Path write(Path folder) throws IOException {
        Map<String, HostTensor> denoiser = new LinkedHashMap<>();
        ToyDenoiser.shapes(CLASSES).forEach((name, shape) -> denoiser.put(name, random(denoiser.size(), shape)));
        Map<String, HostTensor> decoder = new LinkedHashMap<>();
        ToyDecoder.shapes().forEach((name, shape) -> decoder.put(name, random(100 + decoder.size(), shape)));
        Files.createDirectories(folder.resolve(DENOISER));
        Files.createDirectories(folder.resolve(DECODER));
        SafetensorsWriter.write(folder.resolve(DENOISER + "/model.safetensors"), denoiser, Map.of());
        SafetensorsWriter.write(folder.resolve(DECODER + "/model.safetensors"), decoder, Map.of());
        Files.writeString(
                folder.resolve(ModelSignature.FILE),
                "{\"_class_name\": \"" + ToyFamily.CLASS_NAME + "\", \"_foreign_version\": \"0.1\", \"classes\": "
                        + CLASSES + "}");
        return folder;
    }

    private static HostTensor random(int seed, long[] shape) {
        int elements = 1;
        for (long length : shape) {
            elements *= (int) length;
        }
        float[] values = new float[elements];
        PhiloxNormal.fill(seed, 0, values, 0, elements);
        float scale = (float) (1 / Math.sqrt(shape[shape.length - 1]));
        for (int i = 0; i < elements; i++) {
            values[i] *= scale;
        }
        return HostTensor.of(values, shape);
    }

    @Override
    public VideoLimits limits() {
        ConfigReader index = source.config(ModelSignature.FILE);
        return new VideoLimits(
                true,
                index.integer("classes", 1, 1000),
                SizeRule.multiplesOf(8, 8),
                SizeRule.multiplesOf(8, 8),
                new SizeRule(1, 4, 33),
                ToyDenoiser.CHANNELS,
                new Dims3(4, 4, 4),
                8,
                new VideoLimits.NativeSize(16, 16, 1.125),
                List.of(
                        new SamplingSettings(MULTISTEP, null, 1.0, List.of(), 6, 2, 0),
                        new SamplingSettings(FEW_STEPS, null, null, List.of(1000.0, 600.0, 300.0), 3, 1, 0)));
    }

    @Override
    public void requireSampling(SamplingSettings settings) {
        String sampler = settings.sampler();
        if (settings.schedule() != null) {
            throw new IllegalArgumentException(
                    "schedule must be absent for the sampler " + sampler + ", found " + settings.schedule());
        }
        if (sampler.equals(MULTISTEP) && !settings.times().isEmpty()) {
            throw new IllegalArgumentException("times must be absent for the sampler " + sampler + ", found "
                    + settings.times() + "; use the sampler " + FEW_STEPS);
        }
        if (settings.times().isEmpty() && settings.shift() == null) {
            throw new IllegalArgumentException("sampler " + sampler + " must have times or a shift, found neither");
        }
        if (settings.eta() != 0) {
            throw new IllegalArgumentException(
                    "the toy's steps renew no noise: eta must be 0, found " + settings.eta());
        }
    }

    @Override
    public List<String> files() {
        List<String> files = new ArrayList<>(List.of(ModelSignature.FILE));
        files.addAll(source.tensorFiles(DENOISER));
        files.addAll(source.tensorFiles(DECODER));
        return files;
    }

    @Override
    public List<ModelFact> facts() {
        return List.of(
                new ModelFact("denoiser", "a toy that predicts noise"),
                new ModelFact("text", "hashed words, width " + HashedWords.WIDTH));
    }

    @Override
    public List<String> unknownWords(String prompt) {
        return HashedWords.words(prompt).stream()
                .filter(word -> word.chars().noneMatch(Character::isLetter))
                .toList();
    }

    @Override
    public List<TextEncoderFacts> textEncoders(Backend backend, DType precision) {
        return List.of(
                new TextEncoderFacts(HashedWords.MAX_WORDS, HashedWords.WIDTH, 0, 0, List.of(ModelSignature.FILE)));
    }

    @Override
    public TextEncoders loadTextEncoders(Backend backend, DType precision, int threads) {
        return new TextEncoders(List.of(new HashedWords()));
    }

    @Override
    public Denoiser loadDenoiser(Backend backend, DType precision) {
        int classes = limits().labels();
        try (SafetensorsFile file = source.tensors(DENOISER)) {
            return ModelWeights.load(file, backend, precision, weights -> new ToyDenoiser(weights, classes));
        }
    }

    @Override
    public Sampler sampler(Backend backend, SamplingSettings settings, long seed) {
        int steps = settings.steps();
        double[] levels = new double[steps + 1]; // 1 is noise, the last is 0
        for (int i = 0; i < steps; i++) {
            double u = (double) (steps - i) / steps;
            levels[i] = settings.shift() == null
                    ? settings.times().get(i) / 1000
                    : settings.shift() * u / (1 + (settings.shift() - 1) * u);
        }
        return new ToySampler(backend, levels, settings.sampler().equals(MULTISTEP));
    }

    @Override
    public VideoDecoder loadDecoder(Backend backend, DType precision) {
        try (SafetensorsFile file = source.tensors(DECODER)) {
            return ModelWeights.load(file, backend, precision, ToyDecoder::new);
        }
    }
}
