package io.lingen.internal.t5;

import io.lingen.core.HostTensor;
import io.lingen.internal.text.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/** A text encoder of random weights: four layers in two shards, and a tokenizer of single letters. */
public final class TinyT5 {
    public static final int WIDTH = 24;
    static final int HEADS = 3;
    static final int HEAD_WIDTH = 16;
    static final int FEED_FORWARD_WIDTH = 40;
    static final int LAYERS = 4;
    static final int VOCABULARY = 40;
    static final int BUCKETS = 32;

    private final boolean biasPerLayer;
    private final TinyCheckpoint checkpoint = new TinyCheckpoint();

    /** Draws the weights of UMT5, or of T5 with the biases of the first layer only. */
    public TinyT5(boolean biasPerLayer) {
        this.biasPerLayer = biasPerLayer;
        add("shared.weight", 1, VOCABULARY, WIDTH);
        int inner = HEADS * HEAD_WIDTH;
        for (int l = 0; l < LAYERS; l++) {
            String layer = "encoder.block." + l + ".layer.";
            add(layer + "0.layer_norm.weight", 1, WIDTH);
            for (String projection : new String[] {"q", "k", "v"}) {
                add(layer + "0.SelfAttention." + projection + ".weight", 0.15, inner, WIDTH);
            }
            add(layer + "0.SelfAttention.o.weight", 0.2, WIDTH, inner);
            if (biasPerLayer || l == 0) {
                add(layer + "0.SelfAttention.relative_attention_bias.weight", 1.5, BUCKETS, HEADS);
            }
            add(layer + "1.layer_norm.weight", 1, WIDTH);
            add(layer + "1.DenseReluDense.wi_0.weight", 0.2, FEED_FORWARD_WIDTH, WIDTH);
            add(layer + "1.DenseReluDense.wi_1.weight", 0.2, FEED_FORWARD_WIDTH, WIDTH);
            add(layer + "1.DenseReluDense.wo.weight", 0.2, WIDTH, FEED_FORWARD_WIDTH);
        }
        add("encoder.final_layer_norm.weight", 1, WIDTH);
    }

    private void add(String name, double deviation, long... shape) {
        boolean isNorm = name.endsWith("norm.weight");
        checkpoint.add(name, isNorm ? 1 : 0, isNorm ? 0.3 : deviation, shape);
    }

    /** The tensors by name, to read or to change before they are written. */
    Map<String, HostTensor> tensors() {
        return checkpoint.tensors();
    }

    boolean hasBiasPerLayer() {
        return biasPerLayer;
    }

    String config() {
        return "{\"architectures\": [\"UMT5EncoderModel\"], \"model_type\": \"" + (biasPerLayer ? "umt5" : "t5")
                + "\", \"d_model\": " + WIDTH + ", \"d_kv\": " + HEAD_WIDTH + ", \"d_ff\": " + FEED_FORWARD_WIDTH
                + ", \"num_heads\": " + HEADS + ", \"num_layers\": " + LAYERS + ", \"vocab_size\": " + VOCABULARY
                + ", \"relative_attention_num_buckets\": " + BUCKETS + ", \"relative_attention_max_distance\": 128"
                + ", \"layer_norm_epsilon\": 1e-06, \"feed_forward_proj\": \"gated-gelu\", \"dropout_rate\": 0.1}";
    }

    /** Writes encoder and tokenizer into a model folder. */
    public void write(Path model) throws IOException {
        write(model, config(), tokenizer("</s>"));
    }

    void write(Path model, String config, String tokenizer) throws IOException {
        checkpoint.write(model, config, tokenizer);
    }

    /** A tokenizer of letters, with a token that ends every prompt; null for none. */
    static String tokenizer(@Nullable String closing) {
        StringJoiner vocabulary = new StringJoiner(", ", "[", "]");
        for (String token : new String[] {"<pad>", "</s>", "<unk>", "▁"}) {
            vocabulary.add("[\"" + token + "\", -1.0]");
        }
        for (char letter = 'a'; letter <= 'z'; letter++) {
            vocabulary.add("[\"" + letter + "\", -2.0]");
        }
        String template =
                "{\"type\": \"TemplateProcessing\", \"single\": [{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}},"
                        + " {\"SpecialToken\": {\"id\": \"</s>\", \"type_id\": 0}}], \"pair\": [], \"special_tokens\":"
                        + " {\"</s>\": {\"id\": \"</s>\", \"ids\": [1], \"tokens\": [\"</s>\"]}}}";
        return "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, \"added_tokens\": [], \"normalizer\": null,"
                + " \"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"▁\", \"prepend_scheme\": \"always\","
                + " \"split\": true}, \"post_processor\": " + (closing == null ? "null" : template)
                + ", \"decoder\": null, \"model\": {\"type\": \"Unigram\", \"unk_id\": 2, \"byte_fallback\": false,"
                + " \"vocab\": " + vocabulary + "}}";
    }
}
