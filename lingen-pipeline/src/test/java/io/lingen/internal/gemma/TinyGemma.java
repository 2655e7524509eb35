package io.lingen.internal.gemma;

import io.lingen.core.HostTensor;
import io.lingen.internal.text.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.StringJoiner;

/**
 * A text encoder of random weights: three layers, two query heads per head of keys, a window of 16 tokens and a soft cap that scores reach.
 * Its tokenizer has tokens of single letters and bytes, and merges a blank with the letter a behind it.
 */
public final class TinyGemma {
    public static final int WIDTH = 24;
    static final int HEADS = 4;
    static final int KEY_HEADS = 2;
    static final int HEAD_WIDTH = 10;
    static final int FEED_FORWARD_WIDTH = 40;
    static final int LAYERS = 3;
    static final int VOCABULARY = 300;
    static final int WINDOW = 16;
    static final double SOFT_CAP = 2.5;
    static final double SCORE_DIVISOR = 19;
    static final double ROTARY_BASE = 10_000;

    private static final int FIRST_BYTE = 4;
    private static final int BLANK = FIRST_BYTE + 256;

    private final TinyCheckpoint checkpoint = new TinyCheckpoint();
    private final String prefix;

    /** Draws the weights. */
    public TinyGemma() {
        this("");
    }

    /** Draws the weights, under names with a prefix. */
    TinyGemma(String prefix) {
        this.prefix = prefix;
        add("embed_tokens.weight", 0.4, VOCABULARY, WIDTH);
        for (int l = 0; l < LAYERS; l++) {
            String layer = "layers." + l + ".";
            add(layer + "input_layernorm.weight", 0.3, WIDTH);
            add(layer + "self_attn.q_proj.weight", 0.3, HEADS * HEAD_WIDTH, WIDTH);
            add(layer + "self_attn.k_proj.weight", 0.3, KEY_HEADS * HEAD_WIDTH, WIDTH);
            add(layer + "self_attn.v_proj.weight", 0.2, KEY_HEADS * HEAD_WIDTH, WIDTH);
            add(layer + "self_attn.o_proj.weight", 0.2, WIDTH, HEADS * HEAD_WIDTH);
            add(layer + "post_attention_layernorm.weight", 0.3, WIDTH);
            add(layer + "pre_feedforward_layernorm.weight", 0.3, WIDTH);
            add(layer + "mlp.gate_proj.weight", 0.2, FEED_FORWARD_WIDTH, WIDTH);
            add(layer + "mlp.up_proj.weight", 0.2, FEED_FORWARD_WIDTH, WIDTH);
            add(layer + "mlp.down_proj.weight", 0.2, WIDTH, FEED_FORWARD_WIDTH);
            add(layer + "post_feedforward_layernorm.weight", 0.3, WIDTH);
        }
        add("norm.weight", 0.3, WIDTH);
    }

    private void add(String name, double deviation, long... shape) {
        checkpoint.add(prefix + name, 0, deviation, shape);
    }

    /** The tensors by name, to read or to change before they are written. */
    Map<String, HostTensor> tensors() {
        return checkpoint.tensors();
    }

    HostTensor tensor(String name) {
        return tensors().get(prefix + name);
    }

    static String config() {
        return "{\"architectures\": [\"Gemma2Model\"], \"model_type\": \"gemma2\", \"hidden_size\": " + WIDTH
                + ", \"num_hidden_layers\": " + LAYERS + ", \"num_attention_heads\": " + HEADS
                + ", \"num_key_value_heads\": " + KEY_HEADS + ", \"head_dim\": " + HEAD_WIDTH
                + ", \"intermediate_size\": " + FEED_FORWARD_WIDTH + ", \"vocab_size\": " + VOCABULARY
                + ", \"query_pre_attn_scalar\": 19, \"attn_logit_softcapping\": " + SOFT_CAP
                + ", \"sliding_window\": " + WINDOW + ", \"rope_theta\": 10000.0, \"rms_norm_eps\": 1e-06"
                + ", \"hidden_activation\": \"gelu_pytorch_tanh\", \"attention_bias\": false"
                + ", \"use_bidirectional_attention\": null, \"final_logit_softcapping\": 30.0}";
    }

    /** Writes encoder and tokenizer into a model folder. */
    public void write(Path model) throws IOException {
        write(model, config(), tokenizer());
    }

    void write(Path model, String config, String tokenizer) throws IOException {
        checkpoint.write(model, config, tokenizer);
    }

    /** The token of a lower-case letter. */
    static long letter(char letter) {
        return BLANK + 1 + letter - 'a';
    }

    /** The token of a blank with the letter a behind it. */
    static long blankWithA() {
        return letter('z') + 1;
    }

    static String tokenizer() {
        StringJoiner vocabulary = new StringJoiner(", ", "{", "}");
        int id = 0;
        for (String token : new String[] {"<pad>", "<eos>", "<bos>", "<unk>"}) {
            vocabulary.add("\"" + token + "\": " + id++);
        }
        for (int value = 0; value < 256; value++) {
            vocabulary.add(String.format("\"<0x%02X>\": %d", value, id++));
        }
        vocabulary.add("\"▁\": " + id++);
        for (char letter = 'a'; letter <= 'z'; letter++) {
            vocabulary.add("\"" + letter + "\": " + id++);
        }
        vocabulary.add("\"▁a\": " + id);
        return "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, \"added_tokens\": [],"
                + " \"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"▁\"},"
                + " \"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"String\": \" \"},"
                + " \"behavior\": \"MergedWithPrevious\", \"invert\": false},"
                + " \"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\":"
                + " \"<bos>\", \"type_id\": 0}}, {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}], \"pair\": [],"
                + " \"special_tokens\": {\"<bos>\": {\"id\": \"<bos>\", \"ids\": [2], \"tokens\": [\"<bos>\"]}}},"
                + " \"decoder\": null, \"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": \"<unk>\","
                + " \"fuse_unk\": true, \"byte_fallback\": true, \"ignore_merges\": false, \"vocab\": " + vocabulary
                + ", \"merges\": [[\"▁\", \"a\"]]}}";
    }
}
