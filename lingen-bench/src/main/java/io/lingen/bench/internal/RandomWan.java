package io.lingen.bench.internal;

import io.lingen.core.DType;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.wan.internal.transformer.WanTransformerConfig;
import io.lingen.wan.internal.vae.WanVaeConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A writer of the components of a Wan model with {@link RandomWeights}, in the layout of its publishers: F32, the transformer in shards. The
 * gains keep the residual streams in range, so rounding errors are not amplified from layer to layer.
 */
final class RandomWan {
    private static final int BLOCKS_PER_SHARD = 6;
    private static final String FILE = "diffusion_pytorch_model";

    private static final String INDEX = """
            {"_class_name": "WanPipeline", "scheduler": ["diffusers", "UniPCMultistepScheduler"],
             "text_encoder": ["transformers", "UMT5EncoderModel"], "tokenizer": ["transformers", "T5TokenizerFast"],
             "transformer": ["diffusers", "WanTransformer3DModel"], "vae": ["diffusers", "AutoencoderKLWan"]}
            """;

    private static final String SCHEDULER = """
            {"_class_name": "UniPCMultistepScheduler", "flow_shift": 3.0, "solver_order": 2, "use_flow_sigmas": true,
             "prediction_type": "flow_prediction", "solver_type": "bh2"}
            """;

    /** A tokenizer of the letters a to z, which ends every prompt with {@code </s>}. */
    private static final String TOKENIZER = """
            {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null, "decoder": null,
             "pre_tokenizer":
               {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": true},
             "post_processor":
               {"type": "TemplateProcessing", "pair": [],
                "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
                "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
             "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": false, "vocab": [
               ["<pad>", -1], ["</s>", -1], ["<unk>", -1], ["\u2581", -1], %s]}}
            """.formatted(IntStream.rangeClosed('a', 'z')
            .mapToObj(letter -> "[\"" + (char) letter + "\", -2]")
            .collect(Collectors.joining(", ")));

    private static final long SEED = 1;

    private final Path model;
    private final WanSize size;

    /**
     * Creates a writer.
     *
     * @param model the model folder
     * @param size the sizes of the model
     * @throws IOException if the folder contains other files than those of this writer, or cannot be created
     */
    RandomWan(Path model, WanSize size) throws IOException {
        RandomModelFolder.create(model);
        this.model = model;
        this.size = size;
    }

    /** Writes the folder transformer, unless it contains a transformer of this size. */
    void writeTransformer() throws IOException {
        write("transformer", size.transformerConfig(), config -> {
            WanTransformerConfig sizes = WanTransformerConfig.read(config);
            List<Consumer<RandomWeights>> shards = new ArrayList<>();
            shards.add(weights -> transformerEnds(weights, sizes));
            for (int first = 0; first < sizes.layers(); first += BLOCKS_PER_SHARD) {
                int begin = first;
                int end = Math.min(sizes.layers(), first + BLOCKS_PER_SHARD);
                shards.add(weights -> {
                    for (int layer = begin; layer < end; layer++) {
                        block(weights, "blocks." + layer + ".", sizes.width(), sizes.ffnSize());
                    }
                });
            }
            return shards;
        });
    }

    /** Writes the folder vae, unless it contains an autoencoder of this size. */
    void writeVae() throws IOException {
        write(
                "vae",
                size.vaeConfig(),
                config -> List.of(weights -> new Autoencoder(weights, WanVaeConfig.read(config)).add()));
    }

    /** Writes a complete model, unless the folder contains one of this size. The text encoder has {@link WanSize#TEXT_LAYERS} layers. */
    void writeAll() throws IOException {
        writeTransformer();
        writeVae();
        write("text_encoder", size.textConfig(), config -> List.of(this::textEncoder));
        writeText("tokenizer/tokenizer.json", TOKENIZER);
        writeText("scheduler/scheduler_config.json", SCHEDULER);
        writeText("model_index.json", INDEX);
    }

    private void writeText(String path, String text) throws IOException {
        Path file = model.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private interface Shards {
        List<Consumer<RandomWeights>> of(ConfigReader config);
    }

    private void write(String component, String config, Shards shards) throws IOException {
        Path folder = Files.createDirectories(model.resolve(component));
        Path index = folder.resolve(FILE + ".safetensors.index.json");
        Path configFile = folder.resolve("config.json");
        // The index is written last.
        if (Files.exists(index) && Files.readString(configFile).equals(config)) {
            return;
        }
        Files.deleteIfExists(index);
        Files.writeString(configFile, config);
        List<Consumer<RandomWeights>> parts =
                shards.of(ConfigReader.parse("config.json", config.getBytes(StandardCharsets.UTF_8)));
        StringJoiner files = new StringJoiner(", ", "{\"metadata\": {}, \"weight_map\": {", "}}\n");
        for (int i = 0; i < parts.size(); i++) {
            String file = String.format("%s-%05d-of-%05d.safetensors", FILE, i + 1, parts.size());
            try (RandomWeights weights = new RandomWeights(SEED, DType.F32)) {
                parts.get(i).accept(weights);
                weights.write(folder.resolve(file));
                weights.names().forEach(name -> files.add('"' + name + "\": \"" + file + '"'));
            }
        }
        Files.writeString(index, files.toString());
    }

    private static void transformerEnds(RandomWeights weights, WanTransformerConfig sizes) {
        int d = sizes.width();
        int patch = sizes.patchWidth();
        weights.normal("patch_embedding.weight", 0, 1 / Math.sqrt(patch), d, sizes.channels(), 1, 2, 2);
        weights.normal("patch_embedding.bias", 0, 0.1, d);
        weights.linear("condition_embedder.time_embedder.linear_1", sizes.timeWidth(), d);
        weights.linear("condition_embedder.time_embedder.linear_2", d, d);
        weights.matrix("condition_embedder.time_proj.weight", 0.2, 6L * d, d);
        weights.normal("condition_embedder.time_proj.bias", 0, 0.1, 6L * d);
        weights.linear("condition_embedder.text_embedder.linear_1", sizes.textWidth(), d);
        weights.linear("condition_embedder.text_embedder.linear_2", d, d);
        weights.normal("scale_shift_table", 0, 0.2, 1, 2, d);
        weights.linear("proj_out", d, patch);
    }

    private void textEncoder(RandomWeights weights) {
        int d = size.textWidth;
        int inner = size.textHeads() * size.textHeadDim();
        weights.normal("shared.weight", 0, 1, WanSize.VOCABULARY, d);
        for (int layer = 0; layer < WanSize.TEXT_LAYERS; layer++) {
            String name = "encoder.block." + layer + ".layer.";
            weights.normal(name + "0.layer_norm.weight", 1, 0.2, d);
            // T5 does not divide the scores by the root of the width of a head.
            weights.matrix(name + "0.SelfAttention.q.weight", 1 / Math.sqrt(size.textHeadDim()), inner, d);
            weights.matrix(name + "0.SelfAttention.k.weight", 1, inner, d);
            weights.matrix(name + "0.SelfAttention.v.weight", 1, inner, d);
            weights.matrix(name + "0.SelfAttention.o.weight", 0.5, d, inner);
            weights.normal(
                    name + "0.SelfAttention.relative_attention_bias.weight",
                    0,
                    1,
                    WanSize.TEXT_BUCKETS,
                    size.textHeads());
            weights.normal(name + "1.layer_norm.weight", 1, 0.2, d);
            weights.matrix(name + "1.DenseReluDense.wi_0.weight", 1, size.textFfn(), d);
            weights.matrix(name + "1.DenseReluDense.wi_1.weight", 1, size.textFfn(), d);
            weights.matrix(name + "1.DenseReluDense.wo.weight", 0.5, d, size.textFfn());
        }
        weights.normal("encoder.final_layer_norm.weight", 1, 0.2, d);
    }

    private static void block(RandomWeights weights, String block, int d, int ffn) {
        weights.normal(block + "scale_shift_table", 0.1, 0.2, 1, 6, d);
        weights.normal(block + "norm2.weight", 1, 0.2, d);
        weights.normal(block + "norm2.bias", 0, 0.1, d);
        for (String attention : List.of("attn1.", "attn2.")) {
            for (String projection : List.of("to_q", "to_k", "to_v")) {
                weights.linear(block + attention + projection, d, d);
            }
            weights.normal(block + attention + "norm_q.weight", 1, 0.2, d);
            weights.normal(block + attention + "norm_k.weight", 1, 0.2, d);
            weights.matrix(block + attention + "to_out.0.weight", 0.5, d, d);
            weights.normal(block + attention + "to_out.0.bias", 0, 0.1, d);
        }
        weights.linear(block + "ffn.net.0.proj", d, ffn);
        weights.linear(block + "ffn.net.2", ffn, d);
    }

    /** The weights of an autoencoder of Wan 2.1. The encoder is included: diffusers loads the file as a whole. */
    private static final class Autoencoder {
        private final RandomWeights weights;
        private final WanVaeConfig sizes;

        Autoencoder(RandomWeights weights, WanVaeConfig sizes) {
            this.weights = weights;
            this.sizes = sizes;
        }

        void add() {
            encoder();
            decoder();
        }

        private void encoder() {
            int latents = 2 * sizes.latentChannels();
            int last = sizes.multipliers().size() - 1;
            int width = sizes.encoderWidth();
            int layer = 0;
            convolution("encoder.conv_in", 1, width, 3, 3, 3, 3);
            for (int stage = 0; stage <= last; stage++) {
                int out = sizes.encoderWidth() * sizes.multipliers().get(stage);
                for (int k = 0; k < sizes.residualBlocks(); k++) {
                    residual("encoder.down_blocks." + layer++, width, out);
                    width = out;
                }
                if (stage < last) {
                    String downsampler = "encoder.down_blocks." + layer++;
                    convolution(downsampler + ".resample.1", 1, out, out, 3, 3);
                    if (sizes.halvesTime().get(stage)) {
                        convolution(downsampler + ".time_conv", 1, out, out, 3, 1, 1);
                    }
                }
            }
            middle("encoder.mid_block", width);
            gamma("encoder.norm_out", width, 1, 1, 1);
            convolution("encoder.conv_out", 1, latents, width, 3, 3, 3);
            convolution("quant_conv", 1, latents, latents, 1, 1, 1);
        }

        private void decoder() {
            int latents = sizes.latentChannels();
            int last = sizes.multipliers().size() - 1;
            int width = sizes.decoderWidth() * sizes.multipliers().get(last);
            convolution("post_quant_conv", 1, latents, latents, 1, 1, 1);
            convolution("decoder.conv_in", 1, width, latents, 3, 3, 3);
            middle("decoder.mid_block", width);
            for (int stage = last; stage >= 0; stage--) {
                String name = "decoder.up_blocks." + (last - stage);
                int out = sizes.decoderWidth() * sizes.multipliers().get(stage);
                for (int k = 0; k <= sizes.residualBlocks(); k++) {
                    residual(name + ".resnets." + k, width, out);
                    width = out;
                }
                if (stage > 0) {
                    if (sizes.halvesTime().get(stage - 1)) {
                        convolution(name + ".upsamplers.0.time_conv", 1, 2L * out, out, 3, 1, 1);
                    }
                    width = out / 2;
                    convolution(name + ".upsamplers.0.resample.1", 1, width, out, 3, 3);
                }
            }
            gamma("decoder.norm_out", width, 1, 1, 1);
            // Most pixels are then in [-1, 1], where results are not clamped.
            convolution("decoder.conv_out", 0.5, 3, width, 3, 3, 3);
        }

        private void middle(String name, int width) {
            residual(name + ".resnets.0", width, width);
            gamma(name + ".attentions.0.norm", width, 1, 1);
            convolution(name + ".attentions.0.to_qkv", 1, 3L * width, width, 1, 1);
            convolution(name + ".attentions.0.proj", 0.5, width, width, 1, 1);
            residual(name + ".resnets.1", width, width);
        }

        private void residual(String name, int in, int out) {
            gamma(name + ".norm1", in, 1, 1, 1);
            convolution(name + ".conv1", 1, out, in, 3, 3, 3);
            gamma(name + ".norm2", out, 1, 1, 1);
            convolution(name + ".conv2", 0.5, out, out, 3, 3, 3);
            if (in != out) {
                convolution(name + ".conv_shortcut", 1, out, in, 1, 1, 1);
            }
        }

        /** Adds a convolution whose output has a standard deviation of the gain, for inputs of unit variance. */
        private void convolution(String name, double gain, long... shape) {
            double inputs = 1;
            for (int axis = 1; axis < shape.length; axis++) {
                inputs *= shape[axis];
            }
            weights.normal(name + ".weight", 0, gain / Math.sqrt(inputs), shape);
            weights.normal(name + ".bias", 0, 0.1, shape[0]);
        }

        private void gamma(String name, long... shape) {
            weights.normal(name + ".gamma", 1, 0.2, shape);
        }
    }
}
